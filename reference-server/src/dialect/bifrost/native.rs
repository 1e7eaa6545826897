//! A request on a provider's own wire: governed here, answered by the dialect of that wire, and told as that tells it.

use std::sync::Arc;
use std::time::Instant;

use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use bytes::Bytes;

use super::dropin::Surface;
use super::error::Refusal;
use super::exchange::Exchange;
use super::forward::{self, Endpoint, Wanted};
use crate::dialect::bedrock;
use crate::dialect::common::{Arrival, Pass};
use crate::domain::call::Call;
use crate::domain::catalog::Model;
use crate::domain::governance::RequestType;
use crate::domain::key::SecretDigest;
use crate::domain::ledger::Operation;
use crate::domain::world::World;
use crate::intake::Intake;
use crate::percent;

/// Where Gemini's models are.
const GENAI_MODELS: [&str; 2] = ["/v1beta/models/", "/v1/models/"];

/// What a request asks of a model.
type Purpose = (RequestType, Operation);

/// A request on a provider's wire, as it is read before it is governed.
struct Question {
    /// The path at the dialect of the wire.
    path: String,
    body: Bytes,
    /// What is asked of which model. Nothing where no model is asked, or none that could be found in what was sent:
    /// then the dialect of the wire says so.
    wanted: Option<(Purpose, Wanted)>,
}

/// A request that was let in, and is not answered yet.
pub(super) struct Native {
    surface: Surface,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    call: Call,
    model: Option<Arc<Model>>,
    started: Instant,
}

/// Lets a request in.
pub(super) fn prepare(
    exchange: &Exchange<'_>,
    surface: Surface,
    rest: &str,
    body: Bytes,
) -> Result<Native, Refusal> {
    let head = exchange.head;
    let Question { path, body, wanted } = Question::read(surface, &head.method, rest, body);
    let uri = located(&path, head.uri.query()).ok_or_else(|| Refusal::no_such_path(exchange.path))?;
    let (call, model) = match wanted {
        Some((purpose, wanted)) => {
            let (call, model) = forward::enter(exchange, purpose, wanted, Some(surface.provider()))?;
            (call, Some(model))
        }
        None => (ungoverned(exchange)?, None),
    };
    let (method, headers, started) = (head.method.clone(), head.headers.clone(), exchange.started);
    Ok(Native { surface, method, uri, headers, body, call, model, started })
}

/// A call of a known caller to no model.
fn ungoverned(exchange: &Exchange<'_>) -> Result<Call, Refusal> {
    let key = exchange.caller()?.key;
    let (world, context) = (Arc::clone(exchange.world), Arc::clone(&exchange.context));
    Ok(Call { world, key, context, sessions: Vec::new(), governed: None })
}

/// The same query at another path.
fn located(path: &str, query: Option<&str>) -> Option<Uri> {
    let text = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    PathAndQuery::try_from(text).ok().map(Uri::from)
}

impl Native {
    /// Answers the request.
    pub(super) async fn serve(self, world: &Arc<World>, intake: &Arc<Intake>) -> Response {
        let Self { surface, method, uri, headers, body, call, model, started } = self;
        let arrival = Arrival {
            world,
            head: forward::head(method, uri, headers),
            mounted_at: 0,
            client_ip: call.context.client_ip,
            intake,
            // There is nothing behind this that the token opens.
            control_token: &SecretDigest::OF_NOTHING,
            pass: Some(Pass { call: call.clone(), model, started, is_closed: false }),
        };
        let served = Box::pin(surface.serve(&arrival, body.into()));
        let response = forward::with_own_headers(&arrival, served).await;
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            let message = format!("answered with the status {} on the provider's wire", status.as_u16());
            forward::failed(&call, status, &message).await;
        } else {
            forward::answered(&call);
        }
        response
    }
}

