//! How a broken gateway goes on after a provider's failure. A sound one goes on as [`Fate`] and the policy say.

use std::sync::Arc;
use std::time::Duration;

use super::fate::Fate;
use super::plan::Tells;
use super::route::Route;
use super::routed_model::{RoutedModel, Turn};
use crate::defect::{Defect, DefectSet};
use crate::domain::call::Call;
use crate::domain::inference::ProviderError;

/// What an error leads to, after so many attempts at the route that failed before.
pub(super) fn fate(call: &Call, model: &RoutedModel, failed: u32, error: &ProviderError) -> Fate {
    let (defects, fate) = (&call.world.defects, sound_fate(model, error));
    if !defects.any() {
        return fate;
    }
    let has_attempts = failed + 1 < model.policy.retries.attempts;
    match error {
        ProviderError::Rejected(_) if has_attempts && defects.has(Defect::RejectedRetried) => Fate::Retry,
        ProviderError::Rejected(_) if defects.has(Defect::RejectedFailedOver) => Fate::Next,
        ProviderError::UnknownModel(_) if defects.has(Defect::MissingModelTold) => Fate::Tell,
        ProviderError::TimedOut(_) if defects.has(Defect::TimeoutTold) => Fate::Tell,
        ProviderError::Unavailable { .. } | ProviderError::Unreachable(_)
            if model.has_fallbacks() && defects.has(Defect::UnavailableTold) =>
        {
            Fate::Tell
        }
        ProviderError::Unavailable { .. } | ProviderError::Unreachable(_)
            if defects.has(Defect::NotAskedAgain) =>
        {
            Fate::Next
        }
        _ => fate,
    }
}

/// What an error leads to at a sound gateway. Where the first error is told, the others are asked after any.
fn sound_fate(model: &RoutedModel, error: &ProviderError) -> Fate {
    match Fate::of(error) {
        Fate::Tell if model.policy.tells == Tells::First => Fate::Next,
        fate => fate,
    }
}

/// Whose error is told where nobody answers.
pub(super) fn tells(call: &Call, model: &RoutedModel) -> Tells {
    match model.policy.tells {
        Tells::First if call.world.defects.has(Defect::LastErrorTold) => Tells::Last,
        tells => tells,
    }
}

/// How long to wait before the route is asked again that has failed so often; nothing where it is not.
pub(super) fn pause(
    call: &Call,
    model: &RoutedModel,
    failed: u32,
    error: &ProviderError,
) -> Option<Duration> {
    let (defects, retries) = (&call.world.defects, model.policy.retries);
    let is_told = failed < retries.attempts && error.retry_after().is_some();
    let is_hasty = is_told && defects.has(Defect::RetryAfterIgnored);
    let is_first = failed == 1 && model.has_fallbacks();
    let is_stubborn = is_first && defects.has(Defect::FailedAskedAgain);
    if is_hasty || is_stubborn {
        return Some(Duration::ZERO);
    }
    retries.pause(failed, error, &model.chance)
}

/// The routes that a call tries, in the order in which it does.
pub(super) fn order<'m>(call: &Call, model: &'m RoutedModel) -> impl Iterator<Item = (Turn, &'m Arc<Route>)> {
    let mut sound = model.order(call);
    let defects = &call.world.defects;
    let mut late: Vec<_> = Vec::new();
    if defects.has(Defect::FailedAskedLast) {
        let now = call.world.clock.now();
        late.extend(sound.by_ref());
        late.sort_by_key(|(_, route)| route.health(now).1 > 0);
    }
    if call.governed.is_some() && defects.any() {
        late.extend(sound.by_ref());
        disturb(defects, &mut late);
    }
    late.into_iter().chain(sound)
}

