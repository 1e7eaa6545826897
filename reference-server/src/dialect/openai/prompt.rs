//! Texts that may be given as tokens.

use serde_json::Value;

use crate::brain::tokens;
use crate::dialect::common::read::{Mistake, Problem, Read, integer, kind, list, list_of, string};

/// One text or several, each as it is or in tokens.
pub(super) fn texts(value: &Value, most: usize) -> Read<Vec<String>> {
    match value {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(elements) => match elements.first() {
            None => Err(Mistake::new(Problem::Shorter { least: 1, found: 0 })),
            Some(Value::Number(_)) => Ok(vec![text_of(value)?]),
            Some(Value::Array(_)) => list_of(1..=most, text_of)(value),
            Some(_) => list_of(1..=most, |text| string(text).map(str::to_owned))(value),
        },
        _ => Err(kind("one of a string, array of strings, array of integers, or array of arrays", value)),
    }
}

/// The text of tokens.
fn text_of(value: &Value) -> Read<String> {
    let token = integer(0..=i64::from(tokens::LAST));
    let read = list(|value| token(value).map(|token| u32::try_from(token).unwrap_or_default()))(value)?;
    if read.is_empty() {
        return Err(Mistake::new(Problem::Shorter { least: 1, found: 0 }));
    }
    Ok(tokens::text_of(&read))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_given_in_four_forms() {
        for form in
            [json!("hello world"), json!(["hello world"]), json!([15_339, 1_917]), json!([[15_339, 1_917]])]
        {
            assert_eq!(texts(&form, 9), Ok(vec!["hello world".to_owned()]), "{form}");
        }
        assert_eq!(texts(&json!(["a", "b"]), 2).unwrap().len(), 2);
    }

    #[test]
    fn what_is_neither_text_nor_token_is_a_mistake_at_its_place() {
        for (wrong, place) in [
            (json!(5), ""),
            (json!([]), ""),
            (json!([[]]), "[0]"),
            (json!([1, "a"]), "[1]"),
            (json!([-1]), "[0]"),
            (json!([1, 100_256]), "[1]"),
            (json!([[1], [1.5]]), "[1][0]"),
            (json!(["a", 5]), "[1]"),
            (json!(["a", "b", "c"]), ""),
        ] {
            assert_eq!(texts(&wrong, 2).unwrap_err().bracketed(), place, "{wrong}");
        }
    }
}
