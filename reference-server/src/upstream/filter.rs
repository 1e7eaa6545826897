//! Which calls a fault or a gate is for.

use axum::http::HeaderName;

use super::asked::Asked;
use super::provider_kind::ProviderKind;

/// Calls that fit everything that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) provider: Option<ProviderKind>,
    /// The model, by the name that the caller uses.
    pub(super) model: Option<String>,
    /// A text in the path below the provider's prefix.
    pub(super) path: Option<String>,
    pub(super) header: Option<HeaderIs>,
    /// A text in path, query, headers or body.
    pub(super) contains: Option<String>,
}

/// A header field, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeaderIs {
    pub(super) name: HeaderName,
    pub(super) value: String,
}

impl Filter {
    /// Whether a call is one of them.
    pub(super) fn fits(&self, asked: &Asked) -> bool {
        self.provider.is_none_or(|provider| provider == asked.provider)
            && self.model.as_ref().is_none_or(|model| asked.model.as_ref() == Some(model))
            && self.path.as_ref().is_none_or(|text| asked.path.contains(text))
            && self.header.as_ref().is_none_or(|header| header.stands_in(asked))
            && self.contains.as_ref().is_none_or(|text| asked.contains(text))
    }
}

impl HeaderIs {
    fn stands_in(&self, asked: &Asked) -> bool {
        asked.headers.get_all(&self.name).iter().any(|value| value.as_bytes() == self.value.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::asked::testing::asked;
    use super::*;

    #[test]
    fn a_call_has_to_fit_everything_that_is_said() {
        let asked = asked(ProviderKind::Openai, "/v1/chat/completions", r#"{"model":"m","user":"nonce"}"#);
        let header = |name, value: &str| {
            Some(HeaderIs { name: HeaderName::from_static(name), value: value.to_owned() })
        };
        let all = Filter {
            provider: Some(ProviderKind::Openai),
            model: Some("m".to_owned()),
            path: Some("chat".to_owned()),
            header: header("x-said", "yes"),
            contains: Some("nonce".to_owned()),
        };
        assert!(Filter::default().fits(&asked) && all.fits(&asked));
        for other in [
            Filter { provider: Some(ProviderKind::Gemini), ..all.clone() },
            Filter { model: Some("n".to_owned()), ..all.clone() },
            Filter { path: Some("embed".to_owned()), ..all.clone() },
            Filter { header: header("x-said", "no"), ..all.clone() },
            Filter { header: header("x-unsaid", "yes"), ..all.clone() },
            Filter { contains: Some("sense".to_owned()), ..all.clone() },
        ] {
            assert!(!other.fits(&asked), "{other:?}");
        }
    }
}
