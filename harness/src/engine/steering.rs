//! What an attempt does to its target besides sending requests: it revokes keys, and has providers fail.

use std::sync::Arc;

use serde_json::Value;

use super::attempt::{Attempt, Seen};
use super::{Stage, isolation, providers};
use crate::scenario::{Action, Step};

impl Attempt<'_> {
    pub(super) async fn revoke(&self, role: &Arc<str>, stage: &mut Stage, seen: &mut Seen) {
        match isolation::revoke(self.services(), stage, role).await {
            Ok(()) => stage.revoked.push(Arc::clone(role)),
            Err(error) => seen.broken = Some(format!("the key of `{role}` could not be revoked: {error}")),
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
            seen.broken = Some(format!("step `{}`: the fault could not be set: {error}", step.name));
        }
    }
}
