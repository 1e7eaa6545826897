//! Server-sent events.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures::stream::unfold;
use serde::Serialize;

/// A source of frames: each of one event or more, sent as soon as it is there.
pub(crate) trait Frames: Send + 'static {
    /// The next frame; nothing after the last.
    fn next(&mut self) -> impl Future<Output = Option<Result<Frame, serde_json::Error>>> + Send;
}

/// Events that are sent together.
#[derive(Debug)]
pub(crate) struct Frame(Vec<u8>);

impl Frame {
    /// A frame without an event yet.
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(256))
    }

    /// An event without a name.
    pub(crate) fn data(mut self, data: &impl Serialize) -> Result<Self, serde_json::Error> {
        self.0.extend_from_slice(b"data: ");
        serde_json::to_writer(&mut self.0, data)?;
        self.0.extend_from_slice(b"\n\n");
        Ok(self)
    }

    /// An event with a name.
    pub(crate) fn event(mut self, name: &str, data: &impl Serialize) -> Result<Self, serde_json::Error> {
        self.0.extend_from_slice(b"event: ");
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'\n');
        self.data(data)
    }

    /// Bytes that are no event.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// JSON that is no event.
    pub(crate) fn json(mut self, data: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::to_writer(&mut self.0, data)?;
        Ok(self)
    }

    /// The event that says that no more will come.
    pub(crate) fn done(mut self) -> Self {
        self.0.extend_from_slice(b"data: [DONE]\n\n");
        self
    }

    /// The bytes.
    pub(crate) fn into_bytes(self) -> Bytes {
        self.0.into()
    }
}

/// The response that carries the frames as they come.
pub(crate) fn respond(frames: impl Frames) -> Response {
    let body = unfold(frames, |mut frames| async move {
        let frame = frames.next().await?;
        Some((frame.map(Frame::into_bytes).map_err(std::io::Error::other), frames))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_the_form_of_the_standard() {
        let frame = Frame::new().data(&1).unwrap().event("ping", &"a\nb").unwrap().done();
        let text = "data: 1\n\nevent: ping\ndata: \"a\\nb\"\n\ndata: [DONE]\n\n";
        assert_eq!(frame.into_bytes(), text);
    }
}
