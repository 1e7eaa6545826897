//! An answer in parts: events, frames, or pieces of so many bytes.

use std::io;
use std::ops::Range;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::BytesMut;
use futures::StreamExt;
use futures::stream::{BoxStream, unfold};

use super::frame;

/// The parts of an answer, in order. After an error nothing comes.
pub(super) type Units = BoxStream<'static, io::Result<Bytes>>;

/// What the parts of an answer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Server-sent events, each with the blank line after it.
    Events,
    /// Frames of AWS's event stream.
    Frames,
    /// Elements of a JSON list, with what stands before and after them.
    Elements,
}

impl Form {
    /// What the parts of a streamed answer are.
    pub(super) fn of(response: &Response) -> Self {
        let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        match kind.unwrap_or_default() {
            kind if kind.starts_with(b"text/event-stream") => Self::Events,
            b"application/vnd.amazon.eventstream" => Self::Frames,
            _ => Self::Elements,
        }
    }

    /// Whether a part is there for the connection alone: it says nothing, and can stand anywhere in an answer.
    pub(super) fn is_ping(self, unit: &[u8]) -> bool {
        self == Self::Events && unit.starts_with(b"event: ping\n")
    }

    /// The JSON object in a part, if there is one.
    pub(super) fn json(self, unit: &[u8]) -> Option<&[u8]> {
        match self {
            Self::Frames => frame::payload(unit),
            Self::Events | Self::Elements => braces(unit).and_then(|braces| unit.get(braces)),
        }
    }

    /// A part with something else in place of its JSON; one without JSON stays as it is.
    pub(super) fn with_json(self, unit: Bytes, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Bytes {
        if self == Self::Frames {
            return frame::with_payload(unit, change);
        }
        let Some(braces) = braces(&unit) else { return unit };
        let (before, rest) = unit.split_at(braces.start);
        let (json, after) = rest.split_at(braces.len());
        [before, &change(json), after].concat().into()
    }

    /// The length of the first part, once all of it is there. What was looked through before is not looked through
    /// again.
    fn first(self, bytes: &[u8], looked_through: &mut usize) -> Option<usize> {
        match self {
            Self::Events => {
                let end = end_of_event(bytes, *looked_through);
                // A blank line can have begun in the last bytes.
                *looked_through = if end.is_some() { 0 } else { bytes.len().saturating_sub(3) };
                end
            }
            Self::Frames => frame::length(bytes).filter(|length| *length <= bytes.len()),
            // They come one at a time.
            Self::Elements => (!bytes.is_empty()).then_some(bytes.len()),
        }
    }
}

/// Where the JSON object of a part stands. Nothing beside it has braces.
fn braces(unit: &[u8]) -> Option<Range<usize>> {
    let start = unit.iter().position(|byte| *byte == b'{')?;
    let last = unit.iter().rposition(|byte| *byte == b'}').filter(|last| *last > start)?;
    Some(Range { start, end: last + 1 })
}

fn end_of_event(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let ends = [b"\n\n".as_slice(), b"\r\n\r\n"].into_iter().filter_map(|blank| {
        rest.windows(blank.len()).position(|window| window == blank).map(|at| from + at + blank.len())
    });
    ends.min()
}

/// The parts of a body. What is no whole part at its end comes as one.
pub(super) fn split(body: Body, form: Form) -> Units {
    let begun = (body.into_data_stream(), BytesMut::new(), 0);
    let units = unfold(begun, move |(mut body, mut read, mut looked_through)| async move {
        loop {
            if let Some(length) = form.first(&read, &mut looked_through) {
                let unit = read.split_to(length).freeze();
                return Some((Ok(unit), (body, read, looked_through)));
            }
            match body.next().await {
                Some(Ok(more)) => read.extend_from_slice(&more),
                Some(Err(error)) => {
                    return Some((Err(io::Error::other(error)), (body, BytesMut::new(), 0)));
                }
                None if read.is_empty() => return None,
                None => {
                    let rest = read.split().freeze();
                    return Some((Ok(rest), (body, read, 0)));
                }
            }
        }
    });
    units.boxed()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;

    use super::*;

    async fn parts(form: Form, chunks: &[&[u8]]) -> Vec<Bytes> {
        let chunks: Vec<_> =
            chunks.iter().map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk))).collect();
        let units = split(Body::from_stream(stream::iter(chunks)), form);
        units.map(Result::unwrap).collect().await
    }

    #[tokio::test]
    async fn events_end_at_blank_lines_however_they_come() {
        let expected = ["data: 1\n\n", "event: a\ndata: 2\r\n\r\n", "data: 3\n\n", "data: 4"];
        let text = expected.concat();
        for size in 1..=text.len() {
            let chunks: Vec<_> = text.as_bytes().chunks(size).collect();
            assert_eq!(parts(Form::Events, &chunks).await, expected, "in chunks of {size}");
        }
    }

    #[tokio::test]
    async fn frames_end_where_their_length_says() {
        let one = frame::event("one", b"{}".to_vec());
        let two = frame::event("two", Vec::new());
        let all = [&one[..], &two[..], b"\0\0"].concat();
        for size in 1..=all.len() {
            let chunks: Vec<_> = all.chunks(size).collect();
            assert_eq!(parts(Form::Frames, &chunks).await, [&one[..], &two[..], b"\0\0"]);
        }
    }

    #[test]
    fn the_json_of_a_part_can_be_read_and_replaced() {
        let replaced = |form: Form, unit: &'static [u8]| {
            let unit = Bytes::from_static(unit);
            let json = form.json(&unit).map(<[u8]>::to_vec);
            (json, form.with_json(unit, |json| [json, b"!"].concat()))
        };
        for (form, unit, json, changed) in [
            (
                Form::Events,
                "event: a\ndata: {\"b\":{}}\n\n",
                Some("{\"b\":{}}"),
                "event: a\ndata: {\"b\":{}}!\n\n",
            ),
            (Form::Events, "data: [DONE]\n\n", None, "data: [DONE]\n\n"),
            (Form::Elements, ",\r\n{}]", Some("{}"), ",\r\n{}!]"),
        ] {
            let json = json.map(|json| json.as_bytes().to_vec());
            assert_eq!(replaced(form, unit.as_bytes()), (json, Bytes::from_static(changed.as_bytes())));
        }
        let unit = frame::event("a", b"{}".to_vec());
        assert_eq!(Form::Frames.json(&unit), Some(b"{}".as_slice()));
        let changed = Form::Frames.with_json(unit, |_| b"{1".to_vec());
        assert_eq!(changed, frame::event("a", b"{1".to_vec()));
    }

    #[test]
    fn an_event_can_be_a_ping() {
        let ping = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";
        assert!(Form::Events.is_ping(ping) && !Form::Elements.is_ping(ping));
        assert!(!Form::Events.is_ping(b"event: pinged\ndata: {}\n\n"));
    }

    #[tokio::test]
    async fn elements_are_what_came_together() {
        assert_eq!(parts(Form::Elements, &[b"[{}", b",{}]"]).await, ["[{}", ",{}]"]);
    }
}
