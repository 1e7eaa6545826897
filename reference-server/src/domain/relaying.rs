//! What of the provider's answer reaches the caller. A sound gateway changes nothing here. What comes as a stream has a
//! way of its own.

use std::fmt::Write;

use serde_json::Number;

use super::call::{Call, CallError};
use super::catalog::Model;
use super::defect_memory::{InCrowd, RequestDigest};
use super::inference::{Answer, Completion, CompletionRequest, FinishReason, ProviderError, Usage};
use super::world::World;
use crate::defect::{Defect, DefectSet};
use crate::provider::Fault;

/// So many bytes of an answer are left by a gateway that cuts long ones.
const SHORT: usize = 64 * 1024;
/// What a gateway adds to texts that marks them as its own.
pub(super) const MARK: &str = " (by way of the gateway)";
/// So many tokens are more than a question or an answer has, to a gateway that guesses.
const GUESSED: u64 = 3;

/// The way back of one call's answer, and what must be known of the request for it.
pub(crate) struct Relay<'a> {
    world: &'a World,
    temperature: Option<f64>,
    /// Only where answers are remembered.
    digest: Option<RequestDigest>,
    /// Only where answers are mixed up.
    crowd: Option<InCrowd<'a>>,
}

impl<'a> Relay<'a> {
    /// The way back for this request.
    pub(crate) fn of(
        call: &'a Call,
        model: &Model,
        request: &CompletionRequest,
        fault: Option<&Fault>,
    ) -> Self {
        // A provider that is to fail must be asked.
        let remembers = call.world.defects.has(Defect::AnswersCached) && fault.is_none();
        let digest = remembers.then(|| RequestDigest::of(call.key.id, model.id(), request));
        let spared = call.world.defects.has(Defect::KeysMixedUp).then_some(call.key.id);
        let is_mixed_up = spared.is_some() || call.world.defects.has(Defect::AnswersMixedUp);
        Self {
            world: &call.world,
            temperature: request.temperature.as_ref().and_then(Number::as_f64),
            digest,
            crowd: is_mixed_up.then(|| call.world.memory.join(spared)),
        }
    }

    /// The answer that is there before the provider is asked. It is not billed.
    pub(crate) fn recalled(&self) -> Option<Completion> {
        self.world.memory.answer(self.digest?)
    }

    /// What the caller gets of a provider's error: the error. What stands in for one is not billed.
    pub(crate) fn instead_of(&self, error: ProviderError) -> Result<Completion, CallError> {
        let defects = &self.world.defects;
        match taken_for(defects, error) {
            ProviderError::Malformed(_) if defects.has(Defect::PartialAnswerRelayed) => Ok(said("")),
            ProviderError::Unavailable { .. } if defects.has(Defect::FailureTakenForAnswer) => Ok(said("")),
            ProviderError::RateLimited { .. } if defects.has(Defect::RateLimitSwallowed) => {
                Ok(said("Please try again later."))
            }
            error => Err(error.into()),
        }
    }

    /// The answer as it is taken from the provider, and billed.
    pub(crate) fn take_in(&self, completion: Completion) -> Completion {
        Completion { usage: counted(&self.world.defects, completion.usage), ..completion }
    }

    /// The answer as the caller gets it.
    pub(crate) fn pass_on(&self, mut completion: Completion) -> Completion {
        let defects = &self.world.defects;
        if !defects.any() {
            return completion;
        }
        if let Some(digest) = self.digest {
            self.world.memory.keep(digest, Completion { usage: Usage::default(), ..completion.clone() });
        }
        let cold = self.temperature.is_some_and(|temperature| temperature <= 0.0);
        if cold && defects.has(Defect::TemperatureZeroVaries) {
            // Writing to a string cannot fail.
            let _ = write!(completion.answer.text, " {}", self.world.memory.fresh_number());
        }
        if defects.has(Defect::LongAnswersCut) {
            let text = &mut completion.answer.text;
            text.truncate(text.floor_char_boundary(SHORT));
        }
        if defects.has(Defect::AnswerMarked) && !completion.answer.text.is_empty() {
            completion.answer.text.push_str(MARK);
        }
        if defects.has(Defect::ToolArgumentsEmptied) {
            for call in &mut completion.answer.tool_calls {
                "{}".clone_into(&mut call.arguments);
            }
        }
        let reason = completion.answer.finish_reason;
        completion.answer.finish_reason = ended(defects, reason);
        match &self.crowd {
            Some(crowd) => crowd.swap(completion),
            None => completion,
        }
    }
}