impl Question {
    fn read(surface: Surface, method: &Method, rest: &str, body: Bytes) -> Self {
        let unasked = |path: &str, body| Self { path: path.to_owned(), body, wanted: None };
        if *method != Method::POST {
            return match surface {
                Surface::Openai => unasked(&openai_path(rest).0, body),
                _ => unasked(rest, body),
            };
        }
        match surface {
            Surface::Openai => {
                let (path, deployment) = openai_path(rest);
                let endpoint = path.strip_prefix("/v1/").and_then(Endpoint::at);
                let purpose =
                    |streamed| endpoint.map(|known| (known.request_type(streamed), known.operation()));
                Self::in_body(path, body, deployment.as_deref(), purpose)
            }
            Surface::Anthropic => {
                let is_chat = matches!(rest, "/v1/messages" | "/v1/messages/count_tokens");
                Self::in_body(rest.to_owned(), body, None, |streamed| is_chat.then(|| chat(streamed)))
            }
            Surface::Bedrock => match bedrock_target(rest) {
                Some((model, purpose)) => Self::in_path(rest.to_owned(), body, model, purpose),
                None => unasked(rest, body),
            },
            Surface::Genai => match genai_target(rest) {
                Some((path, model, purpose)) => Self::in_path(path, body, model, purpose),
                None => unasked(rest, body),
            },
        }
    }

    /// The model stands in the body.
    fn in_body(
        path: String,
        body: Bytes,
        deployment: Option<&str>,
        purpose: impl Fn(bool) -> Option<Purpose>,
    ) -> Self {
        let wanted = purpose(false).and_then(|_| Wanted::read(body.clone(), deployment).ok());
        let wanted = wanted.and_then(|wanted| Some((purpose(wanted.streamed)?, wanted)));
        let body = wanted.as_ref().map_or(body, |(_, wanted)| wanted.body.clone());
        Self { path, body, wanted }
    }

    /// The model stands in the path.
    fn in_path(path: String, body: Bytes, model: String, purpose: Purpose) -> Self {
        let streamed = purpose.0 == RequestType::ChatStream;
        let wanted = Wanted { model, streamed, fallbacks: Vec::new(), body: body.clone() };
        Self { path, body, wanted: Some((purpose, wanted)) }
    }
}

const fn chat(streamed: bool) -> Purpose {
    (if streamed { RequestType::ChatStream } else { RequestType::Chat }, Operation::Chat)
}

/// The path at OpenAI's own wire, and the model of a path that names a deployment.
fn openai_path(rest: &str) -> (String, Option<String>) {
    let deployed = rest.strip_prefix("/deployments/").and_then(|rest| rest.split_once('/'));
    match deployed {
        Some((model, below)) => (format!("/v1/{below}"), Some(percent::decoded(model))),
        None if rest.starts_with("/v1/") => (rest.to_owned(), None),
        None => (format!("/v1{rest}"), None),
    }
}

/// The model that a path of Bedrock's names, and what is asked of it.
fn bedrock_target(rest: &str) -> Option<(String, Purpose)> {
    let (model, action) = rest.strip_prefix("/model/")?.rsplit_once('/')?;
    let purpose = match action {
        "converse" => chat(false),
        "converse-stream" => chat(true),
        "invoke" => (RequestType::Embedding, Operation::Embedding),
        _ => return None,
    };
    let model = percent::decoded(model);
    // A provider in front of a name is no part of an ARN.
    let is_prefixed = model.contains('/') && !model.starts_with("arn:");
    let model = if is_prefixed { model } else { bedrock::plain(&model).to_owned() };
    (!model.is_empty()).then_some((model, purpose))
}

