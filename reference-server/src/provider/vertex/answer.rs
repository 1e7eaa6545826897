//! Content that comes whole.

use super::wire::{Candidate, Content, Said, blocked, finish_reason, usage};
use crate::domain::inference::{Answer, Completion, CompletionRequest, ProviderError, Thinking};
use crate::provider::http::{malformed, missing};

/// How many answers are asked for.
pub(super) fn count(request: &CompletionRequest) -> u32 {
    request.more_answers.saturating_add(1)
}

/// The completion in a body, if it is all there.
pub(super) fn completion(body: Content, request: &CompletionRequest) -> Result<Completion, ProviderError> {
    let Some(mut candidates) = body.candidates else {
        return Err(blocked(body.prompt_feedback).unwrap_or_else(|| missing("candidates")));
    };
    candidates.sort_by_key(|candidate| candidate.index);
    if !candidates.iter().map(|candidate| candidate.index).eq(0..count(request)) {
        let (found, asked) = (candidates.len(), count(request));
        return Err(ProviderError::Malformed(format!("{found} answers came, and {asked} were asked for")));
    }
    let tells_tokens = request.alternatives.is_some();
    let mut answers = candidates.into_iter().map(|candidate| answer(candidate, tells_tokens));
    let Some(first) = answers.next() else { return Err(malformed("no answer came")) };
    Ok(Completion {
        answer: first?,
        more: answers.collect::<Result<_, _>>()?,
        usage: usage(body.usage_metadata)?,
    })
}

