//! What of a provider's stream reaches the caller. A sound gateway passes on each part as it comes, and leaves the
//! provider when the caller leaves.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::stream::{Stream, StreamExt, iter, once};
use tokio::runtime::Handle;

use super::inference::{FinishReason, ProviderError, Usage};
use super::relaying;
use super::world::World;
use crate::defect::Defect;
use crate::provider::{CompletionStream, Piece, StreamPart};

/// The piece of a text that is lost, counted from 1.
const LOST: usize = 2;

type Part = Result<StreamPart, ProviderError>;

/// The parts of an answer as the caller gets them.
pub(super) fn relayed(world: &Arc<World>, parts: CompletionStream) -> CompletionStream {
    let defects = &world.defects;
    if !defects.any() {
        return parts;
    }
    let mut alteration = Alteration {
        world: Arc::clone(world),
        loses: defects.has(Defect::StreamPieceLost),
        marks: defects.has(Defect::StreamMarked),
        finishes: defects.has(Defect::CutStreamFinished),
        pieces: 0,
    };
    let mut parts = parts.flat_map(move |part| iter(alteration.of(part))).boxed();
    if defects.has(Defect::StreamHeldBack) {
        parts = held_back(parts);
    }
    if defects.has(Defect::LeavingNotNoticed) {
        parts = ReadOn(Some(parts)).boxed();
    }
    parts
}

/// What is made of each part.
struct Alteration {
    world: Arc<World>,
    /// Whether a piece of text is lost.
    loses: bool,
    /// Whether the text is marked at its end.
    marks: bool,
    /// Whether an answer that breaks off is finished.
    finishes: bool,
    /// Of text, so far.
    pieces: usize,
}

impl Alteration {
    /// The parts that stand in place of this one.
    fn of(&mut self, part: Part) -> Vec<Part> {
        let defects = &self.world.defects;
        match part {
            Ok(part) if is_text(&part) => {
                self.pieces += 1;
                if self.loses && self.pieces == LOST { Vec::new() } else { vec![Ok(part)] }
            }
            Ok(StreamPart::Ended { answer, finish_reason }) => {
                let finish_reason = relaying::ended(defects, finish_reason);
                let mark = (self.marks && self.pieces > 0).then(|| text(answer, relaying::MARK));
                mark.into_iter().chain([StreamPart::Ended { answer, finish_reason }]).map(Ok).collect()
            }
            Ok(StreamPart::Finished { usage }) => {
                vec![Ok(StreamPart::Finished { usage: relaying::counted(defects, usage) })]
            }
            Err(_) if self.finishes => {
                let ended = StreamPart::Ended { answer: 0, finish_reason: FinishReason::Stop };
                vec![Ok(ended), Ok(StreamPart::Finished { usage: Usage::of(1, 1) })]
            }
            part => vec![part],
        }
    }
}

fn is_text(part: &StreamPart) -> bool {
    matches!(part, StreamPart::Delta { piece: Piece::Text { .. }, .. })
}

fn text(answer: u32, text: &str) -> StreamPart {
    StreamPart::Delta { answer, piece: Piece::Text { text: text.to_owned(), tokens: None } }
}

/// The same parts up to the first of text; the others once all of them are there.
fn held_back(parts: CompletionStream) -> CompletionStream {
    let beginning = async move {
        let mut parts = parts;
        let mut begun = Vec::new();
        while let Some(part) = parts.next().await {
            let is_enough = part.as_ref().is_ok_and(is_text);
            begun.push(part);
            if is_enough {
                break;
            }
        }
        (begun, parts)
    };
    let whole = |parts: CompletionStream| once(parts.collect::<Vec<_>>()).flat_map(iter);
    once(beginning).flat_map(move |(begun, parts)| iter(begun).chain(whole(parts))).boxed()
}

/// Parts that are read to their end, whoever leaves.
struct ReadOn(Option<CompletionStream>);

impl Stream for ReadOn {
    type Item = Part;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Part>> {
        let Some(parts) = &mut self.0 else { return Poll::Ready(None) };
        let part = parts.poll_next_unpin(context);
        if matches!(part, Poll::Ready(None)) {
            self.0 = None;
        }
        part
    }
}