/// Puts the legs of a governed call into another order.
fn disturb<T>(defects: &DefectSet, legs: &mut Vec<T>) {
    if defects.has(Defect::FallbacksIgnored) {
        legs.truncate(1);
    }
    if defects.has(Defect::FallbackAskedFirst) && legs.len() > 1 {
        legs.swap(0, 1);
    }
    if defects.has(Defect::FallbacksReordered)
        && let Some(fallbacks) = legs.get_mut(1..)
    {
        fallbacks.reverse();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::super::attempts::ask;
    use super::super::backoff::Retries;
    use super::super::plan::Policy;
    use super::super::testing::{Deed, Script, model};
    use super::*;
    use crate::domain::inference::CompletionRequest;
    use crate::domain::testing;

    /// Whom two providers, each asked so often, are asked for a question, by a gateway with this defect; `!` ends what
    /// is no answer.
    async fn asked(defect: &str, attempts: u32, errors: [Option<ProviderError>; 2]) -> String {
        let world = testing::world();
        world.break_with(Some(defect));
        let call = world.call("chat_only");
        let scripts = errors.map(|error| match error {
            Some(error) => Script::of(vec![Deed::Fail(error); 9]),
            None => Script::default(),
        });
        let retries = Retries { attempts, backoff: Duration::ZERO, most: Duration::ZERO };
        let model = model(&Policy { retries, ..Policy::default() }, &scripts.each_ref());
        let order = Arc::new(parking_lot::Mutex::new(String::new()));
        let answer = |route: Arc<Route>, fault| {
            let order = Arc::clone(&order);
            async move {
                order.lock().push_str(&route.server.model[1..]);
                let request = CompletionRequest::default();
                route.provider.complete(&route.identity, request, fault).await
            }
            .boxed()
        };
        let answered = ask(&call, &model, || None, answer).await;
        let mut order = order.lock().clone();
        if answered.is_err() {
            order.push('!');
        }
        order
    }

    #[test]
    fn each_defect_has_an_order_of_its_own() {
        for (defect, order) in [
            ("empty-answer", &[0, 1, 2][..]),
            ("fallbacks-ignored", &[0]),
            ("fallback-asked-first", &[1, 0, 2]),
            ("fallbacks-reordered", &[0, 2, 1]),
        ] {
            let defects = DefectSet::default();
            defects.set(&[defect.parse().unwrap()]);
            let mut legs = vec![0, 1, 2];
            disturb(&defects, &mut legs);
            assert_eq!(legs, order, "{defect}");
            // Where there is nothing to fall back on, nothing is out of order.
            let mut alone = vec![0];
            disturb(&defects, &mut alone);
            assert_eq!(alone, [0], "{defect}");
        }
    }

    #[tokio::test]
    async fn the_first_error_is_told_unless_a_defect_tells_the_last() {
        for (defect, first, told) in [
            ("empty-answer", rejected(), rejected()),
            ("last-error-told", rejected(), unavailable()),
            ("empty-answer", incapable(), incapable()),
            ("empty-answer", limited(), limited()),
        ] {
            let world = testing::world();
            world.break_with(Some(defect));
            let scripts = [first, unavailable()].map(|error| Script::of([Deed::Fail(error)]));
            let policy = Policy { tells: Tells::First, ..Policy::default() };
            let model = model(&policy, &scripts.each_ref());
            let answer = |route: Arc<Route>, fault| {
                async move {
                    route.provider.complete(&route.identity, CompletionRequest::default(), fault).await
                }
                .boxed()
            };
            let answered = ask(&world.call("chat_only"), &model, || None, answer).await;
            assert_eq!(answered.unwrap_err(), told, "{defect}");
            assert_eq!(scripts.each_ref().map(Script::calls), [1, 1], "{defect}");
        }
    }

    fn incapable() -> ProviderError {
        ProviderError::Incapable("no audio".to_owned())
    }

    fn rejected() -> ProviderError {
        ProviderError::Rejected("no".to_owned())
    }

    fn unavailable() -> ProviderError {
        ProviderError::unavailable("busy")
    }

    fn limited() -> ProviderError {
        ProviderError::RateLimited { message: String::new(), retry_after: Some(Duration::from_hours(1)) }
    }

    #[tokio::test]
    async fn each_defect_goes_on_in_its_own_way() {
        let missing = || ProviderError::UnknownModel(String::new());
        let late = || ProviderError::TimedOut(String::new());
        for (defect, attempts, error, sound, broken) in [
            ("rejected-retried", 2, rejected(), "0!", "00!"),
            ("rejected-retried", 1, rejected(), "0!", "0!"),
            ("rejected-failed-over", 1, rejected(), "0!", "01"),
            ("missing-model-told", 1, missing(), "01", "0!"),
            ("unavailable-told", 1, unavailable(), "01", "0!"),
            ("not-asked-again", 2, unavailable(), "001", "01"),
            ("timeout-told", 1, late(), "01", "0!"),
            ("failed-asked-again", 1, unavailable(), "01", "001"),
            ("retry-after-ignored", 2, limited(), "01", "001"),
        ] {
            for (defect, told) in [("empty-answer", sound), (defect, broken)] {
                assert_eq!(
                    asked(defect, attempts, [Some(error.clone()), None]).await,
                    told,
                    "{defect} {attempts}"
                );
            }
        }
        assert_eq!(asked("failed-asked-again", 1, [(); 2].map(|()| Some(unavailable()))).await, "0011!");
    }

    #[tokio::test]
    async fn who_has_failed_is_asked_last_until_it_answers() {
        let world = testing::world();
        world.break_with(Some("failed-asked-last"));
        let call = world.call("chat_only");
        let scripts = [Script::default(), Script::default()];
        let model = model(&Policy::default(), &scripts.each_ref());
        let names = || -> Vec<String> {
            order(&call, &model).map(|(_, route)| route.server.model.to_string()).collect()
        };
        assert_eq!(names(), ["m0", "m1"]);
        let now = call.world.clock.now();
        model.routes[0].admit(now).unwrap().fail(now);
        assert_eq!(names(), ["m1", "m0"]);
        model.routes[0].admit(now).unwrap().succeed();
        assert_eq!(names(), ["m0", "m1"]);
    }
}
