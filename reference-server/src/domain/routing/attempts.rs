//! Asks the routes of a model until one answers, or until no other would.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::time::{Instant, timeout};

use super::fate::{self, Fate};
use super::misjudged;
use super::permit::Permit;
use super::plan::Tells;
use super::route::Route;
use super::routed_model::{RoutedModel, Turn};
use crate::domain::call::Call;
use crate::domain::inference::ProviderError;
use crate::domain::log_line::{Attempt, LogEvent, bounded};
use crate::provider::Fault;

/// The answer of the first route that gives one. `ask` asks a route once; `fault` tells how it is to fail, anew for
/// each attempt.
///
/// # Errors
///
/// That of the last attempt, or that of the first route where the policy says so; where no route can carry the request,
/// that of the first.
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
    let (clock, policy) = (&call.world.clock, &model.policy);
    let deadline = Instant::now() + policy.deadline;
    let left = || deadline.saturating_duration_since(Instant::now());
    let (mut told, mut incapable, mut some_rest) = (None, None, false);
    let tells = misjudged::tells(call, model);
    // A fault for a provider that was not asked after all strikes who is asked instead.
    let mut spared = None;
    for (turn, route) in misjudged::order(call, model) {
        if turn == Turn::Substitute && told.is_some() {
            continue;
        }
        // What a fallback counts on may be used up by now.
        if call.governed.as_ref().is_some_and(|governed| !governed.admit(route.leg())) {
            continue;
        }
        let (mut failed, mut was_let_in) = (0, false);
        while let Some(permit) = route.admit(clock.now()) {
            was_let_in = true;
            let limit = policy.timeout.min(left());
            if limit.is_zero() {
                return Err(told.unwrap_or_else(late));
            }
            let struck = spared.take().unwrap_or_else(&mut fault);
            let started = Instant::now();
            let answered = timeout(limit, ask(Arc::clone(route), struck.clone())).await;
            let is_starved = answered.is_err() && policy.is_too_little(limit);
            let error = match answered.unwrap_or_else(|_| Err(late())) {
                Ok(answer) => {
                    note(call, route, started, None);
                    return Ok((answer, permit));
                }
                Err(error) => error,
            };
            let fate = misjudged::fate(call, model, failed, &error);
            if fate == Fate::Pass {
                // Nobody was asked, so that the breaker has nothing to hear.
                spared = Some(struck);
                match tells {
                    Tells::First => told = told.or(Some(error)),
                    Tells::Last => incapable = incapable.or(Some(error)),
                }
                break;
            }
            note(call, route, started, Some(&error));
            match fate {
                Fate::Tell => {
                    // The provider is there and knows what it does.
                    permit.succeed();
                    return Err(error);
                }
                // That others have left it no time says nothing of it.
                _ if is_starved => drop(permit),
                _ => permit.fail(clock.now()),
            }
            failed += 1;
            let pause = match fate {
                Fate::Retry => misjudged::pause(call, model, failed, &error),
                Fate::Next | Fate::Pass | Fate::Tell => None,
            };
            told = match tells {
                Tells::First => told.or(Some(error)),
                Tells::Last => Some(error),
            };
            match pause {
                Some(pause) if pause < left() && route.admits(clock.now()) => clock.sleep(pause).await,
                _ => break,
            }
        }
        some_rest |= !was_let_in;
    }
    Err(match (told, incapable) {
        (Some(error), _) => error,
        (None, Some(error)) if !some_rest => error,
        (None, _) => nobody(),
    })
}

/// Counts an attempt, and logs what came of it.
fn note(call: &Call, route: &Route, started: Instant, error: Option<&ProviderError>) {
    let service = &call.context.service;
    if error.is_none() {
        service.served_by(&route.server, route.leg());
    }
    let attempt = Attempt {
        number: service.count_attempt(),
        server: route.server.clone(),
        outcome: error.map_or("answered", fate::word),
        error: error.and_then(ProviderError::logged).map(|error| bounded(&error).into()),
        duration: started.elapsed(),
    };
    call.world.record(&call.context, LogEvent::Attempt(Box::new(attempt)));
}

fn late() -> ProviderError {
    ProviderError::TimedOut("the gateway waited no longer".to_owned())
}

