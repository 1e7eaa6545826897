//! Reads which calls somebody means.

use axum::http::HeaderName;
use serde::{Deserialize, Serialize};

use super::super::filter::{Filter, HeaderIs};
use super::super::provider_kind::ProviderKind;
use crate::control::error::ControlError;
use crate::control::input;

/// A header field, and what it says.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    name: String,
    value: String,
}

impl From<HeaderIs> for Header {
    fn from(HeaderIs { name, value }: HeaderIs) -> Self {
        Self { name: name.as_str().to_owned(), value }
    }
}

/// The calls that fit everything that is said.
pub(super) fn read(
    provider: Option<&str>,
    model: Option<String>,
    path: Option<String>,
    header: Option<Header>,
    contains: Option<String>,
) -> Result<Filter, ControlError> {
    let provider = provider.map(|name| {
        let known = ProviderKind::ALL.map(ProviderKind::name);
        ProviderKind::from_name(name).ok_or_else(|| input::no_such("provider", name, &known))
    });
    let header = header.map(|Header { name, value }| match HeaderName::try_from(name.as_str()) {
        Ok(name) => Ok(HeaderIs { name, value }),
        Err(_) => Err(ControlError::bad_request(format!("{name:?} is no name of a header"))),
    });
    Ok(Filter { provider: provider.transpose()?, model, path, header: header.transpose()?, contains })
}
