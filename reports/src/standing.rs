use std::collections::BTreeMap;

use plumbline_record::{Level, Verdict};

use crate::summary::Summary;

/// What a run shows of one requirement.
///
/// The order is from worst to best, so that what is known of it in the end is the minimum of its cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// A check that verifies it missed, whatever became of the case.
    Missed,
    /// No check of it missed, and a case that verifies it passed.
    Kept,
    /// None of its cases was decided, or they failed for another reason, or passed without looking at it.
    Undecided,
}

/// What a run shows of each requirement that its cases speak of, by contract and id, with its level. Where a whole contract
/// was selected these are all of its requirements.
pub fn standings(summary: &Summary) -> BTreeMap<(&str, &str), (Level, Standing)> {
    let mut standings = BTreeMap::new();
    for scenario in summary.scenarios() {
        let contract = scenario.last().finished.contract.as_str();
        for case in scenario.cases() {
            let shown = if case.verdict == Verdict::Passed { Standing::Kept } else { Standing::Undecided };
            let verified = case.verifies.iter().map(|one| (one.requirement.as_str(), one.level, shown));
            let unreached = case.unreached.iter();
            let unreached = unreached.map(|one| (one.requirement.as_str(), one.level, Standing::Undecided));
            let missed = case
                .misses
                .iter()
                .filter_map(|miss| Some((miss.requirement.as_deref()?, miss.level, Standing::Missed)));
            for (id, level, standing) in verified.chain(unreached).chain(missed) {
                // A check may bind otherwise than the requirement.
                let level = || summary.requirement(contract, id).map_or(level, |known| known.level);
                let (_, known) = standings.entry((contract, id)).or_insert_with(|| (level(), standing));
                *known = standing.min(*known);
            }
        }
    }
    standings
}
