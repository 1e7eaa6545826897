//! What keeps a scenario from being run on a target.

use std::sync::Arc;

use plumbline_record::Verdict;

use super::Simulator;
use super::attempt::Attempt;
use super::steering::{CLOCKLESS, passing};
use crate::scenario::Action;
use crate::target::{Clock, Role};

impl Attempt<'_> {
    /// What keeps the scenario from being run on this target, if anything.
    pub(super) fn obstacle(&self) -> Option<(Verdict, String)> {
        let target = &self.plan.target;
        let Some(offer) = target.offer(self.scenario) else {
            let contract = &self.scenario.contract;
            let reason = match &self.scenario.dialect {
                Some(dialect) if target.offers.of(contract).is_some() => {
                    format!("the target does not offer `{contract}` in the dialect `{}`", dialect.name)
                }
                _ => format!("the target does not claim the contract `{contract}`"),
            };
            return Some((Verdict::Unsupported, reason));
        };
        let missing = |capability: &&Arc<str>| !offer.capabilities.contains(&***capability);
        if let Some(capability) = self.scenario.requires.iter().find(missing) {
            return Some((Verdict::Unsupported, format!("the target does not declare `{capability}`")));
        }
        if let Some(model) = self.scenario.models.iter().find(|model| !offer.models.contains_key(&***model)) {
            return Some((Verdict::NotTestable, format!("the target binds no model `{model}`")));
        }
        for (model, needed) in &self.scenario.providers {
            let known = offer.models.get(model).map_or(0, |model| model.served_by.len());
            let reason = match known {
                0 => format!("the target does not say who serves the model `{model}` (`served_by`)"),
                _ if known < *needed => {
                    format!(
                        "the target's model `{model}` has {known} in `served_by`, where {needed} are named"
                    )
                }
                _ => continue,
            };
            return Some((Verdict::NotTestable, reason));
        }
        // In a world of its own the scenario gets its keys with the world.
        if target.worlds.is_none() {
            for role in self.scenario.roles() {
                let reason = match target.roles.get(role) {
                    Some(Role::Environment { variable, secret: None }) => {
                        format!("role `{role}` has no credential: set {variable}")
                    }
                    None => format!("the target has no role `{role}`"),
                    Some(Role::Environment { .. } | Role::Minted(_)) => continue,
                };
                return Some((Verdict::NotTestable, reason));
            }
        }
        if let Some(role) = self.scenario.own_keys().into_keys().find(|role| target.minting(role).is_none()) {
            let reason = match target.keys.mint {
                None => "the target can't mint keys".to_owned(),
                Some(_) => format!("the key of `{role}` is shared: no other is minted for each request"),
            };
            return Some((Verdict::NotTestable, reason));
        }
        if let Some(reason) = self.clock_obstacle() {
            return Some((Verdict::NotTestable, reason));
        }
        let simulator = Simulator::of(self.services());
        self.scenario.steps.iter().chain(&self.scenario.always).find_map(|step| {
            let played = step.gate.is_some() || matches!(step.action, Action::ArmUpstreamFault(_));
            if played && simulator.is_none() {
                let reason = "no simulator plays the target's providers".to_owned();
                return Some((Verdict::NotTestable, reason));
            }
            let role = match &step.action {
                Action::RevokeKey { role } => role,
                Action::ClearFaults if simulator.is_some() => return None,
                Action::ArmFault(_) | Action::ClearFaults if target.faults.is_none() => {
                    let reason = "the target's provider can't be told to fail".to_owned();
                    return Some((Verdict::NotTestable, reason));
                }
                Action::Raw(_) if target.url.scheme() != "http" => {
                    let reason = "bytes are sent on a socket over http only".to_owned();
                    return Some((Verdict::NotTestable, reason));
                }
                _ => return None,
            };
            let own = target.worlds.is_some() || matches!(target.roles.get(role), Some(Role::Minted(_)));
            if target.keys.revoke.is_none() {
                Some((Verdict::NotTestable, "the target can't revoke keys".to_owned()))
            } else if own {
                None
            } else {
                let reason =
                    format!("the key of `{role}` is shared: only a key minted for the scenario is revoked");
                Some((Verdict::NotTestable, reason))
            }
        })
    }

    /// What keeps as much time from passing on the target's clock as all steps let pass.
    fn clock_obstacle(&self) -> Option<String> {
        let target = &self.plan.target;
        let by = passing(self.scenario.steps.iter().chain(&self.scenario.always))?;
        match &target.clock {
            None => Some(CLOCKLESS.to_owned()),
            Some(Clock::Moved(_)) if target.worlds.is_none() => {
                Some(format!("{CLOCKLESS}: other scenarios share it"))
            }
            Some(Clock::Waited { at_most }) if by > *at_most => {
                let [by, most] = [by, *at_most].map(humantime::format_duration);
                Some(format!("{CLOCKLESS}, and {by} are more than the {most} that are waited"))
            }
            Some(Clock::Moved(_) | Clock::Waited { .. }) => None,
        }
    }
}