/// The path at Gemini's own wire, where names have no provider in front, the model, and what is asked of it.
fn genai_target(rest: &str) -> Option<(String, String, Purpose)> {
    let (root, target) = GENAI_MODELS.into_iter().find_map(|root| Some((root, rest.strip_prefix(root)?)))?;
    let (model, action) = target.rsplit_once(':')?;
    let purpose = match action {
        "generateContent" | "countTokens" => chat(false),
        "streamGenerateContent" => chat(true),
        "embedContent" | "batchEmbedContents" => (RequestType::Embedding, Operation::Embedding),
        _ => return None,
    };
    let name = model.rsplit('/').next().filter(|name| !name.is_empty())?;
    Some((format!("{root}{name}:{action}"), percent::decoded(model), purpose))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(surface: Surface, rest: &str, body: &serde_json::Value) -> Question {
        Question::read(surface, &Method::POST, rest, body.to_string().into())
    }

    /// The path at the wire's own dialect, the model, and what is asked of it.
    fn told(
        surface: Surface,
        rest: &str,
        body: &serde_json::Value,
    ) -> (String, Option<(String, &'static str)>) {
        let Question { path, wanted, .. } = read(surface, rest, body);
        (path, wanted.map(|((request_type, _), wanted)| (wanted.model, request_type.name())))
    }

    #[test]
    fn openais_paths_have_a_version_or_none_or_a_deployment() {
        let body = json!({ "model": "gpt-4o", "stream": true });
        for rest in ["/v1/chat/completions", "/chat/completions", "/deployments/unused/chat/completions"] {
            let wanted = Some(("gpt-4o".to_owned(), "chat_completion_stream"));
            assert_eq!(told(Surface::Openai, rest, &body), ("/v1/chat/completions".to_owned(), wanted));
        }
        let deployed =
            read(Surface::Openai, "/deployments/text%2Dsmall/embeddings", &json!({ "input": "a" }));
        assert_eq!(deployed.wanted.unwrap().1.model, "text-small");
        assert_eq!(deployed.body, "{\"input\":\"a\",\"model\":\"text-small\"}");
    }

    #[test]
    fn a_model_stands_in_the_body_or_in_the_path() {
        let body = json!({ "model": "claude", "messages": [] });
        for rest in ["/v1/messages", "/v1/messages/count_tokens"] {
            let wanted = Some(("claude".to_owned(), "chat_completion"));
            assert_eq!(told(Surface::Anthropic, rest, &body), (rest.to_owned(), wanted));
        }
        for (id, model) in [
            ("us.anthropic.claude-3-haiku-20240307-v1%3A0", "anthropic.claude-3-haiku-20240307-v1:0"),
            ("arn:aws:bedrock:us-east-1::foundation-model%2Fa.b", "a.b"),
            ("openai%2Fgpt-4o", "openai/gpt-4o"),
        ] {
            let rest = format!("/model/{id}/converse-stream");
            let wanted = Some((model.to_owned(), "chat_completion_stream"));
            assert_eq!(told(Surface::Bedrock, &rest, &json!({})), (rest.clone(), wanted));
        }
        for (id, name) in [("gemini-2.0-flash", "gemini-2.0-flash"), ("openai/gpt-4o", "gpt-4o")] {
            let rest = format!("/v1beta/models/{id}:generateContent");
            let wanted = Some((id.to_owned(), "chat_completion"));
            let path = format!("/v1beta/models/{name}:generateContent");
            assert_eq!(told(Surface::Genai, &rest, &json!({})), (path, wanted));
        }
    }

    #[test]
    fn what_asks_no_model_is_left_to_the_wire() {
        for (surface, rest) in [
            (Surface::Openai, "/v1/files"),
            (Surface::Anthropic, "/v1/messages/batches"),
            (Surface::Bedrock, "/model/a/count-tokens"),
            (Surface::Genai, "/v1beta/models"),
        ] {
            assert_eq!(told(surface, rest, &json!({ "model": "a" })), (rest.to_owned(), None));
        }
        assert_eq!(told(Surface::Openai, "/v1/chat/completions", &json!([])).1, None);
        let listed = Question::read(Surface::Openai, &Method::GET, "/models", Bytes::new());
        assert_eq!((listed.path.as_str(), listed.wanted.is_none()), ("/v1/models", true));
    }

    #[test]
    fn a_query_stays_with_its_path() {
        let uri = located("/v1beta/models/a:streamGenerateContent", Some("alt=sse")).unwrap();
        assert_eq!(uri, "/v1beta/models/a:streamGenerateContent?alt=sse");
        assert_eq!(located("/v1/ ", None), None);
    }
}
