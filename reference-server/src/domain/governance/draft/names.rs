//! Names, texts and lists that a write says. All of them are bounded, for a name stands again in every line of the log
//! of calls that it is about.

use super::Invalid;

/// How many characters a name may have.
const LONGEST_NAME: usize = 255;
/// How many characters a description may have.
const LONGEST_TEXT: usize = 4_096;
/// How many entries a list may have.
const MOST_ENTRIES: usize = 1_000;

/// A name that a row must have.
pub(super) fn named(what: &'static str, name: Option<String>) -> Result<String, Invalid> {
    let name = name.filter(|name| !name.trim().is_empty()).ok_or(Invalid::NameRequired(what))?;
    within(LONGEST_NAME, name, || format!("{what} name"))
}

/// An id or a name that stands for something else.
pub(super) fn called(what: &'static str, name: String) -> Result<String, Invalid> {
    within(LONGEST_NAME, name, || what.to_owned())
}

/// What is said in many words.
pub(super) fn described(text: String) -> Result<String, Invalid> {
    within(LONGEST_TEXT, text, || "description".to_owned())
}

/// A list of names.
pub(super) fn names<T: From<String>>(what: &'static str, names: Vec<String>) -> Result<Vec<T>, Invalid> {
    let name = |name| within(LONGEST_NAME, name, || format!("one of the {what}")).map(T::from);
    entries(what, names)?.into_iter().map(name).collect()
}

/// A list that is not too long.
pub(super) fn entries<T>(what: &'static str, entries: Vec<T>) -> Result<Vec<T>, Invalid> {
    if entries.len() <= MOST_ENTRIES { Ok(entries) } else { Err(Invalid::TooMany(what)) }
}

fn within(most: usize, text: String, what: impl Fn() -> String) -> Result<String, Invalid> {
    match text.chars().nth(most) {
        Some(_) => Err(Invalid::TooLong { what: what(), most }),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_so_many_characters_and_no_more() {
        let long = "ä".repeat(LONGEST_NAME);
        let longer = format!("{long}a");
        assert_eq!(named("Team", Some(long.clone())), Ok(long.clone()));
        let told = |refused: Invalid| (refused.status(), refused.to_string());
        let refused = named("Team", Some(longer.clone())).unwrap_err();
        assert_eq!(told(refused), (400, "Team name is longer than 255 characters".to_owned()));
        assert_eq!(names::<String>("models", vec![long.clone()]), Ok(vec![long]));
        let refused = names::<String>("models", vec!["m".to_owned(), longer]).unwrap_err();
        assert_eq!(told(refused), (400, "one of the models is longer than 255 characters".to_owned()));
        let refused = described("d".repeat(LONGEST_TEXT + 1)).unwrap_err();
        assert_eq!(refused.to_string(), "description is longer than 4096 characters");
    }
}
