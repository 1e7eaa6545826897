//! What can go wrong between a gateway and a provider.

use std::time::Duration;

use futures::StreamExt;
use plumbline_reference_server::domain::inference::{FinishReason, ProviderError, Usage};
use plumbline_reference_server::provider::http::{Client, Secret, Timeouts};
use plumbline_reference_server::provider::{OpenAi, Piece, Provider, StreamPart};

use crate::provider_support::{KEY, RawServer, Then, endpoint, hello, model, stream};

const EVENTS: &str = "text/event-stream; charset=utf-8";
const HELLO: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const END: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
    data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// So short a time that a server which does not answer takes longer.
const SHORT: Duration = Duration::from_millis(50);

fn delta(text: &str) -> StreamPart {
    StreamPart::Delta { answer: 0, piece: Piece::Text { text: text.to_owned(), tokens: None } }
}

async fn failed(answer: impl Into<Vec<u8>>, then: Then) -> ProviderError {
    let server = RawServer::answering(answer, then).await;
    server.provider(Timeouts::default()).complete(&model(), hello(), None).await.unwrap_err()
}

/// Everything that comes of a stream which is there.
async fn streamed(body: &str, then: Then, timeouts: Timeouts) -> Vec<Result<StreamPart, ProviderError>> {
    let server = RawServer::succeeding(EVENTS, body, then).await;
    stream(&server.provider(timeouts)).await.unwrap().collect().await
}

#[tokio::test]
async fn a_stream_that_comes_to_its_end_is_an_answer() {
    let usage = Usage::of(3, 1);
    let expected = [
        Ok(delta("Hi")),
        Ok(StreamPart::Ended { answer: 0, finish_reason: FinishReason::Stop }),
        Ok(StreamPart::Finished { usage }),
    ];
    let whole = [": hello\n\n", HELLO, END, DONE].concat();
    assert_eq!(streamed(&whole, Then::Close, Timeouts::default()).await, expected);
    // Its end is the last event, and not that of the connection.
    assert_eq!(streamed(&whole, Then::Hold, Timeouts::default()).await, expected);
}

#[tokio::test]
async fn a_stream_that_is_cut_ends_in_an_error() {
    for body in [HELLO.to_owned(), [HELLO, END].concat(), [HELLO, END, "data: [DO"].concat()] {
        let parts = streamed(&body, Then::Close, Timeouts::default()).await;
        assert_eq!(parts.first(), Some(&Ok(delta("Hi"))));
        assert!(matches!(parts.last(), Some(Err(ProviderError::Malformed(_)))), "{parts:?}");
    }
    let broken = [HELLO, "data: {\"choices\":\n\n", END, DONE].concat();
    let parts = streamed(&broken, Then::Close, Timeouts::default()).await;
    assert!(matches!(&parts[..], [Ok(_), Err(ProviderError::Malformed(_))]), "{parts:?}");
}

#[tokio::test]
async fn what_goes_wrong_before_the_first_part_is_no_stream() {
    let huge = format!("data: {}\n\n", "x".repeat(2 * 1024 * 1024));
    for (media_type, body) in [(EVENTS, ""), (EVENTS, huge.as_str()), ("text/html", HELLO)] {
        let server = RawServer::succeeding(media_type, body, Then::Close).await;
        let refused = stream(&server.provider(Timeouts::default())).await.err();
        assert!(matches!(refused, Some(ProviderError::Malformed(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn whoever_drops_a_stream_ends_the_call() {
    let server = RawServer::succeeding(EVENTS, HELLO, Then::Hold).await;
    let mut parts = stream(&server.provider(Timeouts::default())).await.unwrap();
    assert_eq!(parts.next().await, Some(Ok(delta("Hi"))));
    drop(parts);
    server.left.await.unwrap();
}

#[tokio::test]
async fn a_provider_has_so_long_to_answer() {
    let silent = RawServer::answering("", Then::Hold).await;
    let timeouts = Timeouts { first_byte: SHORT, ..Timeouts::default() };
    let late = silent.provider(timeouts).complete(&model(), hello(), None).await;
    assert!(matches!(late, Err(ProviderError::TimedOut(_))), "{late:?}");
    silent.left.await.unwrap();
    for timeouts in [
        Timeouts { idle: SHORT, ..Timeouts::default() },
        Timeouts { total: Duration::from_millis(500), ..Timeouts::default() },
    ] {
        let parts = streamed(HELLO, Then::Hold, timeouts).await;
        assert!(matches!(&parts[..], [Ok(_), Err(ProviderError::TimedOut(_))]), "{parts:?}");
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_cannot_be_reached() {
    let reset = failed("", Then::Reset).await;
    assert!(matches!(reset, ProviderError::Unreachable(_)), "{reset:?}");
    let closed = failed("", Then::Close).await;
    assert!(matches!(closed, ProviderError::Unreachable(_)), "{closed:?}");
    let gone = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let provider = OpenAi::new(Client::new(), endpoint(&format!("http://{gone}/v1")), Secret::new(KEY));
    let refused = provider.complete(&model(), hello(), None).await.unwrap_err();
    let ProviderError::Unreachable(told) = &refused else { panic!("{refused:?}") };
    assert!(!told.contains("127.0.0.1"), "{told}");
}

#[tokio::test]
async fn a_success_that_is_none_is_malformed() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    for answer in [
        "hello\r\n\r\n".to_owned(),
        format!("{head}content-length: 2\r\n\r\n{{}}"),
        format!("{head}content-length: 20\r\n\r\n{{\"choices\":[]"),
        format!("{head}content-length: 4\r\n\r\n{{\"choices\":[]}}"),
        format!("{head}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n"),
        format!("{head}connection: close\r\n\r\n<html>"),
    ] {
        let malformed = failed(answer.as_str(), Then::Close).await;
        assert!(matches!(malformed, ProviderError::Malformed(_)), "{answer:?}: {malformed:?}");
    }
}

#[tokio::test]
async fn an_answer_is_read_up_to_a_limit() {
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n".to_vec();
    answer.resize(answer.len() + 65 * 1024 * 1024, b' ');
    let ProviderError::Malformed(told) = failed(answer, Then::Close).await else { panic!() };
    assert!(told.contains("longer than"), "{told}");
}

#[tokio::test]
async fn a_redirect_is_an_error_like_any_other() {
    let answer = "HTTP/1.1 307 Moved\r\nlocation: /elsewhere\r\ncontent-length: 5\r\n\r\nthere";
    let unmapped = ProviderError::Unmapped { status: 307, body: "there".to_owned() };
    assert_eq!(failed(answer, Then::Close).await, unmapped);
}

#[tokio::test]
async fn a_status_means_something_even_if_its_body_never_comes() {
    let answer = "HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 500\r\n\r\n{\"error\":";
    let limited = failed(answer, Then::Close).await;
    assert!(matches!(limited, ProviderError::RateLimited { .. }), "{limited:?}");
    assert_eq!(limited.retry_after(), Some(Duration::from_secs(7)));
}
