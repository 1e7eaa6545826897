//! A chat completion that comes whole.

use super::wire::{AnswerMessage, Call, ChatCompletion, Choice, finish_reason, tokens};
use crate::domain::inference::{Answer, Completion, CompletionRequest, ProviderError, ToolCall};

/// How many answers are asked for.
pub(super) fn count(request: &CompletionRequest) -> u32 {
    request.more_answers.saturating_add(1)
}

/// The completion in a body, if it is all there.
pub(super) fn completion(
    body: ChatCompletion,
    request: &CompletionRequest,
) -> Result<Completion, ProviderError> {
    let ChatCompletion { mut choices, usage } = body;
    choices.sort_by_key(|choice| choice.index);
    let (found, asked) = (choices.len(), count(request));
    if u32::try_from(found) != Ok(asked) {
        return Err(ProviderError::Malformed(format!("{found} answers came, and {asked} were asked for")));
    }
    let mut answers = choices.into_iter().map(|choice| answer(choice, request.alternatives.is_some()));
    let Some(first) = answers.next() else {
        return Err(ProviderError::Malformed("no answer came".to_owned()));
    };
    Ok(Completion { answer: first?, more: answers.collect::<Result<_, _>>()?, usage: usage.into() })
}

fn answer(choice: Choice, tells_tokens: bool) -> Result<Answer, ProviderError> {
    let AnswerMessage { content, refusal, tool_calls } = choice.message;
    let tool_calls = tool_calls.unwrap_or_default();
    if content.is_none() && refusal.is_none() && tool_calls.is_empty() {
        return Err(ProviderError::Malformed("an answer without content".to_owned()));
    }
    let text = content.unwrap_or_default() + &refusal.unwrap_or_default();
    Ok(Answer {
        thinking: None,
        tokens: tokens(tells_tokens, choice.logprobs, &text)?,
        text,
        tool_calls: tool_calls.into_iter().map(call).collect(),
        finish_reason: finish_reason(&choice.finish_reason)?,
    })
}

fn call(Call { id, function }: Call) -> ToolCall {
    ToolCall { id, name: function.name, arguments: function.arguments }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::inference::{FinishReason, Token, Usage};

    fn read(body: Value, request: &CompletionRequest) -> Result<Completion, ProviderError> {
        match serde_json::from_value(body) {
            Ok(body) => completion(body, request),
            Err(error) => Err(ProviderError::Malformed(error.to_string())),
        }
    }

    fn body(choices: &[Value]) -> Value {
        json!({
            "id": "chatcmpl-1", "object": "chat.completion", "choices": choices,
            "usage": {
                "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18,
                "completion_tokens_details": { "reasoning_tokens": 3, "audio_tokens": 0 },
            },
        })
    }

    fn choice(index: u32, message: &Value, finish_reason: &str) -> Value {
        json!({ "index": index, "message": message, "logprobs": null, "finish_reason": finish_reason })
    }

    #[test]
    fn answers_are_read_in_their_order() {
        let call =
            json!({ "id": "call_1", "type": "function", "function": { "name": "f", "arguments": "{}" } });
        let choices = [
            choice(1, &json!({ "role": "assistant", "content": null, "tool_calls": [call] }), "tool_calls"),
            choice(0, &json!({ "role": "assistant", "content": "Hi", "refusal": null }), "length"),
            choice(2, &json!({ "role": "assistant", "content": null, "refusal": "No." }), "stop"),
        ];
        let three = CompletionRequest { more_answers: 2, ..CompletionRequest::default() };
        let completion = read(body(&choices), &three).unwrap();
        assert_eq!(completion.usage, Usage { input_tokens: 11, output_tokens: 7, thinking_tokens: 3 });
        let cut = Answer { finish_reason: FinishReason::Length, ..Answer::of_text("Hi") };
        assert_eq!((completion.answer, &completion.more[1]), (cut, &Answer::of_text("No.")));
        let called = ToolCall { id: "call_1".to_owned(), name: "f".to_owned(), arguments: "{}".to_owned() };
        assert_eq!(completion.more[0].tool_calls, [called]);
        assert_eq!(completion.more[0].finish_reason, FinishReason::ToolCalls);
    }

    #[test]
    fn tokens_are_told_where_they_are_asked_for() {
        let mut told = choice(0, &json!({ "content": "é" }), "stop");
        told["logprobs"] = json!({ "content": [
            { "token": "\\xc3", "bytes": [195], "logprob": -0.25, "top_logprobs": [
                { "token": "a", "bytes": null, "logprob": -3 },
            ] },
            { "token": "\\xa9", "bytes": [169], "logprob": -1e-3 },
        ] });
        let asked = CompletionRequest { alternatives: Some(1), ..CompletionRequest::default() };
        let tokens = read(body(std::slice::from_ref(&told)), &asked).unwrap().answer.tokens.unwrap();
        let first = Token { bytes: vec![195], logprob: -0.25, alternatives: vec![(vec![b'a'], -3.0)] };
        assert_eq!((&tokens[0], &tokens[1].bytes[..]), (&first, &[169][..]));
        assert_eq!(read(body(&[told]), &CompletionRequest::default()).unwrap().answer.tokens, None);
        let untold = body(&[choice(0, &json!({ "content": "é" }), "stop")]);
        assert!(matches!(read(untold, &asked), Err(ProviderError::Malformed(_))));
    }

    #[test]
    fn a_success_without_what_must_be_there_is_malformed() {
        let whole = choice(0, &json!({ "content": "Hi" }), "stop");
        assert!(read(body(std::slice::from_ref(&whole)), &CompletionRequest::default()).is_ok());
        let without = |pointer: &str, member: &str| {
            let mut body = body(std::slice::from_ref(&whole));
            body.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(member).unwrap();
            body
        };
        for wrong in [
            json!({}),
            without("", "choices"),
            without("", "usage"),
            without("/usage", "completion_tokens"),
            without("/choices/0", "message"),
            without("/choices/0", "finish_reason"),
            without("/choices/0/message", "content"),
            body(&[]),
            body(&[whole.clone(), whole.clone()]),
            body(&[choice(0, &json!({ "content": "Hi" }), "tired")]),
        ] {
            let read = read(wrong.clone(), &CompletionRequest::default());
            assert!(matches!(read, Err(ProviderError::Malformed(_))), "{wrong}");
        }
    }
}