/// What a provider's error is taken for: what it is.
pub(super) fn taken_for(defects: &DefectSet, error: ProviderError) -> ProviderError {
    match error {
        ProviderError::Rejected(why) if defects.has(Defect::RejectionTakenForFailure) => {
            ProviderError::unavailable(why)
        }
        ProviderError::Credentials(_) if defects.has(Defect::KeyRefusalTakenForRejection) => {
            ProviderError::Rejected("The key is not valid.".to_owned())
        }
        error => error,
    }
}

/// The tokens that a provider has counted.
pub(super) fn counted(defects: &DefectSet, usage: Usage) -> Usage {
    if !defects.has(Defect::UsageGuessed) {
        return usage;
    }
    Usage {
        input_tokens: usage.input_tokens.saturating_add(GUESSED),
        output_tokens: usage.output_tokens.saturating_add(GUESSED),
        ..usage
    }
}

/// Why an answer has ended.
pub(super) fn ended(defects: &DefectSet, reason: FinishReason) -> FinishReason {
    match reason {
        reason if !defects.has(Defect::EndsSwapped) => reason,
        FinishReason::Stop => FinishReason::Length,
        FinishReason::Length => FinishReason::Stop,
        reason => reason,
    }
}

fn said(text: &str) -> Completion {
    Completion { answer: Answer::of_text(text), more: Vec::new(), usage: Usage::default() }
}

#[cfg(test)]
mod tests {
    use super::super::inference::ToolCall;
    use super::super::testing::{self, TestWorld};
    use super::*;

    const USAGE: Usage = Usage::of(11, 7);

    fn world(defect: &str) -> TestWorld {
        let world = testing::world();
        world.break_with(Some(defect));
        world
    }

    fn request(temperature: Option<f64>) -> CompletionRequest {
        CompletionRequest {
            temperature: temperature.and_then(Number::from_f64),
            ..CompletionRequest::default()
        }
    }

    /// What becomes of an answer of this text, and of an error.
    fn relayed(
        world: &TestWorld,
        text: &str,
        error: ProviderError,
    ) -> (Completion, Result<Completion, CallError>) {
        let call = world.call("chat_only");
        let model = world.world.catalog.find("claude_3_5_sonnet").unwrap();
        let relay = Relay::of(&call, model, &request(Some(0.0)), None);
        let answer = Completion { usage: USAGE, ..said(text) };
        (relay.pass_on(answer), relay.instead_of(error))
    }

    fn limited() -> ProviderError {
        ProviderError::RateLimited { message: "slow down".to_owned(), retry_after: None }
    }

    #[test]
    fn a_sound_gateway_passes_on_answers_and_errors() {
        let world = testing::world();
        let long = "ä".repeat(SHORT);
        let (answer, error) = relayed(&world, &long, limited());
        assert_eq!((answer.answer.text, answer.usage), (long, USAGE));
        assert_eq!(error, Err(CallError::Provider(limited())));
    }

    #[test]
    fn a_gateway_that_remembers_answers_without_usage_and_without_the_provider() {
        let world = world("answers-cached");
        let (chat, all) = (world.call("chat_only"), world.call("all_scopes"));
        let model = world.world.catalog.find("claude_3_5_sonnet").unwrap();
        let fault = Fault::parse("html");
        let first = Relay::of(&chat, model, &request(None), None);
        assert_eq!(first.recalled(), None);
        first.pass_on(Completion { usage: USAGE, ..said("Yes.") });
        assert_eq!(Relay::of(&chat, model, &request(None), None).recalled(), Some(said("Yes.")));
        assert_eq!(Relay::of(&chat, model, &request(Some(1.0)), None).recalled(), None);
        assert_eq!(Relay::of(&all, model, &request(None), None).recalled(), None);
        assert_eq!(Relay::of(&chat, model, &request(None), fault.as_ref()).recalled(), None);
    }

