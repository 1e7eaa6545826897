//! What a call asks for, as far as the simulator has to know.

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

use super::provider_kind::ProviderKind;
use crate::dialect::common::body::has_too_many_values;
use crate::domain::clock::Moment;
use crate::percent;

/// What a header takes beside its name and its value, in bytes.
const HEADER: usize = size_of::<HeaderName>() + size_of::<HeaderValue>();

/// A call as it came in.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) provider: ProviderKind,
    /// The model, by the name that the caller used, where one is named.
    pub(super) model: Option<String>,
    pub(super) method: String,
    /// The path below the provider's prefix, as it was sent.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether the answer is to come in parts.
    pub(super) streamed: bool,
    pub(super) arrived: Moment,
    /// Microseconds since the world was made.
    pub(super) arrived_us: u64,
}

/// What the body of a call says on the wires whose paths do not.
#[derive(Default, Deserialize)]
struct Wanted {
    model: Option<Value>,
    stream: Option<Value>,
}

impl Asked {
    /// A call whose head has come, with when that was. What its body says is not known yet.
    pub(super) fn begun(
        provider: ProviderKind,
        head: &Parts,
        path: &str,
        (arrived, arrived_us): (Moment, u64),
    ) -> Self {
        let (model, streamed) = match provider {
            ProviderKind::Openai | ProviderKind::Anthropic => (None, false),
            ProviderKind::Gemini | ProviderKind::Vertex => at_google(path),
            ProviderKind::Bedrock => at_bedrock(path),
        };
        Self {
            provider,
            model,
            method: head.method.as_str().to_owned(),
            path: path.to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers.clone(),
            body: Bytes::new(),
            streamed,
            arrived,
            arrived_us,
        }
    }

    /// The same with its body, or with as much of it as came.
    pub(super) fn with_body(&self, body: Bytes) -> Self {
        let (model, streamed) = match self.provider {
            ProviderKind::Openai | ProviderKind::Anthropic => in_body(&body),
            _ => (self.model.clone(), self.streamed),
        };
        Self { model, body, streamed, ..self.clone() }
    }

    /// The body, where it is JSON that is not too much to be read.
    pub(super) fn json(&self) -> Option<Value> {
        if has_too_many_values(&self.body) { None } else { serde_json::from_slice(&self.body).ok() }
    }

    /// Whether the events of its answer are numbered, as OpenAI numbers those of a response.
    pub(super) fn has_numbered_events(&self) -> bool {
        self.provider == ProviderKind::Openai && self.path == "/v1/responses"
    }

    /// Whether a text stands in the path, the query, a header or the body.
    pub(super) fn contains(&self, text: &str) -> bool {
        let in_body = || std::str::from_utf8(&self.body).is_ok_and(|body| body.contains(text));
        let in_header = |value: &[u8]| String::from_utf8_lossy(value).contains(text);
        self.path.contains(text)
            || self.query.contains(text)
            || self.headers.values().any(|value| in_header(value.as_bytes()))
            || in_body()
    }

    /// About how much memory it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        let Self { model, method, path, query, headers, body, .. } = self;
        let texts = [model.as_deref().unwrap_or_default(), method, path, query].map(str::len);
        let headers = headers.iter().map(|(name, value)| HEADER + name.as_str().len() + value.len());
        size_of::<Self>() + texts.iter().sum::<usize>() + headers.sum::<usize>() + body.len()
    }
}

fn in_body(body: &[u8]) -> (Option<String>, bool) {
    let wanted = if has_too_many_values(body) { None } else { serde_json::from_slice(body).ok() };
    let Wanted { model, stream } = wanted.unwrap_or_default();
    let model = match model {
        Some(Value::String(model)) => Some(model),
        _ => None,
    };
    (model, stream == Some(Value::Bool(true)))
}

