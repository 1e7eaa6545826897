//! Spoils an answer, whole or in parts.

use std::io;
use std::pin::Pin;

use axum::body::Bytes;
use futures::stream::{self, Peekable, StreamExt, once, unfold};
use serde_json::{Map, Value};
use tokio::task::yield_now;

use super::error_body::Failure;
use super::fault::{Fault, FaultKind};
use super::frame;
use super::provider_kind::ProviderKind;
use super::units::{Form, Units};
use crate::connection::Reset;

/// The status of an error in mid-stream where none is asked for.
const OVERLOADED: u16 = 503;
/// The members in which the wires have their answers, whole or in parts.
const ANSWERS: [&str; 15] = [
    "candidates",
    "choices",
    "content",
    "content_block",
    "data",
    "delta",
    "embedding",
    "embeddings",
    "embeddingsByType",
    "item",
    "message",
    "output",
    "predictions",
    "response",
    "start",
];
/// The largest frame that is made larger than it should be, in bytes.
const LARGEST_FRAME: usize = 64 * 1024 * 1024;
/// What makes a body large.
static BLANKS: [u8; 64 * 1024] = [b' '; 64 * 1024];

/// JSON that breaks off in the middle.
pub(super) fn half(json: &[u8]) -> Vec<u8> {
    json.get(..json.len() / 2).unwrap_or_default().to_vec()
}

/// JSON without the answer in it.
pub(super) fn without_answer(json: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Map<String, Value>>(json) {
        Ok(mut members) => {
            members.retain(|name, _| !ANSWERS.contains(&name.as_str()));
            Value::Object(members).to_string().into_bytes()
        }
        Err(_) => json.to_vec(),
    }
}

/// So many blanks, which mean nothing before JSON.
pub(super) fn blanks(mut left: usize) -> impl Iterator<Item = Bytes> + Send {
    std::iter::from_fn(move || {
        let blanks = BLANKS.get(..left.min(BLANKS.len())).filter(|blanks| !blanks.is_empty())?;
        left -= blanks.len();
        Some(Bytes::from_static(blanks))
    })
}

/// The end of an answer that breaks off, once all before it is sent: the connection is closed, or reset where that is
/// armed.
pub(super) async fn broken_off(reset: Option<Reset>) -> io::Result<Bytes> {
    // What was given away last is sent while there is nothing more.
    yield_now().await;
    if let Some(reset) = reset {
        reset.arm();
    }
    Err(io::Error::other("the answer is broken off on purpose"))
}

/// The parts of an answer as a fault leaves them.
pub(super) fn parts(units: Units, fault: &Fault, provider: ProviderKind, form: Form, reset: Reset) -> Units {
    // Where nothing is said, a stream has begun to say something before it goes wrong.
    let after = fault.after_events.unwrap_or(match fault.kind {
        FaultKind::CutStream | FaultKind::ErrorEvent => 4,
        FaultKind::TruncatedJson | FaultKind::MalformedSse => 1,
        _ => 0,
    });
    let first = usize::try_from(after).unwrap_or(usize::MAX);
    match fault.kind {
        FaultKind::TruncatedJson => one(units, first, move |unit| form.with_json(unit, half)),
        FaultKind::MalformedSse => one(units, first, move |unit| garbled(form, &unit)),
        FaultKind::MissingFields => {
            let spoiled = units.enumerate().map(move |(number, unit)| {
                if number < first { unit } else { unit.map(|unit| form.with_json(unit, without_answer)) }
            });
            spoiled.boxed()
        }
        FaultKind::CutStream => beginning(units, first).chain(once(broken_off(None))).boxed(),
        FaultKind::Reset => beginning(units, first).chain(once(broken_off(Some(reset)))).boxed(),
        FaultKind::ErrorEvent => {
            let status = fault.status.unwrap_or(OVERLOADED);
            let failure = Failure { provider, status, message: fault.message.as_deref(), retry_after: None };
            let event = failure.event(form, first == 0);
            beginning(units, first).chain(stream::iter([Ok(event)])).boxed()
        }
        FaultKind::OversizedBody => {
            let bytes = fault.bytes.unwrap_or(match form {
                // More than a frame may have, or an event, or a whole answer that is read with care.
                Form::Frames => 32 * 1024 * 1024,
                Form::Events => 8 * 1024 * 1024,
                Form::Elements => 96 * 1024 * 1024,
            });
            let grown = units.enumerate().flat_map(move |(number, unit)| {
                let before = if number == first { filler(form, bytes) } else { stream::empty().boxed() };
                before.chain(stream::iter([unit]))
            });
            grown.boxed()
        }
        _ => units,
    }
}

/// The parts with one of them changed.
fn one(units: Units, place: usize, change: impl Fn(Bytes) -> Bytes + Send + 'static) -> Units {
    let changed =
        units.enumerate().map(move |(number, unit)| if number == place { unit.map(&change) } else { unit });
    changed.boxed()
}

/// The first parts, and never the last one: it says that the answer is whole.
fn beginning(units: Units, most: usize) -> Units {
    let units = units.take(most.saturating_add(1)).peekable();
    let begun = unfold(units, |mut units: Peekable<_>| async move {
        let unit = units.next().await?;
        let is_last = Pin::new(&mut units).peek().await.is_none();
        (!is_last).then_some((unit, units))
    });
    begun.boxed()
}