fn answer(candidate: Candidate, tells_tokens: bool) -> Result<Answer, ProviderError> {
    let word = candidate.finish_reason.ok_or_else(|| missing("finishReason"))?;
    let Said { thoughts, text, calls } = Said::of(candidate.content)?;
    let tokens = match candidate.logprobs_result {
        _ if !tells_tokens => None,
        Some(told) => Some(told.tokens()),
        None if text.is_empty() => None,
        None => return Err(missing("logprobsResult")),
    };
    Ok(Answer {
        thinking: (!thoughts.is_empty()).then(|| Thinking::of_text(thoughts)),
        text,
        refusal: None,
        finish_reason: finish_reason(&word, !calls.is_empty())?,
        tool_calls: calls,
        tokens,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::inference::{FinishReason, Token, Usage};
    use crate::provider::http::testing::without;

    fn read(body: Value, request: &CompletionRequest) -> Result<Completion, ProviderError> {
        match serde_json::from_value(body) {
            Ok(body) => completion(body, request),
            Err(error) => Err(ProviderError::Malformed(error.to_string())),
        }
    }

    fn read_one(body: Value) -> Result<Completion, ProviderError> {
        read(body, &CompletionRequest::default())
    }

    fn body() -> Value {
        json!({
            "candidates": [{ "finishReason": "STOP", "avgLogprobs": -0.5, "content": { "role": "model", "parts": [
                { "text": "Hm.", "thought": true },
                { "text": "Let me " },
                { "text": "look.", "thoughtSignature": "c2ln" },
                { "functionCall": { "name": "f", "args": { "b": 1.5, "a": [] } }, "thoughtSignature": "c2ln" },
                { "functionCall": { "id": "own", "name": "g" } },
                { "thoughtSignature": "c2ln" },
            ] } }],
            "usageMetadata": {
                "promptTokenCount": 11, "toolUsePromptTokenCount": 1, "candidatesTokenCount": 7,
                "thoughtsTokenCount": 3, "cachedContentTokenCount": 4, "totalTokenCount": 22, "trafficType": "ON_DEMAND",
            },
            "modelVersion": "m",
        })
    }

    #[test]
    fn an_answer_is_read_with_all_its_parts() {
        let Completion { answer, usage, .. } = read_one(body()).unwrap();
        assert_eq!(usage, Usage { thinking_tokens: 3, cached_tokens: 4, ..Usage::of(12, 10) });
        let thinking = Some(Thinking::of_text("Hm."));
        assert_eq!((&answer.thinking, answer.text.as_str()), (&thinking, "Let me look."));
        assert_eq!(answer.finish_reason, FinishReason::ToolCalls);
        let [one, other] = &answer.tool_calls[..] else { panic!("{answer:?}") };
        assert_eq!((one.name.as_str(), one.arguments.as_str()), ("f", "{\"b\":1.5,\"a\":[]}"));
        assert!(one.id.starts_with("call_") && one.plain_id().len() > 20, "{}", one.id);
        assert_eq!(one.proof().as_deref(), Some("c2ln"));
        let told = (other.id.as_str(), other.name.as_str(), other.arguments.as_str());
        assert_eq!(told, ("own", "g", "{}"));
    }

    #[test]
    fn answers_are_read_in_their_order() {
        let said = |index: Option<u32>, text: &str, reason: &str| {
            let content = json!({ "parts": [{ "text": text }], "role": "model" });
            json!({ "index": index.unwrap_or_default(), "content": content, "finishReason": reason })
        };
        let with = |candidates: Vec<Value>| json!({ "candidates": candidates, "usageMetadata": { "promptTokenCount": 1 } });
        let two = CompletionRequest { more_answers: 1, ..CompletionRequest::default() };
        let candidates = vec![said(Some(1), "two", "MAX_TOKENS"), said(None, "one", "SAFETY")];
        let completion = read(with(candidates.clone()), &two).unwrap();
        let filtered = Answer { finish_reason: FinishReason::Filtered, ..Answer::of_text("one") };
        assert_eq!(completion.answer, filtered);
        let cut = Answer { finish_reason: FinishReason::Length, ..Answer::of_text("two") };
        assert_eq!(completion.more, [cut]);
        assert_eq!(completion.usage, Usage::of(1, 0));
        assert!(read_one(with(candidates.clone())).is_err());
        assert!(read(with(candidates[..1].to_vec()), &two).is_err());
        assert!(read(with(vec![candidates[0].clone(), candidates[0].clone()]), &two).is_err());
    }

    #[test]
    fn tokens_are_told_where_they_are_asked_for() {
        let mut told = body();
        told["candidates"][0]["logprobsResult"] = json!({
            "chosenCandidates": [
                { "token": "Let me ", "logProbability": -0.25 },
                { "token": "look.", "logProbability": -1e-3 },
            ],
            "topCandidates": [{ "candidates": [{ "token": "Can", "logProbability": -3 }] }, {}],
        });
        let asked = CompletionRequest { alternatives: Some(1), ..CompletionRequest::default() };
        let tokens = read(told.clone(), &asked).unwrap().answer.tokens.unwrap();
        let alternatives = vec![(b"Can".to_vec(), -3.0)];
        let first = Token { bytes: b"Let me ".to_vec(), logprob: -0.25, alternatives };
        let second = Token { bytes: b"look.".to_vec(), logprob: -1e-3, alternatives: Vec::new() };
        assert_eq!(tokens, [first, second]);
        assert_eq!(read_one(told).unwrap().answer.tokens, None);
        assert!(matches!(read(body(), &asked), Err(ProviderError::Malformed(_))));
    }

    #[test]
    fn a_prompt_that_is_blocked_has_no_answer() {
        let blocked = json!({ "promptFeedback": { "blockReason": "SAFETY" }, "usageMetadata": { "promptTokenCount": 1 } });
        let told = "the prompt is blocked: SAFETY".to_owned();
        assert_eq!(read_one(blocked), Err(ProviderError::Rejected(told)));
    }

    #[test]
    fn a_success_without_what_must_be_there_is_malformed() {
        let without = |pointer: &str, member: &str| without(body(), pointer, member);
        let ended = |reason: &str| {
            let mut body = body();
            body["candidates"][0]["finishReason"] = json!(reason);
            body
        };
        for wrong in [
            json!({}),
            without("", "candidates"),
            without("", "usageMetadata"),
            without("/usageMetadata", "promptTokenCount"),
            without("/candidates/0", "finishReason"),
            without("/candidates/0/content/parts/1", "text"),
            without("/candidates/0/content/parts/3/functionCall", "name"),
            ended("MALFORMED_FUNCTION_CALL"),
            ended("TIRED"),
        ] {
            assert!(matches!(read_one(wrong.clone()), Err(ProviderError::Malformed(_))), "{wrong}");
        }
    }
}
