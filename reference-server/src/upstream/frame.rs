//! Frames of AWS's event stream, looked into and changed.
//!
//! A frame begins with its length and that of its headers, and a checksum of both; then come headers, payload, and a
//! checksum of all before.

use aws_smithy_eventstream::frame::{read_message_from, write_message_to};
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use axum::body::Bytes;

/// The two lengths and their checksum.
const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;

/// The length of the frame that begins here, once that much of it is known; nothing also for what is no frame.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    number(bytes, 0).filter(|length| *length >= PRELUDE + CHECKSUM)
}

/// The payload of a frame, whether its checksums are right or not.
pub(super) fn payload(frame: &[u8]) -> Option<&[u8]> {
    frame.get(PRELUDE + number(frame, 4)?..frame.len().checked_sub(CHECKSUM)?)
}

/// A frame with another payload; what is no frame stays as it is.
pub(super) fn with_payload(frame: Bytes, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Bytes {
    match read_message_from(&*frame) {
        Ok(message) => {
            written(&Message::new_from_parts(message.headers().to_vec(), change(message.payload())))
        }
        Err(_) => frame,
    }
}

/// A frame that says that something has happened.
pub(super) fn event(name: &str, payload: Vec<u8>) -> Bytes {
    whole(":event-type", name, "event", payload)
}

/// A frame that says what went wrong, behind which nothing comes.
pub(super) fn exception(name: &str, payload: Vec<u8>) -> Bytes {
    whole(":exception-type", name, "exception", payload)
}

fn whole(header: &'static str, name: &str, kind: &'static str, payload: Vec<u8>) -> Bytes {
    let headers = [(header, name), (":content-type", "application/json"), (":message-type", kind)];
    let headers = headers
        .map(|(name, value)| Header::new(name.to_owned(), HeaderValue::String(value.to_owned().into())));
    written(&Message::new_from_parts(headers.into(), payload))
}

fn written(message: &Message) -> Bytes {
    let mut bytes = Vec::with_capacity(message.payload().len() + 256);
    // It fails for frames of several gigabytes only.
    let _ = write_message_to(message, &mut bytes);
    bytes.into()
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let number = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(number)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_looked_into_and_changed() {
        let frame = event("messageStart", br#"{"role":"assistant"}"#.to_vec());
        assert_eq!(length(&frame), Some(frame.len()));
        assert_eq!(payload(&frame), Some(br#"{"role":"assistant"}"#.as_slice()));
        let changed = with_payload(frame.clone(), |payload| [payload, b"!"].concat());
        assert_eq!(changed, event("messageStart", br#"{"role":"assistant"}!"#.to_vec()));
        assert_ne!(frame, exception("messageStart", br#"{"role":"assistant"}"#.to_vec()));
    }

    #[test]
    fn what_is_no_frame_is_left_alone() {
        assert_eq!(length(b"\0\0\0"), None);
        assert_eq!(length(b"\0\0\0\x05"), None);
        assert_eq!(payload(b"\0\0\0\x10\0\0\0\x09"), None);
        let text = Bytes::from_static(b"not a frame at all");
        assert_eq!(with_payload(text.clone(), <[u8]>::to_vec), text);
    }
}
