//! What is written to the management API, as its callers send it.

use axum::body::Body;
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use super::super::error::Refusal;
use super::super::exchange::Exchange;
use crate::dialect::common::BodyError;
use crate::dialect::common::body::{collect, parse};
use crate::domain::governance::{Budget, BudgetForm, LimitForm, Patch, read_dollars};

/// The largest body, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// Reads a body. Members that are not known are no mistake.
pub(in super::super) async fn read<T: DeserializeOwned>(
    exchange: &Exchange<'_>,
    body: Body,
) -> Result<T, Refusal> {
    let (bytes, _share) = collect(body, exchange.intake, false).await?;
    if bytes.len() > LARGEST {
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"));
    }
    match parse(&bytes) {
        Ok(value @ Value::Object(_)) => serde_json::from_value(value).map_err(|_| invalid()),
        Err(error @ BodyError::TooLarge) => Err(error.into()),
        Ok(_) | Err(_) => Err(invalid()),
    }
}

/// What is no JSON, or has something else in a member than belongs there.
pub(super) fn invalid() -> Refusal {
    Refusal::bad_request("Invalid JSON")
}

/// A member that may be left as it is, taken away or set. It is left alone where it is not sent.
pub(super) fn patch<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Patch<T>, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.map_or(Patch::Clear, Patch::Set))
}

/// What a member is to become that is not sent.
pub(super) fn keep<T>() -> Patch<T> {
    Patch::Keep
}

/// The id in a member; an empty one is none.
pub(super) fn id(sent: Patch<String>) -> Patch<String> {
    match sent {
        Patch::Set(id) if id.is_empty() => Patch::Clear,
        sent => sent,
    }
}

/// A budget as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BudgetPart {
    max_limit: Option<Number>,
    reset_duration: Option<String>,
    calendar_aligned: Option<bool>,
}

/// A rate limit as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LimitPart {
    token_max_limit: Option<i64>,
    token_reset_duration: Option<String>,
    request_max_limit: Option<i64>,
    request_reset_duration: Option<String>,
}

/// What is to become of a budget. What is not sent of one stays as it was; one of which nothing is sent goes.
pub(super) fn budget(sent: Patch<BudgetPart>, before: Option<&Budget>) -> Result<Patch<BudgetForm>, Refusal> {
    let part = match sent {
        Patch::Keep => return Ok(Patch::Keep),
        Patch::Clear => return Ok(Patch::Clear),
        Patch::Set(part) => part,
    };
    let BudgetPart { max_limit, reset_duration, calendar_aligned } = part;
    if max_limit.is_none() && reset_duration.is_none() && calendar_aligned.is_none() {
        return Ok(Patch::Clear);
    }
    let max_limit = match max_limit {
        Some(number) => Some(read_dollars(&number).ok_or_else(invalid)?),
        None => before.map(|budget| budget.max_limit),
    };
    let reset_before = || before.map(|budget| budget.reset.to_string());
    Ok(Patch::Set(BudgetForm {
        max_limit: max_limit.ok_or_else(|| Refusal::bad_request("Budget max_limit is required"))?,
        reset_duration: reset_duration.or_else(reset_before).unwrap_or_default(),
        calendar_aligned: calendar_aligned
            .unwrap_or_else(|| before.is_some_and(|budget| budget.calendar_aligned)),
    }))
}

/// What is to become of a rate limit. One of which nothing is sent goes.
pub(super) fn limit(sent: Patch<LimitPart>) -> Patch<LimitForm> {
    let part = match sent {
        Patch::Keep => return Patch::Keep,
        Patch::Clear => return Patch::Clear,
        Patch::Set(part) => part,
    };
    let form = LimitForm {
        token_max: part.token_max_limit,
        token_reset: part.token_reset_duration,
        request_max: part.request_max_limit,
        request_reset: part.request_reset_duration,
    };
    let LimitForm { token_max, token_reset, request_max, request_reset } = &form;
    let is_empty =
        token_max.is_none() && token_reset.is_none() && request_max.is_none() && request_reset.is_none();
    if is_empty { Patch::Clear } else { Patch::Set(form) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Deserialize)]
    struct Sent {
        #[serde(default = "keep", deserialize_with = "patch")]
        budget: Patch<BudgetPart>,
        #[serde(default = "keep", deserialize_with = "patch")]
        rate_limit: Patch<LimitPart>,
    }

    fn sent(value: Value) -> Sent {
        serde_json::from_value(value).unwrap()
    }

    fn budget_of(value: Value) -> Result<Patch<BudgetForm>, String> {
        budget(sent(value).budget, None).map_err(|refusal| refusal.message)
    }

    #[test]
    fn a_member_is_kept_cleared_or_set() {
        assert!(matches!(budget_of(json!({})), Ok(Patch::Keep)));
        for cleared in [json!({ "budget": null }), json!({ "budget": {} })] {
            assert!(matches!(budget_of(cleared), Ok(Patch::Clear)));
        }
        let set = budget_of(json!({ "budget": { "max_limit": 0.000_001, "reset_duration": "1d" } }));
        let Ok(Patch::Set(form)) = set else { panic!("not set") };
        assert_eq!((form.max_limit.to_string().as_str(), &*form.reset_duration), ("0.000001", "1d"));
        assert!(!form.calendar_aligned);
        let missing = budget_of(json!({ "budget": { "reset_duration": "1d" } })).err();
        assert_eq!(missing.as_deref(), Some("Budget max_limit is required"));
        let vast =
            budget_of(json!({ "budget": { "max_limit": serde_json::from_str::<Number>("1e40").unwrap() } }));
        assert_eq!(vast.err().as_deref(), Some("Invalid JSON"));
    }

    #[test]
    fn a_limit_of_which_nothing_is_sent_goes() {
        let limit_of = |value: Value| limit(sent(value).rate_limit);
        assert!(matches!(limit_of(json!({})), Patch::Keep));
        assert!(matches!(limit_of(json!({ "rate_limit": { "token_max_limit": null } })), Patch::Clear));
        let set =
            limit_of(json!({ "rate_limit": { "request_max_limit": 2, "request_reset_duration": "1m" } }));
        let Patch::Set(form) = set else { panic!("not set") };
        assert_eq!((form.request_max, form.request_reset.as_deref()), (Some(2), Some("1m")));
        assert_eq!((form.token_max, form.token_reset), (None, None));
        let wrong = serde_json::from_value::<Sent>(json!({ "rate_limit": { "request_max_limit": "2" } }));
        assert!(wrong.is_err());
    }

    #[test]
    fn an_empty_id_is_none() {
        assert!(matches!(id(Patch::Set(String::new())), Patch::Clear));
        assert!(matches!(id(Patch::Set("x".to_owned())), Patch::Set(_)));
        assert!(matches!(id(Patch::Keep), Patch::Keep));
    }
}
