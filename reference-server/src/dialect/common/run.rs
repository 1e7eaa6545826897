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
/// when the gateway ends is broken off.
pub(crate) async fn run<R>(
    exchange: &Exchange<'_>,
    answer: impl Future<Output = Result<Answer, R>>,
    broken: impl FnOnce(String) -> R,
    refuse: impl FnOnce(R) -> (Response, Option<Arc<str>>),
) -> Response {
    let answer = pin!(answer);
    let answer = pin!(falsified::with_credentials(exchange, answer));
    let mut response = closed(exchange, answer, broken, refuse).await;
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
        None => Err(broken(CallError::Closing.to_string())),
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
    exchange.world.record(&exchange.context, event);
    response
}

/// A request without an answer yet. Dropped, it was left by its caller, which its end in the log says.
struct Open<'e, 'a>(Option<&'e Exchange<'a>>);

impl Drop for Open<'_, '_> {
    fn drop(&mut self) {
        if let Some(exchange) = self.0 {
            let duration = exchange.started.elapsed();
            exchange.world.record(&exchange.context, LogEvent::Completed { status: CALLER_LEFT, duration });
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
    use super::*;

    #[test]
    fn a_panic_tells_its_message() {
        assert_eq!(panic_message(&"boom"), "boom");
        assert_eq!(panic_message(&"boom".to_owned()), "boom");
        assert_eq!(panic_message(&5), "no message");
    }
}
