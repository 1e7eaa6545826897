/// What everything may cost together that is made and checked for one request: some tenths of a second.
const REQUEST: usize = 20_000_000;
/// What is told of a schema that would cost more.
pub(super) const TOO_MUCH: &str = "it is too large, or there is no end to it";

/// What the schemas of one request may still cost, whatever is read, made and checked for it. A byte that is made
/// costs 1; other work costs what could be made in the same time.
pub(super) struct Budget {
    left: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: REQUEST }
    }
}

impl Budget {
    /// Pays for work; nothing where it costs more than is left. Then nothing else is paid for either: what is made
    /// does not depend on which part of it was still cheap enough.
    pub(super) fn spend(&mut self, cost: usize) -> Option<()> {
        let is_enough = cost <= self.left;
        self.left = self.left.saturating_sub(cost);
        is_enough.then_some(())
    }

    /// What is left of it.
    pub(super) fn left(&self) -> usize {
        self.left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_what_is_too_dear_nothing_is_cheap_enough() {
        let mut budget = Budget::default();
        assert_eq!((budget.spend(REQUEST - 1), budget.left()), (Some(()), 1));
        assert_eq!((budget.spend(2), budget.left(), budget.spend(1)), (None, 0, None));
    }
}
