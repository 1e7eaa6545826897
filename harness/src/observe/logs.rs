use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Lines, Outcome, Requirements};
use crate::check::{Context, Reply, decide};
use crate::engine::{Services, Stage};
use crate::scenario::LogExpectation;
use crate::target::LogObserver;

/// Between two looks.
const AGAIN: Duration = Duration::from_millis(10);

/// Decides what the log says about one request.
pub(crate) async fn judge(
    services: Services<'_>,
    stage: &Stage,
    observer: &LogObserver,
    lines: &Lines<'_>,
    (step, wanted): (&str, &LogExpectation),
    context: &Context<'_>,
    requirements: Requirements<'_>,
) -> Outcome {
    let mut outcome = Outcome { checks: 1, ..Outcome::default() };
    let ids = wanted.checks.iter().map(|check| &check.verifies).chain([&wanted.verifies]);
    outcome.reached.extend(ids.flatten().cloned());
    let request_id = match wanted.request_id.text(context.templates, context.variables) {
        Ok(request_id) => request_id,
        Err(error) => {
            let words = ("a request id".to_owned(), error.to_string());
            let id = wanted.verifies.as_deref();
            outcome.misses.push(requirements.miss(id, step, "log", words, &wanted.location));
            return outcome;
        }
    };
    let mut variables = stage.service_variables.clone();
    variables.set("request_id", Value::from(request_id.as_str()));
    let deadline = Instant::now() + observer.deadline;
    loop {
        let found = match lines.read(services, &variables).await {
            Ok(all) => of_request(all, observer, &request_id, services, stage),
            Err(error) => {
                outcome.broken = Some(error.told(&stage.secrets));
                return outcome;
            }
        };
        let mut misses = Vec::new();
        if found.is_empty() {
            let words = (format!("a line of the request {request_id}"), "none".to_owned());
            let id = wanted.verifies.as_deref();
            misses.push(requirements.miss(id, step, "log", words, &wanted.location));
        } else {
            let reply = Reply::of_json(Value::Array(found));
            misses.extend(wanted.checks.iter().filter_map(|check| decide(check, &reply, context, step)));
        }
        if misses.is_empty() || Instant::now() >= deadline {
            outcome.checks += u32::try_from(wanted.checks.len()).unwrap_or(u32::MAX);
            outcome.misses = misses;
            return outcome;
        }
        sleep(AGAIN).await;
    }
}

fn of_request(
    lines: Vec<Value>,
    observer: &LogObserver,
    request_id: &str,
    services: Services<'_>,
    stage: &Stage,
) -> Vec<Value> {
    let Ok(path) = observer.request_id.fill(&services.target.templates, &stage.service_variables) else {
        return Vec::new();
    };
    lines
        .into_iter()
        .filter(|line| path.find(line).iter().any(|found| found.as_str() == Some(request_id)))
        .collect()
}
