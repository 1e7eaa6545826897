//! The forms in which vectors are told.

use serde::Serialize;

/// A form of a vector's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The numbers themselves.
    Float,
    /// Whole numbers from -127 to 127.
    Int8,
    /// Whole numbers from 1 to 255.
    Uint8,
    /// The signs of eight numbers in each, from -128 to 127.
    Binary,
    /// The signs of eight numbers in each, from 0 to 255.
    Ubinary,
    /// The sign of one number in each: 0 or 1.
    Signs,
}

/// The numbers of a vector.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Numbers<'v> {
    Float(&'v [f32]),
    Whole(Vec<i16>),
}

impl Form {
    /// A unit vector in this form.
    pub(super) fn of(self, vector: &[f32]) -> Numbers<'_> {
        let packed = |offset: i16| {
            let octet = |signs: &[f32]| {
                let bits =
                    signs.iter().enumerate().map(|(place, number)| i16::from(*number > 0.0) << (7 - place));
                bits.sum::<i16>() - offset
            };
            Numbers::Whole(vector.chunks(8).map(octet).collect())
        };
        match self {
            Self::Float => Numbers::Float(vector),
            Self::Int8 => Numbers::Whole(vector.iter().copied().map(rounded).collect()),
            Self::Uint8 => Numbers::Whole(vector.iter().map(|number| rounded(*number) + 128).collect()),
            Self::Binary => packed(128),
            Self::Ubinary => packed(0),
            Self::Signs => Numbers::Whole(vector.iter().map(|number| i16::from(*number > 0.0)).collect()),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "no number of a unit vector is larger than 1")]
fn rounded(number: f32) -> i16 {
    (number.clamp(-1.0, 1.0) * 127.0).round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_has_six_forms() {
        let vector = [1.0, -1.0, 0.5, 0.0, -0.25, 0.0, 0.0, 0.1, 0.2];
        let whole = |form: Form| match form.of(&vector) {
            Numbers::Whole(numbers) => numbers,
            Numbers::Float(numbers) => panic!("{numbers:?}"),
        };
        assert_eq!(Form::Float.of(&vector), Numbers::Float(&vector));
        assert_eq!(whole(Form::Int8), [127, -127, 64, 0, -32, 0, 0, 13, 25]);
        assert_eq!(whole(Form::Uint8), [255, 1, 192, 128, 96, 128, 128, 141, 153]);
        assert_eq!(whole(Form::Ubinary), [0b1010_0001, 0b1000_0000]);
        assert_eq!(whole(Form::Binary), [0b1010_0001 - 128, 0]);
        assert_eq!(whole(Form::Signs), [1, 0, 1, 0, 0, 0, 0, 1, 1]);
    }
}
