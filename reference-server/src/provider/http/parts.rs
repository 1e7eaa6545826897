use std::collections::VecDeque;

use super::malformed;
use crate::domain::inference::{FinishReason, ProviderError, Token, Usage};
use crate::provider::{Piece, StreamPart};

/// The parts that the events of a stream have brought so far, in the order that callers rely on: of each answer its
/// thoughts, its text, its calls and its end; then the usage. A provider that keeps to another order is not understood.
#[derive(Debug)]
pub(crate) struct Parts {
    ready: VecDeque<StreamPart>,
    answers: Vec<Progress>,
    is_finished: bool,
}

/// How far an answer has come.
#[derive(Clone, Debug)]
struct Progress {
    stage: Stage,
    calls: u32,
    /// Whether the tool of the last call is given nothing so far.
    awaits_arguments: bool,
    /// Whether the model refuses to answer.
    is_refusal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Thinking,
    Text,
    Calls,
    Ended,
}

impl Parts {
    /// Nothing yet of so many answers.
    pub(crate) fn of(answers: u32) -> Self {
        let begun = Progress { stage: Stage::Thinking, calls: 0, awaits_arguments: false, is_refusal: false };
        let answers = (0..answers).map(|_| begun.clone()).collect();
        Self { ready: VecDeque::new(), answers, is_finished: false }
    }

    /// More thoughts of an answer; an empty text is none.
    pub(crate) fn thinking(&mut self, answer: u32, text: String) -> Result<(), ProviderError> {
        if !text.is_empty() {
            self.enter(answer, Stage::Thinking)?;
            self.delta(answer, Piece::Thinking(text));
        }
        Ok(())
    }

    /// What proves the thoughts so far; an empty text proves nothing.
    pub(crate) fn signature(&mut self, answer: u32, signature: String) -> Result<(), ProviderError> {
        if !signature.is_empty() {
            self.enter(answer, Stage::Thinking)?;
            self.delta(answer, Piece::Signature(signature));
        }
        Ok(())
    }

    /// More of why an answer is none; an empty text says nothing.
    pub(crate) fn refusal(&mut self, answer: u32, text: String) -> Result<(), ProviderError> {
        if !text.is_empty() {
            self.enter(answer, Stage::Text)?.is_refusal = true;
            self.delta(answer, Piece::Refusal(text));
        }
        Ok(())
    }

    /// More text of an answer, with its tokens where they were asked for; an empty one without tokens is none.
    pub(crate) fn text(
        &mut self,
        answer: u32,
        text: String,
        tokens: Option<Vec<Token>>,
    ) -> Result<(), ProviderError> {
        if !text.is_empty() || tokens.as_ref().is_some_and(|tokens| !tokens.is_empty()) {
            self.enter(answer, Stage::Text)?;
            self.delta(answer, Piece::Text { text, tokens });
        }
        Ok(())
    }

    /// Another call of a tool.
    pub(crate) fn call(&mut self, answer: u32, id: String, name: String) -> Result<(), ProviderError> {
        let progress = self.enter(answer, Stage::Calls)?;
        let index = progress.calls;
        progress.calls += 1;
        progress.awaits_arguments = true;
        self.delta(answer, Piece::ToolCall { index, id, name });
        Ok(())
    }

    /// More of what the tool of the last call is given; an empty text is nothing.
    pub(crate) fn arguments(&mut self, answer: u32, text: String) -> Result<(), ProviderError> {
        if !text.is_empty() {
            let progress = self.enter(answer, Stage::Calls)?;
            progress.awaits_arguments = false;
            let calls = progress.calls;
            let index = calls.checked_sub(1).ok_or_else(|| malformed("arguments without a call"))?;
            self.delta(answer, Piece::Arguments { index, text });
        }
        Ok(())
    }

    /// A block of an answer is whole, on a wire that has blocks. Where that was a call whose tool is given nothing, it is
    /// given an object without members.
    pub(crate) fn block_ended(&mut self, answer: u32) -> Result<(), ProviderError> {
        if self.progress(answer).is_some_and(|progress| progress.awaits_arguments) {
            return self.arguments(answer, "{}".to_owned());
        }
        Ok(())
    }

    /// How many calls an answer has so far.
    pub(crate) fn calls(&self, answer: u32) -> u32 {
        self.progress(answer).map_or(0, |progress| progress.calls)
    }

    /// An answer is whole. A refusal is one that was filtered, whatever its wire calls that.
    pub(crate) fn ended(&mut self, answer: u32, finish_reason: FinishReason) -> Result<(), ProviderError> {
        let is_refusal = self.enter(answer, Stage::Ended)?.is_refusal;
        let finish_reason = if is_refusal { FinishReason::Filtered } else { finish_reason };
        self.ready.push_back(StreamPart::Ended { answer, finish_reason });
        Ok(())
    }

    /// All answers are whole.
    pub(crate) fn finished(&mut self, usage: Usage) -> Result<(), ProviderError> {
        if self.answers.iter().any(|answer| answer.stage != Stage::Ended) {
            return Err(malformed("the stream has an end, and an answer in it has none"));
        }
        self.is_finished = true;
        self.ready.push_back(StreamPart::Finished { usage });
        Ok(())
    }

    /// Whether nothing more can come.
    pub(super) fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// The first of the parts that nobody has taken yet.
    pub(super) fn take(&mut self) -> Option<StreamPart> {
        self.ready.pop_front()
    }

