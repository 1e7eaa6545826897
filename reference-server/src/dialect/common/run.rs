//! Runs what answers a request, and closes the request in the log.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::response::Response;
use futures::FutureExt;

use super::{Exchange, served};
use crate::domain::log_line::LogEvent;

/// A response to a request that was let through.
pub(crate) enum Answer {
    /// It is complete.
    Whole(Response),
    /// Its body is still to come, and closes the request in the log itself.
    Streamed(Response),
}

/// The response to a request, which tells who has served it. A panic is told as what `broken` makes of it; `refuse`
/// puts a refusal into a response, and gives what the log says where something went wrong inside.
pub(crate) async fn run<R>(
    exchange: &Exchange<'_>,
    answer: impl Future<Output = Result<Answer, R>>,
    broken: impl FnOnce(String) -> R,
    refuse: impl FnOnce(R) -> (Response, Option<Arc<str>>),
) -> Response {
    let mut response = closed(exchange, answer, broken, refuse).await;
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
    let answer = match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(answer) => answer,
        Err(panic) => Err(broken(format!("panicked: {}", panic_message(&*panic)))),
    };
    let duration = exchange.started.elapsed();
    let (response, exception) = match answer {
        Ok(Answer::Streamed(response)) => return response,
        Ok(Answer::Whole(response)) => (response, None),
        Err(refusal) => refuse(refusal),
    };
    let status = response.status().as_u16();
    let event = match exception {
        None => LogEvent::Completed { status, duration },
        Some(exception) => LogEvent::Failed { duration, exception },
    };
    exchange.world.record(&exchange.context, event);
    response
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
