//! What comes back. Of what is here nothing may be missing; what else there is does not matter. The wire leaves out what
//! is empty, and numbers that are 0.

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::inference::{self, FinishReason, ProviderError, ToolCall};
use crate::provider::http::{malformed, missing, unknown_end};

/// Content, or a part of it, or why there is no more.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content {
    pub(super) candidates: Option<Vec<Candidate>>,
    pub(super) prompt_feedback: Option<Feedback>,
    pub(super) usage_metadata: Option<Usage>,
    pub(super) error: Option<Value>,
}

/// An answer, or a part of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate {
    #[serde(default)]
    pub(super) index: u32,
    pub(super) content: Option<Turn>,
    pub(super) finish_reason: Option<String>,
    pub(super) logprobs_result: Option<Logprobs>,
}

/// What the model says.
#[derive(Debug, Deserialize)]
pub(super) struct Turn {
    #[serde(default)]
    parts: Vec<Part>,
}

/// A piece of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    text: Option<String>,
    #[serde(default)]
    thought: bool,
    function_call: Option<FunctionCall>,
    thought_signature: Option<String>,
}

#[derive(Debug, Deserialize)]
struct FunctionCall {
    id: Option<String>,
    name: String,
    args: Option<Value>,
}

/// What a filter has to say of a prompt.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback {
    pub(super) block_reason: Option<String>,
}

/// How probable tokens were.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Logprobs {
    #[serde(default)]
    chosen_candidates: Vec<Token>,
    #[serde(default)]
    top_candidates: Vec<TopTokens>,
}

#[derive(Debug, Deserialize)]
struct TopTokens {
    #[serde(default)]
    candidates: Vec<Token>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    #[serde(default)]
    token: String,
    #[serde(default)]
    log_probability: f64,
}

/// Tokens. Of a part of an answer they may not be told.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Usage {
    pub(super) prompt_token_count: Option<u64>,
    #[serde(default)]
    tool_use_prompt_token_count: u64,
    #[serde(default)]
    candidates_token_count: u64,
    #[serde(default)]
    thoughts_token_count: u64,
    #[serde(default)]
    cached_content_token_count: u64,
}

/// How many tokens a prompt has.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Count {
    pub(super) total_tokens: u64,
}

/// What is said in a turn, or in a part of it.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) thoughts: String,
    pub(super) text: String,
    pub(super) calls: Vec<ToolCall>,
}

impl Said {
    /// What the content of a candidate says; nothing where there is none.
    pub(super) fn of(content: Option<Turn>) -> Result<Self, ProviderError> {
        let mut said = Self::default();
        for part in content.into_iter().flat_map(|turn| turn.parts) {
            match part {
                Part { text: Some(text), thought: true, .. } => said.thoughts += &text,
                Part { text: Some(text), .. } => said.text += &text,
                Part { function_call: Some(call), thought_signature: proof, .. } => {
                    said.calls.push(call.proven(&proof.unwrap_or_default()));
                }
                // What proves a text is nothing that a model has to be sent back.
                Part { thought_signature: Some(_), .. } => {}
                _ => return Err(malformed("a part of an unknown kind")),
            }
        }
        Ok(said)
    }
}

impl FunctionCall {
    /// The call, with what proves that it follows from the model's thoughts.
    fn proven(self, proof: &str) -> ToolCall {
        let arguments = self.args.unwrap_or_else(|| Value::Object(Map::new())).to_string();
        // The wire goes by names and order, callers go by ids.
        let new = || format!("call_{}", Uuid::new_v4().simple());
        let id = self.id.filter(|id| !id.is_empty()).unwrap_or_else(new);
        ToolCall { id: ToolCall::proven_id(&id, proof), name: self.name, arguments }
    }
}

impl From<Token> for inference::Token {
    fn from(Token { token, log_probability: logprob }: Token) -> Self {
        Self { bytes: token.into_bytes(), logprob, alternatives: Vec::new() }
    }
}

impl Logprobs {
    /// The tokens, each with the others that were probable.
    pub(super) fn tokens(self) -> Vec<inference::Token> {
        let mut others = self.top_candidates.into_iter();
        let chosen = self.chosen_candidates.into_iter().map(|token| {
            let others = others.next().into_iter().flat_map(|top| top.candidates);
            let alternatives = others.map(|other| (other.token.into_bytes(), other.log_probability));
            inference::Token { alternatives: alternatives.collect(), ..token.into() }
        });
        chosen.collect()
    }
}

/// What answers cost. Thoughts are counted for themselves.
pub(super) fn usage(told: Option<Usage>) -> Result<inference::Usage, ProviderError> {
    let told = told.ok_or_else(|| missing("usageMetadata"))?;
    let prompt = told.prompt_token_count.ok_or_else(|| missing("promptTokenCount"))?;
    Ok(inference::Usage {
        input_tokens: prompt.saturating_add(told.tool_use_prompt_token_count),
        output_tokens: told.candidates_token_count.saturating_add(told.thoughts_token_count),
        thinking_tokens: told.thoughts_token_count,
        cached_tokens: told.cached_content_token_count,
        cache_written_tokens: 0,
    })
}

/// Why an answer ended. The wire does not say which text ended one, nor that tools are to be called.
pub(super) fn finish_reason(word: &str, calls_tools: bool) -> Result<FinishReason, ProviderError> {
    match word {
        "STOP" if calls_tools => Ok(FinishReason::ToolCalls),
        "STOP" | "OTHER" => Ok(FinishReason::Stop),
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
        | "MODEL_ARMOR" => Ok(FinishReason::Filtered),
        "MAX_TOKENS" => Ok(FinishReason::Length),
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" => {
            Err(malformed("what the model wrote is no answer, as the service says itself"))
        }
        _ => Err(unknown_end(word)),
    }
}

/// Why a prompt has no answer at all, where a filter has stopped it.
pub(super) fn blocked(feedback: Option<Feedback>) -> Option<ProviderError> {
    let reason = feedback?.block_reason?;
    Some(ProviderError::Rejected(format!("the prompt is blocked: {reason}")))
}
