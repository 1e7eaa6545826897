//! The frames of an event stream, in which names and checksums stand around each payload.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use axum::http::{HeaderValue as HttpValue, header};
use axum::response::Response;
use serde::Serialize;
use serde::ser::Error as _;

use crate::dialect::common::sse::{self, Frame, Frames};

/// A frame, or why there is none.
pub(super) type Written = Result<Frame, serde_json::Error>;

/// Adds an event.
pub(super) fn event(frame: Frame, name: &'static str, payload: &impl Serialize) -> Written {
    message(frame, (":event-type", name), "event", payload)
}

/// Adds an error, behind which nothing comes.
pub(super) fn exception(frame: Frame, name: &'static str, payload: &impl Serialize) -> Written {
    message(frame, (":exception-type", name), "exception", payload)
}

fn message(
    frame: Frame,
    (header, name): (&'static str, &'static str),
    kind: &'static str,
    payload: &impl Serialize,
) -> Written {
    let headers = [(header, name), (":content-type", "application/json"), (":message-type", kind)];
    let headers = headers.map(|(name, value)| Header::new(name, HeaderValue::String(value.into())));
    let message = Message::new_from_parts(headers.into(), serde_json::to_vec(payload)?);
    let mut bytes = Vec::with_capacity(256);
    write_message_to(&message, &mut bytes).map_err(serde_json::Error::custom)?;
    Ok(frame.raw(&bytes))
}

/// The response that carries the frames as they come.
pub(super) fn respond(frames: impl Frames) -> Response {
    let mut response = sse::respond(frames);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HttpValue::from_static("application/vnd.amazon.eventstream"));
    headers.remove(header::CACHE_CONTROL);
    headers.remove("x-accel-buffering");
    response
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::json;

    use super::*;

    fn hex(written: Written) -> String {
        let mut text = String::new();
        for byte in written.unwrap().into_bytes() {
            write!(text, "{byte:02x}").unwrap();
        }
        text
    }

    #[test]
    fn an_event_is_framed_as_the_service_does_it() {
        let frame = event(Frame::new(), "messageStart", &json!({ "role": "assistant" }));
        assert_eq!(
            hex(frame),
            "000000760000005296d5fade0b3a6576656e742d7479706507000c6d65737361676553746172740d3a636f6e74656e742d74797065\
             0700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22726f6c65223a2261737369\
             7374616e74227d6fa8c599"
        );
    }

    #[test]
    fn an_error_says_that_it_is_one() {
        let frame = exception(Frame::new(), "throttlingException", &json!({ "message": "no" }));
        let bytes = frame.unwrap().into_bytes();
        for text in
            ["\x0f:exception-type\x07\0\x13throttlingException", "\x0d:message-type\x07\0\x09exception"]
        {
            assert!(bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text:?}");
        }
    }
}
