use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Outcome, Requirements};
use crate::engine::{Key, ServiceError, Services, Stage, with_key};
use crate::scenario::KeyUsed;
use crate::target::KeyObserver;

/// Between two looks.
const AGAIN: Duration = Duration::from_millis(10);

/// A key's time of last use; `null` where it was never used.
pub(crate) async fn last_used(
    services: Services<'_>,
    stage: &Stage,
    observer: &KeyObserver,
    key: &Key,
) -> Result<Value, ServiceError> {
    let variables = with_key(&stage.service_variables, key);
    let reply = services.call(&observer.call, &variables).await?;
    let unexpected =
        |message: String| ServiceError::Unexpected { call: observer.call.path.source().to_string(), message };
    let path = observer
        .last_used_at
        .fill(&services.target.templates, &variables)
        .map_err(|error| unexpected(error.to_string()))?;
    let json = reply.json.as_deref().ok_or_else(|| unexpected("the answer is not JSON".to_owned()))?;
    match path.find(json).as_slice() {
        [] => Ok(Value::Null),
        [value] => Ok((*value).clone()),
        many => Err(unexpected(format!("{} values, not one", many.len()))),
    }
}

/// Decides whether a key's time of last use is later than before.
pub(crate) async fn moved(
    services: Services<'_>,
    stage: &Stage,
    observer: &KeyObserver,
    key: &Key,
    before: &Value,
    (step, used): (&str, &KeyUsed),
    requirements: Requirements<'_>,
) -> Outcome {
    let mut outcome = Outcome { checks: 1, ..Outcome::default() };
    outcome.reached.extend(used.verifies.clone());
    let deadline = Instant::now() + observer.deadline;
    loop {
        let after = match last_used(services, stage, observer, key).await {
            Ok(after) => after,
            Err(error) => {
                outcome.broken = Some(error.told(&stage.secrets));
                return outcome;
            }
        };
        if is_later(before, &after) {
            return outcome;
        }
        if Instant::now() >= deadline {
            let words = (format!("later than {before}"), after.to_string());
            let id = used.verifies.as_deref();
            outcome.misses.push(requirements.miss(id, step, "the key's last use", words, &used.location));
            return outcome;
        }
        sleep(AGAIN).await;
    }
}

fn is_later(before: &Value, after: &Value) -> bool {
    let instant = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    match (before, instant(before), instant(after)) {
        (_, Some(before), Some(after)) => after > before,
        (Value::Null, _, Some(_)) => true,
        _ => match (before.as_f64(), after.as_f64()) {
            (Some(before), Some(after)) => after > before,
            (None, Some(_)) => before.is_null(),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_later_time_counts() {
        assert!(is_later(&json!(null), &json!("2026-01-01T00:00:00Z")));
        assert!(is_later(&json!("2026-01-01T00:00:00Z"), &json!("2026-01-01T00:00:00.000001Z")));
        assert!(is_later(&json!(5), &json!(6)));
        assert!(!is_later(&json!("2026-01-01T00:00:00Z"), &json!("2026-01-01T00:00:00Z")));
        assert!(!is_later(&json!("2026-01-01T00:00:00Z"), &json!(null)));
        assert!(!is_later(&json!(null), &json!(null)));
        assert!(!is_later(&json!(null), &json!("soon")));
    }
}
