//! A chat completion that comes whole.

use super::wire::{AnswerMessage, Call, ChatCompletion, Choice, finish_reason, tokens};
use crate::domain::inference::{
    Answer, Completion, CompletionRequest, FinishReason, ProviderError, ToolCall,
};

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
    let finish_reason = finish_reason(&choice.finish_reason)?;
    // What a filter or a limit has ended can have ended before its first word.
    let is_cut = matches!(finish_reason, FinishReason::Filtered | FinishReason::Length);
    if !is_cut && content.is_none() && refusal.is_none() && tool_calls.is_empty() {
        return Err(ProviderError::Malformed("an answer without content".to_owned()));
    }
    let (text, refusal) = (content.unwrap_or_default(), refusal.filter(|refusal| !refusal.is_empty()));
    Ok(Answer {
        thinking: None,
        tokens: tokens(tells_tokens, choice.logprobs, &text)?,
        text,
        finish_reason: if refusal.is_some() { FinishReason::Filtered } else { finish_reason },
        refusal,
        tool_calls: tool_calls.into_iter().map(call).collect(),
    })
}

fn call(Call { id, function }: Call) -> ToolCall {
    ToolCall { id, name: function.name, arguments: function.arguments }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::inference::{Token, Usage};
    use crate::provider::http::testing::without;

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
                "prompt_tokens_details": { "cached_tokens": 4, "cache_write_tokens": 2 },
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
        let usage =
            Usage { thinking_tokens: 3, cached_tokens: 4, cache_written_tokens: 2, ..Usage::of(11, 7) };
        assert_eq!(completion.usage, usage);
        let cut = Answer { finish_reason: FinishReason::Length, ..Answer::of_text("Hi") };
        let refused = Answer {
            refusal: Some("No.".to_owned()),
            finish_reason: FinishReason::Filtered,
            ..Answer::of_text("")
        };
        assert_eq!((completion.answer, &completion.more[1]), (cut, &refused));
        let called = ToolCall { id: "call_1".to_owned(), name: "f".to_owned(), arguments: "{}".to_owned() };
        assert_eq!(completion.more[0].tool_calls, [called]);
        assert_eq!(completion.more[0].finish_reason, FinishReason::ToolCalls);
    }

    #[test]
    fn what_a_filter_ends_is_told_as_such() {
        let cut = choice(0, &json!({ "role": "assistant", "content": "Well" }), "content_filter");
        let answer = read(body(&[cut]), &CompletionRequest::default()).unwrap().answer;
        assert_eq!((answer.text.as_str(), answer.finish_reason), ("Well", FinishReason::Filtered));
    }

    #[test]
    fn what_ends_before_its_first_word_has_none() {
        for (told, expected) in [("content_filter", FinishReason::Filtered), ("length", FinishReason::Length)]
        {
            let empty = choice(0, &json!({ "role": "assistant", "content": null }), told);
            let answer = read(body(&[empty]), &CompletionRequest::default()).unwrap().answer;
            assert_eq!((answer.text.as_str(), answer.finish_reason), ("", expected));
        }
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
        let without =
            |pointer: &str, member: &str| without(body(std::slice::from_ref(&whole)), pointer, member);
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
