//! A chat completion: shaped, answered by whoever serves the model, billed.

use std::sync::Arc;

use futures::FutureExt;
use tokio::task::yield_now;

pub(crate) use super::billed_stream::BilledStream;
use super::call::{Call, CallError};
use super::catalog::{Capability, Model};
use super::governance::Used;
use super::inference::{Completion, CompletionRequest, ProviderError, Usage};
use super::ledger::Operation;
use super::relayed_stream::relayed;
use super::relaying::{Relay, taken_for};
use super::strikes::Strikes;
use super::{billing, routing, shaping};
use crate::provider::Fault;

/// Answers at once. Where the caller asks for no fault, the world's rules decide on one.
pub(crate) async fn complete(
    call: &Call,
    model: &Arc<Model>,
    mut request: CompletionRequest,
    fault: Option<Fault>,
) -> Result<Completion, CallError> {
    let world = &call.world;
    let strikes = Strikes::of(world, Operation::Chat, model.id(), fault);
    shaping::shape(&world.defects, &mut request)?;
    let relay = Relay::of(call, model, &request, strikes.first());
    if let Some(known) = relay.recalled() {
        return Ok(known);
    }
    match answer(call, model, request, strikes).await {
        Ok(completion) => {
            let completion = relay.take_in(completion);
            billing::bill_to_the_end(call, model, Operation::Chat, completion.usage).await?;
            Ok(relay.pass_on(completion))
        }
        Err(error) => relay.instead_of(error),
    }
}

/// Answers several questions that were asked in one call. They are answered and billed together, or not at all: once,
/// or once at each leg of a governed call that has answered any of them.
pub(crate) async fn complete_all(
    call: &Call,
    model: &Arc<Model>,
    requests: Vec<CompletionRequest>,
    fault: Option<Fault>,
) -> Result<(Vec<Completion>, Usage), CallError> {
    let world = &call.world;
    let strikes = Strikes::of(world, Operation::Chat, model.id(), fault);
    let (mut completions, mut used) = (Vec::with_capacity(requests.len()), Vec::new());
    for mut request in requests {
        shaping::shape(&world.defects, &mut request)?;
        let completion = answer(call, model, request, strikes.clone()).await?;
        add(&mut used, Used { leg: call.context.service.latest_leg(), usage: completion.usage });
        completions.push(completion);
        // Each alone may be short: together they must not hold up those who share the thread.
        yield_now().await;
    }
    let usage = used.iter().map(|used| used.usage).sum();
    billing::bill_parts_to_the_end(call, model, Operation::Chat, used).await?;
    Ok((completions, usage))
}

/// Adds to what was used of a leg.
fn add(used: &mut Vec<Used>, more: Used) {
    match used.iter_mut().find(|one| one.leg == more.leg) {
        Some(one) => one.usage = [one.usage, more.usage].into_iter().sum(),
        None => used.push(more),
    }
}

/// The answer of whoever serves the model.
async fn answer(
    call: &Call,
    model: &Arc<Model>,
    request: CompletionRequest,
    mut strikes: Strikes<'_>,
) -> Result<Completion, ProviderError> {
    let world = &call.world;
    let answering = call.answering(model, Capability::Chat);
    let Some(routed) = call.routed(answering.id()) else {
        let identity = shaping::identity(&world.defects, &answering.identity);
        return world.provider.complete(&identity, request, strikes.next()).await;
    };
    let (request, has_fallbacks) = (&request, routed.has_fallbacks());
    let ask = move |route: Arc<routing::Route>, fault| {
        async move {
            let identity = shaping::routed_identity(world, has_fallbacks, &route.identity);
            let answer = route.provider.complete(&identity, request.clone(), fault).await;
            if answer.is_ok() && shaping::asks_again(call, has_fallbacks) {
                // What it says then is nobody's.
                let _ = route.provider.complete(&identity, request.clone(), None).await;
            }
            answer
        }
        .boxed()
    };
    // Beside a call over the network an allocation is nothing, and whoever is answered here needs less room.
    Box::pin(routing::ask(call, routed, || strikes.next(), ask)).await
}

/// Whether a model is answered by the provider in this process, for want of a route to another.
pub(crate) fn is_answered_here(call: &Call, model: &Arc<Model>) -> bool {
    call.routed(call.answering(model, Capability::Chat).id()).is_none()
}

