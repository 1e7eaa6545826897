//! A chat completion: shaped, answered by the provider, billed.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::runtime::Handle;
use tokio::task::coop::consume_budget;
use tokio::task::yield_now;

use super::call::{Call, CallError};
use super::catalog::{Capability, Model};
use super::inference::{Completion, CompletionRequest, ProviderError, Usage};
use super::ledger::Operation;
use super::relaying::Relay;
use super::{billing, shaping};
use crate::provider::{CompletionStream, Fault, StreamPart};

/// How long the rest of an answer is awaited after the caller has left, to learn what it cost.
const SETTLING: Duration = Duration::from_secs(10);

/// Answers at once. Where the caller asks for no fault, the world's rules decide on one.
pub(crate) async fn complete(
    call: &Call,
    model: &Arc<Model>,
    mut request: CompletionRequest,
    fault: Option<Fault>,
) -> Result<Completion, CallError> {
    let world = &call.world;
    let fault = fault.or_else(|| world.strike(Operation::Chat, model.id()));
    shaping::shape(&world.defects, &mut request)?;
    let relay = Relay::of(call, model, &request, fault.as_ref());
    if let Some(known) = relay.recalled() {
        return Ok(known);
    }
    let identity = shaping::identity(&world.defects, shaping::answering(world, model, Capability::Chat));
    match world.provider.complete(&identity, request, fault).await {
        Ok(completion) => {
            billing::bill(call, model, Operation::Chat, completion.usage).await?;
            Ok(relay.pass_on(completion))
        }
        Err(error) => relay.instead_of(error),
    }
}

/// Answers several questions that were asked in one call. They are answered and billed together, once, or not at all.
pub(crate) async fn complete_all(
    call: &Call,
    model: &Arc<Model>,
    requests: Vec<CompletionRequest>,
    fault: Option<Fault>,
) -> Result<(Vec<Completion>, Usage), CallError> {
    let world = &call.world;
    let fault = fault.or_else(|| world.strike(Operation::Chat, model.id()));
    let identity = shaping::identity(&world.defects, shaping::answering(world, model, Capability::Chat));
    let mut completions = Vec::with_capacity(requests.len());
    for mut request in requests {
        shaping::shape(&world.defects, &mut request)?;
        completions.push(world.provider.complete(&identity, request, fault.clone()).await?);
        // Each alone may be short: together they must not hold up those who share the thread.
        yield_now().await;
    }
    let usage = completions.iter().map(|completion| completion.usage).sum();
    billing::bill(call, model, Operation::Chat, usage).await?;
    Ok((completions, usage))
}

/// Answers in parts. Each answer is billed once: when its last part arrives, or, where the caller leaves
/// before, when the provider is done. Where the caller asks for no fault, the world's rules decide on one.
pub(crate) async fn stream(
    call: &Call,
    model: &Arc<Model>,
    mut request: CompletionRequest,
    fault: Option<Fault>,
) -> Result<BilledStream, CallError> {
    let world = &call.world;
    let fault = fault.or_else(|| world.strike(Operation::Chat, model.id()));
    shaping::shape(&world.defects, &mut request)?;
    let identity = shaping::identity(&world.defects, shaping::answering(world, model, Capability::Chat));
    let upstream = world.provider.stream(&identity, request, fault).await?;
    Ok(BilledStream { upstream: Some(upstream), call: call.clone(), model: Arc::clone(model) })
}

/// An answer that arrives in parts and pays for itself.
pub(crate) struct BilledStream {
    /// Gone when the answer is whole or has failed.
    upstream: Option<CompletionStream>,
    call: Call,
    model: Arc<Model>,
}

