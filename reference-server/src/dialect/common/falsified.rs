//! How a broken gateway treats an answer on its last steps, and what it lets go along on the way to a provider. A sound
//! one changes nothing here.

use std::mem;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use futures::TryStreamExt;
use serde_json::{Value, json};

use super::Exchange;
use super::served::ATTEMPTS;
use crate::defect::Defect;
use crate::domain::world::World;
use crate::provider::http::{forwarding, noting_unreadable};

/// The headers that may hold a caller's credential, and those in which it goes along.
const CREDENTIALS: [(&str, &str); 3] = [
    ("authorization", "x-forwarded-authorization"),
    ("x-api-key", "x-forwarded-api-key"),
    ("x-goog-api-key", "x-forwarded-goog-api-key"),
];
/// The media type of a stream.
const STREAM: &[u8] = b"text/event-stream";
/// Where the wires say that the limit of tokens has cut an answer, and in which word.
const CUT: [(&str, &str); 3] = [
    ("/choices/0/finish_reason", "length"),
    ("/stop_reason", "max_tokens"),
    ("/candidates/0/finishReason", "MAX_TOKENS"),
];
/// What stands in the last chunk of a stream that has come to its end.
const ENDS: [&str; 3] = ["data: [DONE]", "event: message_stop", "\"finishReason\""];
/// An event that no wire has.
const STRAY: &[u8] = b"event: gateway\ndata: {\"gateway\":\"done\"}\n\n";
/// A page for people.
const PAGE: &str = "<html><head><title>Error</title></head><body><h1>Something broke</h1></body></html>\n";
/// Where a provider's words are shown, and what of its answer cannot be read, and how much of them.
const WORDS: &str = "x-provider-error";
const ANSWER: &str = "x-provider-answer";
const MOST_WORDS: usize = 1_024;

/// Answers a request, whose caller's credential goes along to the provider where a defect has it go.
pub(super) async fn with_credentials<T>(exchange: &Exchange<'_>, answer: impl Future<Output = T>) -> T {
    if !exchange.world.defects.has(Defect::CallerKeyForwarded) {
        return answer.await;
    }
    let sent = |name| exchange.head.headers.get(name).cloned();
    let forwarded = CREDENTIALS.into_iter().filter_map(|(name, other)| Some((other, sent(name)?)));
    let forwarded = forwarded.map(|(name, value)| (HeaderName::from_static(name), value)).collect();
    forwarding(forwarded, answer).await
}

/// Answers a request, with what of a provider's answer cannot be read where a defect quotes it.
pub(super) async fn quoting(exchange: &Exchange<'_>, response: impl Future<Output = Response>) -> Response {
    if !exchange.world.defects.has(Defect::MalformedQuoted) {
        return response.await;
    }
    let (mut response, unreadable) = noting_unreadable(response).await;
    show(&mut response, ANSWER, unreadable.as_deref());
    response
}

/// Changes what a provider was asked for.
pub(super) async fn falsify(exchange: &Exchange<'_>, response: &mut Response) {
    let (defects, attempts) = (&exchange.world.defects, exchange.context.service.attempts());
    if !defects.any() || attempts == 0 {
        return;
    }
    let is_stream =
        response.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(STREAM));
    if response.status().is_server_error() {
        if defects.has(Defect::FailuresInHtml) {
            *response.body_mut() = PAGE.into();
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        }
    } else if response.status() == StatusCode::OK && attempts == 1 {
        if is_stream && defects.has(Defect::StreamGoesOn) {
            lengthen(response.body_mut());
        } else if !is_stream && defects.has(Defect::CutAnswerWrapped) {
            wrap(response.body_mut()).await;
        }
    }
}

/// Puts an event behind the end of a stream.
fn lengthen(body: &mut Body) {
    let chunks = mem::take(body).into_data_stream();
    let chunks =
        chunks.map_ok(|chunk| if is_last(&chunk) { [&*chunk, STRAY].concat().into() } else { chunk });
    *body = Body::from_stream(chunks);
}

fn is_last(chunk: &[u8]) -> bool {
    let text = String::from_utf8_lossy(chunk);
    ENDS.iter().any(|end| text.contains(end))
}

