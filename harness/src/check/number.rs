use std::cmp::Ordering;

use serde_json::Number;

/// A JSON number in one spelling, so that it can be compared without passing through a float.
///
/// `digits` has no zero at either end; the value is `0.digits × 10^magnitude`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    magnitude: i64,
}

impl Decimal {
    /// The number with all its digits.
    pub fn new(number: &Number) -> Self {
        let text = number.as_str();
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        // An exponent beyond an i64 is beyond every bound that a scenario can state.
        let beyond = if exponent.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 };
        let exponent = exponent.trim_start_matches('+').parse::<i64>().unwrap_or(beyond);
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = all.iter().take_while(|digit| **digit == b'0').count();
        let trailing = all.iter().rev().take_while(|digit| **digit == b'0').count();
        let digits =
            all.get(leading..all.len().saturating_sub(trailing).max(leading)).unwrap_or_default().to_vec();
        if digits.is_empty() {
            return Self { negative: false, digits, magnitude: 0 };
        }
        let shift =
            i64::try_from(whole.len()).unwrap_or(i64::MAX) - i64::try_from(leading).unwrap_or(i64::MAX);
        Self { negative, digits, magnitude: exponent.saturating_add(shift) }
    }

    /// Whether there is no fraction.
    pub fn is_whole(&self) -> bool {
        i64::try_from(self.digits.len()).is_ok_and(|length| length <= self.magnitude)
            || self.digits.is_empty()
    }

    fn compare_magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                self.magnitude.cmp(&other.magnitude).then_with(|| self.digits.cmp(&other.digits))
            }
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_magnitude(other),
            (true, true) => other.compare_magnitude(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::new(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn value_counts_and_not_spelling() {
        for (a, b) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("0.10", "1E-1"),
            ("-0", "0"),
            ("0.0", "0e9"),
            ("12.50", "1250e-2"),
        ] {
            assert_eq!(decimal(a), decimal(b), "{a} {b}");
        }
        assert_ne!(decimal("0.1"), decimal("0.10000000000000000001"));
        assert_ne!(decimal("9007199254740993"), decimal("9007199254740992"));
        assert!(decimal("2e400") > decimal("1e400"));
        assert!(decimal("-1e99999999999999999999") < decimal("-5"));
    }

    #[test]
    fn whole_numbers_are_told_apart() {
        for (text, whole) in [
            ("1", true),
            ("1.0", true),
            ("1e3", true),
            ("1.5", false),
            ("15e-1", false),
            ("0", true),
            ("10e-1", true),
        ] {
            assert_eq!(decimal(text).is_whole(), whole, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_are_ordered_as_integers(a: i64, b: i64) {
            prop_assert_eq!(decimal(&a.to_string()).cmp(&decimal(&b.to_string())), a.cmp(&b));
        }

        #[test]
        fn floats_are_ordered_as_floats(a in -1e12..1e12f64, b in -1e12..1e12f64) {
            let (a_text, b_text) = (format!("{a:?}"), format!("{b:?}"));
            prop_assert_eq!(Some(decimal(&a_text).cmp(&decimal(&b_text))), a.partial_cmp(&b));
        }
    }
}