impl BilledStream {
    /// The next part; nothing after the last one or after an error. The last part comes after it is billed.
    pub(crate) async fn next(&mut self) -> Option<Result<StreamPart, CallError>> {
        let part = self.upstream.as_mut()?.next().await;
        match part {
            Some(Ok(StreamPart::Finished { usage })) => {
                self.upstream = None;
                let billed = bill_whatever_happens(self.call.clone(), Arc::clone(&self.model), usage).await;
                Some(billed.map(|()| StreamPart::Finished { usage }))
            }
            Some(Ok(part)) => Some(Ok(part)),
            Some(Err(error)) => {
                self.upstream = None;
                Some(Err(error.into()))
            }
            None => {
                self.upstream = None;
                let early = ProviderError::Malformed("the stream ended before its last part".to_owned());
                Some(Err(early.into()))
            }
        }
    }
}

impl Drop for BilledStream {
    fn drop(&mut self) {
        let Some(upstream) = self.upstream.take() else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(settle(upstream, self.call.clone(), Arc::clone(&self.model)));
        }
    }
}

/// Bills on a task of its own, which goes on when the caller leaves in the middle of it.
async fn bill_whatever_happens(call: Call, model: Arc<Model>, usage: Usage) -> Result<(), CallError> {
    let billing = tokio::spawn(async move { billing::bill(&call, &model, Operation::Chat, usage).await });
    match billing.await {
        Ok(outcome) => outcome.map_err(CallError::from),
        Err(error) => Err(CallError::Interrupted(error.to_string())),
    }
}

/// Hears the provider out and bills what the answer cost.
async fn settle(mut upstream: CompletionStream, call: Call, model: Arc<Model>) {
    let usage = tokio::time::timeout(SETTLING, async {
        while let Some(Ok(part)) = upstream.next().await {
            if let StreamPart::Finished { usage } = part {
                return Some(usage);
            }
            // Nobody reads it who could be slower than it comes.
            consume_budget().await;
        }
        None
    });
    if let Ok(Some(usage)) = usage.await
        && let Err(error) = billing::bill(&call, &model, Operation::Chat, usage).await
    {
        tracing::error!(%error, "an abandoned answer cannot be billed");
    }
}

#[cfg(test)]
mod tests {
    use super::super::faults::FaultRule;
    use super::super::inference::{Message, Part, Role};
    use super::super::ledger::LedgerQuery;
    use super::super::testing::{self, TestWorld};
    use super::*;
    use crate::provider::FaultKind;

    fn hello() -> CompletionRequest {
        let hello = Message { role: Role::User, parts: vec![Part::Text("Hello".to_owned())] };
        CompletionRequest { messages: vec![hello], ..CompletionRequest::default() }
    }

    async fn billed(world: &TestWorld) -> Vec<u64> {
        let query = LedgerQuery { after: 0, key_id: None, limit: 10 };
        let events = world.world.ledger.events(query).await.unwrap();
        events.iter().map(|event| event.charge.output_tokens).collect()
    }

    async fn start(world: &TestWorld, fault: Option<Fault>) -> BilledStream {
        let model = Arc::clone(world.world.catalog.find("claude_3_5_sonnet").unwrap());
        stream(&world.call("chat_only"), &model, hello(), fault).await.unwrap()
    }

    #[tokio::test]
    async fn a_stream_is_billed_when_its_last_part_arrives() {
        let world = testing::world();
        let mut stream = start(&world, None).await;
        let mut tokens = None;
        while let Some(part) = stream.next().await {
            assert_eq!(tokens, None, "a part after the last one");
            if let StreamPart::Finished { usage } = part.unwrap() {
                tokens = Some(usage.output_tokens);
            }
        }
        drop(stream);
        tokio::task::yield_now().await;
        assert_eq!(billed(&world).await, [tokens.unwrap()]);
    }

    #[tokio::test]
    async fn a_stream_whose_caller_leaves_is_billed_all_the_same() {
        let world = testing::world();
        let mut stream = start(&world, None).await;
        assert!(matches!(stream.next().await, Some(Ok(StreamPart::Delta { .. }))));
        drop(stream);
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while billed(&world).await.is_empty() {
            assert!(std::time::Instant::now() < deadline, "the abandoned answer was never billed");
            tokio::task::yield_now().await;
        }
        assert_eq!(billed(&world).await.len(), 1);
    }

