//! What a gateway must have asked of its providers, and how their simulator is used for a step.

use std::fmt;
use std::sync::Arc;

use super::{Check, Clause, Template};

/// What the gateway must have asked of its providers for a step.
#[derive(Clone, Debug)]
pub struct UpstreamExpectation {
    /// How many calls it made.
    pub calls: CallCount,
    /// That it made so many.
    pub count: Clause,
    /// What each of the calls must be, in the order of their arrival; nothing is said of them one by one where this is
    /// empty.
    pub each: Vec<Vec<Check>>,
    /// What every call must be.
    pub every: Vec<Check>,
    /// What must stand nowhere in any call.
    pub lacks: Vec<Lacking>,
    /// How the last call must have ended.
    pub outcome: Option<(CallOutcome, Clause)>,
}

/// A number of calls, both bounds included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallCount {
    /// The least.
    pub least: u64,
    /// The most; any number where there is none.
    pub most: Option<u64>,
}

/// A text that must stand nowhere in any call.
#[derive(Clone, Debug)]
pub struct Lacking {
    /// The text.
    pub text: Template,
    /// That it does not.
    pub clause: Clause,
}

/// How a provider's answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The gateway was sent all of it.
    Whole,
    /// The provider broke it off.
    Cut,
    /// The gateway went before it was whole.
    Left,
}

/// That the simulator withholds each piece of a streamed answer until the one before it has been read here.
#[derive(Clone, Debug)]
pub struct Gate {
    /// The text that the stream joins, whose pieces are withheld.
    pub joined: Arc<str>,
    /// That each piece comes before the next is sent.
    pub clause: Clause,
}

impl UpstreamExpectation {
    /// The requirements that it verifies, in the order in which they are decided.
    pub fn verifies(&self) -> impl Iterator<Item = &str> {
        let checks = self.each.iter().flatten().chain(&self.every).map(|check| &check.verifies);
        let lacks = self.lacks.iter().map(|lacking| &lacking.clause.verifies);
        let outcome = self.outcome.iter().map(|(_, clause)| &clause.verifies);
        let all = [&self.count.verifies].into_iter().chain(checks).chain(lacks).chain(outcome);
        all.filter_map(|id| id.as_deref())
    }
}

impl CallCount {
    /// Exactly so many.
    pub fn exactly(calls: u64) -> Self {
        Self { least: calls, most: Some(calls) }
    }

    /// Whether so many calls are right.
    pub fn allows(self, calls: u64) -> bool {
        self.least <= calls && !self.is_exceeded_by(calls)
    }

    /// Whether so many calls are too many.
    pub fn is_exceeded_by(self, calls: u64) -> bool {
        self.most.is_some_and(|most| calls > most)
    }
}

impl fmt::Display for CallCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (0, Some(0)) => f.write_str("no call to a provider"),
            (1, Some(1)) => f.write_str("one call to a provider"),
            (least, Some(most)) if least == most => write!(f, "{least} calls to providers"),
            (least, Some(most)) => write!(f, "{least} to {most} calls to providers"),
            (1, None) => f.write_str("a call to a provider"),
            (least, None) => write!(f, "{least} or more calls to providers"),
        }
    }
}

impl CallOutcome {
    /// Its name in the simulator's journal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Cut => "cut",
            Self::Left => "left",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_included() {
        let between = CallCount { least: 1, most: Some(3) };
        let allowed: Vec<_> = (0..5).filter(|calls| between.allows(*calls)).collect();
        assert_eq!(allowed, [1, 2, 3]);
        assert!(!between.is_exceeded_by(3) && between.is_exceeded_by(4));
        let any = CallCount { least: 1, most: None };
        assert!(!any.allows(0) && any.allows(1_000) && !any.is_exceeded_by(u64::MAX));
        assert!(CallCount::exactly(0).allows(0) && !CallCount::exactly(0).allows(1));
    }

    #[test]
    fn a_count_is_told_in_words() {
        for (least, most, told) in [
            (0, Some(0), "no call to a provider"),
            (1, Some(1), "one call to a provider"),
            (2, Some(2), "2 calls to providers"),
            (0, Some(2), "0 to 2 calls to providers"),
            (1, None, "a call to a provider"),
        ] {
            assert_eq!(CallCount { least, most }.to_string(), told);
        }
    }
}
