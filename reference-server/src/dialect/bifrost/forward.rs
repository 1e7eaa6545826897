//! A call on OpenAI's wire: let in here, answered by the dialect of that wire, and told as this one tells it.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::error::{Envelope, Inner, Refusal, json};
use super::exchange::Exchange;
use super::extra_fields::Served;
use super::{events, fallbacks};
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
use crate::intake::Intake;
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

impl Wanted {
    /// Reads a body. One that names no model asks for this one, where there is one.
    pub(super) fn read(bytes: Bytes, model: Option<&str>) -> Result<Self, Refusal> {
        let value = aside(bytes.len(), || body::parse(&bytes))?;
        let Value::Object(mut members) = value else {
            return Err(Refusal::bad_request("Invalid request format"));
        };
        let named = members.get("model").and_then(Value::as_str).filter(|model| !model.is_empty());
        let is_named = named.is_some();
        let Some(model) = named.or(model).map(str::to_owned) else {
            return Err(Refusal::bad_request("model is required"));
        };
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
pub(super) fn prepare(exchange: &Exchange<'_>, endpoint: Endpoint, body: Bytes) -> Result<Prepared, Refusal> {
    let wanted = Wanted::read(body, None)?;
    let body = wanted.body.clone();
    let asked = (endpoint.request_type(wanted.streamed), endpoint.operation());
    let (call, model) = enter(exchange, asked, wanted, None)?;
    let headers = exchange.head.headers.clone();
    Ok(Prepared { call, model, endpoint, body, headers, is_closed: false })
}

/// Governs a call: the call and the model that is asked first. A name without a provider is looked for `at` this one.
pub(super) fn enter(
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
    let asked = Asked { request_type, operation, model: &model, at, fallbacks, headers, query };
    let governed = Arc::new(world.governance.enter(world, caller, &asked)?);
    let model = Arc::clone(&governed.primary().model);
    let (world, context) = (Arc::clone(world), Arc::clone(&exchange.context));
    Ok((Call { world, key, context, sessions: Vec::new(), governed: Some(governed) }, model))
}

/// Answers a call, at once or in parts, in the shape of this wire.
pub(super) async fn infer(world: &Arc<World>, intake: &Arc<Intake>, prepared: Prepared) -> Response {
    let Prepared { call, model, endpoint, body, headers, is_closed } = prepared;
    let started = Instant::now();
    let pass = Pass { call: call.clone(), model: Some(model), started, is_closed };
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
    let served = Box::pin(openai::serve(&arrival, body.into()));
    let mut response = with_own_headers(&arrival, served).await;
    conceal(response.headers_mut());
    // Whoever has prepared it has governed it.
    let Some(governed) = &call.governed else { return response };
    let served = Served::of(&call, governed, started);
    if response.status().is_success() {
        answered(&call);
        return if events::are_in(&response) {
            events::tell_in(response, served)
        } else {
            served.tell_in(response).await
        };
    }
    let (response, message) = told_anew(response, &served, call.context.service.attempts() > 0).await;
    failed(&call, response.status(), &message).await;
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

/// Notes that a call has an answer, or the beginning of one.
pub(super) fn answered(call: &Call) {
    if let Some(governed) = &call.governed {
        governed.note_success();
    }
}

/// Notes that a call has failed, which is told to whoever runs the gateway and costs nothing.
pub(super) async fn failed(call: &Call, status: StatusCode, message: &str) {
    let Some(governed) = &call.governed else { return };
    governed.note_failure(status.as_u16(), message);
    if call.context.service.attempts() > 0 {
        billing::charge_failure(call).await;
    }
}

/// Takes out what only OpenAI's own service tells.
fn conceal(headers: &mut HeaderMap) {
    let is_foreign =
        |name: &HeaderName| name.as_str().starts_with("x-ratelimit-") || name.as_str().starts_with("openai-");
    let foreign: Vec<_> = headers.keys().filter(|name| is_foreign(name)).cloned().collect();
    for name in foreign {
        headers.remove(name);
    }
}

/// An error in the shape of this wire, and what it says. What a provider was asked before it is no failure of the
/// gateway.
async fn told_anew(response: Response, served: &Served, is_of_provider: bool) -> (Response, String) {
    let (mut head, body) = response.into_parts();
    // An error is whole, and small.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let Ok(Inner { error }) = serde_json::from_slice::<Inner>(&bytes) else {
        return (Response::from_parts(head, Body::from(bytes)), String::new());
    };
    let envelope = Envelope {
        kind: None,
        is_bifrost_error: head.status.is_server_error() && !is_of_provider,
        status_code: head.status.as_u16(),
        error: error.told(),
        extra_fields: served.about(),
    };
    let (_, body) = json(head.status, &envelope).into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    (Response::from_parts(head, body), error.message)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::super::extra_fields::tests::served;
    use super::*;

    fn wanted(body: &Value, model: Option<&str>) -> Result<Wanted, String> {
        Wanted::read(body.to_string().into(), model).map_err(|refusal| refusal.message)
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
        let wanted = Wanted::read(text.into(), None).map_err(|refusal| refusal.message).unwrap();
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
        assert!(Wanted::read("{".into(), None).is_err());
    }

    #[tokio::test]
    async fn an_error_is_told_in_the_shape_of_the_wire() {
        for (is_of_provider, is_own) in [(true, false), (false, true)] {
            let body = json!({ "error": { "message": "gone", "type": "server_error", "code": null } });
            let response = json(StatusCode::SERVICE_UNAVAILABLE, &body);
            let (response, message) = told_anew(response, &served(RequestType::Chat), is_of_provider).await;
            assert_eq!((response.status().as_u16(), message.as_str()), (503, "gone"));
            let told = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let told: Value = serde_json::from_slice(&told).unwrap();
            assert_eq!(told["error"], json!({ "message": "gone", "type": "server_error" }));
            assert_eq!((&told["is_bifrost_error"], &told["status_code"]), (&json!(is_own), &json!(503)));
            assert_eq!(told["extra_fields"]["request_type"], "chat_completion");
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
