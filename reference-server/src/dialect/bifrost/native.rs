//! A request on a provider's own wire: governed here, answered by the dialect of that wire, and told as that tells it.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use bytes::Bytes;
use parking_lot::Mutex;

use super::dropin::Surface;
use super::error::Refusal;
use super::exchange::Exchange;
use super::forward::{self, Endpoint, Unread, Wanted};
use super::{fallbacks, model_name, models};
use crate::defect::Defect;
use crate::dialect::bedrock;
use crate::dialect::common::{Arrival, Pass};
use crate::domain::call::Call;
use crate::domain::catalog::Model;
use crate::domain::governance::{Caller, RequestType};
use crate::domain::key::SecretDigest;
use crate::domain::ledger::Operation;
use crate::domain::world::World;
use crate::intake::{Intake, Share};
use crate::percent;

/// Where Gemini's models are.
const GENAI_MODELS: [&str; 2] = ["/v1beta/models/", "/v1/models/"];

/// What a request asks of a model.
type Purpose = (RequestType, Operation);

/// To count the tokens of a chat.
const TOKEN_COUNT: Purpose = (RequestType::TokenCount, Operation::Chat);

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
    /// What the body takes of the room, which goes along with it until it is answered.
    share: Share,
    call: Call,
    model: Option<Arc<Model>>,
    /// The models that its wire lists, where it asks for no model itself.
    offered: Vec<Arc<Model>>,
    started: Instant,
}

/// Lets a request in.
pub(super) async fn prepare(
    exchange: &Exchange<'_>,
    surface: Surface,
    rest: &str,
    (body, share): (Bytes, Share),
) -> Result<Native, Refusal> {
    let head = exchange.head;
    let Question { path, body, wanted } = Question::read(surface, &head.method, rest, body)?;
    let uri = located(&path, head.uri.query()).ok_or_else(|| Refusal::no_such_path(exchange.path))?;
    let (call, model, offered) = match wanted {
        Some((purpose, wanted)) => {
            let kind = exchange.world.governance.switchboard().map(|switchboard| surface.kind(switchboard));
            let (call, model) = forward::enter(exchange, purpose, wanted, kind).await?;
            (call, Some(model), Vec::new())
        }
        None => {
            let caller = exchange.caller()?;
            let offered = offered(exchange.world, surface, &caller);
            (ungoverned(exchange, caller), None, offered)
        }
    };
    let (method, headers, started) = (head.method.clone(), head.headers.clone(), exchange.started);
    Ok(Native { surface, method, uri, headers, body, share, call, model, offered, started })
}

/// A call of a known caller to no model.
fn ungoverned(exchange: &Exchange<'_>, caller: Caller) -> Call {
    let (world, context) = (Arc::clone(exchange.world), Arc::clone(&exchange.context));
    Call { world, key: caller.key, context, sessions: Vec::new(), governed: None }
}

/// The models whose names need no provider in front on a wire, as far as a caller may use them.
fn offered(world: &World, surface: Surface, caller: &Caller) -> Vec<Arc<Model>> {
    let Some(switchboard) = world.governance.switchboard() else { return Vec::new() };
    let kind = surface.kind(switchboard);
    let is_told_all = world.defects.has(Defect::DropinModelsUnfiltered);
    let key = caller.virtual_key.as_deref().filter(|_| !is_told_all);
    let mut offered: Vec<Arc<Model>> = Vec::new();
    for (_, model) in models::offered(world, key, |provider| switchboard.is_of_kind(provider, kind)) {
        // Several providers of one kind have the same models.
        if !offered.iter().any(|other| Arc::ptr_eq(other, &model)) {
            offered.push(model);
        }
    }
    offered
}

/// The same query at another path.
fn located(path: &str, query: Option<&str>) -> Option<Uri> {
    let text = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    PathAndQuery::try_from(text).ok().map(Uri::from)
}

impl Native {
    /// Answers the request.
    pub(super) async fn serve(self, world: &Arc<World>, intake: &Arc<Intake>) -> Response {
        let Self { surface, method, uri, headers, body, share, call, model, offered, started } = self;
        let taken_in = Mutex::new(Some((body, share)));
        let arrival = Arrival {
            world,
            head: forward::head(method, uri, headers),
            mounted_at: 0,
            client_ip: call.context.client_ip,
            intake,
            // There is nothing behind this that the token opens.
            control_token: &SecretDigest::OF_NOTHING,
            pass: Some(Pass { call: call.clone(), model, offered, taken_in, started, is_closed: false }),
        };
        let served = Box::pin(surface.serve(&arrival, Body::empty()));
        let mut response = forward::with_own_headers(&arrival, served).await;
        // The limits that bind are those of the virtual key, and not of the key of a provider.
        forward::take_out(response.headers_mut(), |name| name.contains("ratelimit"));
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            let message = format!("answered with the status {} on the provider's wire", status.as_u16());
            forward::failed(&call, status, &message).await;
        } else {
            forward::answered(&call).await;
        }
        response
    }
}