/// `…/models/{model}:{action}`
fn at_google(path: &str) -> (Option<String>, bool) {
    let Some((_, last)) = path.rsplit_once("/models/") else { return (None, false) };
    let (model, action) = last.rsplit_once(':').unwrap_or((last, ""));
    (Some(percent::decoded(model)), action == "streamGenerateContent")
}

/// `/model/{model}/{action}`
fn at_bedrock(path: &str) -> (Option<String>, bool) {
    // It is the last slash: an ARN in place of the model's id has slashes of its own.
    let below = path.strip_prefix("/model/").and_then(|below| below.rsplit_once('/'));
    let Some((model, action)) = below else { return (None, false) };
    (Some(percent::decoded(model)), action == "converse-stream")
}

#[cfg(test)]
pub(super) mod testing {
    use axum::http::Request;

    use super::*;

    /// A call with a header that says `yes`.
    pub(in super::super) fn asked(provider: ProviderKind, path: &str, body: &'static str) -> Asked {
        let (head, ()) = Request::post(path).header("x-said", "yes").body(()).unwrap().into_parts();
        let path = head.uri.path().to_owned();
        let begun = Asked::begun(provider, &head, &path, (Moment::from_micros(0), 7));
        begun.with_body(Bytes::from_static(body.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::testing::asked;
    use super::*;

    #[test]
    fn model_and_manner_stand_in_the_path_or_the_body() {
        for (provider, path, body, model, streamed) in [
            (ProviderKind::Openai, "/v1/chat/completions", r#"{"model":"m","stream":true}"#, Some("m"), true),
            (
                ProviderKind::Anthropic,
                "/v1/messages",
                r#"{"stream":false,"model":"m","x":[1]}"#,
                Some("m"),
                false,
            ),
            (ProviderKind::Openai, "/v1/chat/completions", r#"{"model":5,"stream":"true"}"#, None, false),
            (ProviderKind::Openai, "/v1/models", "", None, false),
            (ProviderKind::Gemini, "/v1beta/models/m:generateContent", "{}", Some("m"), false),
            (ProviderKind::Gemini, "/v1beta/models/m:streamGenerateContent", "{}", Some("m"), true),
            (
                ProviderKind::Vertex,
                "/v1/projects/p/locations/l/publishers/google/models/m-1:streamGenerateContent?alt=sse",
                "{}",
                Some("m-1"),
                true,
            ),
            (ProviderKind::Bedrock, "/model/a.b-v2%3A0/converse", "{}", Some("a.b-v2:0"), false),
            (ProviderKind::Bedrock, "/model/a.b-v2:0/converse-stream", "{}", Some("a.b-v2:0"), true),
            (
                ProviderKind::Bedrock,
                "/model/arn:aws:bedrock:us-east-1::foundation-model/a.b/converse-stream",
                "{}",
                Some("arn:aws:bedrock:us-east-1::foundation-model/a.b"),
                true,
            ),
            (ProviderKind::Bedrock, "/models", "{}", None, false),
        ] {
            let asked = asked(provider, path, body);
            assert_eq!((asked.model.as_deref(), asked.streamed), (model, streamed), "{path} {body}");
        }
    }

    #[test]
    fn the_events_of_openais_responses_are_numbered() {
        let numbered = |provider, path| asked(provider, path, "").has_numbered_events();
        assert!(numbered(ProviderKind::Openai, "/v1/responses"));
        assert!(!numbered(ProviderKind::Openai, "/v1/chat/completions"));
        assert!(!numbered(ProviderKind::Anthropic, "/v1/responses"));
    }

    #[test]
    fn a_text_is_found_wherever_it_stands() {
        let asked = asked(ProviderKind::Openai, "/v1/chat?at=once", r#"{"messages":"nonce-7"}"#);
        for text in ["chat", "at=once", "yes", "nonce-7"] {
            assert!(asked.contains(text), "{text}");
        }
        assert!(!asked.contains("nonce-8"));
        assert_eq!(asked.json().unwrap()["messages"], "nonce-7");
        assert!(asked.size() > 30);
    }
}
