//! An answer in parts that pays for itself, however it ends.

use std::sync::Arc;

use futures::StreamExt;
use tokio::runtime::Handle;

use super::call::{Call, CallError};
use super::catalog::Model;
use super::delivered::Delivered;
use super::inference::{CompletionRequest, ProviderError};
use super::ledger::Operation;
use super::routing::Permit;
use super::{billing, prompt_tokens};
use crate::provider::{CompletionStream, StreamPart};

/// The status of a call whose answer has begun and does not come to its end.
const BROKEN_OFF: u16 = 500;

/// An answer that arrives in parts and pays for itself. Where its caller leaves, the provider is left at once.
pub(crate) struct BilledStream(Option<Open>);

/// What there is of an answer until it is whole or has failed.
struct Open {
    parts: CompletionStream,
    /// Wants to hear how it ends; nothing where there is no route.
    permit: Option<Permit>,
    call: Call,
    model: Arc<Model>,
    /// What was asked, to be counted for who leaves.
    request: CompletionRequest,
    delivered: Delivered,
}

impl BilledStream {
    /// The answer that has these parts.
    pub(super) fn new(
        parts: CompletionStream,
        permit: Option<Permit>,
        call: &Call,
        model: &Arc<Model>,
        request: CompletionRequest,
    ) -> Self {
        let (call, model, delivered) = (call.clone(), Arc::clone(model), Delivered::default());
        Self(Some(Open { parts, permit, call, model, request, delivered }))
    }

    /// The next part; nothing after the last one or after an error. The last part comes after it is billed.
    pub(crate) async fn next(&mut self) -> Option<Result<StreamPart, CallError>> {
        let open = self.0.as_mut()?;
        let part = tokio::select! {
            biased;
            part = open.parts.next() => part,
            () = open.call.world.closing.begun() => {
                // The caller has not left it, and the provider has not failed.
                note_failure(&open.call, &CallError::Closing.to_string());
                self.0 = None;
                return Some(Err(CallError::Closing));
            }
        };
        let error = match part {
            Some(Ok(StreamPart::Finished { usage })) => {
                let Open { permit, call, model, .. } = self.0.take()?;
                if let Some(permit) = permit {
                    permit.succeed();
                }
                let billed = billing::bill_to_the_end(&call, &model, Operation::Chat, usage).await;
                return Some(billed.map(|()| StreamPart::Finished { usage }));
            }
            Some(Ok(part)) => {
                open.delivered.add(&part);
                return Some(Ok(part));
            }
            Some(Err(error)) => error,
            None => ProviderError::Malformed("the stream ended before its last part".to_owned()),
        };
        let Open { permit, call, .. } = self.0.take()?;
        if let Some(permit) = permit {
            permit.fail(call.world.clock.now());
        }
        note_failure(&call, "the provider's stream broke off");
        billing::charge_failure(&call).await;
        billing::close(&call).await;
        Some(Err(error.into()))
    }
}

impl Drop for BilledStream {
    fn drop(&mut self) {
        let Some(Open { parts, permit, call, model, request, delivered }) = self.0.take() else { return };
        // The provider is to stop now, and that it was left says nothing of it.
        drop((parts, permit));
        if call.world.closing.has_begun() {
            // It was not the caller who left.
            note_failure(&call, &CallError::Closing.to_string());
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(settle(call, model, request, delivered));
        }
    }
}

/// Notes why an answer that has begun does not come to its end.
fn note_failure(call: &Call, message: &str) {
    if let Some(governed) = &call.governed {
        governed.note_failure(BROKEN_OFF, message);
    }
}

