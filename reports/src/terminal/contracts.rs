use plumbline_record::Tally;

use crate::scenario::Scenario;
use crate::summary::{Group, Summary};

/// What a run has of one contract.
pub(super) struct Contract<'s> {
    pub(super) name: &'s str,
    pub(super) groups: Vec<&'s Group>,
}

impl<'s> Contract<'s> {
    /// The contracts of a run, by name.
    pub(super) fn all(summary: &'s Summary) -> Vec<Self> {
        let mut contracts: Vec<Self> = Vec::new();
        for group in summary.groups() {
            match contracts.last_mut() {
                Some(last) if last.name == group.contract() => last.groups.push(group),
                _ => contracts.push(Self { name: group.contract(), groups: vec![group] }),
            }
        }
        contracts
    }

    /// Its scenarios, by group and then by id.
    pub(super) fn scenarios(&self) -> impl Iterator<Item = &'s Scenario> {
        self.groups.iter().copied().flat_map(Group::scenarios)
    }

    /// The cases of last attempts, counted.
    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for scenario in self.scenarios() {
            scenario.count(&mut tally);
        }
        tally
    }
}
