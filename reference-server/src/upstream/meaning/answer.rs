//! What a model answers.

use serde::Serialize;

use super::conversation::Called;
use crate::domain::inference::{Answer, Completion, Embeddings, FinishReason, Usage};

/// The first answer of a chat model, and what all of them cost.
#[derive(Serialize)]
struct AnswerView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<&'a str>,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    tool_calls: Vec<Called<'a>>,
    finish: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_text: Option<&'a str>,
    usage: UsageView,
}

/// What comes of texts.
#[derive(Serialize)]
struct VectorsView {
    vectors: usize,
    dimensions: usize,
    usage: UsageView,
}

#[derive(Serialize)]
struct UsageView {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_tokens: Option<u64>,
}

/// What a chat model answers, in JSON.
pub(in super::super) fn answer(completion: &Completion) -> String {
    let Answer { thinking, text, refusal, tool_calls, finish_reason, tokens: _ } = &completion.answer;
    let (finish, stop_text) = match finish_reason {
        FinishReason::Stop => ("stop", None),
        FinishReason::StopText(text) => ("stop", Some(text.as_str())),
        FinishReason::Length => ("length", None),
        FinishReason::ToolCalls => ("tool-calls", None),
        FinishReason::Filtered => ("filtered", None),
    };
    let answer = AnswerView {
        thinking: thinking.as_ref().map(|thinking| thinking.text.as_str()),
        text,
        refusal: refusal.as_deref(),
        tool_calls: tool_calls.iter().map(Called::from).collect(),
        finish,
        stop_text,
        usage: completion.usage.into(),
    };
    // What has text for keys always serializes.
    serde_json::to_string(&answer).unwrap_or_default()
}

/// What comes of texts, in JSON.
pub(in super::super) fn vectors(embeddings: &Embeddings) -> String {
    let view = VectorsView {
        vectors: embeddings.vectors.len(),
        dimensions: embeddings.vectors.first().map_or(0, Vec::len),
        usage: embeddings.usage.into(),
    };
    serde_json::to_string(&view).unwrap_or_default()
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            thinking_tokens: Some(usage.thinking_tokens).filter(|tokens| *tokens > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inference::{Thinking, ToolCall};

    #[test]
    fn the_first_answer_is_told_with_what_all_of_them_cost() {
        let call = ToolCall { id: "1".to_owned(), name: "f".to_owned(), arguments: "{\"a\":1}".to_owned() };
        let first = Answer {
            thinking: Some(Thinking::of_text("Hm.")),
            tool_calls: vec![call],
            finish_reason: FinishReason::ToolCalls,
            ..Answer::of_text("Wait.")
        };
        let usage = Usage { thinking_tokens: 2, ..Usage::of(3, 9) };
        let completion = Completion { answer: first, more: vec![Answer::of_text("No.")], usage };
        assert_eq!(
            answer(&completion),
            "{\"thinking\":\"Hm.\",\"text\":\"Wait.\",\"tool_calls\":[{\"id\":\"1\",\"name\":\"f\",\
             \"arguments\":{\"a\":1}}],\"finish\":\"tool-calls\",\
             \"usage\":{\"input_tokens\":3,\"output_tokens\":9,\"thinking_tokens\":2}}"
        );
    }

    #[test]
    fn it_is_told_why_an_answer_ended() {
        let ended = |finish_reason| {
            let ended = Answer { finish_reason, ..Answer::of_text("") };
            answer(&Completion { answer: ended, more: Vec::new(), usage: Usage::of(0, 0) })
        };
        for (reason, told) in [
            (FinishReason::Stop, "\"finish\":\"stop\",\"usage\""),
            (FinishReason::StopText("END".to_owned()), "\"finish\":\"stop\",\"stop_text\":\"END\""),
            (FinishReason::Length, "\"finish\":\"length\""),
            (FinishReason::Filtered, "\"finish\":\"filtered\""),
        ] {
            let answer = ended(reason);
            assert!(answer.contains(told), "{told}: {answer}");
        }
    }

    #[test]
    fn vectors_are_counted() {
        let embeddings = Embeddings { vectors: vec![vec![0.5; 4]; 2], usage: Usage::of(3, 0) };
        assert_eq!(
            vectors(&embeddings),
            "{\"vectors\":2,\"dimensions\":4,\"usage\":{\"input_tokens\":3,\"output_tokens\":0}}"
        );
    }
}
