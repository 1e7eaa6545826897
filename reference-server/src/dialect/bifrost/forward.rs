//! A call on OpenAI's wire: let in here, answered by the dialect of that wire, and told as this one tells it.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::error::{Envelope, Inner, Refusal, json};
use super::exchange::Exchange;
use super::extra_fields::Served;
use super::{events, fallbacks, model_name};
use crate::aside::aside;
use crate::defect::Defect;
use crate::dialect::common::{Arrival, Pass, body};
use crate::dialect::openai;
use crate::domain::billing;
use crate::domain::call::Call;
use crate::domain::catalog::Model;
use crate::domain::governance::{Asked, RequestType};
use crate::domain::key::SecretDigest;
use crate::domain::ledger::Operation;
use crate::domain::world::World;
use crate::intake::{Intake, Share};
use crate::provider::http::forwarding;

/// What the headers of this wire begin with.
const OWN: &str = "x-bf-";

/// What can be asked on OpenAI's wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Chat,
    Completions,
    Responses,
    Embeddings,
}

impl Endpoint {
    const ALL: [Self; 4] = [Self::Chat, Self::Completions, Self::Responses, Self::Embeddings];

    /// The endpoint at a path below the version of the wire.
    pub(super) fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.path().strip_prefix("/v1/") == Some(path))
    }

    /// Its path.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Completions => "/v1/completions",
            Self::Responses => "/v1/responses",
            Self::Embeddings => "/v1/embeddings",
        }
    }

    /// What kind of request it takes.
    pub(super) const fn request_type(self, streamed: bool) -> RequestType {
        match (self, streamed) {
            (Self::Chat, false) => RequestType::Chat,
            (Self::Chat, true) => RequestType::ChatStream,
            (Self::Completions, false) => RequestType::Text,
            (Self::Completions, true) => RequestType::TextStream,
            (Self::Responses, false) => RequestType::Responses,
            (Self::Responses, true) => RequestType::ResponsesStream,
            (Self::Embeddings, _) => RequestType::Embedding,
        }
    }

    /// What is done for its callers.
    pub(super) const fn operation(self) -> Operation {
        match self {
            Self::Chat | Self::Completions | Self::Responses => Operation::Chat,
            Self::Embeddings => Operation::Embedding,
        }
    }
}

/// A call that was let in, and is not answered yet.
pub(super) struct Prepared {
    pub(super) call: Call,
    /// The model that is asked first.
    pub(super) model: Arc<Model>,
    pub(super) endpoint: Endpoint,
    /// What is left for the dialect of the wire.
    pub(super) body: Bytes,
    /// What the body takes of the room, which goes along with it until it is answered.
    pub(super) share: Share,
    pub(super) headers: HeaderMap,
    /// Whether its request is closed in the log: that of a job is once the job is taken in.
    pub(super) is_closed: bool,
}

/// What a body asks for, as far as it decides where it goes.
pub(super) struct Wanted {
    pub(super) model: String,
    pub(super) streamed: bool,
    pub(super) fallbacks: Vec<String>,
    /// The body without what only this dialect knows.
    pub(super) body: Bytes,
}

/// Why a body cannot be read.
pub(super) enum Unread {
    /// It asks for nothing, which each wire says in its own words.
    NoRequest(Refusal),
    /// What only this dialect knows is wrong in it.
    Mistaken(Refusal),
}

impl From<Refusal> for Unread {
    fn from(refusal: Refusal) -> Self {
        Self::Mistaken(refusal)
    }
}

impl From<Unread> for Refusal {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::NoRequest(refusal) | Unread::Mistaken(refusal) => refusal,
        }
    }
}