impl Question {
    fn read(surface: Surface, method: &Method, rest: &str, body: Bytes) -> Result<Self, Refusal> {
        let unasked = |path: &str, body| Self { path: path.to_owned(), body, wanted: None };
        if *method != Method::POST {
            return Ok(match surface {
                Surface::Openai => unasked(&openai_path(rest).0, body),
                _ => unasked(rest, body),
            });
        }
        Ok(match surface {
            Surface::Openai => {
                let (path, deployment) = openai_path(rest);
                let endpoint = path.strip_prefix("/v1/").and_then(Endpoint::at);
                let purpose =
                    |streamed| endpoint.map(|known| (known.request_type(streamed), known.operation()));
                Self::in_body(path, body, deployment.as_deref(), purpose)?
            }
            Surface::Anthropic => Self::in_body(rest.to_owned(), body, None, |streamed| match rest {
                "/v1/messages" => Some(chat(streamed)),
                "/v1/messages/count_tokens" => Some(TOKEN_COUNT),
                _ => None,
            })?,
            Surface::Bedrock => match bedrock_target(rest) {
                Some((model, purpose)) => Self::in_path(rest.to_owned(), body, model, purpose)?,
                None => unasked(rest, body),
            },
            Surface::Genai => match genai_target(rest) {
                Some((path, model, purpose)) => Self::in_path(path, body, model, purpose)?,
                None => unasked(rest, body),
            },
        })
    }

    /// The model stands in the body.
    fn in_body(
        path: String,
        body: Bytes,
        deployment: Option<&str>,
        purpose: impl Fn(bool) -> Option<Purpose>,
    ) -> Result<Self, Refusal> {
        let read = purpose(false).map(|_| Wanted::read(body.clone(), deployment));
        let wanted = match read {
            Some(Ok(wanted)) => purpose(wanted.streamed).map(|purpose| (purpose, wanted)),
            Some(Err(Unread::Mistaken(refusal))) => return Err(refusal),
            Some(Err(Unread::NoRequest(_))) | None => None,
        };
        let body = wanted.as_ref().map_or(body, |(_, wanted)| wanted.body.clone());
        Ok(Self { path, body, wanted })
    }

    /// The model stands in the path.
    fn in_path(path: String, body: Bytes, model: String, purpose: Purpose) -> Result<Self, Refusal> {
        model_name::check(&model)?;
        let streamed = purpose.0 == RequestType::ChatStream;
        let (fallbacks, body) = fallbacks::parted(body)?;
        let wanted = Wanted { model, streamed, fallbacks, body: body.clone() };
        Ok(Self { path, body, wanted: Some((purpose, wanted)) })
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
        "generateContent" => chat(false),
        "countTokens" => TOKEN_COUNT,
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
        sent(surface, &Method::POST, rest, body.to_string().into())
    }

    fn sent(surface: Surface, method: &Method, rest: &str, body: Bytes) -> Question {
        Question::read(surface, method, rest, body).unwrap()
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
        for (rest, purpose) in
            [("/v1/messages", "chat_completion"), ("/v1/messages/count_tokens", "count_tokens")]
        {
            let wanted = Some(("claude".to_owned(), purpose));
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
    fn fallbacks_are_taken_out_of_the_body_on_every_wire() {
        let body = json!({ "model": "a", "fallbacks": ["c/d"] });
        for (surface, rest) in [
            (Surface::Openai, "/v1/responses"),
            (Surface::Anthropic, "/v1/messages"),
            (Surface::Bedrock, "/model/a/converse"),
            (Surface::Bedrock, "/model/a/invoke"),
            (Surface::Genai, "/v1beta/models/a:streamGenerateContent"),
            (Surface::Genai, "/v1beta/models/a:embedContent"),
        ] {
            let Question { body, wanted, .. } = read(surface, rest, &body);
            assert_eq!(
                (&body[..], wanted.unwrap().1.fallbacks),
                (&b"{\"model\":\"a\"}"[..], vec!["c/d".to_owned()]),
                "{rest}"
            );
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
        let listed = sent(Surface::Openai, &Method::GET, "/models", Bytes::new());
        assert_eq!((listed.path.as_str(), listed.wanted.is_none()), ("/v1/models", true));
    }

    #[test]
    fn a_query_stays_with_its_path() {
        let uri = located("/v1beta/models/a:streamGenerateContent", Some("alt=sse")).unwrap();
        assert_eq!(uri, "/v1beta/models/a:streamGenerateContent?alt=sse");
        assert_eq!(located("/v1/ ", None), None);
    }
}
