//! How much a model thinks before it answers.

use crate::domain::catalog::Model;
use crate::domain::inference::{CompletionRequest, Effort};

/// The words for it, from nothing to the most.
pub(super) const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh"];

/// Has a model think as much as it is asked to. One that can think does so without being asked.
pub(super) fn think(model: &Model, request: &mut CompletionRequest) {
    if model.identity.thinks {
        request.thinking = budget(request.reasoning_effort.unwrap_or(Effort::Medium));
        request.thinks_unasked = request.reasoning_effort.is_none();
    }
}

/// Most tokens to think with.
const fn budget(effort: Effort) -> Option<u32> {
    match effort {
        Effort::None => None,
        Effort::Minimal => Some(64),
        Effort::Low => Some(256),
        Effort::Medium => Some(1_024),
        Effort::High => Some(4_096),
        Effort::XHigh | Effort::Max => Some(16_384),
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
        let budgets = |model: &Model, reasoning_effort| {
            let mut request = CompletionRequest { reasoning_effort, ..CompletionRequest::default() };
            think(model, &mut request);
            (request.thinking, request.asked_thinking())
        };
        let words = EFFORTS.iter().map(|word| Effort::from_name(word).unwrap());
        let asked: Vec<_> = words.map(|effort| budgets(thinker, Some(effort)).1).collect();
        assert!(asked.is_sorted_by(|less, more| less < more), "{asked:?}");
        assert_eq!(budgets(thinker, None), (Some(1_024), None));
        assert_eq!(budgets(catalog.find("gpt-4.1").unwrap(), Some(Effort::High)), (None, None));
    }
}