impl Drop for ReadOn {
    fn drop(&mut self) {
        if let (Some(parts), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(parts.for_each(|_| ready(())));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::stream::pending;

    use super::super::testing;
    use super::*;

    fn broken() -> Part {
        Err(ProviderError::Malformed("the stream broke off".to_owned()))
    }

    fn end() -> [Part; 2] {
        let ended = StreamPart::Ended { answer: 0, finish_reason: FinishReason::Stop };
        [Ok(ended), Ok(StreamPart::Finished { usage: Usage::of(11, 7) })]
    }

    /// What a caller gets of these texts and of what follows them: texts, reasons, tokens, and `!` for an error.
    async fn told(defect: &str, rest: impl IntoIterator<Item = Part>) -> String {
        let world = testing::world();
        world.break_with(Some(defect));
        let texts = ["one ", "two ", "three"].map(|piece| Ok(text(0, piece)));
        let parts: Vec<Part> = texts.into_iter().chain(rest).collect();
        let shown = |part: Part| match part {
            Ok(StreamPart::Delta { piece: Piece::Text { text, .. }, .. }) => text,
            Ok(StreamPart::Ended { finish_reason, .. }) => format!("|{finish_reason:?}"),
            Ok(StreamPart::Finished { usage }) => format!("|{} {}", usage.input_tokens, usage.output_tokens),
            other => other.map_or_else(|_| "!".to_owned(), |part| format!("{part:?}")),
        };
        relayed(&world.world, iter(parts).boxed()).map(shown).collect().await
    }

    #[tokio::test]
    async fn each_defect_falsifies_its_own_part_of_a_stream() {
        for (defect, whole, cut) in [
            ("wrong-model-echoed", "one two three|Stop|11 7", "one two three!"),
            ("stream-piece-lost", "one three|Stop|11 7", "one three!"),
            ("stream-marked", "one two three (by way of the gateway)|Stop|11 7", "one two three!"),
            ("stream-held-back", "one two three|Stop|11 7", "one two three!"),
            ("leaving-not-noticed", "one two three|Stop|11 7", "one two three!"),
            ("ends-swapped", "one two three|Length|11 7", "one two three!"),
            ("usage-guessed", "one two three|Stop|14 10", "one two three!"),
            ("cut-stream-finished", "one two three|Stop|11 7", "one two three|Stop|1 1"),
        ] {
            assert_eq!(told(defect, end()).await, whole, "{defect}");
            assert_eq!(told(defect, [broken()]).await, cut, "{defect}");
        }
    }

    #[tokio::test]
    async fn what_is_held_back_does_not_come_before_the_rest_is_there() {
        for (defect, there) in [("stream-held-back", 1), ("stream-marked", 2)] {
            let world = testing::world();
            world.break_with(Some(defect));
            let slow = iter(["one ", "two "].map(|piece| Ok(text(0, piece)))).chain(pending());
            let mut parts = relayed(&world.world, slow.boxed());
            let mut come = 0;
            while parts.next().now_or_never().is_some() {
                come += 1;
            }
            assert_eq!(come, there, "{defect}");
        }
    }

    #[tokio::test]
    async fn a_stream_that_is_left_is_read_on_only_where_leaving_is_not_noticed() {
        for (defect, read) in [("leaving-not-noticed", 3), ("stream-marked", 1)] {
            let world = testing::world();
            world.break_with(Some(defect));
            let given = Arc::new(parking_lot::Mutex::new(0));
            let counted = Arc::clone(&given);
            let parts = iter(["one ", "two ", "three"]).map(move |piece| {
                *counted.lock() += 1;
                Ok(text(0, piece))
            });
            let mut parts = relayed(&world.world, parts.boxed());
            assert!(parts.next().await.is_some());
            drop(parts);
            // What goes on is a task on this thread.
            tokio::task::yield_now().await;
            assert_eq!(*given.lock(), read, "{defect}");
        }
    }
}
