//! Runs what answers a request, and closes the request in the log.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use axum::response::Response;
use futures::FutureExt;

use super::{Exchange, falsified, refused, served};
use crate::domain::call::CallError;
use crate::domain::log_line::LogEvent;

/// What the log has as the status of a request whose caller left before there was one.
const CALLER_LEFT: u16 = 499;

/// A response to a request that was let through.
pub(crate) enum Answer {
    /// It is complete.
    Whole(Response),
    /// Its body is still to come, and closes the request in the log itself.
    Streamed(Response),
}

/// The response to a request, which tells who has served it. A panic is told as what `broken` makes of it; `refuse`
/// puts a refusal into a response, and gives what the log says where something went wrong inside. What is not answered
/// when the gateway ends is broken off, and told as what `unanswered` makes of that.
pub(crate) async fn run<R>(
    exchange: &Exchange<'_>,
    answer: impl Future<Output = Result<Answer, R>>,
    broken: impl FnOnce(String) -> R,
    unanswered: impl FnOnce(CallError) -> R,
    refuse: impl FnOnce(R) -> (Response, Option<Arc<str>>),
) -> Response {
    let answer = pin!(answer);
    let answer = pin!(falsified::with_credentials(exchange, answer));
    let closed = pin!(closed(exchange, answer, broken, unanswered, refuse));
    let mut response = falsified::quoting(exchange, closed).await;
    falsified::falsify(exchange, &mut response).await;
    refused::mishandle(exchange, &mut response).await;
    served::tell(&exchange.context.service, &mut response);
    response
}

/// The response to a request, which is closed in the log unless its body does that.
async fn closed<R>(
    exchange: &Exchange<'_>,
    answer: impl Future<Output = Result<Answer, R>>,
    broken: impl FnOnce(String) -> R,
    unanswered: impl FnOnce(CallError) -> R,
    refuse: impl FnOnce(R) -> (Response, Option<Arc<str>>),
) -> Response {
    let mut open = Open(Some(exchange));
    let outcome = tokio::select! {
        biased;
        outcome = AssertUnwindSafe(answer).catch_unwind() => Some(outcome),
        () = exchange.world.closing.begun() => None,
    };
    open.0 = None;
    let answer = match outcome {
        Some(Ok(answer)) => answer,
        Some(Err(panic)) => Err(broken(format!("panicked: {}", panic_message(&*panic)))),
        None => Err(unanswered(CallError::Closing)),
    };
    let duration = exchange.started.elapsed();
    let (response, exception) = match answer {
        Ok(Answer::Streamed(response)) => return response,
        Ok(Answer::Whole(response)) => (response, None),
        Err(refusal) => {
            let (mut response, exception) = refuse(refusal);
            falsified::show_words(exchange, &mut response, exception.as_deref());
            (response, exception)
        }
    };
    let status = response.status().as_u16();
    let event = match exception {
        None => LogEvent::Completed { status, duration },
        Some(exception) => LogEvent::failed(duration, &exception),
    };
    exchange.close(event);
    response
}

/// A request without an answer yet. Dropped, it was left by its caller, which its end in the log says.
struct Open<'e, 'a>(Option<&'e Exchange<'a>>);

impl Drop for Open<'_, '_> {
    fn drop(&mut self) {
        if let Some(exchange) = self.0 {
            let duration = exchange.started.elapsed();
            exchange.close(LogEvent::Completed { status: CALLER_LEFT, duration });
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "no message",
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::net::{IpAddr, Ipv4Addr};

    use axum::http::Request;
    use axum::response::IntoResponse;

    use super::super::{Arrival, Unanswered};
    use super::*;
    use crate::domain::key::SecretDigest;
    use crate::domain::testing;
    use crate::intake::Intake;

    #[tokio::test]
    async fn what_is_not_answered_when_the_gateway_ends_is_unavailable() {
        let world = testing::world();
        let (head, ()) = Request::builder().uri("/").body(()).unwrap().into_parts();
        let arrival = Arrival {
            world: &world.world,
            head,
            mounted_at: 0,
            client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            intake: &Arc::new(Intake::new(1024)),
            control_token: &SecretDigest::of(b"control"),
            pass: None,
        };
        let exchange = Exchange::start(&arrival, Some);
        world.world.closing.begin();
        let broken = |exception: String| -> Unanswered { panic!("{exception}") };
        let unanswered = |error| Unanswered::of(error).0;
        let refuse = |reason: Unanswered| (reason.status().into_response(), None);
        let response = run(&exchange, pending(), broken, unanswered, refuse).await;
        assert_eq!(response.status().as_u16(), 503);
    }

    #[test]
    fn a_panic_tells_its_message() {
        assert_eq!(panic_message(&"boom"), "boom");
        assert_eq!(panic_message(&"boom".to_owned()), "boom");
        assert_eq!(panic_message(&5), "no message");
    }
}
