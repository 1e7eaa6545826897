//! The response as the wire tells it.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::dialect::openai::logprobs::TokenList;
use crate::dialect::openai::wire::TIER;
use crate::domain::inference::{Answer, FinishReason, Token, ToolCall, Usage};

/// A response, whole or in the making.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) id: String,
    pub(super) created_at: i64,
    pub(super) model: String,
    pub(super) status: Status,
    pub(super) output: Vec<Item>,
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
    /// A filter stopped it.
    Filtered,
    /// It broke off, with these words for its caller.
    Failed(String),
}

impl Status {
    /// How an answer that ended so leaves its response. A refusal in the model's own words is complete.
    pub(super) fn after(reason: &FinishReason, is_refusal: bool) -> Self {
        match reason {
            _ if is_refusal => Self::Completed,
            FinishReason::Length => Self::Incomplete,
            FinishReason::Filtered => Self::Filtered,
            FinishReason::Stop | FinishReason::StopText(_) | FinishReason::ToolCalls => Self::Completed,
        }
    }

    /// The word for it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete | Self::Filtered => "incomplete",
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
            Status::Filtered => json!({ "reason": "content_filter" }),
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
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_written_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": { "reasoning_tokens": usage.thinking_tokens },
        "total_tokens": usage.input_tokens.saturating_add(usage.output_tokens),
    })
}

/// One of the things that a response is made of.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) status: Status,
    pub(super) content: Content,
}

/// What an item is.
#[derive(Debug)]
pub(super) enum Content {
    /// Thoughts, which are not told; that there are some is.
    Reasoning,
    /// What the model says; nothing yet where it has only begun.
    Message(Option<Said>),
    /// A call of a tool.
    Call(ToolCall),
}

/// The text of a message.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) text: String,
    /// Whether it says why there is no answer.
    pub(super) is_refusal: bool,
    /// How probable it was, where that is told.
    pub(super) tokens: Vec<Token>,
}

impl Item {
    /// A new item.
    pub(super) fn new(status: Status, content: Content) -> Self {
        let prefix = match content {
            Content::Reasoning => "rs",
            Content::Message(_) => "msg",
            Content::Call(_) => "fc",
        };
        Self { id: format!("{prefix}_{}", Uuid::new_v4().simple()), status, content }
    }
}

/// The items of a whole answer.
pub(super) fn items(answer: Answer) -> Vec<Item> {
    let Answer { thinking, text, refusal, tool_calls, finish_reason, tokens } = answer;
    let item = |content| Item::new(Status::after(&finish_reason, refusal.is_some()), content);
    let mut items = Vec::new();
    if thinking.is_some() {
        items.push(item(Content::Reasoning));
    }
    if !text.is_empty() || tool_calls.is_empty() && refusal.is_none() {
        let said = Said { text, is_refusal: false, tokens: tokens.unwrap_or_default() };
        items.push(item(Content::Message(Some(said))));
    }
    if let Some(text) = refusal.clone() {
        items.push(item(Content::Message(Some(Said { text, is_refusal: true, tokens: Vec::new() }))));
    }
    items.extend(tool_calls.into_iter().map(|call| item(Content::Call(call))));
    items
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut item = serializer.serialize_map(None)?;
        item.serialize_entry("id", &self.id)?;
        match &self.content {
            Content::Reasoning => {
                item.serialize_entry("type", "reasoning")?;
                item.serialize_entry("summary", &[(); 0])?;
            }
            Content::Message(said) => {
                item.serialize_entry("type", "message")?;
                item.serialize_entry("status", self.status.name())?;
                item.serialize_entry("role", "assistant")?;
                item.serialize_entry("content", said.as_slice())?;
            }
            Content::Call(call) => {
                item.serialize_entry("type", "function_call")?;
                item.serialize_entry("status", self.status.name())?;
                item.serialize_entry("arguments", &call.arguments)?;
                item.serialize_entry("call_id", &call.id)?;
                item.serialize_entry("name", &call.name)?;
            }
        }
        item.end()
    }
}

impl Serialize for Said {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut part = serializer.serialize_map(None)?;
        if self.is_refusal {
            part.serialize_entry("type", "refusal")?;
            part.serialize_entry("refusal", &self.text)?;
            return part.end();
        }
        part.serialize_entry("type", "output_text")?;
        part.serialize_entry("annotations", &[(); 0])?;
        part.serialize_entry("logprobs", &TokenList(&self.tokens))?;
        part.serialize_entry("text", &self.text)?;
        part.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inference::Thinking;

    fn response(status: Status) -> Value {
        serde_json::to_value(Response {
            id: "resp_1".to_owned(),
            created_at: 5,
            model: "m".to_owned(),
            status,
            output: Vec::new(),
            usage: Some(Usage { thinking_tokens: 1, ..Usage::of(3, 4) }),
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

    fn written(answer: Answer) -> Vec<Value> {
        items(answer).iter().map(|item| serde_json::to_value(item).unwrap()).collect()
    }

    #[test]
    fn an_answer_is_thoughts_then_text_then_calls() {
        let call = ToolCall { id: "1".to_owned(), name: "a".to_owned(), arguments: "{}".to_owned() };
        let answer = Answer {
            thinking: Some(Thinking::of_text("hm")),
            tool_calls: vec![call],
            finish_reason: FinishReason::ToolCalls,
            ..Answer::of_text("Well.")
        };
        let all: [Value; 3] = written(answer).try_into().unwrap();
        let [mut thoughts, mut message, mut call] = all;
        for (item, prefix) in [(&mut thoughts, "rs_"), (&mut message, "msg_"), (&mut call, "fc_")] {
            let id = item.as_object_mut().unwrap().shift_remove("id").unwrap();
            assert!(id.as_str().unwrap().starts_with(prefix), "{id}");
        }
        assert_eq!(thoughts, json!({ "type": "reasoning", "summary": [] }));
        let text = json!({ "type": "output_text", "annotations": [], "logprobs": [], "text": "Well." });
        assert_eq!(
            message,
            json!({ "type": "message", "status": "completed", "role": "assistant", "content": [text] })
        );
        assert_eq!(
            call,
            json!({
                "type": "function_call", "status": "completed", "arguments": "{}", "call_id": "1", "name": "a",
            })
        );
    }

    #[test]
    fn a_refusal_is_complete_and_what_a_filter_ends_is_not() {
        let refused = Answer {
            refusal: Some("No.".to_owned()),
            finish_reason: FinishReason::Filtered,
            ..Answer::of_text("")
        };
        let message = &written(refused)[0];
        assert_eq!(message["status"], "completed");
        assert_eq!(message["content"], json!([{ "type": "refusal", "refusal": "No." }]));
        let filtered = response(Status::after(&FinishReason::Filtered, false));
        assert_eq!(filtered["status"], "incomplete");
        assert_eq!(filtered["incomplete_details"], json!({ "reason": "content_filter" }));
    }

    #[test]
    fn the_tokens_of_a_text_are_told_with_it() {
        let token =
            Token { bytes: b"Hi".to_vec(), logprob: -0.5, alternatives: vec![(b"Ho".to_vec(), -1.5)] };
        let answer = Answer { tokens: Some(vec![token]), ..Answer::of_text("Hi") };
        let told = &written(answer)[0]["content"][0]["logprobs"][0];
        assert_eq!((&told["token"], &told["logprob"]), (&json!("Hi"), &json!(-0.5)));
        assert_eq!(told["top_logprobs"], json!([{ "token": "Ho", "logprob": -1.5, "bytes": [72, 111] }]));
    }
}
