//! Ids as this wire writes them.

use std::fmt;

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// A prefix that says what it is the id of, and 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id {
    prefix: &'static str,
    id: Uuid,
}

impl Id {
    /// A new message's.
    pub(super) fn message() -> Self {
        Self { prefix: "msg_", id: Uuid::new_v4() }
    }

    /// The request's that the log knows by this id.
    pub(super) const fn request(id: Uuid) -> Self {
        Self { prefix: "req_", id }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.prefix, self.id.simple())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_it_is_of() {
        assert_eq!(Id::request(Uuid::from_u128(7)).to_string(), "req_00000000000000000000000000000007");
        let (one, two) = (Id::message(), Id::message());
        assert_ne!(one, two);
        assert_eq!(serde_json::to_string(&one).unwrap(), format!("\"{one}\""));
    }
}
