use plumbline_record::Difference;

/// Characters shown before the first difference.
const BEFORE: usize = 24;
/// Characters shown from the first difference on.
const AFTER: usize = 40;

/// Where two texts part.
pub fn difference(expected: &str, actual: &str) -> Option<Difference> {
    if expected == actual {
        return None;
    }
    let at = expected.chars().zip(actual.chars()).take_while(|(a, b)| a == b).count();
    let excerpt =
        |text: &str| text.chars().skip(at.saturating_sub(BEFORE)).take(at.min(BEFORE) + AFTER).collect();
    Some(Difference { at, expected: excerpt(expected), actual: excerpt(actual) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_and_begins_both_excerpts_at_one_place() {
        let found = difference("größer als je zuvor", "größer wie je zuvor").unwrap();
        assert_eq!(found.at, 7);
        assert!(found.expected.starts_with("größer als") && found.actual.starts_with("größer wie"));
        assert_eq!(difference("ab", "abc").unwrap().at, 2);
        assert_eq!(difference("same", "same"), None);
    }
}