/// Answers in parts. Each answer is billed once: when its last part arrives, or, where the caller leaves before, for
/// what was passed on. Where the caller asks for no fault, the world's rules decide on one.
pub(crate) async fn stream(
    call: &Call,
    model: &Arc<Model>,
    mut request: CompletionRequest,
    fault: Option<Fault>,
) -> Result<BilledStream, CallError> {
    let world = &call.world;
    let mut strikes = Strikes::of(world, Operation::Chat, model.id(), fault);
    shaping::shape(&world.defects, &mut request)?;
    let (defects, answering) = (&world.defects, call.answering(model, Capability::Chat));
    let Some(routed) = call.routed(answering.id()) else {
        let identity = shaping::identity(defects, &answering.identity);
        let parts = world.provider.stream(&identity, request.clone(), strikes.next()).await?;
        return Ok(BilledStream::new(relayed(world, parts), None, call, model, request));
    };
    let (asked, has_fallbacks) = (&request, routed.has_fallbacks());
    let ask = move |route: Arc<routing::Route>, fault| {
        async move {
            let identity = shaping::routed_identity(world, has_fallbacks, &route.identity);
            route.provider.stream(&identity, asked.clone(), fault).await
        }
        .boxed()
    };
    let opened = Box::pin(routing::open(call, routed, || strikes.next(), ask)).await;
    let (parts, permit) = opened.map_err(|error| taken_for(defects, error))?;
    let parts = relayed(world, routing::restarted(call, routed, &request, parts));
    Ok(BilledStream::new(parts, Some(permit), call, model, request))
}

#[cfg(test)]
mod tests {
    use super::super::faults::FaultRule;
    use super::super::inference::{Message, Part, Role};
    use super::super::ledger::LedgerQuery;
    use super::super::routing::Policy;
    use super::super::routing::testing::{Deed, Script, USAGE, network};
    use super::super::testing::{self, TestWorld};
    use super::*;
    use crate::provider::FaultKind;

    fn hello() -> CompletionRequest {
        let hello = Message::new(Role::User, vec![Part::Text("Hello".to_owned())]);
        CompletionRequest { messages: vec![hello], ..CompletionRequest::default() }
    }

    async fn billed(world: &TestWorld) -> Vec<u64> {
        let query = LedgerQuery { after: 0, key_id: None, limit: 10 };
        let events = world.world.ledger.events(query).await.unwrap();
        events.iter().map(|event| event.charge.output_tokens).collect()
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
            messages: vec![Message::new(Role::User, vec![text])],
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
        assert!(matches!(struck, Err(CallError::Provider(ProviderError::Unavailable { .. }))), "{struck:?}");
        assert!(ask(&world, None).await.is_ok());
        assert_eq!(billed(&world).await.len(), 1);
        arm(&world, FaultKind::TruncatedStream, 1);
        let model = Arc::clone(world.world.catalog.find("claude_3_5_sonnet").unwrap());
        let mut stream = stream(&world.call("chat_only"), &model, hello(), None).await.unwrap();
        let mut last = None;
        while let Some(part) = stream.next().await {
            last = Some(part);
        }
        assert!(matches!(last, Some(Err(CallError::Provider(ProviderError::Malformed(_))))));
    }

    fn unavailable() -> Deed {
        Deed::Fail(ProviderError::unavailable("busy".to_owned()))
    }

    #[tokio::test]
    async fn the_attempt_that_serves_is_billed_and_a_failure_is_not() {
        let scripts =
            [Script::of([unavailable(), unavailable()]), Script::of([Deed::Say("yes"), unavailable()])];
        let world = testing::world_over(network("claude_3_5_sonnet", Policy::default(), &scripts.each_ref()));
        assert_eq!(ask(&world, None).await.unwrap().answer.text, "yes");
        assert_eq!(billed(&world).await, [USAGE.output_tokens]);
        let failed = ask(&world, None).await;
        assert!(matches!(failed, Err(CallError::Provider(ProviderError::Unavailable { .. }))), "{failed:?}");
        assert_eq!(scripts.each_ref().map(Script::calls), [2, 2]);
        assert_eq!(billed(&world).await.len(), 1);
    }

    #[tokio::test]
    async fn a_provider_is_asked_once_unless_a_defect_asks_it_again() {
        for (defect, providers, calls) in
            [("empty-answer", 1, 1), ("asked-twice", 1, 2), ("asked-twice", 2, 1)]
        {
            let scripts = [Script::default(), Script::default()];
            let asked: Vec<_> = scripts.iter().take(providers).collect();
            let world = testing::world_over(network("claude_3_5_sonnet", Policy::default(), &asked));
            world.break_with(Some(defect));
            assert!(ask(&world, None).await.is_ok());
            assert_eq!(scripts[0].calls(), calls, "{defect} {providers}");
        }
    }

    #[tokio::test]
    async fn a_rule_that_strikes_once_strikes_one_attempt() {
        let scripts = [Script::default(), Script::default()];
        let world = testing::world_over(network("claude_3_5_sonnet", Policy::default(), &scripts.each_ref()));
        arm(&world, FaultKind::Html, 1);
        assert!(ask(&world, None).await.is_ok());
        // The scripted provider only notes it.
        assert_eq!(scripts[0].faults(), [Some(FaultKind::Html.into())]);
        assert!(ask(&world, None).await.is_ok());
        assert_eq!(scripts[0].faults()[1], None);
    }

    #[tokio::test]
    async fn routes_are_those_of_the_model_that_answers() {
        let script = Script::default();
        let world = testing::world_over(network("claude_3_haiku", Policy::default(), &[&script]));
        assert!(ask(&world, None).await.is_ok());
        assert_eq!(script.calls(), 0);
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
