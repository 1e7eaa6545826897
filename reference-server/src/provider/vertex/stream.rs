//! Content that comes in chunks.

use super::error;
use super::wire::{Candidate, Content, Logprobs, Said, Usage, blocked, finish_reason, usage};
use crate::domain::inference::{CompletionRequest, ProviderError};
use crate::provider::http::{Decoder, Parts};

/// Reads the chunks.
pub(super) struct Chunks {
    tells_tokens: bool,
    usage: Option<Usage>,
}

impl Chunks {
    /// A reader of the answers to a request.
    pub(super) fn of(request: &CompletionRequest) -> Self {
        Self { tells_tokens: request.alternatives.is_some(), usage: None }
    }

    fn candidate(&self, candidate: Candidate, parts: &mut Parts) -> Result<(), ProviderError> {
        let index = candidate.index;
        let Said { thoughts, text, calls } = Said::of(candidate.content)?;
        parts.thinking(index, thoughts)?;
        let told = candidate.logprobs_result.filter(|_| self.tells_tokens);
        parts.text(index, text, told.map(Logprobs::tokens))?;
        for call in calls {
            parts.call(index, call.id, call.name)?;
            parts.arguments(index, call.arguments)?;
        }
        match candidate.finish_reason {
            Some(word) => parts.ended(index, finish_reason(&word, parts.calls(index) > 0)?),
            None => Ok(()),
        }
    }
}

impl Decoder<String> for Chunks {
    fn read(&mut self, data: String, parts: &mut Parts) -> Result<(), ProviderError> {
        let chunk = serde_json::from_str(&data);
        let chunk: Content = chunk.map_err(|error| ProviderError::Malformed(error.to_string()))?;
        if let Some(problem) = chunk.error {
            return Err(error::told_in_stream(&problem, data));
        }
        if let Some(error) = blocked(chunk.prompt_feedback) {
            return Err(error);
        }
        self.usage = chunk.usage_metadata.filter(|usage| usage.prompt_token_count.is_some()).or(self.usage);
        chunk.candidates.into_iter().flatten().try_for_each(|candidate| self.candidate(candidate, parts))
    }

    /// The wire marks no event as the last: the answers say that they are whole.
    fn end(&mut self, parts: &mut Parts) -> Result<(), ProviderError> {
        parts.finished(usage(self.usage)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::inference::{FinishReason, Token, Usage};
    use crate::provider::http::testing::decoded;
    use crate::provider::{Piece, StreamPart};

    fn read(chunks: &[Value], request: &CompletionRequest) -> Result<Vec<StreamPart>, ProviderError> {
        decoded(Chunks::of(request), chunks.iter().map(Value::to_string), request.more_answers + 1)
    }

    fn read_one(chunks: &[Value]) -> Result<Vec<StreamPart>, ProviderError> {
        read(chunks, &CompletionRequest::default())
    }

    fn said(parts: &Value) -> Value {
        let candidate = json!({ "content": { "role": "model", "parts": parts } });
        json!({ "candidates": [candidate], "usageMetadata": { "trafficType": "ON_DEMAND" } })
    }

    fn usage() -> Value {
        json!({ "promptTokenCount": 5, "candidatesTokenCount": 7, "thoughtsTokenCount": 2 })
    }

    fn end() -> Value {
        json!({ "candidates": [{ "finishReason": "STOP" }], "usageMetadata": usage() })
    }

    fn delta(answer: u32, piece: Piece) -> StreamPart {
        StreamPart::Delta { answer, piece }
    }

    fn text(text: &str) -> Piece {
        Piece::Text { text: text.to_owned(), tokens: None }
    }

    #[test]
    fn chunks_become_parts() {
        let call = json!({ "functionCall": { "id": "1", "name": "f", "args": { "a": 1 } } });
        let chunks = [
            said(&json!([{ "text": "Hm.", "thought": true }])),
            said(&json!([{ "text": "Let me " }])),
            said(&json!([{ "text": "look." }, call])),
            end(),
        ];
        let expected = [
            delta(0, Piece::Thinking("Hm.".to_owned())),
            delta(0, text("Let me ")),
            delta(0, text("look.")),
            delta(0, Piece::ToolCall { index: 0, id: "1".to_owned(), name: "f".to_owned() }),
            delta(0, Piece::Arguments { index: 0, text: "{\"a\":1}".to_owned() }),
            StreamPart::Ended { answer: 0, finish_reason: FinishReason::ToolCalls },
            StreamPart::Finished { usage: Usage { thinking_tokens: 2, ..Usage::of(5, 9) } },
        ];
        assert_eq!(read_one(&chunks).unwrap(), expected);
    }

    #[test]
    fn several_answers_take_turns() {
        let (more_answers, alternatives) = (1, Some(0));
        let two = CompletionRequest { more_answers, alternatives, ..CompletionRequest::default() };
        let told = json!({ "chosenCandidates": [{ "token": "one", "logProbability": -0.5 }] });
        let chunks = [
            json!({ "candidates": [
                { "content": { "parts": [{ "text": "one" }] }, "logprobsResult": told },
                { "index": 1, "content": { "parts": [{ "text": "two" }] } },
            ] }),
            json!({ "candidates": [{ "index": 1, "finishReason": "MAX_TOKENS" }] }),
            end(),
        ];
        let parts = read(&chunks, &two).unwrap();
        let tokens = vec![Token { bytes: b"one".to_vec(), logprob: -0.5, alternatives: Vec::new() }];
        assert_eq!(parts[0], delta(0, Piece::Text { text: "one".to_owned(), tokens: Some(tokens) }));
        assert_eq!(parts[1], delta(1, text("two")));
        assert_eq!(parts[2], StreamPart::Ended { answer: 1, finish_reason: FinishReason::Length });
        assert_eq!(parts.len(), 5);
    }

    #[test]
    fn a_stream_that_is_cut_is_no_answer() {
        let hello = || said(&json!([{ "text": "Hi" }]));
        assert!(read_one(&[hello(), end()]).is_ok());
        let mut unmeasured = end();
        unmeasured["usageMetadata"] = json!({ "trafficType": "ON_DEMAND" });
        for chunks in [
            vec![],
            vec![hello()],
            vec![hello(), json!({ "usageMetadata": usage() })],
            vec![hello(), unmeasured],
            vec![hello(), end(), hello()],
            vec![hello(), said(&json!([{ "inlineData": {} }])), end()],
            vec![hello(), json!("{"), end()],
        ] {
            let read = read_one(&chunks);
            assert!(matches!(read, Err(ProviderError::Malformed(_))), "{chunks:?}: {read:?}");
        }
    }

    #[test]
    fn an_error_in_a_stream_is_what_it_says() {
        let error = json!({ "error": { "code": 503, "message": "busy", "status": "UNAVAILABLE" } });
        let read = read_one(&[said(&json!([{ "text": "Hi" }])), error]);
        assert_eq!(read, Err(ProviderError::unavailable("busy".to_owned())));
        let blocked = read_one(&[json!({ "promptFeedback": { "blockReason": "OTHER" } })]);
        assert!(matches!(blocked, Err(ProviderError::Rejected(_))), "{blocked:?}");
    }
}
