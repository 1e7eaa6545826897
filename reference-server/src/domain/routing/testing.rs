//! Providers that do what a script says, and routes to them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::{BoxFuture, pending};
use futures::{FutureExt, StreamExt, stream};
use parking_lot::Mutex;

use super::network::{Backend, Network};
use super::plan::{ModelPlan, Plan, Policy, RoutePlan};
use super::route::Route;
use super::routed_model::RoutedModel;
use crate::domain::inference::{
    Answer, Completion, CompletionRequest, EmbeddingRequest, Embeddings, FinishReason, ModelIdentity,
    ProviderError, Usage,
};
use crate::provider::{CompletionStream, Fault, Piece, Provider, StreamPart};

/// What every scripted answer costs.
pub(crate) const USAGE: Usage = Usage::of(11, 7);

/// What is done when a provider is asked.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Answers with this text, streamed in one piece.
    Say(&'static str),
    /// Fails.
    Fail(ProviderError),
    /// Never answers.
    Hang,
    /// Streams these pieces of text and breaks off.
    Break(&'static [&'static str]),
    /// Streams these pieces of text and then nothing for ever.
    Stall(&'static [&'static str]),
    /// Streams nothing.
    Nothing,
}

/// What a provider does call by call, and how it was asked. After the last it answers with an empty text.
#[derive(Clone, Default)]
pub(crate) struct Script {
    deeds: Arc<Mutex<VecDeque<Deed>>>,
    asked: Arc<Mutex<Vec<Option<Fault>>>>,
    open: Arc<AtomicUsize>,
}

impl Script {
    pub(crate) fn of(deeds: impl IntoIterator<Item = Deed>) -> Self {
        let deeds = Arc::new(Mutex::new(deeds.into_iter().collect()));
        Self { deeds, ..Self::default() }
    }

    pub(crate) fn saying(texts: impl IntoIterator<Item = &'static str>) -> Self {
        Self::of(texts.into_iter().map(Deed::Say))
    }

    /// How often it was asked.
    pub(crate) fn calls(&self) -> usize {
        self.asked.lock().len()
    }

    /// How it was to fail each time.
    pub(crate) fn faults(&self) -> Vec<Option<Fault>> {
        self.asked.lock().clone()
    }

    /// How many of its streams are still held by somebody.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    fn next(&self, fault: Option<Fault>) -> Deed {
        self.asked.lock().push(fault);
        self.deeds.lock().pop_front().unwrap_or(Deed::Say(""))
    }
}

type Part = Result<StreamPart, ProviderError>;

/// Counts a stream for as long as it is held.
struct Held(Arc<AtomicUsize>);

impl Held {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A provider that follows a script.
pub(crate) struct Scripted(pub(crate) Script);

impl Scripted {
    async fn text(&self, fault: Option<Fault>) -> Result<String, ProviderError> {
        match self.0.next(fault) {
            Deed::Say(text) => Ok(text.to_owned()),
            Deed::Fail(error) => Err(error),
            Deed::Hang => pending().await,
            Deed::Break(_) | Deed::Stall(_) | Deed::Nothing => {
                Err(ProviderError::Malformed("it is no stream".to_owned()))
            }
        }
    }
}

impl Provider for Scripted {
    fn complete<'a>(
        &'a self,
        _: &'a ModelIdentity,
        _: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Completion, ProviderError>> {
        let answer =
            |text: String| Completion { answer: Answer::of_text(text), more: Vec::new(), usage: USAGE };
        self.text(fault).map(move |text| text.map(answer)).boxed()
    }

    fn stream<'a>(
        &'a self,
        _: &'a ModelIdentity,
        _: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<CompletionStream, ProviderError>> {
        let said = |text: &str| -> Part {
            let piece = Piece::Text { text: text.to_owned(), tokens: None };
            Ok(StreamPart::Delta { answer: 0, piece })
        };
        let ended: Part = Ok(StreamPart::Ended { answer: 0, finish_reason: FinishReason::Stop });
        let finished: Part = Ok(StreamPart::Finished { usage: USAGE });
        let broken: Part = Err(ProviderError::Malformed("the stream broke off".to_owned()));
        let deed = self.0.next(fault);
        let held = Held::new(&self.0.open);
        async move {
            let pieces = |pieces: &[&str]| pieces.iter().map(|text| said(text)).collect::<Vec<_>>();
            let parts: CompletionStream = match deed {
                Deed::Say(text) => stream::iter([said(text), ended, finished]).boxed(),
                Deed::Fail(error) => return Err(error),
                Deed::Hang => pending().await,
                Deed::Break(texts) => stream::iter(pieces(texts)).chain(stream::iter([broken])).boxed(),
                Deed::Stall(texts) => stream::iter(pieces(texts)).chain(stream::pending()).boxed(),
                Deed::Nothing => stream::empty().boxed(),
            };
            let parts = parts.map(move |part| {
                let _held = &held;
                part
            });
            Ok(parts.boxed())
        }
        .boxed()
    }

    fn count<'a>(
        &'a self,
        _: &'a ModelIdentity,
        _: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, ProviderError>> {
        self.text(None).map(|text| text.map(|text| text.len() as u64)).boxed()
    }

    fn embed<'a>(
        &'a self,
        _: &'a ModelIdentity,
        request: EmbeddingRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Embeddings, ProviderError>> {
        let vectors = vec![vec![1.0]; request.inputs.len()];
        self.text(fault).map(|text| text.map(|_| Embeddings { vectors, usage: USAGE })).boxed()
    }
}

/// A route to a scripted provider of this name.
pub(super) fn route(name: &str, weight: u32, policy: &Policy, script: &Script) -> Arc<Route> {
    let provider = Arc::new(Scripted(script.clone()));
    let identity = ModelIdentity {
        id: name.replace('p', "m").into(),
        family: "Test".into(),
        dimensions: 0,
        context_tokens: None,
        thinks: false,
        hears: false,
    };
    Arc::new(Route::new(provider, name.into(), identity, weight, policy.breaker))
}

/// A model with a route to the first of these providers and fallbacks to the others; they are called p0, p1 and so on,
/// and call the model m0, m1 and so on.
pub(super) fn model(policy: &Policy, scripts: &[&Script]) -> RoutedModel {
    let routes = scripts.iter().enumerate();
    let routes = routes.map(|(place, script)| route(&format!("p{place}"), 1, policy, script));
    let mut routes: Vec<_> = routes.collect();
    let fallbacks = routes.split_off(1);
    RoutedModel::new(routes, fallbacks, policy.clone(), 0)
}

/// Providers of the names p0, p1 and so on in this process; a model of the catalog goes to the first of them, and then
/// to the others.
pub(crate) fn network(id: &str, policy: Policy, scripts: &[&Script]) -> Network {
    let names: Vec<Arc<str>> = (0..scripts.len()).map(|place| format!("p{place}").into()).collect();
    let backend = |script: &&Script| Backend::local(Arc::new(Scripted((*script).clone())));
    let backends: BTreeMap<_, _> = names.iter().cloned().zip(scripts.iter().map(backend)).collect();
    let mut routes: Vec<_> =
        names.into_iter().map(|provider| RoutePlan { provider, model: None, weight: 1 }).collect();
    let fallbacks = routes.split_off(1);
    let plan = Plan::from([(id.into(), ModelPlan { routes, fallbacks, policy })]);
    Network { backends, plan, ..Network::default() }
}