    fn progress(&self, answer: u32) -> Option<&Progress> {
        self.answers.get(usize::try_from(answer).ok()?)
    }

    fn enter(&mut self, answer: u32, stage: Stage) -> Result<&mut Progress, ProviderError> {
        let place = usize::try_from(answer).unwrap_or(usize::MAX);
        let progress =
            self.answers.get_mut(place).ok_or_else(|| malformed("an answer that was not asked for"))?;
        if progress.stage > stage || progress.stage == Stage::Ended {
            return Err(malformed(match progress.stage {
                Stage::Ended => "more of an answer after its end",
                _ => "thoughts, text and calls of an answer do not follow each other",
            }));
        }
        progress.stage = stage;
        Ok(progress)
    }

    fn delta(&mut self, answer: u32, piece: Piece) {
        self.ready.push_back(StreamPart::Delta { answer, piece });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(parts: &mut Parts, answer: u32) -> Result<(), ProviderError> {
        parts.text(answer, "Hi".to_owned(), None)
    }

    fn call(parts: &mut Parts, answer: u32) -> Result<(), ProviderError> {
        parts.call(answer, "1".to_owned(), "f".to_owned())
    }

    #[test]
    fn parts_come_in_the_order_that_callers_rely_on() {
        let mut parts = Parts::of(2);
        parts.thinking(0, "Hm.".to_owned()).unwrap();
        text(&mut parts, 1).unwrap();
        text(&mut parts, 0).unwrap();
        parts.text(0, String::new(), None).unwrap();
        call(&mut parts, 0).unwrap();
        parts.arguments(0, "{}".to_owned()).unwrap();
        call(&mut parts, 0).unwrap();
        parts.arguments(0, String::new()).unwrap();
        assert_eq!((parts.calls(0), parts.calls(1), parts.calls(2)), (2, 0, 0));
        parts.ended(0, FinishReason::ToolCalls).unwrap();
        assert!(parts.finished(Usage::default()).is_err());
        parts.ended(1, FinishReason::Stop).unwrap();
        parts.finished(Usage::default()).unwrap();
        let told: Vec<_> = std::iter::from_fn(|| parts.take()).collect();
        assert_eq!(told.len(), 9);
        assert!(matches!(&told[5], StreamPart::Delta { piece: Piece::ToolCall { index: 1, .. }, .. }));
        assert!(matches!(&told[8], StreamPart::Finished { .. }) && parts.is_finished());
    }

    #[test]
    fn a_tool_that_is_given_nothing_by_the_end_of_its_block_is_given_an_empty_object() {
        let mut parts = Parts::of(1);
        text(&mut parts, 0).unwrap();
        parts.block_ended(0).unwrap();
        call(&mut parts, 0).unwrap();
        parts.arguments(0, "[]".to_owned()).unwrap();
        parts.block_ended(0).unwrap();
        call(&mut parts, 0).unwrap();
        parts.arguments(0, String::new()).unwrap();
        parts.block_ended(0).unwrap();
        parts.block_ended(0).unwrap();
        let told = std::iter::from_fn(|| parts.take());
        let given: Vec<_> = told
            .filter_map(|part| match part {
                StreamPart::Delta { piece: Piece::Arguments { index, text }, .. } => Some((index, text)),
                _ => None,
            })
            .collect();
        assert_eq!(given, [(0, "[]".to_owned()), (1, "{}".to_owned())]);
    }

    #[test]
    fn a_refusal_stands_in_place_of_text_and_thoughts_may_be_proven() {
        let mut parts = Parts::of(1);
        parts.thinking(0, "Hm.".to_owned()).unwrap();
        parts.signature(0, "c2ln".to_owned()).unwrap();
        parts.refusal(0, "No.".to_owned()).unwrap();
        assert!(parts.signature(0, "c2ln".to_owned()).is_err());
        parts.ended(0, FinishReason::Stop).unwrap();
        let told: Vec<_> = std::iter::from_fn(|| parts.take()).collect();
        let delta = |piece| StreamPart::Delta { answer: 0, piece };
        assert_eq!(
            told,
            [
                delta(Piece::Thinking("Hm.".to_owned())),
                delta(Piece::Signature("c2ln".to_owned())),
                delta(Piece::Refusal("No.".to_owned())),
                StreamPart::Ended { answer: 0, finish_reason: FinishReason::Filtered },
            ]
        );
    }

    #[test]
    fn another_order_is_not_understood() {
        let after_text = |wrong: fn(&mut Parts) -> Result<(), ProviderError>| {
            let mut parts = Parts::of(1);
            text(&mut parts, 0).unwrap();
            wrong(&mut parts)
        };
        assert!(after_text(|parts| parts.thinking(0, "Hm.".to_owned())).is_err());
        assert!(after_text(|parts| parts.arguments(0, "{}".to_owned())).is_err());
        assert!(after_text(|parts| text(parts, 1)).is_err());
        assert!(after_text(|parts| call(parts, 0).and_then(|()| text(parts, 0))).is_err());
        let ended = |parts: &mut Parts| parts.ended(0, FinishReason::Stop);
        assert!(after_text(ended).is_ok());
        let mut parts = Parts::of(1);
        ended(&mut parts).unwrap();
        assert!(ended(&mut parts).is_err() && text(&mut parts, 0).is_err());
    }
}
