//! What an attempt does to its target besides sending requests: it revokes keys, has providers fail, and lets time pass.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::attempt::{Attempt, Seen};
use super::{Stage, isolation, providers};
use crate::scenario::{Action, Step};
use crate::target::Clock;

/// Why nothing can be said of what time would change.
pub(super) const CLOCKLESS: &str = "the target's clock cannot be moved";

/// How much time steps let pass, all of them together; nothing where none does.
pub(super) fn passing<'s>(steps: impl Iterator<Item = &'s Step>) -> Option<Duration> {
    let lengths = steps.filter_map(|step| match &step.action {
        Action::Advance { by, .. } => Some(*by),
        _ => None,
    });
    lengths.reduce(Duration::saturating_add)
}

impl Attempt<'_> {
    /// How long the steps wait for a clock that cannot be moved.
    pub(super) fn waiting(&self) -> Duration {
        match &self.plan.target.clock {
            Some(Clock::Waited { .. }) => passing(self.scenario.steps.iter()).unwrap_or_default(),
            Some(Clock::Moved(_)) | None => Duration::ZERO,
        }
    }

    pub(super) async fn revoke(&self, role: &Arc<str>, stage: &mut Stage, seen: &mut Seen) {
        match isolation::revoke(self.services(), stage, role).await {
            Ok(()) => stage.revoked.push(Arc::clone(role)),
            Err(error) => {
                let why = error.told(&stage.secrets);
                seen.broken = Some(format!("the key of `{role}` could not be revoked: {why}"));
            }
        }
    }

    /// Has providers fail by a step's rule; without one, work again.
    pub(super) async fn fault(
        &self,
        step: &Step,
        rule: Option<Arc<Value>>,
        stage: &mut Stage,
        seen: &mut Seen,
    ) {
        let services = self.services();
        let set = match (rule, &step.action) {
            (Some(rule), Action::ArmUpstreamFault(_)) => providers::arm(services, stage, rule).await,
            (None, _) => {
                let upstream = providers::disarm(services, stage).await;
                let has_own = services.target.faults.is_some();
                upstream.and(if has_own { isolation::fault(services, stage, None).await } else { Ok(()) })
            }
            (rule, _) => isolation::fault(services, stage, rule).await,
        };
        if let Err(error) = set {
            let why = error.told(&stage.secrets);
            seen.broken = Some(format!("step `{}`: the fault could not be set: {why}", step.name));
        }
    }

    /// Lets so much time pass on the gateway's clock, as it is written: by moving it, or by waiting.
    pub(super) async fn advance(
        &self,
        step: &Step,
        (by, text): (Duration, &Arc<str>),
        stage: &Stage,
        seen: &mut Seen,
    ) {
        match &self.plan.target.clock {
            Some(Clock::Moved(call)) => {
                let mut variables = stage.service_variables.clone();
                variables.set("clock", json!({ "advance": &**text }));
                if let Err(error) = self.services().call(call, &variables).await {
                    let why = error.told(&stage.secrets);
                    seen.broken = Some(format!("step `{}`: the clock could not be moved: {why}", step.name));
                }
            }
            Some(Clock::Waited { .. }) => {
                // Whoever asks to stop ends the steps as well.
                self.pause(by).await;
            }
            // Without one the scenario is not begun.
            None => seen.broken = Some(format!("step `{}`: {CLOCKLESS}", step.name)),
        }
    }
}
