//! Reads numbers and truth values as leniently as the service does: `"0.5"`, `1.0` for 1, `"yes"`.

use serde_json::{Number, Value};

/// A value that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Mismatch {
    /// The mistake's type on the wire.
    pub(super) kind: &'static str,
    /// Its message.
    pub(super) message: &'static str,
}

pub(super) const TEXT: Mismatch = Mismatch { kind: "string_type", message: "Input should be a valid string" };
const NUMBER: Mismatch = Mismatch { kind: "float_type", message: "Input should be a valid number" };
const NUMBER_TEXT: Mismatch = Mismatch {
    kind: "float_parsing",
    message: "Input should be a valid number, unable to parse string as a number",
};
const WHOLE: Mismatch = Mismatch { kind: "int_type", message: "Input should be a valid integer" };
const WHOLE_TEXT: Mismatch = Mismatch {
    kind: "int_parsing",
    message: "Input should be a valid integer, unable to parse string as an integer",
};
const FRACTION: Mismatch = Mismatch {
    kind: "int_from_float",
    message: "Input should be a valid integer, got a number with a fractional part",
};
const WHOLE_SIZE: Mismatch = Mismatch {
    kind: "int_parsing_size",
    message: "Unable to parse input string as an integer, exceeded maximum size",
};
const FLAG: Mismatch = Mismatch { kind: "bool_type", message: "Input should be a valid boolean" };
const FLAG_TEXT: Mismatch =
    Mismatch { kind: "bool_parsing", message: "Input should be a valid boolean, unable to interpret input" };

/// 2^63, from where on a number with a point or an exponent is no longer taken for a whole one.
const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;

/// Reads a number.
pub(in super::super) fn number(value: &Value) -> Result<f64, Mismatch> {
    match value {
        Value::Number(number) => Ok(float(number)),
        Value::Bool(flag) => Ok(f64::from(u8::from(*flag))),
        Value::String(text) => text.trim().parse().map_err(|_| NUMBER_TEXT),
        _ => Err(NUMBER),
    }
}

/// Reads a whole number. Digits without end count as the largest number there is.
pub(in super::super) fn whole(value: &Value) -> Result<i128, Mismatch> {
    match value {
        Value::Number(number) => whole_number(number),
        Value::Bool(flag) => Ok(i128::from(*flag)),
        Value::String(text) => whole_text(text.trim()),
        _ => Err(WHOLE),
    }
}

/// Reads a truth value.
pub(in super::super) fn flag(value: &Value) -> Result<bool, Mismatch> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::Number(number) => match whole_number(number) {
            Ok(0) => Ok(false),
            Ok(1) => Ok(true),
            Ok(_) => Err(FLAG_TEXT),
            Err(_) => Err(FLAG),
        },
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
            "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
            _ => Err(FLAG_TEXT),
        },
        _ => Err(FLAG),
    }
}

/// A number of JSON; one beyond the range of floats is infinite.
fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(if number.as_str().starts_with('-') {
        f64::NEG_INFINITY
    } else {
        f64::INFINITY
    })
}

fn whole_number(number: &Number) -> Result<i128, Mismatch> {
    if let Some(small) = number.as_i64() {
        return Ok(i128::from(small));
    }
    let text = number.as_str();
    if !text.contains(['.', 'e', 'E']) {
        return whole_text(text);
    }
    let float = float(number);
    if float.abs() >= TOO_LARGE {
        Err(WHOLE_SIZE)
    } else if float.fract() == 0.0 {
        whole_text(&format!("{float:.0}"))
    } else {
        Err(FRACTION)
    }
}

fn whole_text(text: &str) -> Result<i128, Mismatch> {
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => digits,
        _ => text,
    };
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(WHOLE_TEXT);
    }
    Ok(digits.parse().unwrap_or(if digits.starts_with('-') { i128::MIN } else { i128::MAX }))
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, json};

    use super::*;

    fn parsed(text: &str) -> Value {
        from_str(text).unwrap()
    }

    #[test]
    fn whole_numbers_are_read_as_the_service_reads_them() {
        for (text, wanted) in [
            ("1", Ok(1)),
            ("1.0", Ok(1)),
            ("true", Ok(1)),
            ("\" 2 \"", Ok(2)),
            ("\"1.0\"", Ok(1)),
            ("\"+2\"", Ok(2)),
            ("-0.0", Ok(0)),
            ("1.5", Err(FRACTION)),
            ("1e300", Err(WHOLE_SIZE)),
            ("\"1.5\"", Err(WHOLE_TEXT)),
            ("\"1e3\"", Err(WHOLE_TEXT)),
            ("\"\"", Err(WHOLE_TEXT)),
            ("[]", Err(WHOLE)),
            ("null", Err(WHOLE)),
        ] {
            assert_eq!(whole(&parsed(text)), wanted, "{text}");
        }
        let endless = "9".repeat(60);
        assert_eq!(whole(&parsed(&endless)), Ok(i128::MAX));
        assert_eq!(whole(&parsed(&format!("-{endless}"))), Ok(i128::MIN));
    }

    #[test]
    fn numbers_and_flags_are_read_from_what_is_written_for_them() {
        assert_eq!(number(&json!("0.5")), Ok(0.5));
        assert_eq!(number(&json!(true)), Ok(1.0));
        assert_eq!(number(&json!("hot")), Err(NUMBER_TEXT));
        assert_eq!(number(&json!([1])), Err(NUMBER));
        assert_eq!(number(&parsed("1e400")), Ok(f64::INFINITY));
        assert_eq!(number(&parsed("-1e400")), Ok(f64::NEG_INFINITY));
        assert_eq!(flag(&json!("ON")), Ok(true));
        assert_eq!(flag(&parsed("0.0")), Ok(false));
        assert_eq!(flag(&json!(2)), Err(FLAG_TEXT));
        assert_eq!(flag(&json!("x")), Err(FLAG_TEXT));
        assert_eq!(flag(&parsed("0.5")), Err(FLAG));
        assert_eq!(flag(&json!([])), Err(FLAG));
    }
}
