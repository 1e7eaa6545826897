//! A value that knows where it stands.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

use super::mistake::Place;

/// A value and where it stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Placed<T>(Spanned<T>);

impl<T> Placed<T> {
    /// Where it stands.
    pub(super) fn place(&self) -> Place {
        place_of(self.0.referenced)
    }
}

impl<T> Deref for Placed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: JsonSchema> JsonSchema for Placed<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A place as the reader of YAML tells it.
pub(super) fn place_of(location: Location) -> Place {
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let bytes = |number: Option<u64>| number.and_then(|number| usize::try_from(number).ok());
    let span = location.span();
    Place {
        line: narrow(location.line()),
        column: narrow(location.column()),
        start: bytes(span.byte_offset()),
        length: bytes(span.byte_len()).unwrap_or(0),
    }
}
