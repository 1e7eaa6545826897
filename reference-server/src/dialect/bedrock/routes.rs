//! From a path and a method to an endpoint; and around every endpoint the log, the panics and the id of the request.

use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};

use super::error::{Kind, Refusal};
use super::exchange::{Admitted, Exchange};
use super::{converse, invoke};
use crate::dialect::common::{Answer, Arrival, Repeats, run};
use crate::domain::billing;
use crate::domain::ledger::Operation;
use crate::intake::Intake;
use crate::percent;

/// The largest body in bytes, which is the service's limit.
const LARGEST: usize = 25_000_000;
const REQUEST_ID: &str = "x-amzn-requestid";

/// What is done with a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Converse,
    ConverseStream,
    Invoke,
}

impl Action {
    const fn operation(self) -> Operation {
        match self {
            Self::Converse | Self::ConverseStream => Operation::Chat,
            Self::Invoke => Operation::Embedding,
        }
    }
}

/// The model that a path names, and what is done with it. An ARN has slashes of its own, which are mostly encoded.
fn target(path: &str) -> Option<(String, Action)> {
    let (model, action) = path.strip_prefix("/model/")?.rsplit_once('/')?;
    let action = match action {
        "converse" => Action::Converse,
        "converse-stream" => Action::ConverseStream,
        "invoke" => Action::Invoke,
        _ => return None,
    };
    let model = percent::decoded(model);
    (!model.is_empty()).then_some((model, action))
}

