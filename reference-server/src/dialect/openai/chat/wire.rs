//! The bodies and chunks of chat completions, member for member.

use serde::Serialize;

use crate::dialect::openai::logprobs::TokenList;
use crate::dialect::openai::wire::{FINGERPRINT, Id, TIER, Usage, ended};
use crate::domain::inference::{Answer, Completion, Token, ToolCall};

/// What the id of a completion begins with.
pub(super) const ID: &str = "chatcmpl";

/// A chat completion.
#[derive(Debug, Serialize)]
pub(super) struct ChatCompletion<'a> {
    id: Id,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: Vec<Choice<'a>>,
    usage: Usage,
    service_tier: &'static str,
    system_fingerprint: &'static str,
}

impl<'a> ChatCompletion<'a> {
    /// A completion of this model.
    pub(super) fn new(created: i64, model: &'a str, completion: &'a Completion) -> Self {
        Self {
            id: Id::new(ID),
            object: "chat.completion",
            created,
            model,
            choices: (0..)
                .zip(completion.answers())
                .map(|(index, answer)| Choice::new(index, answer))
                .collect(),
            usage: completion.usage.into(),
            service_tier: TIER,
            system_fingerprint: FINGERPRINT,
        }
    }
}

/// One answer.
#[derive(Debug, Serialize)]
struct Choice<'a> {
    index: u32,
    message: AnswerMessage<'a>,
    logprobs: Option<Logprobs<'a>>,
    finish_reason: &'static str,
}

impl<'a> Choice<'a> {
    fn new(index: u32, answer: &'a Answer) -> Self {
        let (calls, refusal) = (answer.tool_calls.as_slice(), answer.refusal.as_deref());
        let has_other = !calls.is_empty() || refusal.is_some();
        Self {
            index,
            message: AnswerMessage {
                role: "assistant",
                content: Some(answer.text.as_str()).filter(|text| !text.is_empty() || !has_other),
                tool_calls: calls.iter().map(Call::new).collect(),
                refusal,
                annotations: [],
            },
            logprobs: answer.tokens.as_deref().map(Logprobs::new),
            finish_reason: ended(&answer.finish_reason, refusal.is_some()),
        }
    }
}

/// What the model says.
#[derive(Debug, Serialize)]
struct AnswerMessage<'a> {
    role: &'static str,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    refusal: Option<&'a str>,
    annotations: [(); 0],
}

/// A tool that is to be called.
#[derive(Debug, Serialize)]
struct Call<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: CallOf<'a>,
}

#[derive(Debug, Serialize)]
struct CallOf<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> Call<'a> {
    fn new(call: &'a ToolCall) -> Self {
        let function = CallOf { name: &call.name, arguments: &call.arguments };
        Self { id: &call.id, kind: "function", function }
    }
}

/// How probable the tokens of a text were.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Logprobs<'a> {
    content: TokenList<'a>,
    refusal: Option<&'a str>,
}

impl<'a> Logprobs<'a> {
    /// Those of these tokens.
    pub(super) fn new(tokens: &'a [Token]) -> Self {
        Self { content: TokenList(tokens), refusal: None }
    }
}

/// How one answer goes on.
#[derive(Debug, Serialize)]
pub(super) struct ChunkChoice<'a> {
    pub(super) index: u32,
    pub(super) delta: Delta<'a>,
    pub(super) logprobs: Option<Logprobs<'a>>,
    pub(super) finish_reason: Option<&'static str>,
}

