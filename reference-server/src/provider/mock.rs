use std::sync::OnceLock;

use futures::future::{BoxFuture, ready};
use futures::stream::{self, StreamExt};

use super::{CompletionStream, Fault, FaultKind, Provider, StreamPart, pieces, wire};
use crate::aside::aside;
use crate::brain::{Brain, BrainError, Refusal};
use crate::domain::inference::{
    Completion, CompletionRequest, EmbeddingRequest, Embeddings, ModelIdentity, ProviderError,
};

/// Parts that arrive before a truncated stream breaks off.
const PARTS_BEFORE_TRUNCATION: usize = 3;

/// The provider in this process: the brain, without a wire between unless a fault is to spoil it.
#[derive(Default)]
pub struct Mock {
    /// Read from its rules when first needed: that takes longer than everything else that a start does.
    brain: OnceLock<Result<Brain, BrainError>>,
}

impl Mock {
    /// Reads the rules now, so that no question has to wait for it.
    ///
    /// # Errors
    /// When the rules in the binary make no sense.
    pub fn warm_up(&self) -> Result<(), ProviderError> {
        self.brain().map(drop)
    }

    fn brain(&self) -> Result<&Brain, ProviderError> {
        let brain = self.brain.get_or_init(Brain::embedded).as_ref();
        brain.map_err(|error| ProviderError::Malformed(error.to_string()))
    }

    fn answer(
        &self,
        model: &ModelIdentity,
        request: &CompletionRequest,
        fault: Option<&Fault>,
    ) -> Result<Completion, ProviderError> {
        let completion = self.brain()?.answer(model, request)?;
        if let Some(fault) = fault { wire::completion(completion, fault) } else { Ok(completion) }
    }

    fn place(
        &self,
        model: &ModelIdentity,
        request: &EmbeddingRequest,
        fault: Option<&Fault>,
    ) -> Result<Embeddings, ProviderError> {
        let embeddings = self.brain()?.embed(model, request)?;
        if let Some(fault) = fault { wire::embeddings(embeddings, fault) } else { Ok(embeddings) }
    }
}

impl Provider for Mock {
    fn complete<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Completion, ProviderError>> {
        let answer = || self.answer(model, &request, fault.as_ref());
        Box::pin(ready(aside(request.work(), answer)))
    }

    fn stream<'a>(
        &'a self,
        model: &'a ModelIdentity,
        mut request: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<CompletionStream, ProviderError>> {
        // How probable tokens were is made up while they are told, so that nothing of it has to be kept.
        let alternatives = request.alternatives.take();
        let answer = aside(request.work(), || self.answer(model, &request, fault.as_ref()));
        let breaks_off = fault.is_some_and(|fault| fault.kind == FaultKind::TruncatedStream);
        Box::pin(ready(answer.map(|completion| parts_of(completion, alternatives, breaks_off))))
    }

    fn count<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, ProviderError>> {
        let count = || -> Result<u64, ProviderError> { Ok(self.brain()?.count(model, request)?) };
        Box::pin(ready(aside(request.size(), count)))
    }

    fn embed<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: EmbeddingRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Embeddings, ProviderError>> {
        let size = request.inputs.iter().map(String::len).sum();
        Box::pin(ready(aside(size, || self.place(model, &request, fault.as_ref()))))
    }
}

impl From<Refusal> for ProviderError {
    fn from(refusal: Refusal) -> Self {
        let told = refusal.to_string();
        match refusal {
            Refusal::TooLong { .. } => Self::TooLong(told),
            _ => Self::Rejected(told),
        }
    }
}

/// A completion in parts, as the mock sends it. With each token of its texts so many alternatives are told, where any are
/// asked for.
pub(crate) fn in_parts(completion: Completion, alternatives: Option<u8>) -> CompletionStream {
    stream::iter(pieces::parts(completion, alternatives).map(Ok)).boxed()
}

