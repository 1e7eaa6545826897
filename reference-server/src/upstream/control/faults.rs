//! The faults of a world, as rules say them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::fault::{Fault, FaultKind, LONGEST_DELAY, MOST_BYTES, pause};
use super::super::filter::Filter;
use super::super::provider_kind::ProviderKind;
use super::super::rules::{ArmedFault, FaultRule};
use super::super::world::UpstreamWorld;
use super::super::worlds::UpstreamWorlds;
use super::filter::{self, Header};
use super::router::world_of;
use crate::control::error::ControlError;
use crate::control::fault_rules::{Faulty, check_calls};
use crate::control::input;
use crate::provider::check_error;

/// Most events that a fault can wait for.
const MOST_EVENTS: u32 = 1_000_000;

/// A rule as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct NewRule {
    provider: Option<String>,
    model: Option<String>,
    path: Option<String>,
    header: Option<Header>,
    contains: Option<String>,
    #[serde(default)]
    after: u32,
    times: Option<u32>,
    probability: Option<f64>,
    #[serde(default)]
    seed: u64,
    fault: NewFault,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFault {
    kind: String,
    status: Option<u16>,
    retry_after: Option<u32>,
    message: Option<String>,
    delay: Option<String>,
    bytes: Option<usize>,
    after_events: Option<u32>,
}

/// A rule in force.
#[derive(Serialize)]
pub(in super::super) struct RuleView {
    id: u64,
    provider: Option<ProviderKind>,
    model: Option<String>,
    path: Option<String>,
    header: Option<Header>,
    contains: Option<String>,
    after: u32,
    times: Option<u32>,
    probability: Option<f64>,
    seed: u64,
    fault: FaultView,
    /// Calls that it let pass.
    passed: u64,
    /// Calls that it struck.
    struck: u64,
}

#[derive(Serialize)]
struct FaultView {
    kind: &'static str,
    status: Option<u16>,
    retry_after: Option<u32>,
    message: Option<String>,
    delay: Option<String>,
    bytes: Option<usize>,
    after_events: Option<u32>,
}

impl From<ArmedFault> for RuleView {
    fn from(ArmedFault { id, rule, passed, struck }: ArmedFault) -> Self {
        let FaultRule { filter, after, times, probability, seed, fault } = rule;
        let Filter { provider, model, path, header, contains } = filter;
        Self {
            id,
            provider,
            model,
            path,
            header: header.map(Header::from),
            contains,
            after,
            times,
            probability,
            seed,
            fault: fault.into(),
            passed,
            struck,
        }
    }
}

impl From<Fault> for FaultView {
    fn from(fault: Fault) -> Self {
        let Fault { kind, status, retry_after, message, delay, bytes, after_events } = fault;
        let delay = delay.map(|delay| humantime::format_duration(delay).to_string());
        Self { kind: kind.name(), status, retry_after, message, delay, bytes, after_events }
    }
}

impl Faulty for UpstreamWorld {
    type Worlds = UpstreamWorlds;
    type Sent = NewRule;
    type Told = RuleView;

    fn of(worlds: &UpstreamWorlds, id: &str) -> Result<Arc<Self>, ControlError> {
        world_of(worlds, id)
    }

    fn armed(&self) -> Vec<RuleView> {
        self.faults.list().into_iter().map(RuleView::from).collect()
    }

    fn arm(&self, sent: NewRule) -> Result<RuleView, ControlError> {
        let armed = self.faults.arm(rule(sent)?);
        armed.map(RuleView::from).map_err(|error| ControlError::conflict(error.to_string()))
    }

    fn disarm(&self, id: u64) -> bool {
        self.faults.remove(id)
    }

    fn disarm_all(&self) {
        self.faults.clear();
    }
}

fn rule(wanted: NewRule) -> Result<FaultRule, ControlError> {
    let NewRule { provider, model, path, header, contains, after, times, probability, seed, fault } = wanted;
    let filter = filter::read(provider.as_deref(), model, path, header, contains)?;
    check_calls(times, after)?;
    if let Some(probability) = probability.filter(|probability| !(0.0..=1.0).contains(probability)) {
        return Err(ControlError::bad_request(format!(
            "\"probability\" must be a number from 0 to 1, not {probability}"
        )));
    }
    Ok(FaultRule { filter, after, times, probability, seed, fault: read(fault)? })
}

