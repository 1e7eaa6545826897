//! The faults of a world's provider, as rules say them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::ControlError;
use super::fault_rules::{Faulty, check_calls};
use super::input;
use super::router::world_of;
use crate::domain::faults::{ArmedFault, FaultRule};
use crate::domain::ledger::Operation;
use crate::domain::world::World;
use crate::domain::worlds::Worlds;
use crate::provider::Fault;

/// A rule as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFault {
    kind: String,
    model: Option<String>,
    operation: Option<String>,
    times: Option<u32>,
    #[serde(default)]
    after: u32,
    status: Option<u16>,
    retry_after: Option<u32>,
    message: Option<String>,
}

/// A rule in force.
#[derive(Serialize)]
pub(crate) struct FaultView {
    id: u64,
    kind: &'static str,
    model: Option<String>,
    operation: Option<Operation>,
    times: Option<u32>,
    after: u32,
    status: Option<u16>,
    retry_after: Option<u32>,
    message: Option<String>,
    /// Calls that it let pass.
    passed: u32,
    /// Calls that it struck.
    struck: u64,
}

impl From<ArmedFault> for FaultView {
    fn from(ArmedFault { id, rule, passed, struck }: ArmedFault) -> Self {
        let FaultRule { fault, model, operation, times, after } = rule;
        let Fault { kind, status, retry_after, message } = fault;
        let kind = kind.name();
        Self { id, kind, model, operation, times, after, status, retry_after, message, passed, struck }
    }
}

impl Faulty for World {
    type Worlds = Worlds;
    type Sent = NewFault;
    type Told = FaultView;

    fn of(worlds: &Worlds, id: &str) -> Result<Arc<Self>, ControlError> {
        world_of(worlds, id)
    }

    fn armed(&self) -> Vec<FaultView> {
        self.faults.list().into_iter().map(FaultView::from).collect()
    }

    fn arm(&self, sent: NewFault) -> Result<FaultView, ControlError> {
        let armed = self.faults.arm(read(self, sent)?);
        armed.map(FaultView::from).map_err(|error| ControlError::conflict(error.to_string()))
    }

    fn disarm(&self, id: u64) -> bool {
        self.faults.remove(id)
    }

    fn disarm_all(&self) {
        self.faults.clear();
    }
}

fn read(world: &World, wanted: NewFault) -> Result<FaultRule, ControlError> {
    let NewFault { kind, model, operation, times, after, status, retry_after, message } = wanted;
    let fault = Fault { kind: input::fault_kind(&kind)?, status, retry_after, message };
    fault.check().map_err(|mistake| ControlError::bad_request(mistake.to_string()))?;
    check_calls(times, after)?;
    if let Some(model) = model.as_deref().filter(|model| world.catalog.find(model).is_none()) {
        return Err(ControlError::bad_request(format!(
            "there is no model {model:?}; GET /api/v1/models lists them"
        )));
    }
    let operation = operation.as_deref().map(input::operation).transpose()?;
    Ok(FaultRule { fault, model, operation, times, after })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::testing;
    use crate::provider::FaultKind;

    fn rule(body: &Value) -> Result<FaultRule, String> {
        let world = testing::world();
        let wanted = input::json(body.to_string().as_bytes());
        wanted.and_then(|wanted| read(&world.world, wanted)).map_err(|error| error.message)
    }

    #[test]
    fn a_rule_is_read_with_everything_that_it_says() {
        let read = rule(&json!({
            "kind": "rate-limited", "model": "claude_3_haiku", "operation": "chat", "times": 2, "after": 1,
            "status": 429, "retry_after": 7, "message": "not so fast",
        }))
        .unwrap();
        let fault = Fault {
            kind: FaultKind::RateLimited,
            status: Some(429),
            retry_after: Some(7),
            message: Some("not so fast".to_owned()),
        };
        let expected = FaultRule {
            fault,
            model: Some("claude_3_haiku".to_owned()),
            operation: Some(Operation::Chat),
            times: Some(2),
            after: 1,
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn a_rule_needs_no_more_than_a_kind() {
        for kind in FaultKind::ALL {
            let read = rule(&json!({ "kind": kind.name() })).unwrap();
            assert_eq!((read.fault, read.times, read.after), (kind.into(), None, 0));
        }
    }

    #[test]
    fn mistakes_are_told_with_what_there_is() {
        for (body, told) in [
            (json!({}), "missing field `kind`"),
            (json!({ "kind": "html", "time": 1 }), "unknown field `time`"),
            (json!({ "kind": "truncated_json" }), "did you mean \"truncated-json\""),
            (json!({ "kind": "gremlins" }), "missing-fields, empty-success, html"),
            (json!({ "kind": "html", "model": "no-such" }), "no model \"no-such\""),
            (json!({ "kind": "html", "operation": "chats" }), "chat, embedding"),
            (json!({ "kind": "html", "times": 0 }), "from 1 to 1000000"),
            (json!({ "kind": "html", "times": -1 }), "expected u32"),
            (json!({ "kind": "html", "after": 1_000_001 }), "\"after\" must be"),
            (json!({ "kind": "html", "status": 500 }), "neither \"status\" nor"),
            (json!({ "kind": "rejected", "status": 200 }), "from 400 to 599"),
            (json!({ "kind": "rejected", "retry_after": 1 }), "rate-limited"),
            (json!({ "kind": "rate-limited", "retry_after": 100_000 }), "from 0 to 86400"),
            (json!({ "kind": "rejected", "message": "a".repeat(5_000) }), "4096 bytes"),
        ] {
            let error = rule(&body).unwrap_err();
            assert!(error.contains(told), "{body}: {error}");
        }
    }
}
