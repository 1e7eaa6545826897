//! How often something is chosen beside others.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::money;

/// What is chosen by weight counts in millionths.
pub(crate) const WHOLE: u32 = 1_000_000;
/// The largest weight.
const MOST: u32 = 1_000;

/// A weight, told as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Number", into = "Number")]
pub(crate) struct Weight {
    written: Number,
    millionths: u32,
}

impl Weight {
    /// The weight that a number is: from 0 to 1000, to six digits.
    pub(crate) fn read(number: &Number) -> Option<Self> {
        let amount = money::read(number)?;
        if amount < Decimal::ZERO || amount > Decimal::from(MOST) {
            return None;
        }
        let millionths = (amount * Decimal::from(WHOLE)).round().to_u32()?;
        Some(Self { written: number.clone(), millionths })
    }

    /// The weight of what is as likely as anything else.
    pub(crate) fn one() -> Self {
        Self::of(1)
    }

    /// A whole weight.
    pub(crate) fn of(weight: u32) -> Self {
        Self { written: Number::from(weight), millionths: weight.saturating_mul(WHOLE) }
    }

    /// As it was written, to be told.
    pub(crate) fn written(&self) -> &Number {
        &self.written
    }

    /// How much it counts.
    pub(crate) fn millionths(&self) -> u32 {
        self.millionths
    }
}

impl TryFrom<Number> for Weight {
    type Error = &'static str;

    fn try_from(number: Number) -> Result<Self, Self::Error> {
        Self::read(&number).ok_or("a weight from 0 to 1000 is expected")
    }
}

impl From<Weight> for Number {
    fn from(weight: Weight) -> Self {
        weight.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Weight> {
        Weight::read(&text.parse().unwrap())
    }

    #[test]
    fn a_weight_is_told_as_it_was_written_and_counts_in_millionths() {
        for (written, millionths) in [("1.0", WHOLE), ("0.7", 700_000), ("0", 0), ("1000", 1_000_000_000)] {
            let weight = read(written).unwrap();
            assert_eq!((weight.written().to_string().as_str(), weight.millionths()), (written, millionths));
        }
    }

    #[test]
    fn what_is_negative_or_too_large_is_none() {
        assert!(read("-0.1").is_none() && read("1000.1").is_none());
    }

    #[test]
    fn it_survives_being_stored() {
        let weight = read("0.30").unwrap();
        let stored = serde_json::to_string(&weight).unwrap();
        assert_eq!(stored, "0.30");
        assert_eq!(serde_json::from_str::<Weight>(&stored).unwrap(), weight);
    }
}
