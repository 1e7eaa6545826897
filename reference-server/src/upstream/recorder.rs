//! Listens in on the brain behind the providers' wires: what a call means is noted where no wire is left of it.

use std::sync::Arc;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::task_local;

use super::meaning;
use crate::aside::aside;
use crate::domain::inference::{
    Completion, CompletionRequest, EmbeddingRequest, Embeddings, ModelIdentity, ProviderError,
};
use crate::provider::{CompletionStream, Fault, Mock, Provider, in_parts};

task_local! {
    /// What is noted of the call that is being answered.
    static NOTES: Arc<Mutex<Meaning>>;
}

/// What a call means, free of its provider's wire, in JSON. Nothing where no model is asked. A wire may ask several
/// questions in one call; this is the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    asked: Option<Arc<str>>,
    answered: Option<Arc<str>>,
}

impl Meaning {
    /// Whether a model is asked.
    pub(super) fn asks_a_model(&self) -> bool {
        self.asked.is_some()
    }

    /// What is asked.
    pub(super) fn asked(&self) -> Option<Value> {
        self.asked.as_deref().map(read)
    }

    /// What the brain has answered.
    pub(super) fn answered(&self) -> Option<Value> {
        self.answered.as_deref().map(read)
    }

    /// How much memory it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        [&self.asked, &self.answered].into_iter().flatten().map(|text| text.len()).sum()
    }
}

/// The value of a text; the text itself where it is nested too deeply to be read.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Answers a call, and gives beside the answer what it means.
pub(super) async fn recorded<T>(answering: impl Future<Output = T>) -> (T, Meaning) {
    let notes = Arc::<Mutex<Meaning>>::default();
    let answer = NOTES.scope(Arc::clone(&notes), answering).await;
    let meaning = std::mem::take(&mut *notes.lock());
    (answer, meaning)
}

fn asks(text: impl FnOnce() -> String) {
    // Nobody wants to know it outside of a call.
    let _ = NOTES.try_with(|notes| {
        notes.lock().asked.get_or_insert_with(|| text().into());
    });
}

fn answers(text: impl FnOnce() -> String) {
    let _ = NOTES.try_with(|notes| {
        notes.lock().answered.get_or_insert_with(|| text().into());
    });
}

/// The brain, with somebody who notes what it is asked and what it answers.
pub(super) struct Recorder {
    brain: Arc<Mock>,
}

impl Recorder {
    /// Notes what this brain is asked.
    pub(super) fn of(brain: Arc<Mock>) -> Self {
        Self { brain }
    }
}

impl Provider for Recorder {
    fn complete<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Completion, ProviderError>> {
        Box::pin(async move {
            aside(request.size(), || asks(|| meaning::question(&request)));
            let completion = self.brain.complete(model, request, fault).await?;
            answers(|| meaning::answer(&completion));
            Ok(completion)
        })
    }

    /// The brain knows all of its answer before the first part of it, and so does whoever listens.
    fn stream<'a>(
        &'a self,
        model: &'a ModelIdentity,
        mut request: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<CompletionStream, ProviderError>> {
        Box::pin(async move {
            aside(request.size(), || asks(|| meaning::question(&request)));
            // They are made up part by part.
            let alternatives = request.alternatives.take();
            let completion = self.complete(model, request, fault).await?;
            Ok(in_parts(completion, alternatives))
        })
    }

    fn count<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, ProviderError>> {
        self.brain.count(model, request)
    }

    fn embed<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: EmbeddingRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Embeddings, ProviderError>> {
        Box::pin(async move {
            let size = request.inputs.iter().map(String::len).sum();
            aside(size, || asks(|| meaning::texts(&request)));
            let embeddings = self.brain.embed(model, request, fault).await?;
            answers(|| meaning::vectors(&embeddings));
            Ok(embeddings)
        })
    }
}