impl Wanted {
    /// Reads a body. One that names no model asks for this one, where there is one.
    pub(super) fn read(bytes: Bytes, model: Option<&str>) -> Result<Self, Unread> {
        let no_request = |words: &str| Unread::NoRequest(Refusal::bad_request(words));
        let value = aside(bytes.len(), || body::parse(&bytes));
        let value = value.map_err(|error| Unread::NoRequest(error.into()))?;
        let Value::Object(mut members) = value else {
            return Err(no_request("Invalid request format"));
        };
        let named = members.get("model").and_then(Value::as_str).filter(|model| !model.is_empty());
        let is_named = named.is_some();
        let Some(model) = named.or(model).map(str::to_owned) else {
            return Err(no_request("model is required"));
        };
        model_name::check(&model)?;
        let streamed = members.get("stream") == Some(&Value::Bool(true));
        let fallbacks = fallbacks::take(&mut members)?;
        // Most bodies have nothing to be taken out or put in, and go on as they are.
        let body =
            if fallbacks.is_none() && is_named { bytes } else { written(members, &model, bytes.len()) };
        Ok(Self { model, streamed, fallbacks: fallbacks.unwrap_or_default(), body })
    }
}

fn written(mut members: Map<String, Value>, model: &str, size: usize) -> Bytes {
    members.entry("model").or_insert_with(|| model.into());
    // What was JSON is again.
    aside(size, || serde_json::to_vec(&members).unwrap_or_default()).into()
}

/// Lets a call in: its caller is known, may ask for it, and has not used up what it may.
pub(super) async fn prepare(
    exchange: &Exchange<'_>,
    endpoint: Endpoint,
    (body, share): (Bytes, Share),
) -> Result<Prepared, Refusal> {
    let wanted = Wanted::read(body, None)?;
    let body = wanted.body.clone();
    let asked = (endpoint.request_type(wanted.streamed), endpoint.operation());
    let (call, model) = enter(exchange, asked, wanted, None).await?;
    let headers = exchange.head.headers.clone();
    Ok(Prepared { call, model, endpoint, body, share, headers, is_closed: false })
}

/// Governs a call: the call and the model that is asked first. A name without a provider is looked for `at` those of
/// this kind.
pub(super) async fn enter(
    exchange: &Exchange<'_>,
    (request_type, operation): (RequestType, Operation),
    wanted: Wanted,
    at: Option<&str>,
) -> Result<(Call, Arc<Model>), Refusal> {
    let (world, head) = (exchange.world, exchange.head);
    let caller = exchange.caller()?;
    let key = Arc::clone(&caller.key);
    let Wanted { model, fallbacks, .. } = wanted;
    let (headers, query) = (&head.headers, head.uri.query());
    let (id, model) = (exchange.context.id, model.as_str());
    let asked = Asked { id, request_type, operation, model, at, fallbacks, headers, query };
    let governed = Arc::new(world.governance.enter(world, caller, &asked).await?);
    let model = Arc::clone(&governed.primary().model);
    let (world, context) = (Arc::clone(world), Arc::clone(&exchange.context));
    Ok((Call { world, key, context, sessions: Vec::new(), governed: Some(governed) }, model))
}

/// Answers a call, at once or in parts, in the shape of this wire.
pub(super) async fn infer(world: &Arc<World>, intake: &Arc<Intake>, prepared: Prepared) -> Response {
    let Prepared { call, model, endpoint, body, share, headers, is_closed } = prepared;
    let started = Instant::now();
    if world.defects.has(Defect::LogsTellQuestions)
        && let Some(governed) = &call.governed
    {
        governed.note_question(&String::from_utf8_lossy(&body));
    }
    let taken_in = Mutex::new(Some((body, share)));
    let (model, offered) = (Some(model), Vec::new());
    let pass = Pass { call: call.clone(), model, offered, taken_in, started, is_closed };
    let arrival = Arrival {
        world,
        head: head(Method::POST, Uri::from_static(endpoint.path()), headers),
        mounted_at: 0,
        client_ip: call.context.client_ip,
        intake,
        // There is nothing behind this that the token opens.
        control_token: &SecretDigest::OF_NOTHING,
        pass: Some(pass),
    };
    let served = Box::pin(openai::serve(&arrival, Body::empty()));
    let mut response = with_own_headers(&arrival, served).await;
    conceal(response.headers_mut());
    // Whoever has prepared it has governed it.
    let Some(governed) = &call.governed else { return response };
    let served = Served::of(&call, governed, started);
    if response.status().is_success() {
        answered(&call).await;
        return if events::are_in(&response) {
            events::tell_in(response, served)
        } else {
            served.tell_in(response).await
        };
    }
    let (response, failure) = told_anew(response, &served, call.context.service.attempts() > 0).await;
    failed(&call, response.status(), &failure).await;
    response
}

