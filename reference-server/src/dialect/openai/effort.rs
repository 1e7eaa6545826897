//! How much a model thinks before it answers.

use crate::domain::catalog::Model;

/// The words for it, from nothing to the most.
pub(super) const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh"];

/// Most tokens to think with. A model that thinks does so without being asked.
pub(super) fn budget(model: &Model, effort: Option<&str>) -> Option<u32> {
    if !model.identity.thinks {
        return None;
    }
    match effort {
        Some("none") => None,
        Some("minimal") => Some(64),
        Some("low") => Some(256),
        None | Some("medium") => Some(1_024),
        Some("high") => Some(4_096),
        Some(_) => Some(16_384),
    }
}

#[cfg(test)]
mod tests {
    use super::super::exchange::DIALECT;
    use super::*;
    use crate::domain::catalog::Catalog;

    #[test]
    fn more_effort_is_more_thought_for_a_model_that_thinks() {
        let catalog = Catalog::embedded().unwrap();
        let thinker = catalog.find("o4-mini").unwrap();
        assert!(thinker.is_offered_in(DIALECT));
        let budgets: Vec<_> = EFFORTS.iter().map(|effort| budget(thinker, Some(effort))).collect();
        assert!(budgets.is_sorted_by(|less, more| less < more), "{budgets:?}");
        assert_eq!(budget(thinker, None), budget(thinker, Some("medium")));
        assert_eq!(budget(catalog.find("gpt-4.1").unwrap(), Some("high")), None);
    }
}
