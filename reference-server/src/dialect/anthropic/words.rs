//! What is wrong with a request, in the service's words.

use crate::dialect::common::read::{Mistake, Problem, excerpt};

/// No more is told than so many bytes: a name in a place can be as long as a body.
const MOST: usize = 1_000;

/// The place and the words of a mistake.
pub(in crate::dialect) fn told(mistake: &Mistake) -> String {
    let words = match &mistake.problem {
        Problem::Missing => "Field required".to_owned(),
        Problem::Unknown => "Extra inputs are not permitted".to_owned(),
        Problem::Kind { expected, .. } => format!("Input should be {}", valid(expected)),
        Problem::Below { least, .. } => format!("Input should be greater than or equal to {least}"),
        Problem::Above { most, .. } => format!("Input should be less than or equal to {most}"),
        Problem::NotOneOf { allowed, .. } => format!("Input should be {}", quoted(allowed, " or ")),
        Problem::Shorter { least, .. } => {
            format!("String should have at least {least} character{}", plural(*least))
        }
        Problem::Longer { most, .. } => {
            format!("String should have at most {most} character{}", plural(*most))
        }
        Problem::Other(words) => words.clone(),
    };
    let place = mistake.dotted();
    let mut told = if place.is_empty() { words } else { format!("{place}: {words}") };
    told.truncate(told.floor_char_boundary(MOST));
    told
}

/// That a block, a source and the like is of a type that is not expected there.
pub(super) fn unexpected_tag(found: &str, expected: &[&str]) -> Mistake {
    Mistake::other(format!(
        "Input tag '{}' found using 'type' does not match any of the expected tags: {}",
        excerpt(found),
        quoted(expected, ", "),
    ))
}

/// That a list has more elements than are taken.
pub(super) fn too_many(most: usize, found: usize) -> Mistake {
    Mistake::other(format!("List should have at most {most} items after validation, not {found}"))
}

fn valid(kind: &str) -> &str {
    match kind {
        "a string" => "a valid string",
        "a boolean" => "a valid boolean",
        "an integer" => "a valid integer",
        "a number" => "a valid number",
        "an array" => "a valid list",
        "an object" => "a valid dictionary",
        kind => kind,
    }
}

/// The names in quotation marks; before the last one stands something else than a comma.
fn quoted(names: &[&str], before_the_last: &str) -> String {
    let mut text = String::new();
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            text.push_str(if index + 1 == names.len() { before_the_last } else { ", " });
        }
        text.push('\'');
        text.push_str(name);
        text.push('\'');
    }
    text
}

const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialect::common::read::{Members, any, boolean, integer, list, number, one_of, string_of};

    fn words<T>(read: Result<T, Mistake>) -> String {
        told(&read.err().unwrap())
    }

    #[test]
    fn each_kind_of_mistake_has_the_words_of_the_service() {
        let body = json!({ "text": "", "list": [1, "a"], "number": 1.5, "choice": "c", "flag": "yes" });
        let members = Members::of(&body).unwrap();
        assert_eq!(words(members.required("model", any)), "model: Field required");
        assert_eq!(words(members.only(&["list"])), "text: Extra inputs are not permitted");
        assert_eq!(
            words(members.required("text", string_of(1..=3))),
            "text: String should have at least 1 character"
        );
        assert_eq!(
            words(members.required("list", list(integer(0..=1)))),
            "list.1: Input should be a valid integer"
        );
        assert_eq!(
            words(members.required("number", number(0.0..=1.0))),
            "number: Input should be less than or equal to 1"
        );
        assert_eq!(
            words(members.required("number", number(2.0..=3.0))),
            "number: Input should be greater than or equal to 2"
        );
        assert_eq!(
            words(members.required("choice", one_of(&["a", "b", "d"]))),
            "choice: Input should be 'a', 'b' or 'd'"
        );
        assert_eq!(words(members.required("flag", boolean)), "flag: Input should be a valid boolean");
        assert_eq!(words(Members::of(&json!([]))), "Input should be a valid dictionary");
        assert_eq!(
            told(&unexpected_tag("x", &["a", "b"])),
            "Input tag 'x' found using 'type' does not match any of the expected tags: 'a', 'b'"
        );
    }

    #[test]
    fn a_long_name_is_cut() {
        let body = json!({ "ä".repeat(10_000): 1 });
        let told = words(Members::of(&body).unwrap().only(&[]));
        assert!(told.len() <= MOST && told.starts_with('ä'));
    }
}
