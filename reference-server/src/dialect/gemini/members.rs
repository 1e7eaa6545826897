//! The members of a message, whose names may be written in camel case or with underscores.

use serde_json::Value;

use crate::dialect::common::read::{self, Mistake, Problem, Read};

/// The members of an object.
#[derive(Clone, Copy, Debug)]
pub(in crate::dialect) struct Members<'v> {
    members: read::Members<'v>,
    /// Whether any name has an underscore in it.
    underscored: bool,
}

impl<'v> Members<'v> {
    /// The members of a value that must be an object, of which there may be none but these.
    pub(in crate::dialect) fn of(value: &'v Value, known: &[&str]) -> Read<Self> {
        let members = read::Members::of(value)?;
        let mut underscored = false;
        for name in members.names() {
            let is_known = known.contains(&name) || {
                underscored = underscored || name.contains('_');
                name.contains('_') && known.iter().any(|known| with_underscores(known) == name)
            };
            if !is_known {
                return Err(Mistake::new(Problem::Unknown).in_member(name));
            }
        }
        Ok(Self { members, underscored })
    }

    /// The member of this name, if it is there and not null.
    pub(in crate::dialect) fn get(&self, name: &str) -> Option<&'v Value> {
        let other = || self.underscored.then(|| self.members.get(&with_underscores(name))).flatten();
        self.members.get(name).or_else(other)
    }

    /// A member that must be there.
    pub(in crate::dialect) fn required<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'v Value) -> Read<T>,
    ) -> Read<T> {
        let value = self.get(name).ok_or(Mistake::new(Problem::Missing));
        value.and_then(read).map_err(|mistake| mistake.in_member(name))
    }

    /// A member that may be left out, or null.
    pub(in crate::dialect) fn optional<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'v Value) -> Read<T>,
    ) -> Read<Option<T>> {
        self.get(name).map(read).transpose().map_err(|mistake| mistake.in_member(name))
    }
}

fn with_underscores(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn either_spelling_of_a_name_is_known_and_no_other_name() {
        let known = ["maxOutputTokens", "seed"];
        for body in [json!({ "maxOutputTokens": 5, "seed": 1 }), json!({ "max_output_tokens": 5 })] {
            let members = Members::of(&body, &known).unwrap();
            assert_eq!(members.required("maxOutputTokens", read::integer(1..=10)), Ok(5));
        }
        let mistake = Members::of(&json!({ "max_tokens": 5 }), &known).unwrap_err();
        assert_eq!((mistake.bracketed().as_str(), mistake.problem), ("max_tokens", Problem::Unknown));
    }
}