/// A part that cannot be read.
fn garbled(form: Form, unit: &[u8]) -> Bytes {
    match form {
        Form::Events => Bytes::from_static(b"data: {\"\xff\xfe\n\n"),
        Form::Elements => Bytes::from_static(b"[{\"\xff\xfe"),
        Form::Frames => {
            let mut bytes = unit.to_vec();
            // The checksum is at the end.
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
            bytes.into()
        }
    }
}

/// A part of so many bytes that says nothing.
fn filler(form: Form, bytes: usize) -> Units {
    match form {
        Form::Elements => stream::iter(blanks(bytes).map(Ok)).boxed(),
        Form::Events => {
            let (start, end) = (Bytes::from_static(b":"), Bytes::from_static(b"\n\n"));
            stream::iter([start].into_iter().chain(blanks(bytes)).chain([end]).map(Ok)).boxed()
        }
        Form::Frames => {
            // It has to be there as a whole for its checksum.
            let padding = " ".repeat(bytes.min(LARGEST_FRAME));
            let frame = frame::event("padding", format!("{{\"p\":\"{padding}\"}}").into());
            stream::iter([Ok(frame)]).boxed()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [&str; 4] = [
        "data: {\"choices\":[1]}\n\n",
        "data: {\"choices\":[2]}\n\n",
        "data: {\"usage\":3}\n\n",
        "data: [DONE]\n\n",
    ];

    async fn spoiled(fault: Fault) -> (Vec<Bytes>, bool) {
        let units = stream::iter(EVENTS.map(|event| Ok(Bytes::from_static(event.as_bytes())))).boxed();
        let all: Vec<_> =
            parts(units, &fault, ProviderKind::Openai, Form::Events, Reset::default()).collect().await;
        let is_broken = all.last().is_some_and(Result::is_err);
        (all.into_iter().filter_map(Result::ok).collect(), is_broken)
    }

    fn after(kind: FaultKind, events: u32) -> Fault {
        Fault { after_events: Some(events), ..kind.into() }
    }

    #[tokio::test]
    async fn a_stream_is_cut_before_its_last_part_at_the_latest() {
        for (events, left) in [(0, 0), (1, 1), (3, 3), (4, 3), (100, 3)] {
            let (sent, is_broken) = spoiled(after(FaultKind::CutStream, events)).await;
            assert!(is_broken);
            assert_eq!(sent, EVENTS[..left]);
            let (sent, is_broken) = spoiled(after(FaultKind::ErrorEvent, events)).await;
            assert!(!is_broken);
            let (error, before) = sent.split_last().unwrap();
            assert_eq!(before, &EVENTS[..left]);
            assert!(error.starts_with(b"data: {\"error\":{\"message\":"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn one_event_is_spoiled_and_the_others_are_not() {
        let (sent, _) = spoiled(after(FaultKind::TruncatedJson, 1)).await;
        assert_eq!(sent, [EVENTS[0], "data: {\"choic\n\n", EVENTS[2], EVENTS[3]]);
        let (sent, _) = spoiled(after(FaultKind::MalformedSse, 0)).await;
        assert_eq!(sent[0], &b"data: {\"\xff\xfe\n\n"[..]);
        assert_eq!(sent[1..], EVENTS[1..]);
        let (sent, _) = spoiled(FaultKind::MissingFields.into()).await;
        assert_eq!(sent, ["data: {}\n\n", "data: {}\n\n", EVENTS[2], EVENTS[3]]);
    }

    #[tokio::test]
    async fn a_stream_grows_by_what_is_asked_for() {
        let fault = Fault { bytes: Some(100_000), ..after(FaultKind::OversizedBody, 2) };
        let sent = spoiled(fault).await.0.concat();
        let filler = format!(":{}\n\n", " ".repeat(100_000));
        assert_eq!(sent, [EVENTS[0], EVENTS[1], &filler, EVENTS[2], EVENTS[3]].concat().into_bytes());
    }

    #[tokio::test]
    async fn a_large_frame_is_a_good_frame_and_a_garbled_one_is_none() {
        let frame = filler(Form::Frames, 70_000).next().await.unwrap().unwrap();
        assert_eq!(frame::length(&frame), Some(frame.len()));
        assert_eq!(frame::payload(&frame).unwrap().len(), 70_000 + "{\"p\":\"\"}".len());
        let is_good = |frame: &Bytes| frame::with_payload(frame.clone(), |_| Vec::new()) != *frame;
        assert!(is_good(&frame) && !is_good(&garbled(Form::Frames, &frame)));
    }

    #[test]
    fn whole_answers_lose_their_end_or_their_answer() {
        assert_eq!(half(b"{\"a\":1}"), b"{\"a");
        let json = br#"{"id":"x","choices":[{"delta":{}}],"usage":{"output":1.50}}"#;
        assert_eq!(without_answer(json), br#"{"id":"x","usage":{"output":1.50}}"#);
        assert_eq!(without_answer(b"no"), b"no");
        let sizes: Vec<_> = blanks(70_000).map(|blanks| blanks.len()).collect();
        assert_eq!(sizes, [65_536, 4_464]);
    }
}
