//! Asks the routes of a model until one answers, or until no other would.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout};

use super::fate::{self, Fate};
use super::permit::Permit;
use super::route::Route;
use super::routed_model::RoutedModel;
use crate::domain::call::Call;
use crate::domain::inference::ProviderError;
use crate::domain::log_line::{Attempt, LogEvent};
use crate::provider::Fault;

/// The answer of the first route that gives one. `ask` asks a route once; `fault` tells how it is to fail, anew for each
/// attempt.
///
/// # Errors
///
/// That of the last attempt.
pub(crate) async fn ask<'r, T>(
    call: &Call,
    model: &RoutedModel,
    fault: impl FnMut() -> Option<Fault>,
    ask: impl Fn(Arc<Route>, Option<Fault>) -> BoxFuture<'r, Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    let (answer, permit) = attempt(call, model, fault, ask).await?;
    permit.succeed();
    Ok(answer)
}

/// The answer of the first route that gives one, and the permit that it was asked with.
pub(super) async fn attempt<'r, T>(
    call: &Call,
    model: &RoutedModel,
    mut fault: impl FnMut() -> Option<Fault>,
    ask: impl Fn(Arc<Route>, Option<Fault>) -> BoxFuture<'r, Result<T, ProviderError>>,
) -> Result<(T, Permit), ProviderError> {
    let policy = &model.policy;
    let deadline = Instant::now() + policy.deadline;
    let left = || deadline.saturating_duration_since(Instant::now());
    let mut last = None;
    for route in model.order(call) {
        let mut failed = 0;
        while let Some(permit) = route.admit(call.world.clock.now()) {
            let limit = policy.timeout.min(left());
            if limit.is_zero() {
                return Err(last.unwrap_or_else(late));
            }
            let answer = ask(Arc::clone(route), fault());
            let error = match attempt_once(call, route, limit, answer).await {
                Ok(answer) => return Ok((answer, permit)),
                Err(error) => error,
            };
            let fate = Fate::of(&error);
            if fate == Fate::Tell {
                // The provider is there and knows what it does.
                permit.succeed();
                return Err(error);
            }
            permit.fail(call.world.clock.now());
            failed += 1;
            let pause = match fate {
                Fate::Retry => policy.retries.pause(failed, &error, &model.chance),
                Fate::Next | Fate::Tell => None,
            };
            last = Some(error);
            match pause {
                Some(pause) if pause < left() && route.admits(call.world.clock.now()) => sleep(pause).await,
                _ => break,
            }
        }
    }
    Err(last.unwrap_or_else(nobody))
}

/// One attempt, counted and logged.
async fn attempt_once<T>(
    call: &Call,
    route: &Route,
    limit: Duration,
    answer: BoxFuture<'_, Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    let service = &call.context.service;
    let number = service.begin_attempt();
    let started = Instant::now();
    let outcome = timeout(limit, answer).await.unwrap_or_else(|_| Err(late()));
    if outcome.is_ok() {
        service.served_by(&route.server);
    }
    // What a provider says of its failure can hold the caller's words; the log has none of them.
    let attempt = Attempt {
        number,
        server: route.server.clone(),
        outcome: outcome.as_ref().map_or_else(fate::word, |_| "answered"),
        duration: started.elapsed(),
    };
    call.world.record(&call.context, LogEvent::Attempt(Box::new(attempt)));
    outcome
}

fn late() -> ProviderError {
    ProviderError::TimedOut("the gateway waited no longer".to_owned())
}

