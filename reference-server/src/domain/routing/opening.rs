//! Opens a stream: until its first part is there, another route can take its place.

use std::sync::Arc;

use futures::future::{BoxFuture, ready};
use futures::stream::once;
use futures::{FutureExt, StreamExt};

use super::attempts::attempt;
use super::permit::Permit;
use super::route::Route;
use super::routed_model::RoutedModel;
use crate::domain::call::Call;
use crate::domain::inference::ProviderError;
use crate::provider::{CompletionStream, Fault};

/// The parts of the first route that gives one, and the permit that wants to hear how they end. `ask` opens the stream
/// of a route, `fault` tells how it is to fail.
///
/// # Errors
///
/// That of the last attempt, or that of the first route where the policy says so.
pub(crate) async fn open<'r>(
    call: &Call,
    model: &RoutedModel,
    fault: impl FnMut() -> Option<Fault>,
    ask: impl Fn(Arc<Route>, Option<Fault>) -> BoxFuture<'r, Result<CompletionStream, ProviderError>>,
) -> Result<(CompletionStream, Permit), ProviderError> {
    let opened = |route: Arc<Route>, fault: Option<Fault>| {
        let opening = ask(route, fault);
        async move { begun(opening.await?).await }.boxed()
    };
    let (parts, mut permit) = attempt(call, model, fault, opened).await?;
    permit.begin();
    Ok((parts, permit))
}

/// The same stream, once its first part is there.
async fn begun(mut parts: CompletionStream) -> Result<CompletionStream, ProviderError> {
    match parts.next().await {
        Some(Ok(first)) => Ok(once(ready(Ok(first))).chain(parts).boxed()),
        Some(Err(error)) => Err(error),
        None => Err(ProviderError::Malformed("the stream ended before its first part".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::breaker::{BreakerPolicy, BreakerState};
    use super::super::plan::Policy;
    use super::super::testing::{Deed, Script, model};
    use super::*;
    use crate::domain::inference::CompletionRequest;
    use crate::domain::testing;
    use crate::provider::{Piece, StreamPart};

    async fn opened(call: &Call, model: &RoutedModel) -> Result<(CompletionStream, Permit), ProviderError> {
        let ask = |route: Arc<Route>, fault| {
            async move { route.provider.stream(&route.identity, CompletionRequest::default(), fault).await }
                .boxed()
        };
        open(call, model, || None, ask).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_without_a_first_part_gives_way_to_the_next_route() {
        let world = testing::world();
        let call = world.call("chat_only");
        let broken = Deed::Break(&[]);
        let refused = Deed::Fail(ProviderError::unavailable(String::new()));
        let scripts =
            [broken, Deed::Nothing, refused, Deed::Hang, Deed::Say("one two")].map(|deed| Script::of([deed]));
        let (parts, _permit) = opened(&call, &model(&Policy::default(), &scripts.each_ref())).await.unwrap();
        let parts: Vec<_> = parts.map(Result::unwrap).collect().await;
        let text = Piece::Text { text: "one two".to_owned(), tokens: None };
        assert_eq!(parts[0], StreamPart::Delta { answer: 0, piece: text });
        assert!(matches!(parts[1..], [StreamPart::Ended { .. }, StreamPart::Finished { .. }]), "{parts:?}");
        assert_eq!(call.context.service.server().map(|server| &*server.provider), Some("p4"));
        assert_eq!(call.context.service.attempts(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn after_its_first_part_a_stream_is_the_callers() {
        let world = testing::world();
        let call = world.call("chat_only");
        let scripts = [Script::of([Deed::Break(&["one "])]), Script::default()];
        let (parts, _permit) = opened(&call, &model(&Policy::default(), &scripts.each_ref())).await.unwrap();
        let parts: Vec<_> = parts.collect().await;
        assert!(matches!(parts.as_slice(), [Ok(StreamPart::Delta { .. }), Err(ProviderError::Malformed(_))]));
        assert_eq!(scripts[1].calls(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_is_over_with_the_first_part_and_the_end_still_counts() {
        let world = testing::world();
        let call = world.call("chat_only");
        let breaker = Some(BreakerPolicy { failures: 1, cooldown: Duration::from_secs(30) });
        let script = Script::of([Deed::Break(&[]), Deed::Say("one")]);
        let model = model(&Policy { breaker, ..Policy::default() }, &[&script]);
        assert!(opened(&call, &model).await.is_err());
        let clock = &world.world.clock;
        clock.advance(31_000_000);
        let (_parts, permit) = opened(&call, &model).await.unwrap();
        assert_eq!(model.routes[0].health(clock.now()), (BreakerState::Closed, 0));
        permit.fail(clock.now());
        assert_eq!(model.routes[0].health(clock.now()), (BreakerState::Open, 1));
    }
}