/// Bills what was passed on to a caller who has left. The provider has not said what it cost.
async fn settle(call: Call, model: Arc<Model>, request: CompletionRequest, delivered: Delivered) {
    let usage = delivered.usage(prompt_tokens::count_here(&request));
    if let Err(error) = billing::bill(&call, &model, Operation::Chat, usage).await {
        tracing::error!(%error, "an abandoned answer cannot be billed");
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::call_log::{CallQuery, CallStatus};
    use super::super::completion;
    use super::super::inference::{Message, Part, Role};
    use super::super::ledger::{Charge, LedgerQuery};
    use super::super::routing::testing::{Deed, Script, USAGE, network};
    use super::super::routing::{BreakerPolicy, Policy};
    use super::super::testing::{self, TestWorld};
    use super::*;
    use crate::brain::tokens;
    use crate::provider::{Fault, FaultKind, Piece};

    const MODEL: &str = "claude_3_5_sonnet";

    fn hello() -> CompletionRequest {
        let hello = Message::new(Role::User, vec![Part::Text("Hello".to_owned())]);
        CompletionRequest { messages: vec![hello], ..CompletionRequest::default() }
    }

    async fn billed(world: &TestWorld) -> Vec<Charge> {
        let query = LedgerQuery { after: 0, key_id: None, limit: 10 };
        let events = world.world.ledger.events(query).await.unwrap();
        events.into_iter().map(|event| event.charge).collect()
    }

    /// What is billed, once anything is.
    async fn billed_in_the_end(world: &TestWorld) -> Vec<Charge> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let billed = billed(world).await;
            if !billed.is_empty() {
                return billed;
            }
            assert!(Instant::now() < deadline, "the abandoned answer was never billed");
            tokio::task::yield_now().await;
        }
    }

    async fn start(world: &TestWorld, fault: Option<Fault>) -> BilledStream {
        let model = Arc::clone(world.world.catalog.find(MODEL).unwrap());
        completion::stream(&world.call("chat_only"), &model, hello(), fault).await.unwrap()
    }

    /// The text of the next part.
    async fn text(stream: &mut BilledStream) -> String {
        match stream.next().await {
            Some(Ok(StreamPart::Delta { piece: Piece::Text { text, .. }, .. })) => text,
            other => panic!("{other:?}"),
        }
    }

    async fn last(stream: &mut BilledStream) -> Option<Result<StreamPart, CallError>> {
        let mut last = None;
        while let Some(part) = stream.next().await {
            last = Some(part);
        }
        last
    }

    #[tokio::test]
    async fn a_stream_is_billed_when_its_last_part_arrives() {
        let world = testing::world();
        let mut stream = start(&world, None).await;
        let mut output_tokens = None;
        while let Some(part) = stream.next().await {
            assert_eq!(output_tokens, None, "a part after the last one");
            if let StreamPart::Finished { usage } = part.unwrap() {
                output_tokens = Some(usage.output_tokens);
            }
        }
        drop(stream);
        tokio::task::yield_now().await;
        let billed: Vec<_> = billed(&world).await.iter().map(|charge| charge.output_tokens).collect();
        assert_eq!(billed, [output_tokens.unwrap()]);
    }

    #[tokio::test]
    async fn a_caller_who_leaves_pays_for_the_prompt_and_what_was_passed_on() {
        let world = testing::world();
        let mut whole = start(&world, None).await;
        let Some(Ok(StreamPart::Finished { usage })) = last(&mut whole).await else {
            panic!("it is not whole")
        };
        let left = testing::world();
        let mut stream = start(&left, None).await;
        let passed_on = text(&mut stream).await + &text(&mut stream).await;
        drop(stream);
        let billed = billed_in_the_end(&left).await;
        let tokens = (billed[0].input_tokens, billed[0].output_tokens);
        assert_eq!((billed.len(), tokens), (1, (usage.input_tokens, tokens::count(&passed_on))));
        assert!(tokens.1 < usage.output_tokens);
    }

    #[tokio::test]
    async fn a_stream_that_breaks_off_is_not_billed() {
        let world = testing::world();
        let mut stream = start(&world, Some(FaultKind::TruncatedStream.into())).await;
        assert!(matches!(last(&mut stream).await, Some(Err(CallError::Provider(_)))));
        drop(stream);
        tokio::task::yield_now().await;
        assert!(billed(&world).await.is_empty());
    }

    /// How the log of calls has the calls that have ended, once there is one.
    async fn logged(world: &TestWorld) -> Vec<(CallStatus, Option<u16>, bool)> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let query = CallQuery { limit: 10, ..CallQuery::default() };
            let calls = world.world.calls.page(query).await.unwrap().records;
            if !calls.is_empty() {
                let told = calls.iter().map(|call| (call.status, call.status_code, call.cost.is_zero()));
                return told.collect();
            }
            assert!(Instant::now() < deadline, "the call was never logged");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_governed_stream_is_settled_once_however_it_ends() {
        async fn start(world: &TestWorld, fault: Option<Fault>) -> BilledStream {
            let call = world.governed_call(Operation::Chat, "openai/gpt-4o");
            let model = Arc::clone(&call.governed.as_ref().unwrap().primary().model);
            completion::stream(&call, &model, hello(), fault).await.unwrap()
        }
        let success = (CallStatus::Success, Some(200), false);
        let failure = (CallStatus::Error, Some(BROKEN_OFF), true);

        let whole = testing::world();
        assert!(matches!(last(&mut start(&whole, None).await).await, Some(Ok(StreamPart::Finished { .. }))));
        assert_eq!((logged(&whole).await, billed(&whole).await.len()), (vec![success], 1));

        let left = testing::world();
        let mut stream = start(&left, None).await;
        text(&mut stream).await;
        drop(stream);
        assert_eq!((logged(&left).await, billed(&left).await.len()), (vec![success], 1));

        let broken = testing::world();
        let mut stream = start(&broken, Some(FaultKind::TruncatedStream.into())).await;
        assert!(matches!(last(&mut stream).await, Some(Err(CallError::Provider(_)))));
        drop(stream);
        assert_eq!((logged(&broken).await, billed(&broken).await.len()), (vec![failure], 0));

        let closing = testing::world();
        let mut stream = start(&closing, None).await;
        text(&mut stream).await;
        closing.world.closing.begin();
        drop(stream);
        assert_eq!((logged(&closing).await, billed(&closing).await.len()), (vec![failure], 0));
    }

    #[tokio::test]
    async fn a_routed_stream_costs_what_its_provider_says_and_what_was_passed_on_to_who_leaves() {
        let script = Script::of([Deed::Say("one two"), Deed::Stall(&["one ", "two"])]);
        let world = testing::world_over(network(MODEL, Policy::default(), &[&script]));
        let mut whole = start(&world, None).await;
        assert!(matches!(last(&mut whole).await, Some(Ok(StreamPart::Finished { .. }))));
        let first = billed(&world).await;
        assert_eq!(
            (first[0].input_tokens, first[0].output_tokens),
            (USAGE.input_tokens, USAGE.output_tokens)
        );
        let mut stream = start(&world, None).await;
        assert_eq!(text(&mut stream).await, "one ");
        assert_eq!(script.open(), 1);
        drop(stream);
        assert_eq!(script.open(), 0, "the provider goes on");
        let deadline = Instant::now() + Duration::from_secs(10);
        while billed(&world).await.len() < 2 {
            assert!(Instant::now() < deadline, "the abandoned answer was never billed");
            tokio::task::yield_now().await;
        }
        assert_eq!(billed(&world).await[1].output_tokens, tokens::count("one "));
    }

    #[tokio::test]
    async fn a_stream_that_the_gateway_does_not_live_to_end_is_an_error_and_not_billed() {
        let script = Script::of([Deed::Stall(&["one "]), Deed::Stall(&["one "]), Deed::Say("whole")]);
        let world = testing::world_over(network(MODEL, Policy::default(), &[&script]));
        let (mut told, mut dropped) = (start(&world, None).await, start(&world, None).await);
        text(&mut told).await;
        text(&mut dropped).await;
        world.world.closing.begin();
        assert_eq!(told.next().await, Some(Err(CallError::Closing)));
        assert_eq!(told.next().await, None);
        drop(dropped);
        assert_eq!(script.open(), 0);
        // What is there already is given, and billed.
        assert!(matches!(last(&mut start(&world, None).await).await, Some(Ok(StreamPart::Finished { .. }))));
        tokio::task::yield_now().await;
        assert_eq!(billed(&world).await.len(), 1);
    }

    #[tokio::test]
    async fn how_a_stream_ends_is_told_to_the_breaker() {
        let policy = Policy {
            breaker: Some(BreakerPolicy { failures: 2, cooldown: Duration::from_mins(1) }),
            ..Policy::default()
        };
        let cut = || Deed::Break(&["one "]);
        let script = Script::of([cut(), Deed::Say("whole"), cut(), Deed::Stall(&["left"]), cut()]);
        let world = testing::world_over(network(MODEL, policy, &[&script]));
        let mut told = Vec::new();
        for number in 0..5 {
            let mut stream = start(&world, None).await;
            if number == 3 {
                text(&mut stream).await;
            } else {
                last(&mut stream).await;
            }
            drop(stream);
            let view = serde_json::to_value(world.world.routing.view(world.world.clock.now())).unwrap();
            let route = &view[0]["routes"][0];
            told.push(format!("{} {}", route["failures"], route["breaker"]));
        }
        let closed = |failures: u32| format!("{failures} \"closed\"");
        assert_eq!(told, [closed(1), closed(0), closed(1), closed(1), "2 \"open\"".to_owned()]);
    }
}
