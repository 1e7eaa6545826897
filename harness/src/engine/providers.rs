//! What a scenario gets of the simulator that plays the gateway's providers: a world of its own, or its part of a common
//! one, in which its calls are told apart by the nonce in them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::service::{ServiceError, Services};
use super::simulator::Simulator;
use super::stage::{Providers, Stage};
use crate::scenario::Scenario;

/// The world of a simulator that is there from the start.
const ROOT: &str = "root";
/// The member of a fault's rule that says which text a call must hold to be struck.
const CONTAINS: &str = "contains";

/// Gives a scenario its providers, where it needs them and the target has them played.
///
/// Where the gateway can be given a world of the simulator, it is made here, and its address is `upstream.url` in the
/// request that makes the gateway's.
pub(super) async fn set_up(
    services: Services<'_>,
    scenario: &Scenario,
    stage: &mut Stage,
) -> Result<(), ServiceError> {
    let (Some(simulator), Some(upstream)) = (Simulator::of(services), &services.target.upstream) else {
        return Ok(());
    };
    if !upstream.always && !scenario.involves_upstream() {
        return Ok(());
    }
    let (world, own) = if upstream.world.is_some() {
        let made = simulator.make_world().await?;
        let url = simulator.address(&made.base_path);
        stage.service_variables.set("upstream", json!({ "url": url }));
        (Arc::from(made.id), true)
    } else {
        (Arc::from(ROOT), false)
    };
    stage.providers = Some(Providers { world, own, faults: Vec::new(), gate: None });
    Ok(())
}

/// Takes down what [`set_up`] made, and what was armed and put up since.
pub(super) async fn tear_down(services: Services<'_>, stage: &mut Stage) -> Result<(), ServiceError> {
    let Some(simulator) = Simulator::of(services) else { return Ok(()) };
    if let Some(own) = stage.providers.take_if(|providers| providers.own) {
        return simulator.delete_world(&own.world).await;
    }
    let gate = open_gate(services, stage).await;
    gate.and(disarm(services, stage).await)
}

/// Arms a fault of the simulator.
pub(super) async fn arm(
    services: Services<'_>,
    stage: &mut Stage,
    rule: Arc<Value>,
) -> Result<(), ServiceError> {
    let mark = stage.mark().map(str::to_owned);
    let (Some(simulator), Some(providers)) = (Simulator::of(services), &mut stage.providers) else {
        return Err(ServiceError::NoSimulator);
    };
    let mut rule = Arc::unwrap_or_clone(rule);
    if let (Some(mark), Value::Object(members)) = (mark, &mut rule) {
        confine(members, &mark)?;
    }
    providers.faults.push(simulator.arm(&providers.world, &rule).await?);
    Ok(())
}

/// Has a rule strike only calls with a mark.
fn confine(rule: &mut Map<String, Value>, mark: &str) -> Result<(), ServiceError> {
    match rule.get(CONTAINS).map(|text| text.as_str().unwrap_or_default().contains(mark)) {
        None => {
            rule.insert(CONTAINS.to_owned(), mark.into());
            Ok(())
        }
        Some(true) => Ok(()),
        Some(false) => Err(ServiceError::Unmarked),
    }
}

/// Takes all faults of the simulator away that were armed here.
pub(super) async fn disarm(services: Services<'_>, stage: &mut Stage) -> Result<(), ServiceError> {
    let (Some(simulator), Some(providers)) = (Simulator::of(services), &mut stage.providers) else {
        return Ok(());
    };
    while let Some(fault) = providers.faults.last().copied() {
        simulator.disarm(&providers.world, fault).await?;
        providers.faults.pop();
    }
    Ok(())
}

/// Opens the gate that stands, if any does.
pub(super) async fn open_gate(services: Services<'_>, stage: &mut Stage) -> Result<(), ServiceError> {
    let (Some(simulator), Some(providers)) = (Simulator::of(services), &mut stage.providers) else {
        return Ok(());
    };
    match providers.gate.take() {
        Some(gate) => simulator.open_gate(&providers.world, gate).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_only_what_is_marked() {
        let confined = |rule: Value| {
            let Value::Object(mut members) = rule else { panic!("{rule}") };
            confine(&mut members, "n-7").map(|()| Value::Object(members))
        };
        assert_eq!(confined(json!({ "times": 1 })).unwrap(), json!({ "times": 1, "contains": "n-7" }));
        let own = json!({ "contains": "second n-7" });
        assert_eq!(confined(own.clone()).unwrap(), own);
        assert!(matches!(confined(json!({ "contains": "second" })), Err(ServiceError::Unmarked)));
    }
}
