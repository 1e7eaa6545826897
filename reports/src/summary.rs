use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use plumbline_record::{
    Event, Exchange, ExitCode, Level, Miss, ReadError, RequirementRef, RunFinished, RunStarted,
    ScenarioFinished, Tally,
};

use crate::harmless::harmless;
use crate::scenario::{Attempt, Scenario};

/// What one or more records decided, in the order in which reports tell it.
///
/// Exchanges are kept only for attempts that went wrong, so a long run that passes takes little memory. Records of
/// several shards are added one after another. Where two of them hold the same scenario, the later one counts as a
/// further attempt: a failure that a rerun mended shows as flaky, not as nothing. A scenario that was still under way when
/// its run was stopped, or that was to be tried again, is not among the others: nothing was decided of it.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    started: Option<RunStarted>,
    groups: BTreeMap<(String, String), Group>,
    pending: HashMap<(String, u32), Vec<Exchange>>,
    /// By scenario, attempts that another was to follow.
    unfollowed: HashMap<String, Vec<Attempt>>,
    records: usize,
    ended: usize,
    interrupted: bool,
    duration_us: u64,
}

impl Summary {
    /// Folds a whole record, such as [`plumbline_record::read`] yields.
    ///
    /// # Errors
    ///
    /// The first event that could not be read.
    pub fn read(events: impl IntoIterator<Item = Result<Event, ReadError>>) -> Result<Self, ReadError> {
        let mut summary = Self::default();
        for event in events {
            summary.add(event?);
        }
        Ok(summary)
    }

    /// Folds one more event in.
    pub fn add(&mut self, event: Event) {
        match harmless(event) {
            Event::RunStarted(started) => self.start(started),
            Event::ScenarioStarted(_) => {}
            Event::Exchange(exchange) => {
                let key = (exchange.scenario.clone(), exchange.attempt);
                self.pending.entry(key).or_default().push(*exchange);
            }
            Event::ScenarioFinished(finished) => self.finish_scenario(*finished),
            Event::RunFinished(finished) => {
                self.ended += 1;
                self.interrupted |= finished.interrupted;
                self.duration_us = self.duration_us.saturating_add(finished.duration_us);
            }
        }
    }

    fn start(&mut self, started: RunStarted) {
        self.records += 1;
        // What a record that was cut short left open must not be taken for the next one's.
        self.pending.clear();
        let Some(first) = &mut self.started else {
            self.started = Some(started);
            return;
        };
        first.selected += started.selected;
        // Together they are another part than the first alone.
        first.shard = None;
        if started.started_at < first.started_at {
            first.started_at = started.started_at;
        }
        for contract in started.contracts {
            let known = first
                .contracts
                .iter()
                .any(|other| other.name == contract.name && other.version == contract.version);
            if !known {
                first.contracts.push(contract);
            }
        }
    }

    fn finish_scenario(&mut self, finished: ScenarioFinished) {
        let key = (finished.scenario.clone(), finished.attempt);
        let exchanges = self.pending.remove(&key).unwrap_or_default();
        let (scenario, last) = (key.0, finished.last);
        let group = (finished.contract.clone(), finished.group.clone());
        let attempt = Attempt::new(finished, exchanges);
        if !last {
            self.unfollowed.entry(scenario).or_default().push(attempt);
            return;
        }
        let attempts = self.unfollowed.remove(&scenario).into_iter().flatten().chain([attempt]);
        let group =
            self.groups.entry(group).or_insert_with_key(|(contract, name)| Group::new(contract, name));
        attempts.for_each(|attempt| group.push(attempt));
    }

    /// What the run was: the first record's, with the contracts and the number of scenarios of later records added.
    pub fn started(&self) -> Option<&RunStarted> {
        self.started.as_ref()
    }

    /// What a contract demands in a requirement, where a record says it.
    pub fn requirement(&self, contract: &str, id: &str) -> Option<&RequirementRef> {
        let contracts = self.started.iter().flat_map(|started| &started.contracts);
        let mut requirements =
            contracts.filter(|known| known.name == contract).flat_map(|known| &known.requirements);
        requirements.find(|requirement| requirement.id == id)
    }

    /// How binding the requirement behind a missed check is, where a record says it.
    pub(crate) fn level(&self, contract: &str, miss: &Miss) -> Option<Level> {
        let id = miss.requirement.as_deref()?;
        self.requirement(contract, id).map(|requirement| requirement.level)
    }

    /// How the run ended, all records together; none when one of them was cut short.
    pub fn finished(&self) -> Option<RunFinished> {
        (!self.cut_short()).then(|| RunFinished {
            tally: self.tally(),
            interrupted: self.interrupted,
            duration_us: self.duration_us,
        })
    }

    /// Whether a run was stopped before every selected scenario had run.
    pub fn interrupted(&self) -> bool {
        self.interrupted
    }

    /// Whether a record lacks its last line, or there is no record at all.
    pub fn cut_short(&self) -> bool {
        self.ended < self.records.max(1)
    }

    /// How long the runs took together, in microseconds.
    pub fn duration_us(&self) -> u64 {
        self.duration_us
    }

    /// The groups, by contract and then by name.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// Every scenario, by group and then by id.
    pub fn scenarios(&self) -> impl Iterator<Item = &Scenario> {
        self.groups().flat_map(Group::scenarios)
    }

    /// The cases of every last attempt, counted.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for scenario in self.scenarios() {
            scenario.count(&mut tally);
        }
        tally
    }

    /// The exit code that this summary asks for.
    ///
    /// `strict` turns a case that could not be tested into one that is not conformant. A record that is not whole
    /// never proves conformance, and that a run was stopped is no reason to select something else.
    pub fn exit_code(&self, strict: bool) -> ExitCode {
        match self.tally().exit_code(strict) {
            ExitCode::Conformant | ExitCode::NothingChecked if self.interrupted => ExitCode::NotConformant,
            ExitCode::Conformant if self.cut_short() => ExitCode::NotConformant,
            code => code,
        }
    }
}

/// Scenarios that are reported together: a suite in JUnit, a line in a terminal.
#[derive(Clone, Debug)]
pub struct Group {
    contract: String,
    name: String,
    scenarios: BTreeMap<String, Scenario>,
}

impl Group {
    fn new(contract: &str, name: &str) -> Self {
        Self { contract: contract.to_owned(), name: name.to_owned(), scenarios: BTreeMap::new() }
    }

    fn push(&mut self, attempt: Attempt) {
        match self.scenarios.entry(attempt.finished.scenario.clone()) {
            Entry::Vacant(place) => {
                place.insert(Scenario::new(attempt));
            }
            Entry::Occupied(mut place) => place.get_mut().push(attempt),
        }
    }

    /// The contract that its scenarios belong to.
    pub fn contract(&self) -> &str {
        &self.contract
    }

    /// The group's name within the contract.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `contract.name`, unique in a summary.
    pub fn qualified_name(&self) -> String {
        format!("{}.{}", self.contract, self.name)
    }

    /// The scenarios, by id.
    pub fn scenarios(&self) -> impl Iterator<Item = &Scenario> {
        self.scenarios.values()
    }

    /// The cases of its last attempts, counted.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for scenario in self.scenarios() {
            scenario.count(&mut tally);
        }
        tally
    }
}