/// Answers a request.
pub(crate) async fn serve(arrival: &Arrival<'_>, body: Body) -> Response {
    let limit = arrival.intake.limit.min(LARGEST);
    let intake = Intake { limit, budget: Arc::clone(&arrival.intake.budget), ..**arrival.intake };
    let exchange = Exchange::start(arrival, &intake);
    let refuse = |mut refusal: Refusal| {
        let exception = refusal.exception.take().map(Arc::from);
        (refusal.into_response(), exception)
    };
    let answer = pin!(answer(&exchange, body));
    let mut response = run(&exchange, answer, Refusal::internal, Refusal::from, refuse).await;
    // An id is text that a header can carry.
    if let Ok(id) = HeaderValue::try_from(exchange.context.id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

async fn answer(exchange: &Exchange<'_>, body: Body) -> Result<Answer, Refusal> {
    let Some((model, action)) = target(exchange.path).filter(|_| exchange.head.method == Method::POST) else {
        return Err(Refusal::new(Kind::UnknownOperation, "The operation is unknown."));
    };
    let Admitted { call, body, share } = exchange.admit(body).await?;
    let repeats = Repeats::of(exchange, &body);
    let answer = async {
        match action {
            Action::Converse => converse::whole(exchange, &call, &model, body, share).await,
            Action::ConverseStream => converse::in_parts(exchange, &call, &model, body, share).await,
            Action::Invoke => invoke::answer(exchange, &call, &model, body, share).await,
        }
    };
    let answer = repeats.once(exchange, &call, pin!(answer)).await;
    if answer.is_err() {
        billing::bill_refusal(&call, action.operation()).await;
    }
    answer
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use axum::body::to_bytes;
    use axum::http::{Request, header};
    use jiff::Timestamp;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::super::signature::testing::sign;
    use super::*;
    use crate::domain::access_key::AccessKey;
    use crate::domain::key::{Key, KeyRecord, SecretDigest};
    use crate::domain::testing::{self, TestWorld};

    const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const PATH: &str = "/model/claude_3_haiku/converse";

    #[test]
    fn a_path_names_a_model_and_what_is_done_with_it() {
        assert_eq!(target("/model/a.b-v1%3A0/converse"), Some(("a.b-v1:0".to_owned(), Action::Converse)));
        assert_eq!(
            target("/model/a.b-v1:0/converse-stream"),
            Some(("a.b-v1:0".to_owned(), Action::ConverseStream))
        );
        let arn = "arn:aws:bedrock:us-east-1::foundation-model/a.b";
        assert_eq!(target(&format!("/model/{arn}/invoke")), Some((arn.to_owned(), Action::Invoke)));
        let encoded = arn.replace(':', "%3A").replace('/', "%2f");
        assert_eq!(target(&format!("/model/{encoded}/invoke")), Some((arn.to_owned(), Action::Invoke)));
        for nowhere in ["/", "/model", "/model/a", "/model//converse", "/model/a/count-tokens"] {
            assert_eq!(target(nowhere), None, "{nowhere}");
        }
    }

    /// A world with an access key.
    fn world() -> TestWorld {
        let mut world = testing::world();
        let (id, secret) = (ACCESS_KEY_ID.to_owned(), SECRET.to_owned());
        Arc::get_mut(&mut world.world).unwrap().access_key =
            Some(AccessKey { id, secret, region: "us-east-1".to_owned() });
        let key = world.world.keys.first(|key| &*key.role == "all_scopes").unwrap();
        let record = KeyRecord {
            id: Uuid::new_v4(),
            digest: SecretDigest::of(ACCESS_KEY_ID.as_bytes()),
            ..key.record()
        };
        world.world.keys.add(Arc::new(Key::new(record)));
        world
    }

    async fn sent(world: &TestWorld, request: Request<String>) -> (u16, String, Value) {
        let (head, body) = request.into_parts();
        let (intake, control_token) = (Arc::new(Intake::new(1024 * 1024)), SecretDigest::of(b"control"));
        let arrival = Arrival {
            world: &world.world,
            head,
            mounted_at: "/bedrock".len(),
            client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            intake: &intake,
            control_token: &control_token,
            pass: None,
        };
        let response = serve(&arrival, body.into()).await;
        assert!(response.headers().contains_key(REQUEST_ID));
        let kind = response.headers().get("x-amzn-errortype").map(|kind| kind.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, kind.unwrap_or_default(), serde_json::from_slice(&body).unwrap())
    }

    fn request(time: i64) -> Request<String> {
        let body = json!({ "messages": [{ "role": "user", "content": [{ "text": "Hello" }] }] });
        let time = Timestamp::from_microsecond(time).unwrap().strftime("%Y%m%dT%H%M%SZ").to_string();
        Request::builder()
            .method("POST")
            .uri(format!("/bedrock{PATH}"))
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-amz-date", time)
            .body(body.to_string())
            .unwrap()
    }

    fn signed(mut request: Request<String>, access_key_id: &str, secret: &str) -> Request<String> {
        let (head, body) = request.into_parts();
        let authorization = sign(&head, body.as_bytes(), access_key_id, secret);
        request = Request::from_parts(head, body);
        request.headers_mut().insert(header::AUTHORIZATION, authorization.parse().unwrap());
        request
    }

    #[tokio::test]
    async fn a_signed_request_is_answered_and_a_changed_one_is_not() {
        let world = world();
        let now = world.world.clock.now().as_micros();
        let (status, _, answer) = sent(&world, signed(request(now), ACCESS_KEY_ID, SECRET)).await;
        assert_eq!((status, &answer["output"]["message"]["role"]), (200, &json!("assistant")), "{answer}");
        let mut changed = signed(request(now), ACCESS_KEY_ID, SECRET);
        *changed.body_mut() = changed.body().replace("Hello", "Howdy");
        let mut of_a_session = request(now);
        of_a_session.headers_mut().insert("x-amz-security-token", "token".parse().unwrap());
        for (request, kind) in [
            (changed, "InvalidSignatureException"),
            (signed(request(now), ACCESS_KEY_ID, "another secret"), "InvalidSignatureException"),
            (signed(request(now - 301_000_000), ACCESS_KEY_ID, SECRET), "InvalidSignatureException"),
            (signed(request(now), "AKIANOBODY", SECRET), "UnrecognizedClientException"),
            (signed(of_a_session, ACCESS_KEY_ID, SECRET), "UnrecognizedClientException"),
            (request(now), "MissingAuthenticationTokenException"),
        ] {
            let (status, found, answer) = sent(&world, request).await;
            assert_eq!((status, found.as_str()), (403, kind), "{answer}");
        }
    }

    #[tokio::test]
    async fn an_access_key_ends_with_its_world_and_is_no_bearer_token() {
        let world = world();
        let now = world.world.clock.now().as_micros();
        let mut bearer = request(now);
        let authorization = format!("Bearer {ACCESS_KEY_ID}").parse().unwrap();
        bearer.headers_mut().insert(header::AUTHORIZATION, authorization);
        let (status, kind, _) = sent(&world, bearer).await;
        assert_eq!((status, kind.as_str()), (403, "AccessDeniedException"));
        let elsewhere = testing::world();
        let (status, kind, _) = sent(&elsewhere, signed(request(now), ACCESS_KEY_ID, SECRET)).await;
        assert_eq!((status, kind.as_str()), (403, "UnrecognizedClientException"));
    }
}
