//! Spoils an answer, whole or in parts.

use std::io;
use std::pin::Pin;

use axum::body::Bytes;
use futures::stream::{self, Peekable, Stream, StreamExt, once, unfold};
use serde_json::{Map, Value};
use tokio::task::yield_now;

use super::asked::Asked;
use super::error_body::Failure;
use super::fault::{Fault, FaultKind};
use super::frame;
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
pub(super) fn parts(units: Units, fault: &Fault, asked: &Asked, form: Form, reset: Reset) -> Units {
    // Where nothing is said, a stream has begun to say something before it goes wrong.
    let after = fault.after_events.unwrap_or(match fault.kind {
        FaultKind::CutStream | FaultKind::ErrorEvent => 4,
        FaultKind::TruncatedJson | FaultKind::MalformedSse => 1,
        _ => 0,
    });
    let first = usize::try_from(after).unwrap_or(usize::MAX);
    match fault.kind {
        FaultKind::TruncatedJson => one(units, first, form, move |unit| form.with_json(unit, half)),
        FaultKind::MalformedSse => one(units, first, form, move |unit| garbled(form, &unit)),
        FaultKind::MissingFields => {
            let spoiled = numbered(units, form).map(move |(number, unit)| match number {
                Some(number) if number >= first => unit.map(|unit| form.with_json(unit, without_answer)),
                _ => unit,
            });
            spoiled.boxed()
        }
        FaultKind::CutStream => beginning(units, first, form).chain(once(broken_off(None))).boxed(),
        FaultKind::Reset => beginning(units, first, form).chain(once(broken_off(Some(reset)))).boxed(),
        FaultKind::ErrorEvent => {
            let event = error_event(fault.clone(), asked, form);
            let sent = beginning(units, first, form).map(Some).chain(stream::iter([None]));
            let told = sent.enumerate().map(move |(before, unit)| unit.unwrap_or_else(|| Ok(event(before))));
            told.boxed()
        }
        FaultKind::OversizedBody => {
            let bytes = fault.bytes.unwrap_or(match form {
                // More than a frame may have, or an event, or a whole answer that is read with care.
                Form::Frames => 32 * 1024 * 1024,
                Form::Events => 8 * 1024 * 1024,
                Form::Elements => 96 * 1024 * 1024,
            });
            let grown = numbered(units, form).flat_map(move |(number, unit)| {
                let before =
                    if number == Some(first) { filler(form, bytes) } else { stream::empty().boxed() };
                before.chain(stream::iter([unit]))
            });
            grown.boxed()
        }
        _ => units,
    }
}

/// The parts, each with how many stand before it. A ping has no number, and counts for none.
fn numbered(units: Units, form: Form) -> impl Stream<Item = (Option<usize>, io::Result<Bytes>)> + Send {
    let mut next = 0;
    units.map(move |unit| {
        let number = (!is_ping(form, &unit)).then_some(next);
        next += usize::from(number.is_some());
        (number, unit)
    })
}

fn is_ping(form: Form, unit: &io::Result<Bytes>) -> bool {
    unit.as_ref().is_ok_and(|unit| form.is_ping(unit))
}

/// The parts with one of them changed.
fn one(units: Units, place: usize, form: Form, change: impl Fn(Bytes) -> Bytes + Send + 'static) -> Units {
    let changed = numbered(units, form)
        .map(move |(number, unit)| if number == Some(place) { unit.map(&change) } else { unit });
    changed.boxed()
}

/// The first parts, and never the last one: it says that the answer is whole.
fn beginning(units: Units, most: usize, form: Form) -> Units {
    let begun = (units.peekable(), 0);
    let begun = unfold(begun, move |(mut units, sent): (Peekable<Units>, usize)| async move {
        if sent >= most {
            return None;
        }
        let unit = units.next().await?;
        let sent = sent + usize::from(!is_ping(form, &unit));
        let is_last = Pin::new(&mut units).peek().await.is_none();
        (!is_last).then_some((unit, (units, sent)))
    });
    begun.boxed()
}

/// The provider's own error as the last part of an answer, after so many others.
fn error_event(fault: Fault, asked: &Asked, form: Form) -> impl Fn(usize) -> Bytes + Send + use<> {
    let (provider, is_numbered) = (asked.provider, asked.has_numbered_events());
    move |before| {
        let (status, message) = (fault.status.unwrap_or(OVERLOADED), fault.message.as_deref());
        let failure = Failure { provider, status, message, retry_after: None };
        if is_numbered { failure.numbered_event(before) } else { failure.event(form, before == 0) }
    }
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
    use super::super::asked::testing::asked;
    use super::super::provider_kind::ProviderKind;
    use super::*;

    const PING: &str = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
    const EVENTS: [&str; 4] = [
        "data: {\"choices\":[1]}\n\n",
        "data: {\"choices\":[2]}\n\n",
        "data: {\"usage\":3}\n\n",
        "data: [DONE]\n\n",
    ];

    async fn spoiled(fault: Fault) -> (Vec<Bytes>, bool) {
        spoiled_of(&EVENTS, "/v1/chat/completions", fault).await
    }

    async fn spoiled_of(events: &[&'static str], path: &str, fault: Fault) -> (Vec<Bytes>, bool) {
        let events: Vec<_> = events.iter().map(|event| Ok(Bytes::from_static(event.as_bytes()))).collect();
        let asked = asked(ProviderKind::Openai, path, "{}");
        let units = stream::iter(events).boxed();
        let all: Vec<_> = parts(units, &fault, &asked, Form::Events, Reset::default()).collect().await;
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
    async fn a_ping_is_not_spoiled_and_counts_for_no_event() {
        let [one, two, three, last] = EVENTS;
        let events = [one, PING, two, PING, three, last];
        let spoiled = async |fault| spoiled_of(&events, "/v1/chat/completions", fault).await.0;
        let half = "data: {\"choic\n\n";
        assert_eq!(spoiled(after(FaultKind::TruncatedJson, 1)).await, [one, PING, half, PING, three, last]);
        assert_eq!(
            spoiled(after(FaultKind::MissingFields, 1)).await,
            [one, PING, "data: {}\n\n", PING, three, last]
        );
        assert_eq!(spoiled(after(FaultKind::CutStream, 1)).await, [one]);
        assert_eq!(spoiled(after(FaultKind::CutStream, 2)).await, [one, PING, two]);
        assert_eq!(spoiled(after(FaultKind::ErrorEvent, 3)).await[..5], events[..5]);
        let large = Fault { bytes: Some(1), ..after(FaultKind::OversizedBody, 1) };
        let large = spoiled(large).await.concat();
        assert_eq!(large, [one, PING, ": \n\n", two, PING, three, last].concat().into_bytes());
    }

    #[tokio::test]
    async fn an_error_goes_on_with_the_numbers_of_events() {
        for (events, before) in [(0, 0), (2, 2), (100, 3)] {
            let fault = after(FaultKind::ErrorEvent, events);
            let (sent, _) = spoiled_of(&EVENTS, "/v1/responses", fault).await;
            let (error, begun) = sent.split_last().unwrap();
            assert_eq!(begun, &EVENTS[..before]);
            let number = format!(",\"sequence_number\":{before}}}\n\n");
            assert!(error.starts_with(b"event: error\n") && error.ends_with(number.as_bytes()), "{error:?}");
        }
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
