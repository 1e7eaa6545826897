use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

/// Patterns by name, for `(?&name)` in other patterns.
pub(super) type Fragments = BTreeMap<String, String>;

/// Compiles a pattern of the data: case is ignored, fragments are put in.
///
/// # Errors
///
/// Says what is wrong with the pattern.
pub(super) fn compile(text: &str, fragments: &Fragments) -> Result<Regex, String> {
    let expanded = expand(text, fragments)?;
    RegexBuilder::new(&expanded).case_insensitive(true).build().map_err(|error| error.to_string())
}

fn expand(text: &str, fragments: &Fragments) -> Result<String, String> {
    let mut expanded = text.to_owned();
    // A fragment may hold fragments; one that holds itself runs out of rounds.
    for _ in 0..8 {
        let Some((before, from)) = expanded.split_once("(?&") else { return Ok(expanded) };
        let mut next = before.to_owned();
        let mut rest = from;
        loop {
            let (name, after) = rest.split_once(')').ok_or("`(?&` is not closed")?;
            let fragment = fragments.get(name).ok_or_else(|| format!("there is no fragment `{name}`"))?;
            next.push_str("(?:");
            next.push_str(fragment);
            next.push(')');
            let Some((between, from)) = after.split_once("(?&") else {
                next.push_str(after);
                break;
            };
            next.push_str(between);
            rest = from;
        }
        expanded = next;
    }
    Err("its fragments hold each other".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragments() -> Fragments {
        Fragments::from([
            ("fruit".to_owned(), "apple|pear".to_owned()),
            ("two".to_owned(), "(?&fruit) and (?&fruit)".to_owned()),
            ("endless".to_owned(), "(?&endless)".to_owned()),
        ])
    }

    #[test]
    fn fragments_are_put_in_as_groups_and_case_is_ignored() {
        let pattern = compile("^a (?&fruit)$|^(?&two)!$", &fragments()).unwrap();
        assert!(pattern.is_match("A Pear"));
        assert!(pattern.is_match("apple and pear!"));
        assert!(!pattern.is_match("pear"));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(compile("(?&nut)", &fragments()).unwrap_err().contains("`nut`"));
        assert!(compile("(?&fruit", &fragments()).unwrap_err().contains("not closed"));
        assert!(compile("(?&endless)", &fragments()).unwrap_err().contains("each other"));
        assert!(compile("(", &fragments()).is_err());
    }
}
