//! The response as the wire tells it.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::dialect::openai::wire::TIER;
use crate::domain::inference::{Answer, Completion, FinishReason, Token, ToolCall, Usage};

/// A response, whole or in the making.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) id: String,
    pub(super) created_at: i64,
    pub(super) model: String,
    pub(super) status: Status,
    pub(super) output: Vec<Value>,
    pub(super) usage: Option<Usage>,
    /// What it tells of the request.
    pub(super) echo: Map<String, Value>,
}

/// How far a response is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    InProgress,
    Completed,
    /// The token limit cut it.
    Incomplete,
    /// It broke off, with these words for its caller.
    Failed(String),
}

impl Status {
    /// How an answer that ended so leaves its response.
    pub(super) fn after(reason: &FinishReason) -> Self {
        if *reason == FinishReason::Length { Self::Incomplete } else { Self::Completed }
    }

    /// The word for it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Failed(_) => "failed",
        }
    }
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = match &self.status {
            Status::Failed(message) => json!({ "code": "server_error", "message": message }),
            _ => Value::Null,
        };
        let incomplete = match self.status {
            Status::Incomplete => json!({ "reason": "max_output_tokens" }),
            _ => Value::Null,
        };
        let mut response = serializer.serialize_map(None)?;
        response.serialize_entry("id", &self.id)?;
        response.serialize_entry("object", "response")?;
        response.serialize_entry("created_at", &self.created_at)?;
        response.serialize_entry("status", self.status.name())?;
        response.serialize_entry("background", &false)?;
        response.serialize_entry("error", &error)?;
        response.serialize_entry("incomplete_details", &incomplete)?;
        response.serialize_entry("model", &self.model)?;
        response.serialize_entry("output", &self.output)?;
        response.serialize_entry("service_tier", TIER)?;
        for (name, value) in &self.echo {
            response.serialize_entry(name, value)?;
        }
        response.serialize_entry("usage", &self.usage.map(usage))?;
        response.end()
    }
}

fn usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "input_tokens_details": { "cached_tokens": 0, "cache_write_tokens": 0 },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": { "reasoning_tokens": usage.thinking_tokens },
        "total_tokens": usage.input_tokens.saturating_add(usage.output_tokens),
    })
}

/// The items of a whole answer.
pub(super) fn items(completion: &Completion) -> Vec<Value> {
    let Answer { thinking, text, tool_calls, finish_reason, tokens } = &completion.answer;
    let status = Status::after(finish_reason);
    let mut items = Vec::new();
    if thinking.is_some() {
        items.push(reasoning(&id("rs")));
    }
    if !text.is_empty() || tool_calls.is_empty() {
        items.push(message(&id("msg"), &status, Some(part(text, tokens.as_deref()))));
    }
    items.extend(tool_calls.iter().map(|call| function_call(&id("fc"), &status, call)));
    items
}

/// An id of a kind of item.
pub(super) fn id(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::new_v4().simple())
}

/// Thoughts, which are not told.
pub(super) fn reasoning(id: &str) -> Value {
    json!({ "id": id, "type": "reasoning", "summary": [] })
}

/// What the model says; nothing yet where it has only begun.
pub(super) fn message(id: &str, status: &Status, part: Option<Value>) -> Value {
    let content: Vec<Value> = part.into_iter().collect();
    json!({
        "id": id,
        "type": "message",
        "status": status.name(),
        "role": "assistant",
        "content": content,
    })
}

/// The text of a message.
pub(super) fn part(text: &str, tokens: Option<&[Token]>) -> Value {
    json!({
        "type": "output_text",
        "annotations": [],
        "logprobs": tokens.map_or_else(Vec::new, logprobs),
        "text": text,
    })
}

/// How probable tokens were.
pub(super) fn logprobs(tokens: &[Token]) -> Vec<Value> {
    let told = |bytes: &[u8], logprob: f64| json!({ "token": String::from_utf8_lossy(bytes), "bytes": bytes, "logprob": logprob });
    let token = |token: &Token| {
        let top: Vec<_> = token.alternatives.iter().map(|(bytes, logprob)| told(bytes, *logprob)).collect();
        let mut entry = told(&token.bytes, token.logprob);
        if let Some(members) = entry.as_object_mut() {
            members.insert("top_logprobs".to_owned(), top.into());
        }
        entry
    };
    tokens.iter().map(token).collect()
}

/// A call of a tool.
pub(super) fn function_call(id: &str, status: &Status, call: &ToolCall) -> Value {
    json!({
        "id": id,
        "type": "function_call",
        "status": status.name(),
        "arguments": call.arguments,
        "call_id": call.id,
        "name": call.name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: Status) -> Value {
        serde_json::to_value(Response {
            id: "resp_1".to_owned(),
            created_at: 5,
            model: "m".to_owned(),
            status,
            output: Vec::new(),
            usage: Some(Usage { input_tokens: 3, output_tokens: 4, thinking_tokens: 1 }),
            echo: Map::from_iter([("store".to_owned(), true.into())]),
        })
        .unwrap()
    }

    #[test]
    fn a_response_tells_how_it_ended() {
        let told = |status| {
            let response = response(status);
            (response["status"].clone(), response["incomplete_details"].clone(), response["error"].clone())
        };
        assert_eq!(told(Status::Completed), (json!("completed"), Value::Null, Value::Null));
        let cut = json!({ "reason": "max_output_tokens" });
        assert_eq!(told(Status::Incomplete), (json!("incomplete"), cut, Value::Null));
        let (status, _, error) = told(Status::Failed("sorry".to_owned()));
        assert_eq!((status, error["message"].clone()), (json!("failed"), json!("sorry")));
        assert_eq!(response(Status::Completed)["usage"]["total_tokens"], 7);
    }

    #[test]
    fn an_answer_is_thoughts_then_text_then_calls() {
        let call = ToolCall { id: "1".to_owned(), name: "a".to_owned(), arguments: "{}".to_owned() };
        let answer = Answer {
            thinking: Some("hm".to_owned()),
            tool_calls: vec![call],
            finish_reason: FinishReason::ToolCalls,
            ..Answer::of_text("Well.")
        };
        let completion = Completion { answer, more: Vec::new(), usage: Usage::default() };
        let items = items(&completion);
        let types: Vec<_> = items.iter().map(|item| item["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["reasoning", "message", "function_call"]);
        assert_eq!(items[1]["content"][0]["text"], "Well.");
        assert!(!items[0].to_string().contains("hm"));
    }
}