    #[tokio::test]
    async fn a_stream_that_breaks_off_is_not_billed() {
        let world = testing::world();
        let mut stream = start(&world, Some(FaultKind::TruncatedStream.into())).await;
        let mut last = None;
        while let Some(part) = stream.next().await {
            last = Some(part);
        }
        assert!(matches!(last, Some(Err(CallError::Provider(_)))));
        drop(stream);
        tokio::task::yield_now().await;
        assert!(billed(&world).await.is_empty());
    }

    #[tokio::test]
    async fn several_questions_are_billed_together_or_not_at_all() {
        let world = testing::world();
        let model = Arc::clone(world.world.catalog.find("gpt-3.5-turbo").unwrap());
        let call = world.call("chat_only");
        let (completions, usage) = complete_all(&call, &model, vec![hello(), hello()], None).await.unwrap();
        let one = completions[0].usage;
        assert_eq!((usage.input_tokens, usage.output_tokens), (2 * one.input_tokens, 2 * one.output_tokens));
        assert_eq!(billed(&world).await, [usage.output_tokens]);
        let text = Part::Text("word ".repeat(20_000));
        let long = CompletionRequest {
            messages: vec![Message { role: Role::User, parts: vec![text] }],
            ..CompletionRequest::default()
        };
        assert!(complete_all(&call, &model, vec![hello(), long], None).await.is_err());
        assert_eq!(billed(&world).await.len(), 1);
    }

    async fn ask(world: &TestWorld, fault: Option<Fault>) -> Result<Completion, CallError> {
        let model = Arc::clone(world.world.catalog.find("claude_3_5_sonnet").unwrap());
        complete(&world.call("chat_only"), &model, hello(), fault).await
    }

    fn arm(world: &TestWorld, kind: FaultKind, times: u32) {
        let times = Some(times);
        let rule = FaultRule { fault: kind.into(), model: None, operation: None, times, after: 0 };
        world.world.faults.arm(rule).unwrap();
    }

    #[tokio::test]
    async fn rules_strike_calls_that_bring_no_fault_of_their_own() {
        let world = testing::world();
        arm(&world, FaultKind::Unavailable, 1);
        let own = ask(&world, Some(FaultKind::Rejected.into())).await;
        assert!(matches!(own, Err(CallError::Provider(ProviderError::Rejected(_)))), "{own:?}");
        let struck = ask(&world, None).await;
        assert!(matches!(struck, Err(CallError::Provider(ProviderError::Unavailable(_)))), "{struck:?}");
        assert!(ask(&world, None).await.is_ok());
        assert_eq!(billed(&world).await.len(), 1);
        arm(&world, FaultKind::TruncatedStream, 1);
        let mut stream = start(&world, None).await;
        let mut last = None;
        while let Some(part) = stream.next().await {
            last = Some(part);
        }
        assert!(matches!(last, Some(Err(CallError::Provider(ProviderError::Malformed(_))))));
    }

    #[tokio::test]
    async fn an_answer_that_stands_in_for_an_error_is_not_billed() {
        let world = testing::world();
        world.break_with(Some("rate-limit-swallowed"));
        let swallowed = ask(&world, Some(FaultKind::RateLimited.into())).await.unwrap();
        assert_eq!(swallowed.answer.text, "Please try again later.");
        assert!(billed(&world).await.is_empty());
    }

    #[tokio::test]
    async fn an_answer_from_memory_is_not_billed() {
        let world = testing::world();
        world.break_with(Some("answers-cached"));
        let (first, second) = (ask(&world, None).await.unwrap(), ask(&world, None).await.unwrap());
        assert_eq!((&first.answer, Usage::default()), (&second.answer, second.usage));
        assert_ne!(first.usage, second.usage);
        assert_eq!(billed(&world).await.len(), 1);
    }
}
