//! Whether a key may ask for more now.

use super::call::Call;
use super::clock::Moment;
use super::quota::{Exceeded, Standing};
use crate::defect::Defect;

/// Counts a request against the limits of the key that makes it.
///
/// # Errors
///
/// When the key has used up what it may ask for.
pub(crate) fn admit(call: &Call, now: Moment) -> Result<Standing, Exceeded> {
    let (world, key) = (&call.world, &call.key);
    let admitted = key.quota.admit(now);
    match admitted {
        Err(exceeded) if world.defects.has(Defect::LimitNotEnforced) => Ok(exceeded.standing),
        Ok(standing) if world.defects.has(Defect::LimitsShared) => {
            let exceeding =
                world.keys.first(|other| other.id != key.id && other.quota.exceeded(now).is_some());
            exceeding.and_then(|other| other.quota.exceeded(now)).map_or(Ok(standing), Err)
        }
        admitted => admitted,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    /// Who is let in where the limited key asks four times, and then another one: `+` for each that is.
    fn let_in(defect: &str) -> String {
        let world = testing::world();
        world.break_with(Some(defect));
        let keys = ["rate_limited", "rate_limited", "rate_limited", "rate_limited", "all_scopes"];
        let now = world.world.clock.now();
        keys.map(|key| if admit(&world.call(key), now).is_ok() { "+" } else { "-" }).concat()
    }

    #[test]
    fn each_key_has_its_own_limits_unless_a_defect_says_otherwise() {
        for (defect, told) in
            [("empty-answer", "+++-+"), ("limit-not-enforced", "+++++"), ("limits-shared", "+++--")]
        {
            assert_eq!(let_in(defect), told, "{defect}");
        }
    }
}