fn nobody() -> ProviderError {
    ProviderError::unavailable("every provider of the model is failing".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;
    use tokio::task::yield_now;

    use super::super::backoff::Retries;
    use super::super::breaker::{BreakerPolicy, BreakerState};
    use super::super::plan::Policy;
    use super::super::service::Server;
    use super::super::testing::{Deed, Script, model, route};
    use super::*;
    use crate::domain::inference::CompletionRequest;
    use crate::domain::testing::{self, TestWorld};
    use crate::provider::FaultKind;

    const SECOND: Duration = Duration::from_secs(1);

    fn unavailable() -> Deed {
        Deed::Fail(ProviderError::unavailable("busy".to_owned()))
    }

    fn limited(seconds: u32) -> Deed {
        let message = "slow down".to_owned();
        let retry_after = Some(Duration::from_secs(seconds.into()));
        Deed::Fail(ProviderError::RateLimited { message, retry_after })
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
            matches!(asked(&call, &model).await, Err(ProviderError::Unavailable { message, .. }) if message == "busy")
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

    fn incapable(what: &str) -> ProviderError {
        ProviderError::Incapable(what.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn who_cannot_carry_a_request_is_passed_over_without_an_attempt() {
        let (_world, call) = world_and_call();
        let scripts = [Script::of([Deed::Fail(incapable("no audio"))]), Script::saying(["heard"])];
        let model = model(&breaking(1), &scripts.each_ref());
        assert_eq!(asked(&call, &model).await, Ok("heard".to_owned()));
        assert_eq!(served(&call), (Some("p1"), 1));
        let lines = call.world.log.lines(Some(call.context.id));
        assert!(matches!(&lines[0].event, LogEvent::Attempt(attempt) if attempt.outcome == "answered"));
        assert_eq!(lines.len(), 1);
        assert_eq!(model.routes[0].health(call.world.clock.now()), (BreakerState::Closed, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_no_route_can_carry_is_the_callers_mistake_and_what_one_failed_to_is_not() {
        let both = [incapable("no audio"), incapable("no seed")];
        let one = [incapable("no audio"), ProviderError::unavailable("busy")];
        for (errors, told) in [(both, incapable("no audio")), (one.clone(), one[1].clone())] {
            let (_world, call) = world_and_call();
            let scripts = errors.map(|error| Script::of([Deed::Fail(error)]));
            assert_eq!(asked(&call, &model(&attempts(1), &scripts.each_ref())).await, Err(told));
        }
        // Whoever rests might have carried it.
        let (_world, call) = world_and_call();
        let scripts =
            [Script::of([unavailable()]), Script::of([Deed::Say(""), Deed::Fail(incapable("no seed"))])];
        let model = model(&breaking(1), &scripts.each_ref());
        assert_eq!(asked(&call, &model).await, Ok(String::new()));
        assert_eq!(asked(&call, &model).await, Err(nobody()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_routes_that_were_not_chosen_take_what_the_chosen_one_cannot_carry_and_nothing_else() {
        for (error, answered) in
            [(incapable("no audio"), "other"), (ProviderError::unavailable("busy"), "last")]
        {
            let (_world, call) = world_and_call();
            let scripts =
                [Script::of([Deed::Fail(error)]), Script::saying(["other"]), Script::saying(["last"])];
            let policy = attempts(1);
            let weights = [1_000, 0, 1];
            let mut routes: Vec<_> = (0..3)
                .map(|place| route(&format!("p{place}"), weights[place], &policy, &scripts[place]))
                .collect();
            let fallbacks = routes.split_off(2);
            let model = RoutedModel::new(routes, fallbacks, policy, 0);
            assert_eq!(asked(&call, &model).await, Ok(answered.to_owned()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_is_decided_by_who_was_asked_and_by_nobody_else() {
        let rejected = ProviderError::Rejected("no".to_owned());
        for (error, state) in
            [(incapable("no audio"), (BreakerState::HalfOpen, 1)), (rejected, (BreakerState::Closed, 0))]
        {
            let (world, call) = world_and_call();
            let script = Script::of([unavailable(), Deed::Fail(error.clone())]);
            let model = model(&breaking(1), &[&script]);
            assert!(asked(&call, &model).await.is_err());
            world.world.clock.advance(31_000_000);
            assert_eq!(asked(&call, &model).await, Err(error));
            assert_eq!(model.routes[0].health(world.world.clock.now()), state);
            assert!(asked(&call, &model).await.is_ok(), "the next one decides");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_left_too_little_time_has_not_failed() {
        let (world, call) = world_and_call();
        let scripts = [Script::of([Deed::Hang]), Script::of([Deed::Hang])];
        let short = Policy { deadline: 12 * SECOND, ..breaking(1) };
        let model = model(&short, &scripts.each_ref());
        assert_eq!(asked(&call, &model).await, Err(late()));
        assert_eq!((scripts.each_ref().map(Script::calls), served(&call)), ([1, 1], (None, 2)));
        let now = world.world.clock.now();
        assert_eq!(model.routes[0].health(now), (BreakerState::Open, 1));
        assert_eq!(model.fallbacks[0].health(now), (BreakerState::Closed, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_over_when_the_worlds_clock_says_so() {
        let (world, call) = world_and_call();
        let script = Script::of([limited(5), Deed::Say("again")]);
        let model = model(&attempts(2), &[&script]);
        let started = Instant::now();
        let moves = async {
            while script.calls() == 0 {
                yield_now().await;
            }
            world.world.clock.advance(5_000_000);
        };
        let (answered, ()) = tokio::join!(asked(&call, &model), moves);
        assert_eq!((answered, started.elapsed()), (Ok("again".to_owned()), Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_strikes_who_is_asked() {
        let (_world, call) = world_and_call();
        let scripts = [Script::of([Deed::Fail(incapable("no audio"))]), Script::default()];
        let model = model(&attempts(1), &scripts.each_ref());
        let html = Fault::from(FaultKind::Html);
        let mut faults = vec![None, Some(html.clone())];
        assert!(asked_with(&call, &model, || faults.pop().flatten()).await.is_ok());
        assert_eq!(scripts.each_ref().map(Script::faults), [[Some(html.clone())], [Some(html)]]);
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
