//! Server-sent events, as a provider sends them.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::{BoxStream, StreamExt};
use sse_stream::{Sse, SseByteStream};

use super::Chunks;
use crate::domain::inference::ProviderError;

/// The type of a stream of events.
pub(super) const MEDIA_TYPE: &str = "text/event-stream";
/// Bytes of the longest event.
const LONGEST: usize = 1024 * 1024;

/// The data of the events in a body. One that the body ends in the middle of is none.
pub(super) fn events(chunks: Chunks) -> BoxStream<'static, Result<String, ProviderError>> {
    // Bytes that came since the last event: what is kept of the next one is no more than these.
    let held = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&held);
    let bounded = chunks.map(move |chunk| {
        let chunk = chunk?;
        if counter.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len() > LONGEST {
            return Err(ProviderError::Malformed(format!("an event is longer than {LONGEST} bytes")));
        }
        Ok(chunk)
    });
    let events = SseByteStream::new(bounded.boxed()).filter_map(move |event| {
        held.store(0, Ordering::Relaxed);
        ready(match event {
            Ok(Sse { data, .. }) => data.filter(|data| !data.is_empty()).map(Ok),
            Err(error) => Some(Err(told(error))),
        })
    });
    events.boxed()
}

/// What went wrong in the body, or in reading it.
fn told(error: sse_stream::Error) -> ProviderError {
    match error {
        sse_stream::Error::Body(error) => match error.downcast::<ProviderError>() {
            Ok(error) => *error,
            Err(error) => ProviderError::Malformed(error.to_string()),
        },
        error => ProviderError::Malformed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::stream;

    use super::*;

    type Read = Vec<Result<String, ProviderError>>;

    async fn read(chunks: Vec<Result<Bytes, ProviderError>>) -> Read {
        events(stream::iter(chunks).boxed()).collect().await
    }

    async fn read_texts(texts: &[&str]) -> Read {
        read(texts.iter().map(|text| Ok(Bytes::from((*text).to_owned()))).collect()).await
    }

    #[tokio::test]
    async fn events_are_put_together_from_any_pieces() {
        let text = ": hello\n\nevent: ping\ndata: {}\n\ndata: a\r\ndata: ä\r\n\r\nretry: 5\n\ndata: cut";
        let expected = [Ok("{}".to_owned()), Ok("a\nä".to_owned())];
        for (at, _) in text.char_indices() {
            let (one, other) = text.split_at(at);
            assert_eq!(read_texts(&[one, other]).await, expected, "cut at {at}");
        }
    }

    #[tokio::test]
    async fn an_event_has_a_size() {
        let half = "x".repeat(LONGEST / 2);
        let small = format!("data: {half}\n\n");
        assert_eq!(read_texts(&[&small, &small, &small]).await.len(), 3);
        let read = read_texts(&[&small, "data: ", &half, &half, &half, "\n\n"]).await;
        assert!(matches!(&read[..], [Ok(_), Err(ProviderError::Malformed(_))]), "{} items", read.len());
    }

    #[tokio::test]
    async fn what_went_wrong_below_is_told_as_it_was() {
        let lost = ProviderError::Unreachable("reset".to_owned());
        let begun = Bytes::from_static(b"data: 1\n\ndata: 2");
        assert_eq!(read(vec![Ok(begun), Err(lost.clone())]).await, [Ok("1".to_owned()), Err(lost)]);
        let read = read(vec![Ok(Bytes::from_static(b"data: \xff\n\n"))]).await;
        assert!(matches!(&read[..], [Err(ProviderError::Malformed(_))]), "{read:?}");
    }
}