/// The head of a request for another dialect. The body is another as well, and tells its own length.
pub(super) fn head(method: Method, uri: Uri, headers: HeaderMap) -> Parts {
    let (mut head, ()) = Request::new(()).into_parts();
    (head.method, head.uri, head.headers) = (method, uri, headers);
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.remove(header::TRANSFER_ENCODING);
    head
}

/// Has a request answered, whose headers of this wire go along to the provider where a defect has them go.
pub(super) async fn with_own_headers<T>(arrival: &Arrival<'_>, answer: impl Future<Output = T>) -> T {
    if !arrival.world.defects.has(Defect::VirtualKeyForwarded) {
        return answer.await;
    }
    let own = arrival.head.headers.iter().filter(|(name, _)| name.as_str().starts_with(OWN));
    let own = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    forwarding(own, answer).await
}

/// Notes that a call has an answer, or the beginning of one. It is still open where the answer was given before.
pub(super) async fn answered(call: &Call) {
    let Some(governed) = &call.governed else { return };
    governed.note_success();
    if !governed.request_type.is_streamed() {
        billing::close(call).await;
    }
}

/// Notes that a call has failed, which is told to whoever runs the gateway and costs nothing. What is told of it quotes
/// nothing that was asked.
pub(super) async fn failed(call: &Call, status: StatusCode, failure: &str) {
    let Some(governed) = &call.governed else { return };
    governed.note_failure(status.as_u16(), failure);
    if call.context.service.attempts() > 0 {
        billing::charge_failure(call).await;
    }
    billing::close(call).await;
}

/// Takes out what only OpenAI's own service tells.
fn conceal(headers: &mut HeaderMap) {
    take_out(headers, |name| name.starts_with("x-ratelimit-") || name.starts_with("openai-"));
}

/// Takes out headers by their names.
pub(super) fn take_out(headers: &mut HeaderMap, is_foreign: impl Fn(&str) -> bool) {
    let foreign: Vec<_> = headers.keys().filter(|name| is_foreign(name.as_str())).cloned().collect();
    for name in foreign {
        headers.remove(name);
    }
}