    #[test]
    fn each_defect_falsifies_its_own_part_of_an_answer() {
        let call = ToolCall { id: "1".to_owned(), name: "t".to_owned(), arguments: "{\"a\":1}".to_owned() };
        let answer = Answer { tool_calls: vec![call], ..Answer::of_text("Yes.") };
        for (defect, falsified) in [
            ("answer-marked", "Yes. (by way of the gateway) {\"a\":1} Stop 11 7"),
            ("tool-arguments-emptied", "Yes. {} Stop 11 7"),
            ("ends-swapped", "Yes. {\"a\":1} Length 11 7"),
            ("usage-guessed", "Yes. {\"a\":1} Stop 14 10"),
        ] {
            let world = world(defect);
            let call = world.call("chat_only");
            let model = world.world.catalog.find("claude_3_5_sonnet").unwrap();
            let relay = Relay::of(&call, model, &request(None), None);
            let taken = Completion { answer: answer.clone(), usage: USAGE, ..said("") };
            let Completion { answer, usage, .. } = relay.pass_on(relay.take_in(taken));
            let arguments = &answer.tool_calls[0].arguments;
            let tokens = format!("{} {}", usage.input_tokens, usage.output_tokens);
            let got = format!("{} {arguments} {:?} {tokens}", answer.text, answer.finish_reason);
            assert_eq!(got, falsified, "{defect}");
        }
        let swapped = world("ends-swapped");
        let defects = &swapped.world.defects;
        assert_eq!(ended(defects, FinishReason::Length), FinishReason::Stop);
        assert_eq!(ended(defects, FinishReason::ToolCalls), FinishReason::ToolCalls);
    }

    #[test]
    fn the_same_question_at_zero_gets_another_ending_each_time() {
        let world = world("temperature-zero-varies");
        let (one, _) = relayed(&world, "Yes.", limited());
        let (two, _) = relayed(&world, "Yes.", limited());
        let (one, two) = (one.answer.text, two.answer.text);
        assert!(one.starts_with("Yes. ") && one != two, "{one} {two}");
    }

    #[test]
    fn long_answers_are_cut_between_characters() {
        let (answer, _) = relayed(&world("long-answers-cut"), &format!("a{}", "ä".repeat(SHORT)), limited());
        assert_eq!(answer.answer.text.len(), SHORT - 1);
    }

    #[test]
    fn errors_are_taken_for_answers_where_a_defect_says_so() {
        let (_, swallowed) = relayed(&world("rate-limit-swallowed"), "", limited());
        assert_eq!(swallowed, Ok(said("Please try again later.")));
        let malformed = || ProviderError::Malformed("missing field".to_owned());
        let (_, partial) = relayed(&world("partial-answer-relayed"), "", malformed());
        assert_eq!(partial, Ok(said("")));
        let (_, other) = relayed(&world("rate-limit-swallowed"), "", malformed());
        assert_eq!(other, Err(CallError::Provider(malformed())));
        let unavailable = || ProviderError::unavailable("busy");
        let (_, answered) = relayed(&world("failure-taken-for-answer"), "", unavailable());
        assert_eq!(answered, Ok(said("")));
        let rejected = ProviderError::Rejected("busy".to_owned());
        let (_, failed) = relayed(&world("rejection-taken-for-failure"), "", rejected);
        assert_eq!(failed, Err(CallError::Provider(unavailable())));
        let refused = ProviderError::Credentials("sk-1 is unknown".to_owned());
        let (_, blamed) = relayed(&world("key-refusal-taken-for-rejection"), "", refused);
        let told = "The key is not valid.".to_owned();
        assert_eq!(blamed, Err(CallError::Provider(ProviderError::Rejected(told))));
    }
}