/// What is added to an answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Delta<'a> {
    /// It begins. The content is null where the answer is none but calls of tools.
    Role { role: &'static str, content: Option<&'a str>, refusal: Option<&'a str> },
    /// More text.
    Content { content: &'a str },
    /// More of why there is none.
    Refusal { refusal: &'a str },
    /// More of a call.
    ToolCalls { tool_calls: [CallDelta<'a>; 1] },
    /// Nothing more.
    End {},
}

/// More of a call of a tool.
#[derive(Debug, Serialize)]
pub(super) struct CallDelta<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: FunctionDelta<'a>,
}

#[derive(Debug, Serialize)]
struct FunctionDelta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

impl<'a> CallDelta<'a> {
    /// A call begins.
    pub(super) fn opening(index: u32, id: &'a str, name: &'a str) -> Self {
        let function = FunctionDelta { name: Some(name), arguments: "" };
        Self { index, id: Some(id), kind: Some("function"), function }
    }

    /// More of what the tool is given.
    pub(super) fn arguments(index: u32, arguments: &'a str) -> Self {
        Self { index, id: None, kind: None, function: FunctionDelta { name: None, arguments } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::inference::{self, FinishReason};

    fn written(answer: Answer) -> Value {
        let usage = inference::Usage::of(1, 2);
        let completion = Completion { answer, more: vec![Answer::of_text("Two")], usage };
        serde_json::to_value(ChatCompletion::new(5, "m", &completion)).unwrap()
    }

    #[test]
    fn a_completion_has_the_members_of_the_reference() {
        let mut body = written(Answer::of_text("One"));
        let id = body["id"].take();
        assert!(id.as_str().unwrap().starts_with("chatcmpl-"));
        let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            members,
            ["id", "object", "created", "model", "choices", "usage", "service_tier", "system_fingerprint"]
        );
        assert_eq!(
            body["choices"][0],
            json!({
                "index": 0,
                "message": { "role": "assistant", "content": "One", "refusal": null, "annotations": [] },
                "logprobs": null,
                "finish_reason": "stop",
            })
        );
        assert_eq!(
            (&body["choices"][1]["index"], &body["choices"][1]["message"]["content"]),
            (&json!(1), &json!("Two"))
        );
    }

    #[test]
    fn a_refusal_stands_in_place_of_content() {
        let refusal = Some("No.".to_owned());
        let refused = Answer { refusal, finish_reason: FinishReason::Filtered, ..Answer::of_text("") };
        let choice = &written(refused)["choices"][0];
        assert_eq!(
            (&choice["message"]["content"], &choice["message"]["refusal"], &choice["finish_reason"]),
            (&Value::Null, &json!("No."), &json!("stop"))
        );
        let filtered = Answer { finish_reason: FinishReason::Filtered, ..Answer::of_text("Well") };
        let choice = &written(filtered)["choices"][0];
        assert_eq!(
            (&choice["message"]["content"], &choice["finish_reason"]),
            (&json!("Well"), &json!("content_filter"))
        );
    }

    #[test]
    fn calls_stand_in_place_of_content() {
        let call = ToolCall { id: "call_1".to_owned(), name: "a".to_owned(), arguments: "{}".to_owned() };
        let answer =
            Answer { tool_calls: vec![call], finish_reason: FinishReason::ToolCalls, ..Answer::of_text("") };
        let choice = &written(answer)["choices"][0];
        assert_eq!(choice["message"]["content"], Value::Null);
        assert_eq!(
            choice["message"]["tool_calls"],
            json!([{ "id": "call_1", "type": "function", "function": { "name": "a", "arguments": "{}" } }])
        );
        assert_eq!(choice["finish_reason"], "tool_calls");
    }

    #[test]
    fn deltas_have_only_what_is_new() {
        let write = |delta: Delta<'_>| serde_json::to_value(delta).unwrap();
        assert_eq!(
            write(Delta::Role { role: "assistant", content: Some(""), refusal: None }),
            json!({ "role": "assistant", "content": "", "refusal": null })
        );
        assert_eq!(write(Delta::End {}), json!({}));
        assert_eq!(write(Delta::Refusal { refusal: "No." }), json!({ "refusal": "No." }));
        assert_eq!(
            write(Delta::ToolCalls { tool_calls: [CallDelta::opening(0, "call_1", "a")] }),
            json!({ "tool_calls": [
                { "index": 0, "id": "call_1", "type": "function", "function": { "name": "a", "arguments": "" } }
            ] })
        );
        assert_eq!(
            write(Delta::ToolCalls { tool_calls: [CallDelta::arguments(1, "{}")] }),
            json!({ "tool_calls": [{ "index": 1, "function": { "arguments": "{}" } }] })
        );
    }
}