/// An error in the shape of this wire, and what the log of calls says of it. What a provider was asked before it is no
/// failure of the gateway.
async fn told_anew(response: Response, served: &Served, is_of_provider: bool) -> (Response, String) {
    let (mut head, body) = response.into_parts();
    // An error is whole, and small.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let Ok(Inner { error }) = serde_json::from_slice::<Inner>(&bytes) else {
        let failure = format!("answered with the status {}", head.status.as_u16());
        return (Response::from_parts(head, Body::from(bytes)), failure);
    };
    let failure = error.without_words(head.status);
    let envelope = Envelope {
        kind: None,
        is_bifrost_error: head.status.is_server_error() && !is_of_provider,
        status_code: head.status.as_u16(),
        error: error.told(),
        extra_fields: served.about(),
    };
    let (_, body) = json(head.status, &envelope).into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    (Response::from_parts(head, body), failure)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::super::extra_fields::tests::served;
    use super::*;
    use crate::domain::testing;

    fn wanted(body: &Value, model: Option<&str>) -> Result<Wanted, String> {
        Wanted::read(body.to_string().into(), model).map_err(|unread| Refusal::from(unread).message)
    }

    #[test]
    fn endpoints_are_found_below_the_version() {
        for endpoint in Endpoint::ALL {
            assert_eq!(Endpoint::at(endpoint.path().strip_prefix("/v1/").unwrap()), Some(endpoint));
        }
        assert_eq!(Endpoint::at("/v1/chat/completions"), None);
        assert_eq!(Endpoint::Chat.request_type(true).name(), "chat_completion_stream");
    }

    #[test]
    fn a_body_without_fallbacks_goes_on_as_it_is() {
        let text = "{ \"model\":\"a/b\", \"stream\":true, \"n\":1.0 }";
        let wanted = Wanted::read(text.into(), None).map_err(|unread| Refusal::from(unread).message).unwrap();
        assert_eq!((wanted.model.as_str(), wanted.streamed, wanted.body), ("a/b", true, Bytes::from(text)));
    }

    #[test]
    fn fallbacks_are_taken_out_and_a_model_is_put_in() {
        let body = json!({ "model": "a/b", "fallbacks": ["c/d"], "temperature": 0.10 });
        let read = wanted(&body, Some("unused")).unwrap();
        assert_eq!((read.fallbacks, read.streamed), (vec!["c/d".to_owned()], false));
        assert_eq!(read.body, "{\"model\":\"a/b\",\"temperature\":0.1}");
        let read = wanted(&json!({ "messages": [] }), Some("deployed")).unwrap();
        assert_eq!(
            (read.model.as_str(), read.body),
            ("deployed", "{\"messages\":[],\"model\":\"deployed\"}".into())
        );
    }

    #[test]
    fn a_body_that_asks_no_model_is_refused() {
        for (body, message) in [
            (json!([]), "Invalid request format"),
            (json!({}), "model is required"),
            (json!({ "model": "" }), "model is required"),
            (json!({ "model": 1 }), "model is required"),
            (json!({ "model": "a", "fallbacks": 1 }), "fallbacks must be a list of \"provider/model\""),
        ] {
            assert_eq!(wanted(&body, None).map(drop), Err(message.to_owned()), "{body}");
        }
        assert!(wanted(&json!({ "model": "a".repeat(300) }), None).is_err());
        assert!(Wanted::read("{".into(), None).is_err());
    }

    #[tokio::test]
    async fn an_error_is_told_in_the_shape_of_the_wire() {
        for (is_of_provider, is_own) in [(true, false), (false, true)] {
            let body = json!({ "error": { "message": "gone", "type": "server_error", "code": null } });
            let response = json(StatusCode::SERVICE_UNAVAILABLE, &body);
            let (response, failure) = told_anew(response, &served(RequestType::Chat), is_of_provider).await;
            assert_eq!(response.status(), 503);
            assert_eq!(failure, "answered with the status 503, server_error");
            let told = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let told: Value = serde_json::from_slice(&told).unwrap();
            assert_eq!(told["error"], json!({ "message": "gone", "type": "server_error" }));
            assert_eq!((&told["is_bifrost_error"], &told["status_code"]), (&json!(is_own), &json!(503)));
            assert_eq!(told["extra_fields"]["request_type"], "chat_completion");
        }
    }

    #[tokio::test]
    async fn a_call_is_settled_before_its_failure_or_the_answer_to_an_earlier_one_is_told() {
        for has_failed in [true, false] {
            let world = testing::durable_world();
            let call = world.governed_call(Operation::Chat, "openai/gpt-4o");
            if has_failed {
                failed(&call, StatusCode::NOT_FOUND, "gone").await;
            } else {
                answered(&call).await;
            }
            // Under the id of its request, while it is still held.
            let logged = world.world.calls.find(&call.context.id.to_string()).await.unwrap();
            assert_eq!(logged.unwrap().error.is_some(), has_failed);
        }
    }

    #[test]
    fn what_openai_alone_tells_is_taken_out() {
        let names = ["x-ratelimit-limit-requests", "openai-version", "x-request-id", "retry-after"];
        let value = || HeaderValue::from_static("1");
        let mut headers: HeaderMap =
            names.into_iter().map(|name| (HeaderName::from_static(name), value())).collect();
        conceal(&mut headers);
        let left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(headers.contains_key("x-request-id") && headers.contains_key("retry-after"));
    }
}