fn nobody() -> ProviderError {
    ProviderError::Unavailable("every provider of the model is failing".to_owned())
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::super::backoff::Retries;
    use super::super::breaker::{BreakerPolicy, BreakerState};
    use super::super::plan::Policy;
    use super::super::service::Server;
    use super::super::testing::{Deed, Script, model};
    use super::*;
    use crate::domain::inference::CompletionRequest;
    use crate::domain::testing::{self, TestWorld};
    use crate::provider::FaultKind;

    const SECOND: Duration = Duration::from_secs(1);

    fn unavailable() -> Deed {
        Deed::Fail(ProviderError::Unavailable("busy".to_owned()))
    }

    fn limited(seconds: u32) -> Deed {
        let message = "slow down".to_owned();
        Deed::Fail(ProviderError::RateLimited { message, retry_after: Some(seconds) })
    }

    /// So many attempts at each route, with pauses of up to five seconds.
    fn attempts(attempts: u32) -> Policy {
        let retries = Retries { attempts, backoff: SECOND, most: 5 * SECOND };
        Policy { retries, timeout: 10 * SECOND, deadline: 60 * SECOND, ..Policy::default() }
    }

    async fn asked(call: &Call, model: &RoutedModel) -> Result<String, ProviderError> {
        asked_with(call, model, || None).await
    }

    async fn asked_with(
        call: &Call,
        model: &RoutedModel,
        fault: impl FnMut() -> Option<Fault>,
    ) -> Result<String, ProviderError> {
        let answer = |route: Arc<Route>, fault| {
            async move {
                let request = CompletionRequest::default();
                let answered = route.provider.complete(&route.identity, request, fault).await;
                answered.map(|completion| completion.answer.text)
            }
            .boxed()
        };
        ask(call, model, fault, answer).await
    }

    /// Who served the call, and how many attempts it took.
    fn served(call: &Call) -> (Option<&str>, u32) {
        let service = &call.context.service;
        (service.server().map(|server| &*server.provider), service.attempts())
    }

    fn world_and_call() -> (TestWorld, Call) {
        let world = testing::world();
        let call = world.call("chat_only");
        (world, call)
    }

    #[tokio::test(start_paused = true)]
    async fn a_route_is_asked_again_and_then_the_fallbacks_in_order() {
        let (_world, call) = world_and_call();
        let scripts = [
            Script::of([unavailable(), unavailable()]),
            Script::of([Deed::Fail(ProviderError::Malformed("{".to_owned())), Deed::Say("second")]),
            Script::default(),
        ];
        let model = model(&attempts(2), &scripts.each_ref());
        assert_eq!(asked(&call, &model).await, Ok("second".to_owned()));
        assert_eq!(scripts.each_ref().map(Script::calls), [2, 2, 0]);
        assert_eq!(served(&call), (Some("p1"), 4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_request_is_neither_tried_again_nor_elsewhere() {
        for error in [ProviderError::Rejected("no".to_owned()), ProviderError::TooLong("long".to_owned())] {
            let (_world, call) = world_and_call();
            let scripts = [Script::of([Deed::Fail(error.clone())]), Script::default()];
            let model = model(&attempts(3), &scripts.each_ref());
            assert_eq!(asked(&call, &model).await, Err(error));
            assert_eq!(scripts.each_ref().map(Script::calls), [1, 0]);
            assert_eq!(served(&call), (None, 1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_same_provider_would_say_again_is_tried_elsewhere_at_once() {
        for error in [
            ProviderError::UnknownModel("no such model".to_owned()),
            ProviderError::Credentials("no such key".to_owned()),
            ProviderError::Unmapped { status: 418, body: String::new() },
        ] {
            let (_world, call) = world_and_call();
            let scripts = [Script::of([Deed::Fail(error)]), Script::saying(["there"])];
            let model = model(&attempts(3), &scripts.each_ref());
            assert_eq!(asked(&call, &model).await, Ok("there".to_owned()));
            assert_eq!(scripts.each_ref().map(Script::calls), [1, 1]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_is_given_the_time_that_it_wants_or_left() {
        for (wanted, waited, calls) in [(3, 3, [2, 0]), (5, 5, [2, 0]), (6, 0, [1, 1])] {
            let (_world, call) = world_and_call();
            let scripts = [Script::of([limited(wanted), Deed::Say("")]), Script::default()];
            let model = model(&attempts(2), &scripts.each_ref());
            let started = Instant::now();
            assert!(asked(&call, &model).await.is_ok());
            assert_eq!((started.elapsed(), scripts.each_ref().map(Script::calls)), (waited * SECOND, calls));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_has_its_time_and_all_of_them_have_theirs() {
        let (_world, call) = world_and_call();
        let scripts = [Script::of([Deed::Hang]), Script::saying(["in time"])];
        let model_of = |policy: Policy| model(&policy, &scripts.each_ref());
        let started = Instant::now();
        assert_eq!(asked(&call, &model_of(attempts(1))).await, Ok("in time".to_owned()));
        assert_eq!(started.elapsed(), 10 * SECOND);

        let (_world, call) = world_and_call();
        let scripts = [Script::of([Deed::Hang]), Script::of([Deed::Hang]), Script::default()];
        let short = Policy { deadline: 15 * SECOND, ..attempts(1) };
        let started = Instant::now();
        assert_eq!(asked(&call, &model(&short, &scripts.each_ref())).await, Err(late()));
        assert_eq!((started.elapsed(), served(&call)), (15 * SECOND, (None, 2)));
        assert_eq!(scripts.each_ref().map(Script::calls), [1, 1, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_would_outlast_the_deadline_is_not_made() {
        let (_world, call) = world_and_call();
        let scripts = [Script::of([limited(4)]), Script::saying(["there"])];
        let model = model(&Policy { deadline: 3 * SECOND, ..attempts(2) }, &scripts.each_ref());
        let started = Instant::now();
        assert_eq!(asked(&call, &model).await, Ok("there".to_owned()));
        assert_eq!((started.elapsed(), served(&call)), (Duration::ZERO, (Some("p1"), 2)));
    }

    fn breaking(failures: u32) -> Policy {
        let breaker = Some(BreakerPolicy { failures, cooldown: 30 * SECOND });
        Policy { breaker, ..attempts(5) }
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_breaker_ends_the_attempts_and_is_asked_again_on_the_worlds_clock() {
        let (world, call) = world_and_call();
        let script = Script::of([unavailable(), unavailable(), Deed::Say("again")]);
        let model = model(&breaking(2), &[&script]);
        assert!(
            matches!(asked(&call, &model).await, Err(ProviderError::Unavailable(text)) if text == "busy")
        );
        assert_eq!((script.calls(), served(&call)), (2, (None, 2)));
        let refused = world.call("chat_only");
        assert_eq!(asked(&refused, &model).await, Err(nobody()));
        assert_eq!((script.calls(), served(&refused)), (2, (None, 0)));
        world.world.clock.advance(31_000_000);
        assert_eq!(asked(&call, &model).await, Ok("again".to_owned()));
        assert_eq!(model.routes[0].health(world.world.clock.now()), (BreakerState::Closed, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_whose_caller_leaves_decides_nothing() {
        let (world, call) = world_and_call();
        let script = Script::of([unavailable(), Deed::Hang, Deed::Say("again")]);
        let model = model(&breaking(1), &[&script]);
        assert!(asked(&call, &model).await.is_err());
        world.world.clock.advance(31_000_000);
        assert!(timeout(SECOND, asked(&call, &model)).await.is_err(), "it hangs");
        assert_eq!(script.calls(), 2);
        assert_eq!(asked(&call, &model).await, Ok("again".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn each_attempt_is_told_anew_how_to_fail() {
        let (_world, call) = world_and_call();
        let script = Script::of([unavailable(), Deed::Say("")]);
        let model = model(&attempts(2), &[&script]);
        let mut faults = vec![None, Some(Fault::from(FaultKind::Html))];
        assert!(asked_with(&call, &model, || faults.pop().flatten()).await.is_ok());
        assert_eq!(script.faults(), [Some(FaultKind::Html.into()), None]);
    }

    #[tokio::test(start_paused = true)]
    async fn each_attempt_stands_in_the_log() {
        let (world, call) = world_and_call();
        let refused = Deed::Fail(ProviderError::Credentials("sk-secret is unknown".to_owned()));
        let scripts = [Script::of([unavailable()]), Script::of([refused]), Script::default()];
        assert!(asked(&call, &model(&attempts(1), &scripts.each_ref())).await.is_ok());
        let lines = world.world.log.lines(Some(call.context.id));
        let logged = lines.iter().map(|line| match &line.event {
            LogEvent::Attempt(attempt) => (attempt.number, attempt.outcome, attempt.server.clone()),
            other => panic!("{other:?}"),
        });
        let server = |number: u32| Server {
            provider: format!("p{number}").into(),
            model: format!("m{number}").into(),
        };
        let expected = [(1, "unavailable"), (2, "credentials-refused"), (3, "answered")];
        let expected = expected.map(|(number, outcome)| (number, outcome, server(number - 1)));
        assert_eq!(logged.collect::<Vec<_>>(), expected);
    }
}