fn read(wanted: NewFault) -> Result<Fault, ControlError> {
    let NewFault { kind, status, retry_after, message, delay, bytes, after_events } = wanted;
    let kinds = FaultKind::ALL.map(FaultKind::name);
    let kind = FaultKind::from_name(&kind).ok_or_else(|| input::no_such("kind of fault", &kind, &kinds))?;
    for (name, is_said, is_meant) in [
        ("status", status.is_some(), kind.is_error()),
        ("message", message.is_some(), kind.is_error()),
        ("retry_after", retry_after.is_some(), kind == FaultKind::Status),
        ("delay", delay.is_some(), kind.has_delay()),
        ("bytes", bytes.is_some(), kind.has_bytes()),
        ("after_events", after_events.is_some(), kind.has_after_events()),
    ] {
        if is_said && !is_meant {
            let kind = kind.name();
            return Err(ControlError::bad_request(format!("a fault of the kind {kind:?} has no {name:?}")));
        }
    }
    check_error(status, retry_after, message.as_deref())
        .map_err(|mistake| ControlError::bad_request(mistake.to_string()))?;
    input::within("after_events", after_events, 0, MOST_EVENTS)?;
    if let Some(bytes) = bytes.filter(|bytes| !(1..=MOST_BYTES).contains(bytes)) {
        return Err(ControlError::bad_request(format!(
            "\"bytes\" must be a whole number from 1 to {MOST_BYTES}, not {bytes}"
        )));
    }
    let delay = delay.map(|text| {
        pause(&text).ok_or_else(|| {
            let longest = humantime::format_duration(LONGEST_DELAY);
            ControlError::bad_request(format!(
                "{text:?} is no time that a fault can take; write one like \"250ms\" or \"2s\", up to {longest}"
            ))
        })
    });
    Ok(Fault { kind, status, retry_after, message, delay: delay.transpose()?, bytes, after_events })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: &Value) -> Result<FaultRule, String> {
        let wanted = input::json(body.to_string().as_bytes());
        wanted.and_then(rule).map_err(|error| error.message)
    }

    #[test]
    fn a_rule_is_read_with_everything_that_it_says_and_told_so_again() {
        let said = json!({
            "provider": "openai", "model": "m", "path": "/v1/chat", "header": { "name": "x-tenant", "value": "a" },
            "contains": "poem", "after": 1, "times": 2, "probability": 0.5, "seed": 7,
            "fault": {
                "kind": "status", "status": 429, "retry_after": 7, "message": "not so fast", "delay": "250ms",
                "bytes": null, "after_events": null,
            },
        });
        let rule = read(&said).unwrap();
        let view = RuleView::from(ArmedFault { id: 1, rule, passed: 0, struck: 0 });
        let mut told = serde_json::to_value(view).unwrap();
        let members = told.as_object_mut().unwrap();
        members.retain(|name, _| !["id", "passed", "struck"].contains(&name.as_str()));
        assert_eq!(told, said);
    }

    #[test]
    fn a_rule_needs_no_more_than_a_kind() {
        for kind in FaultKind::ALL {
            let rule = read(&json!({ "fault": { "kind": kind.name() } })).unwrap();
            assert_eq!((rule.fault, rule.times, rule.after), (kind.into(), None, 0));
            assert_eq!(rule.filter, Filter::default());
        }
    }

    #[test]
    fn mistakes_are_told_with_what_there_is() {
        let fault = |fault: Value| json!({ "fault": fault });
        for (body, told) in [
            (json!({}), "missing field `fault`"),
            (json!({ "fault": { "kind": "hang" }, "time": 1 }), "unknown field `time`"),
            (fault(json!({ "kind": "hang", "time": 1 })), "unknown field `time`"),
            (fault(json!({ "kind": "cut_stream" })), "did you mean \"cut-stream\""),
            (fault(json!({ "kind": "gremlins" })), "wrong-content-length, oversized-body, hang"),
            (json!({ "fault": { "kind": "hang" }, "provider": "opnai" }), "did you mean \"openai\""),
            (
                json!({ "fault": { "kind": "hang" }, "header": { "name": "x y", "value": "" } }),
                "\"x y\" is no name",
            ),
            (json!({ "fault": { "kind": "hang" }, "times": 0 }), "from 1 to 1000000"),
            (json!({ "fault": { "kind": "hang" }, "probability": 1.5 }), "from 0 to 1, not 1.5"),
            (fault(json!({ "kind": "hang", "status": 500 })), "\"hang\" has no \"status\""),
            (fault(json!({ "kind": "status", "status": 200 })), "from 400 to 599"),
            (fault(json!({ "kind": "html", "retry_after": 1 })), "no \"retry_after\""),
            (fault(json!({ "kind": "status", "retry_after": 100_000 })), "from 0 to 86400"),
            (fault(json!({ "kind": "status", "message": "a".repeat(5_000) })), "4096 bytes"),
            (fault(json!({ "kind": "delay", "delay": "soon" })), "like \"250ms\""),
            (fault(json!({ "kind": "delay", "delay": "11m" })), "up to 10m"),
            (fault(json!({ "kind": "slow-drip", "bytes": 0 })), "\"bytes\" must be"),
            (fault(json!({ "kind": "html", "bytes": 1 })), "no \"bytes\""),
            (fault(json!({ "kind": "delay", "after_events": 1 })), "no \"after_events\""),
        ] {
            let error = read(&body).unwrap_err();
            assert!(error.contains(told), "{body}: {error}");
        }
    }
}
