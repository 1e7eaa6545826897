//! Ids of rows, and the values of virtual keys.

use uuid::Uuid;

use crate::provider::http::Secret;

/// What every value begins with that is made here.
pub(crate) const PREFIX: &str = "sk-bf-";

/// The id that a text is, written as ids are told.
pub(super) fn parse(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.hyphenated().to_string() == text).then_some(id)
}

/// A value that no virtual key has: 122 random bits behind the prefix.
pub(super) fn fresh_value() -> Secret {
    Secret::new(&format!("{PREFIX}{}", Uuid::new_v4()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_in_one_form_only() {
        let id = Uuid::new_v4();
        assert_eq!(parse(&id.to_string()), Some(id));
        for other in [id.simple().to_string(), id.urn().to_string(), format!(" {id}"), String::new()] {
            assert_eq!(parse(&other), None, "{other}");
        }
    }

    #[test]
    fn values_differ_and_say_what_they_are() {
        let (one, two) = (fresh_value(), fresh_value());
        assert_ne!(one, two);
        assert!(one.reveal().starts_with(PREFIX) && one.reveal().len() > PREFIX.len() + 30);
    }
}