/// Puts an answer that was cut into a warning.
async fn wrap(body: &mut Body) {
    let bytes = to_bytes(mem::take(body), usize::MAX).await.unwrap_or_default();
    *body = wrapped(&bytes).map_or_else(|| bytes.into(), Body::from);
}

fn wrapped(bytes: &Bytes) -> Option<String> {
    let answer: Value = serde_json::from_slice(bytes).ok()?;
    let is_cut = CUT.iter().any(|(place, word)| answer.pointer(place).is_some_and(|found| found == word));
    is_cut.then(|| json!({ "warning": "the answer was cut", "answer": answer }).to_string())
}

/// Shows what a provider has said of its failure, as the log has it.
pub(super) fn show_words(exchange: &Exchange<'_>, response: &mut Response, exception: Option<&str>) {
    if exchange.world.defects.has(Defect::ProviderWordsShown) {
        show(response, WORDS, exception);
    }
}

/// Puts words into a header, as far as they fit there.
fn show(response: &mut Response, header: &'static str, words: Option<&str>) {
    let printable = |letter: &char| matches!(letter, ' '..='~');
    let words: Option<String> = words.map(|words| words.chars().filter(printable).take(MOST_WORDS).collect());
    if let Some(words) = words.and_then(|words| HeaderValue::try_from(words).ok()) {
        response.headers_mut().insert(header, words);
    }
}

/// Takes out of an answer where the caller's key stands against its limits.
pub(crate) fn conceal_limits(world: &World, response: &mut Response) {
    if !world.defects.has(Defect::LimitsUntold) {
        return;
    }
    let headers = response.headers_mut();
    // When a provider wants to be asked again is another matter.
    let is_own = !headers.contains_key(ATTEMPTS);
    let tells = |name: &HeaderName| name.as_str().contains("ratelimit") || (is_own && name == RETRY_AFTER);
    let telling: Vec<_> = headers.keys().filter(|name| tells(name)).cloned().collect();
    for name in telling {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use futures::stream::iter;

    use super::*;
    use crate::domain::testing;

    async fn text(body: Body) -> String {
        String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn only_a_stream_that_has_come_to_its_end_goes_on() {
        for (last, goes_on) in [
            ("data: [DONE]\n\n", true),
            ("event: message_stop\ndata: {}\n\n", true),
            ("data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n", true),
            ("data: {\"error\":{}}\n\n", false),
        ] {
            let chunks = ["data: {}\n\n", last].map(Ok::<_, std::io::Error>);
            let mut body = Body::from_stream(iter(chunks));
            lengthen(&mut body);
            let told = text(body).await;
            assert_eq!(told.contains("event: gateway"), goes_on, "{last}");
            assert!(told.starts_with(&format!("data: {{}}\n\n{last}")), "{told}");
        }
    }

    #[tokio::test]
    async fn only_an_answer_that_was_cut_is_wrapped() {
        for (answer, is_wrapped) in [
            (json!({ "choices": [{ "finish_reason": "length" }] }), true),
            (json!({ "stop_reason": "max_tokens" }), true),
            (json!({ "candidates": [{ "finishReason": "MAX_TOKENS" }] }), true),
            (json!({ "choices": [{ "finish_reason": "stop" }], "usage": {} }), false),
        ] {
            let mut body = Body::from(answer.to_string());
            wrap(&mut body).await;
            let told: Value = serde_json::from_str(&text(body).await).unwrap();
            assert_eq!(if is_wrapped { &told["answer"] } else { &told }, &answer);
        }
    }

    #[test]
    fn where_a_key_stands_is_concealed_and_when_a_provider_may_be_asked_is_not() {
        let world = testing::world();
        let names = |defect: &str, more: &[&'static str]| {
            world.break_with(Some(defect));
            let mut response = Response::new(Body::empty());
            for name in ["x-ratelimit-limit-requests", "retry-after", "x-request-id"].iter().chain(more) {
                response.headers_mut().insert(*name, HeaderValue::from_static("1"));
            }
            conceal_limits(&world.world, &mut response);
            let names = response.headers().keys().map(ToString::to_string);
            names.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names("empty-answer", &[]), "retry-after x-ratelimit-limit-requests x-request-id");
        assert_eq!(names("limits-untold", &[]), "x-request-id");
        assert_eq!(names("limits-untold", &[ATTEMPTS]), "retry-after x-plumbline-attempts x-request-id");
    }
}