fn parts_of(completion: Completion, alternatives: Option<u8>, breaks_off: bool) -> CompletionStream {
    if breaks_off {
        let parts = pieces::parts(completion, alternatives);
        let broken = ProviderError::Malformed("the stream ended before its last event".to_owned());
        let before =
            parts.filter(|part| matches!(part, StreamPart::Delta { .. })).take(PARTS_BEFORE_TRUNCATION);
        return stream::iter(before.map(Ok).chain([Err(broken)])).boxed();
    }
    in_parts(completion, alternatives)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::domain::inference::{AnswerFormat, Message, Part, Role, Token};
    use crate::provider::Piece;

    fn mock() -> Mock {
        Mock::default()
    }

    fn model() -> ModelIdentity {
        ModelIdentity {
            id: Arc::from("m"),
            family: Arc::from("Bedrock"),
            dimensions: 8,
            context_tokens: Some(100),
            thinks: false,
            hears: false,
        }
    }

    fn request(text: &str) -> CompletionRequest {
        let messages = vec![Message::new(Role::User, vec![Part::Text(text.to_owned())])];
        CompletionRequest { messages, ..CompletionRequest::default() }
    }

    async fn stream_of(text: &str, fault: Option<Fault>) -> Vec<Result<StreamPart, ProviderError>> {
        let (mock, model) = (mock(), model());
        let stream = mock.stream(&model, request(text), fault).await.unwrap();
        stream.collect().await
    }

    #[tokio::test]
    async fn a_stream_adds_up_to_the_completion() {
        for text in ["Hello test", "", " \n\n  leading\tand\u{a0}trailing  ", "日本語 🙂"] {
            let whole = mock().complete(&model(), request(text), None).await.unwrap();
            let mut parts = stream_of(text, None).await;
            assert_eq!(parts.pop(), Some(Ok(StreamPart::Finished { usage: whole.usage })));
            let finish_reason = whole.answer.finish_reason;
            assert_eq!(parts.pop(), Some(Ok(StreamPart::Ended { answer: 0, finish_reason })));
            let mut joined = String::new();
            let count = parts.len();
            for part in parts {
                match part {
                    Ok(StreamPart::Delta { answer: 0, piece: Piece::Text { text, tokens: None } })
                        if !text.is_empty() =>
                    {
                        joined.push_str(&text);
                    }
                    other => panic!("{other:?} within the answer"),
                }
            }
            assert_eq!(joined, whole.answer.text);
            assert!(count > 10, "{count} parts");
        }
    }

    #[tokio::test]
    async fn a_stream_tells_the_tokens_of_the_completion() {
        let (mock, model) = (mock(), model());
        let asked = CompletionRequest { alternatives: Some(3), more_answers: 1, ..request("Hello 🦀") };
        let whole = mock.complete(&model, asked.clone(), None).await.unwrap();
        let mut told: [Vec<Token>; 2] = [Vec::new(), Vec::new()];
        let mut stream = mock.stream(&model, asked, None).await.unwrap();
        while let Some(part) = stream.next().await {
            if let Ok(StreamPart::Delta { answer, piece: Piece::Text { tokens, .. } }) = part {
                told[usize::try_from(answer).unwrap()].extend(tokens.unwrap());
            }
        }
        let wanted: Vec<_> = whole.answers().map(|answer| answer.tokens.clone().unwrap()).collect();
        assert_eq!(told.as_slice(), wanted);
    }

    #[tokio::test]
    async fn what_would_grow_far_beyond_the_request_is_rejected() {
        let (mock, model) = (mock(), model());
        let schema =
            json!({ "type": "array", "minItems": 8, "items": { "type": "string", "minLength": 9_000 } });
        let one = CompletionRequest { format: AnswerFormat::JsonSchema(schema.into()), ..request("Hi") };
        let answered = mock.complete(&model, one.clone(), None).await.unwrap();
        assert!(answered.answer.text.len() > 72_000, "{}", answered.answer.text.len());
        let many = CompletionRequest { more_answers: 127, ..one };
        let rejected = mock.complete(&model, many, None).await;
        let Err(ProviderError::Rejected(message)) = rejected else { panic!("{rejected:?}") };
        assert!(message.contains("too long"), "{message}");
    }

    #[tokio::test]
    async fn a_truncated_stream_ends_in_an_error_after_some_text() {
        let parts = stream_of("Hello test", Some(FaultKind::TruncatedStream.into())).await;
        assert_eq!(parts.len(), PARTS_BEFORE_TRUNCATION + 1);
        let (last, before) = parts.split_last().unwrap();
        assert!(matches!(last, Err(ProviderError::Malformed(_))));
        assert!(before.iter().all(|part| matches!(part, Ok(StreamPart::Delta { .. }))));
        let (mock, model) = (mock(), model());
        let short = CompletionRequest { max_tokens: Some(1), ..request("Hello") };
        let stream = mock.stream(&model, short, Some(FaultKind::TruncatedStream.into())).await.unwrap();
        let parts: Vec<_> = stream.collect().await;
        assert!(matches!(parts.as_slice(), [Ok(StreamPart::Delta { .. }), Err(_)]), "{parts:?}");
    }

    #[tokio::test]
    async fn faults_spoil_answers_streams_and_embeddings() {
        let (mock, model) = (mock(), model());
        let fault = |kind: FaultKind| Some(Fault::from(kind));
        let rejected = mock.complete(&model, request("Hi"), fault(FaultKind::Rejected)).await;
        assert!(matches!(rejected, Err(ProviderError::Rejected(_))));
        let malformed = mock.stream(&model, request("Hi"), fault(FaultKind::TruncatedJson)).await;
        assert!(matches!(malformed, Err(ProviderError::Malformed(_))));
        let inputs = EmbeddingRequest { inputs: vec!["Hi".to_owned()], dimensions: None };
        let embedded = mock.embed(&model, inputs.clone(), fault(FaultKind::Html)).await;
        assert!(matches!(embedded, Err(ProviderError::Malformed(_))));
        assert_eq!(mock.embed(&model, inputs, None).await.unwrap().vectors.len(), 1);
    }

    #[tokio::test]
    async fn what_the_model_does_not_take_is_rejected_in_its_words() {
        let (mock, model) = (mock(), model());
        let long = mock.complete(&model, request(&"word ".repeat(200)), None).await;
        let Err(ProviderError::TooLong(message)) = long else { panic!("{long:?}") };
        assert!(message.contains("the input is too long"), "{message}");
        let blank = EmbeddingRequest { inputs: vec![" ".to_owned()], dimensions: None };
        assert!(matches!(mock.embed(&model, blank, None).await, Err(ProviderError::Rejected(_))));
    }
}
