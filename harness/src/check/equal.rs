use serde_json::Value;

use super::Decimal;

/// Whether two JSON values are the same: numbers by value, objects whatever the order of their members.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a.as_str() == b.as_str() || Decimal::new(a) == Decimal::new(b)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| equal(value, other)))
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value_at_any_depth() {
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert!(equal(&parse(r#"{"a":[1.0,{"b":2}],"c":null}"#), &parse(r#"{"c":null,"a":[1,{"b":2e0}]}"#)));
        assert!(!equal(&parse(r#"{"a":1}"#), &parse(r#"{"a":1,"b":1}"#)));
        assert!(!equal(&parse("1"), &parse("\"1\"")));
        assert!(!equal(&parse("0.30000000000000004"), &parse("0.3")));
    }
}
