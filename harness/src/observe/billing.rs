use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::event::{self, BillingEvent};
use super::ledger::reconcile;
use super::lines::LinesError;
use super::{Expected, Lines, Outcome, Requirements, Wanted};
use crate::engine::{Services, Stage, mint_for_marker};
use crate::target::{BillingObserver, Delivery};

/// Between two looks.
const AGAIN: Duration = Duration::from_millis(10);

/// Decides what a scenario was billed; so many further events are awaited and not judged.
pub(crate) async fn judge(
    services: Services<'_>,
    stage: &Stage,
    observer: &BillingObserver,
    lines: &Lines<'_>,
    (expected, unjudged): (&[Expected], usize),
    more_steps: bool,
    requirements: Requirements<'_>,
) -> Outcome {
    let looked = look(services, stage, observer, lines, (expected, unjudged)).await;
    let (events, complete) = match looked {
        Ok(looked) => looked,
        Err(error) => {
            return Outcome { broken: Some(error.told(&stage.secrets)), ..Outcome::default() };
        }
    };
    if expected.is_empty() {
        return Outcome::default();
    }
    let mut outcome = reconcile(expected, &events, more_steps, services.target, requirements);
    let absence = expected.iter().any(|step| step.wanted == Wanted::None);
    if absence && !complete && outcome.misses.is_empty() {
        outcome.undecided =
            Some("that nothing was billed can't be proved: no marker event came after it".to_owned());
    }
    outcome
}

/// The scenario's events, and whether nothing can come after them.
async fn look(
    services: Services<'_>,
    stage: &Stage,
    observer: &BillingObserver,
    lines: &Lines<'_>,
    (expected, unjudged): (&[Expected], usize),
) -> Result<(Vec<BillingEvent>, bool), LinesError> {
    let judged = expected.iter().filter(|step| step.wanted != Wanted::None).count();
    let wanted = judged + unjudged;
    let marker = match observer.delivery {
        Delivery::Ordered => send_marker(services, stage, observer).await?,
        Delivery::Immediate | Delivery::Unordered => None,
    };
    let deadline = Instant::now() + observer.deadline;
    loop {
        let all = lines.read(services, &stage.service_variables).await?;
        let (events, closed) = own_events(&all, stage, observer, services, marker.as_deref());
        let complete = observer.delivery == Delivery::Immediate || closed;
        let enough = complete || (marker.is_none() && events.len() >= wanted);
        if enough || Instant::now() >= deadline {
            return Ok((events, complete));
        }
        sleep(AGAIN).await;
    }
}

/// Sends a call that is billed to a key of its own; the event for it closes the list.
async fn send_marker(
    services: Services<'_>,
    stage: &Stage,
    observer: &BillingObserver,
) -> Result<Option<String>, LinesError> {
    let Some(marker) = &observer.marker else { return Ok(None) };
    let Some(key) = mint_for_marker(services, stage, &marker.role).await? else { return Ok(None) };
    let mut variables = stage.service_variables.clone();
    if let Some(models) = stage.variables.get("models") {
        variables.set("models", std::sync::Arc::clone(models));
    }
    services.call_as(&marker.call, &variables, key.secret.expose()).await?;
    if let Some(revoke) = &services.target.keys.revoke {
        services.call(revoke, &crate::engine::with_key(&variables, &key)).await?;
    }
    Ok(key.id.map(|id| id.to_string()))
}

fn own_events(
    lines: &[Value],
    stage: &Stage,
    observer: &BillingObserver,
    services: Services<'_>,
    marker: Option<&str>,
) -> (Vec<BillingEvent>, bool) {
    let own = stage.own_key_ids();
    // In a world of its own every event is the scenario's; with a key that others use too it runs alone.
    let shared = stage.keys.values().any(|key| !key.own);
    let every = services.target.worlds.is_some() || shared || observer.key.is_none();
    let mut events = Vec::new();
    for line in lines {
        let Some(event) = event::read(line, observer, &services.target.templates, &stage.service_variables)
        else {
            continue;
        };
        if marker.is_some() && event.key.as_deref() == marker {
            return (events, true);
        }
        if every || event.key.as_ref().is_some_and(|key| own.iter().any(|id| **id == **key)) {
            events.push(event);
        }
    }
    (events, false)
}
