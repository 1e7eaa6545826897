//! The frames of AWS's event stream, each with its length before it and its checksum behind.

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::Message;
use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt, try_unfold};

use crate::domain::inference::ProviderError;
use crate::provider::http::Chunks;

/// The type of a stream of frames.
pub(super) const MEDIA_TYPE: &str = "application/vnd.amazon.eventstream";
/// Bytes of the longest frame.
const LONGEST: usize = 16 * 1024 * 1024;
/// Bytes of the number that a frame begins with: its length.
const LENGTH: usize = 4;
/// Bytes of a frame with nothing in it: two lengths, their checksum, and that of the frame.
const SHORTEST: usize = 16;

/// The frames in a body. One that the body ends in the middle of is none.
pub(super) fn frames(chunks: Chunks) -> BoxStream<'static, Result<Message, ProviderError>> {
    let next = |(mut chunks, mut buffer): (Chunks, BytesMut)| async move {
        loop {
            if let Some(frame) = first(&mut buffer)? {
                let read = read_message_from(frame);
                let message = read.map_err(|error| ProviderError::Malformed(error.to_string()))?;
                return Ok::<_, ProviderError>(Some((message, (chunks, buffer))));
            }
            match chunks.next().await {
                Some(chunk) => buffer.extend_from_slice(&chunk?),
                None => return Ok(None),
            }
        }
    };
    try_unfold((chunks, BytesMut::new()), next).boxed()
}

/// Takes the first frame, once all of it is there.
fn first(buffer: &mut BytesMut) -> Result<Option<Bytes>, ProviderError> {
    let Some(length) = buffer.first_chunk::<LENGTH>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if !(SHORTEST..=LONGEST).contains(&length) {
        let told = format!("a frame has {length} bytes, and can have {SHORTEST} to {LONGEST}");
        return Err(ProviderError::Malformed(told));
    }
    Ok((buffer.len() >= length).then(|| buffer.split_to(length).freeze()))
}

#[cfg(test)]
pub(super) mod tests {
    use aws_smithy_eventstream::frame::write_message_to;
    use aws_smithy_types::event_stream::{Header, HeaderValue};
    use futures::stream;

    use super::*;

    /// A frame of this type, with these headers besides.
    pub(in super::super) fn message(
        kind: &'static str,
        headers: &[(&'static str, &'static str)],
        payload: &str,
    ) -> Message {
        let headers = headers.iter().copied().chain([(":message-type", kind)]);
        let headers = headers.map(|(name, value)| Header::new(name, HeaderValue::String(value.into())));
        Message::new_from_parts(headers.collect(), payload.to_owned())
    }

    fn written(messages: &[Message]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for message in messages {
            write_message_to(message, &mut bytes).unwrap();
        }
        bytes
    }

    async fn read(chunks: Vec<Result<Bytes, ProviderError>>) -> Vec<Result<Message, ProviderError>> {
        frames(stream::iter(chunks).boxed()).collect().await
    }

    async fn read_bytes(pieces: &[&[u8]]) -> Vec<Result<Message, ProviderError>> {
        read(pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect()).await
    }

    fn two() -> [Message; 2] {
        [message("event", &[(":event-type", "messageStart")], "{}"), message("event", &[], "")]
    }

    #[tokio::test]
    async fn frames_are_put_together_from_any_pieces() {
        let bytes = written(&two());
        let expected: Vec<_> = two().into_iter().map(Ok).collect();
        for at in 0..=bytes.len() {
            let (one, other) = bytes.split_at(at);
            assert_eq!(read_bytes(&[one, other]).await, expected, "cut at {at}");
        }
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(read_bytes(&single).await, expected);
    }

    #[tokio::test]
    async fn what_is_cut_off_is_no_frame() {
        let bytes = written(&two());
        assert_eq!(read_bytes(&[&bytes[..bytes.len() - 1]]).await.len(), 1);
        let lost = ProviderError::Unreachable("reset".to_owned());
        let read = read(vec![Ok(bytes.into()), Err(lost.clone())]).await;
        assert_eq!(read.last(), Some(&Err(lost)));
    }

    #[tokio::test]
    async fn a_frame_has_a_size_and_is_as_it_was_sent() {
        let mut changed = written(&two());
        changed[20] ^= 1;
        let huge = u32::try_from(LONGEST + 1).unwrap().to_be_bytes();
        for wrong in [changed.as_slice(), &huge, &[0, 0, 0, 15], b"<html>"] {
            let read = read_bytes(&[wrong]).await;
            assert!(matches!(&read[..], [Err(ProviderError::Malformed(_))]), "{read:?}");
        }
    }
}
