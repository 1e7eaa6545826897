//! The bodies of success, member for member.

use std::borrow::Cow;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::domain::inference::{Answer, FinishReason, Token, Usage};

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
    Call { name: &'a str, arguments: Value },
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
            Self::Call { name, arguments } => {
                part.serialize_field("functionCall", &FunctionCall { name, args: arguments })?;
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
}

impl From<Usage> for UsageMetadata {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_token_count: usage.input_tokens,
            candidates_token_count: usage.output_tokens.saturating_sub(usage.thinking_tokens),
            total_token_count: usage.input_tokens.saturating_add(usage.output_tokens),
            thoughts_token_count: Some(usage.thinking_tokens).filter(|tokens| *tokens > 0),
        }
    }
}

/// A whole answer.
pub(super) fn candidate(index: u32, answer: &Answer, shows_thoughts: bool) -> Candidate<'_> {
    let thought = answer.thinking.as_deref().filter(|_| shows_thoughts).map(Part::Thought);
    let text = Some(&*answer.text).filter(|text| !text.is_empty()).map(Part::Text);
    let calls = answer.tool_calls.iter().map(|call| call_part(&call.name, &call.arguments));
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
pub(super) fn call_part<'a>(name: &'a str, arguments: &str) -> Part<'a> {
    let arguments = serde_json::from_str(arguments).unwrap_or_else(|_| Value::Object(serde_json::Map::new()));
    Part::Call { name, arguments }
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inference::ToolCall;

    #[test]
    fn an_answer_has_the_documented_members() {
        let call = ToolCall { id: "x".to_owned(), name: "f".to_owned(), arguments: "{\"a\":1}".to_owned() };
        let answer = Answer {
            thinking: Some("hm".to_owned()),
            tool_calls: vec![call],
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
    fn thoughts_are_counted_for_themselves() {
        let usage = Usage { input_tokens: 5, output_tokens: 9, thinking_tokens: 4 };
        assert_eq!(
            serde_json::to_string(&UsageMetadata::from(usage)).unwrap(),
            "{\"promptTokenCount\":5,\"candidatesTokenCount\":5,\"totalTokenCount\":14,\"thoughtsTokenCount\":4}"
        );
    }
}
