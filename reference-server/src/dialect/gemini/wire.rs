//! The bodies of success, member for member.

use std::borrow::Cow;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::domain::inference::{Answer, FinishReason, Token, ToolCall, Usage};

/// Generated content, whole or a part of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content<'a> {
    pub(super) candidates: Vec<Candidate<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage_metadata: Option<UsageMetadata>,
    pub(super) model_version: &'a str,
    pub(super) response_id: &'a str,
}

/// One answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    pub(super) content: Turn<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finish_reason: Option<&'static str>,
    pub(super) index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) avg_logprobs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs_result: Option<Logprobs<'a>>,
}

/// What the model says.
#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<Part<'a>>,
    pub(super) role: &'static str,
}

/// A piece of what the model says.
#[derive(Debug)]
pub(super) enum Part<'a> {
    Text(&'a str),
    Thought(&'a str),
    Call { name: &'a str, arguments: Value, proof: Option<String> },
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct FunctionCall<'a> {
            name: &'a str,
            args: &'a Value,
        }
        let mut part = serializer.serialize_struct("Part", 2)?;
        match self {
            Self::Text(text) => part.serialize_field("text", text)?,
            Self::Thought(text) => {
                part.serialize_field("text", text)?;
                part.serialize_field("thought", &true)?;
            }
            Self::Call { name, arguments, proof } => {
                part.serialize_field("functionCall", &FunctionCall { name, args: arguments })?;
                if let Some(proof) = proof {
                    part.serialize_field("thoughtSignature", proof)?;
                }
            }
        }
        part.end()
    }
}

/// How probable the tokens of an answer were.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Logprobs<'a> {
    top_candidates: Vec<TopCandidates<'a>>,
    chosen_candidates: Vec<TokenCandidate<'a>>,
}

#[derive(Debug, Serialize)]
struct TopCandidates<'a> {
    candidates: Vec<TokenCandidate<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenCandidate<'a> {
    token: Cow<'a, str>,
    log_probability: f64,
}

impl<'a> TokenCandidate<'a> {
    fn new(bytes: &'a [u8], log_probability: f64) -> Self {
        Self { token: String::from_utf8_lossy(bytes), log_probability }
    }
}

/// Tokens of content.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsageMetadata {
    prompt_token_count: u64,
    candidates_token_count: u64,
    total_token_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    thoughts_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_content_token_count: Option<u64>,
}

impl From<Usage> for UsageMetadata {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_token_count: usage.input_tokens,
            candidates_token_count: usage.output_tokens.saturating_sub(usage.thinking_tokens),
            total_token_count: usage.input_tokens.saturating_add(usage.output_tokens),
            thoughts_token_count: Some(usage.thinking_tokens).filter(|tokens| *tokens > 0),
            cached_content_token_count: Some(usage.cached_tokens).filter(|tokens| *tokens > 0),
        }
    }
}

/// A whole answer.
pub(super) fn candidate(index: u32, answer: &Answer, shows_thoughts: bool) -> Candidate<'_> {
    let thinking = answer.thinking.as_ref().filter(|thinking| shows_thoughts && !thinking.text.is_empty());
    let thought = thinking.map(|thinking| Part::Thought(&thinking.text));
    let text = Some(answer.said()).filter(|text| !text.is_empty()).map(Part::Text);
    let calls = answer.tool_calls.iter().map(call_part);
    let tokens = answer.tokens.as_deref();
    Candidate {
        content: Turn { parts: thought.into_iter().chain(text).chain(calls).collect(), role: "model" },
        finish_reason: Some(finish_reason(&answer.finish_reason)),
        index,
        avg_logprobs: tokens.and_then(average),
        logprobs_result: tokens.map(logprobs),
    }
}

/// A function call; what was cut off in the middle is no JSON and becomes no arguments.
pub(super) fn call_part(call: &ToolCall) -> Part<'_> {
    let arguments = serde_json::from_str(&call.arguments).unwrap_or_else(|_| Value::Object(Map::new()));
    Part::Call { name: &call.name, arguments, proof: call.proof() }
}

fn average(tokens: &[Token]) -> Option<f64> {
    let count = u32::try_from(tokens.len()).ok().filter(|count| *count > 0)?;
    Some(tokens.iter().map(|token| token.logprob).sum::<f64>() / f64::from(count))
}

fn logprobs(tokens: &[Token]) -> Logprobs<'_> {
    let chosen = tokens.iter().map(|token| TokenCandidate::new(&token.bytes, token.logprob));
    Logprobs { top_candidates: tokens.iter().map(top).collect(), chosen_candidates: chosen.collect() }
}

fn top(token: &Token) -> TopCandidates<'_> {
    let candidates = token.alternatives.iter();
    TopCandidates {
        candidates: candidates.map(|(bytes, logprob)| TokenCandidate::new(bytes, *logprob)).collect(),
    }
}

/// The word for why an answer ended.
pub(super) const fn finish_reason(reason: &FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::StopText(_) | FinishReason::ToolCalls => "STOP",
        FinishReason::Length => "MAX_TOKENS",
        FinishReason::Filtered => "SAFETY",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inference::Thinking;

    fn call(id: String) -> ToolCall {
        ToolCall { id, name: "f".to_owned(), arguments: "{\"a\":1}".to_owned() }
    }

    #[test]
    fn an_answer_has_the_documented_members() {
        let answer = Answer {
            thinking: Some(Thinking::of_text("hm")),
            tool_calls: vec![call("x".to_owned())],
            finish_reason: FinishReason::ToolCalls,
            ..Answer::of_text("yes")
        };
        assert_eq!(
            serde_json::to_string(&candidate(0, &answer, true)).unwrap(),
            "{\"content\":{\"parts\":[{\"text\":\"hm\",\"thought\":true},{\"text\":\"yes\"},\
             {\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":1}}}],\"role\":\"model\"},\
             \"finishReason\":\"STOP\",\"index\":0}"
        );
        assert!(!serde_json::to_string(&candidate(0, &answer, false)).unwrap().contains("hm"));
    }

    #[test]
    fn a_refusal_is_told_and_a_call_has_its_proof() {
        let refused = Answer {
            refusal: Some("No.".to_owned()),
            finish_reason: FinishReason::Filtered,
            ..Answer::of_text("")
        };
        assert_eq!(
            serde_json::to_value(candidate(0, &refused, false)).unwrap(),
            json!({
                "content": { "parts": [{ "text": "No." }], "role": "model" },
                "finishReason": "SAFETY", "index": 0,
            })
        );
        let call = call(ToolCall::proven_id("x", "c2ln"));
        let proven =
            json!({ "functionCall": { "name": "f", "args": { "a": 1 } }, "thoughtSignature": "c2ln" });
        assert_eq!(serde_json::to_value(call_part(&call)).unwrap(), proven);
    }

    #[test]
    fn thoughts_are_counted_for_themselves() {
        let usage = Usage { thinking_tokens: 4, ..Usage::of(5, 9) };
        assert_eq!(
            serde_json::to_string(&UsageMetadata::from(usage)).unwrap(),
            "{\"promptTokenCount\":5,\"candidatesTokenCount\":5,\"totalTokenCount\":14,\"thoughtsTokenCount\":4}"
        );
        let cached = UsageMetadata::from(Usage { cached_tokens: 3, ..usage });
        assert_eq!(serde_json::to_value(cached).unwrap()["cachedContentTokenCount"], 3);
    }
}