#[cfg(test)]
impl Meaning {
    /// A question that says this.
    pub(super) fn asking(text: &str) -> Self {
        Self { asked: Some(text.into()), answered: None }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use serde_json::json;

    use super::*;
    use crate::domain::inference::{Message, Part, Role};
    use crate::provider::{Piece, StreamPart};

    fn recorder() -> Recorder {
        Recorder::of(Arc::default())
    }

    fn model() -> ModelIdentity {
        ModelIdentity {
            id: "m".into(),
            family: "OpenAI".into(),
            dimensions: 8,
            context_tokens: Some(100),
            thinks: false,
            hears: false,
        }
    }

    fn question(text: &str) -> CompletionRequest {
        let messages = vec![Message::new(Role::User, vec![Part::Text(text.to_owned())])];
        CompletionRequest { messages, ..CompletionRequest::default() }
    }

    #[tokio::test]
    async fn whole_answers_and_streams_mean_the_same() {
        let (recorder, model) = (recorder(), model());
        let (whole, meant) = recorded(recorder.complete(&model, question("Hello"), None)).await;
        let usage = whole.unwrap().usage;
        assert_eq!(
            meant.asked().unwrap(),
            json!({ "messages": [{ "role": "user", "parts": [{ "text": "Hello" }] }] })
        );
        let answered = meant.answered().unwrap();
        assert_eq!(answered["finish"], "stop");
        assert_eq!(answered["usage"]["input_tokens"], usage.input_tokens);
        let (parts, streamed) = recorded(recorder.stream(&model, question("Hello"), None)).await;
        assert_eq!(streamed, meant);
        // It is known before anybody has read the first part.
        let parts: Vec<_> = parts.unwrap().collect().await;
        assert_eq!(parts.last(), Some(&Ok(StreamPart::Finished { usage })));
    }

    #[tokio::test]
    async fn the_tokens_of_a_stream_are_told_and_noted_as_asked_for() {
        let (recorder, model) = (recorder(), model());
        let asked = CompletionRequest { alternatives: Some(2), ..question("Hello") };
        let (whole, _) = recorded(recorder.complete(&model, asked.clone(), None)).await;
        let (parts, meant) = recorded(recorder.stream(&model, asked, None)).await;
        assert_eq!(meant.asked().unwrap()["top_logprobs"], 2);
        let parts: Vec<_> = parts.unwrap().map(Result::unwrap).collect().await;
        let told: usize = parts.iter().map(tokens).sum();
        assert_eq!(told, whole.unwrap().answer.tokens.unwrap().len());
    }

    /// How many tokens a part tells.
    fn tokens(part: &StreamPart) -> usize {
        match part {
            StreamPart::Delta { piece: Piece::Text { tokens: Some(tokens), .. }, .. } => tokens.len(),
            _ => 0,
        }
    }

    #[tokio::test]
    async fn what_the_brain_refuses_was_asked_and_not_answered() {
        let (recorder, model) = (recorder(), model());
        let long = question(&"word ".repeat(200));
        let (refused, meant) = recorded(recorder.complete(&model, long, None)).await;
        assert!(refused.is_err() && meant.asks_a_model());
        assert_eq!(meant.answered(), None);
        let (_, meant) = recorded(recorder.count(&model, &question("Hello"))).await;
        assert_eq!(meant, Meaning::default());
    }

    #[tokio::test]
    async fn of_several_questions_in_a_call_the_first_is_noted() {
        let (recorder, model) = (recorder(), model());
        let both = async {
            for text in ["one", "two"] {
                recorder.complete(&model, question(text), None).await.unwrap();
            }
        };
        let ((), meant) = recorded(both).await;
        assert_eq!(meant.asked().unwrap()["messages"][0]["parts"], json!([{ "text": "one" }]));
        let one = recorder.complete(&model, question("one"), None).await.unwrap();
        assert_eq!(meant.answered().unwrap()["text"], one.answer.text);
    }

    #[tokio::test]
    async fn texts_are_noted_without_their_vectors() {
        let (recorder, model) = (recorder(), model());
        let request = EmbeddingRequest { inputs: vec!["a".to_owned(), "b".to_owned()], dimensions: Some(4) };
        let (_, meant) = recorded(recorder.embed(&model, request, None)).await;
        assert_eq!(meant.asked().unwrap(), json!({ "input": ["a", "b"], "dimensions": 4 }));
        let answered = meant.answered().unwrap();
        assert_eq!((&answered["vectors"], &answered["dimensions"]), (&json!(2), &json!(4)));
        assert_eq!(meant.size(), meant.asked.unwrap().len() + meant.answered.unwrap().len());
    }
}
