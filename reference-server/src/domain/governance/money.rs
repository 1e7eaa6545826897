//! Dollars between JSON numbers and decimals, without a binary fraction on the way.

use rust_decimal::Decimal;
use serde_json::Number;

/// The amount that a number is, to its last digit; nothing where it has more digits than are kept.
pub(crate) fn read(number: &Number) -> Option<Decimal> {
    let text = number.to_string();
    Decimal::from_str_exact(&text).or_else(|_| Decimal::from_scientific(&text)).ok()
}

/// The number that an amount is.
pub(crate) fn number(amount: Decimal) -> Number {
    // A decimal is always written as a JSON number.
    amount.normalize().to_string().parse().unwrap_or_else(|_| Number::from(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_the_same_after_it_was_told() {
        for (written, told) in [
            ("0.1", "0.1"),
            ("10", "10"),
            ("0.000001", "0.000001"),
            ("1e-6", "0.000001"),
            ("2.50", "2.5"),
            ("0.0", "0"),
            ("-3", "-3"),
            ("1000", "1000"),
        ] {
            let amount = read(&written.parse().unwrap()).unwrap();
            assert_eq!(number(amount).to_string(), told, "{written}");
        }
    }

    #[test]
    fn what_is_too_large_is_no_amount() {
        assert_eq!(read(&"1e40".parse().unwrap()), None);
    }
}
