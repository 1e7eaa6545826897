use serde_json::{Value, json};

use super::credentials::Credentials;
use super::provider_kind::ProviderKind;

/// How to get at one provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// Which provider.
    pub provider: ProviderKind,
    /// What stands before its paths.
    pub base_url: String,
    /// What it takes as proof of who calls, by name. A service account is an object, the rest is text.
    pub credentials: Vec<(&'static str, Value)>,
}

/// How to get at every provider of the simulator, or of a world of it, that is reached under this address.
pub fn access(base: &str) -> Vec<Access> {
    // What is wrong with the credentials is told when the simulator starts.
    Credentials::embedded().map(|credentials| of(credentials, base)).unwrap_or_default()
}

/// The same as JSON, an object for each provider.
pub(super) fn document(base: &str) -> Value {
    let members = access(base).into_iter().map(|access| {
        let credentials = access.credentials.into_iter().map(|(name, value)| (name.to_owned(), value));
        let base_url = ("base_url".to_owned(), Value::String(access.base_url));
        let member = [base_url].into_iter().chain(credentials).collect();
        (access.provider.name().to_owned(), Value::Object(member))
    });
    Value::Object(members.collect())
}

fn of(credentials: &Credentials, base: &str) -> Vec<Access> {
    let Credentials { openai, anthropic, gemini, bedrock, vertex } = credentials;
    let of_provider = |provider: ProviderKind| match provider {
        ProviderKind::Openai => vec![("key", json!(openai.key))],
        ProviderKind::Anthropic => vec![("key", json!(anthropic.key))],
        ProviderKind::Gemini => vec![("key", json!(gemini.key))],
        ProviderKind::Bedrock => vec![
            ("region", json!(bedrock.region)),
            ("access_key_id", json!(bedrock.access_key_id)),
            ("secret_access_key", json!(bedrock.secret_access_key)),
            ("key", json!(bedrock.key)),
        ],
        ProviderKind::Vertex => vec![
            ("project", json!(vertex.project)),
            ("location", json!(vertex.location)),
            (
                "service_account",
                json!({
                    "type": "service_account",
                    "project_id": vertex.project,
                    "private_key_id": vertex.private_key_id,
                    "private_key": vertex.private_key,
                    "client_email": vertex.client_email,
                    "client_id": vertex.client_id,
                    "token_uri": format!("{base}/google/token"),
                    "universe_domain": "googleapis.com",
                }),
            ),
        ],
    };
    let access = |provider| Access {
        provider,
        base_url: format!("{base}/{provider}"),
        credentials: of_provider(provider),
    };
    ProviderKind::ALL.map(access).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_is_found_under_its_name_with_what_it_asks_for() {
        let document = document("http://127.0.0.1:9090/~w/x");
        assert_eq!(document["openai"]["base_url"], "http://127.0.0.1:9090/~w/x/openai");
        assert_eq!(document["openai"]["key"], "sk-upstream-openai");
        assert_eq!(document["bedrock"]["access_key_id"], "AKIAPLUMBLINEUPSTREAM");
        let account = &document["vertex"]["service_account"];
        assert_eq!(account["token_uri"], "http://127.0.0.1:9090/~w/x/google/token");
        assert!(account["private_key"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(document.as_object().unwrap().len(), ProviderKind::ALL.len());
    }
}
