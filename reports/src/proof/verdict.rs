use std::collections::BTreeMap;

use plumbline_record::{ExitCode, ScenarioFinished};
use serde::{Deserialize, Serialize};

use super::{Defect, FORMAT, Requirement, Sound, Trial};

/// What scenarios say of a gateway without a defect and with each of its deliberate ones.
///
/// A requirement is *killed* by a defect where a check that verifies it misses, a warning counts, and *survives*
/// where none does. A *bystander* is a case that goes wrong without missing any check of what the defect breaks, unless
/// it is an observer's and the scenario's own case has failed for that in the same steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    pub(super) format: u32,
    pub(super) requirements: Vec<Requirement>,
    pub(super) defects: Vec<Defect>,
    /// By scenario.
    pub(super) sound: BTreeMap<String, Sound>,
    /// By defect.
    pub(super) trials: BTreeMap<String, Trial>,
    #[serde(skip)]
    pub(super) interrupted: bool,
}

impl Proof {
    /// Nothing is proved yet. `defects` are all that there are, in the order in which they are told.
    pub fn new(requirements: Vec<Requirement>, defects: Vec<Defect>) -> Self {
        Self {
            format: FORMAT,
            requirements,
            defects,
            sound: BTreeMap::new(),
            trials: BTreeMap::new(),
            interrupted: false,
        }
    }

    /// Takes what finished on the gateway without a defect.
    pub fn baseline(&mut self, finished: &[ScenarioFinished]) {
        self.sound = finished.iter().map(|one| (one.scenario.clone(), Sound::new(one))).collect();
    }

    /// Leaves out the requirements that the scenarios of the baseline do not verify: somebody chose only some.
    pub fn narrow(&mut self) {
        let sound = &self.sound;
        self.requirements
            .retain(|requirement| sound.values().any(|one| one.verifies.contains(&requirement.id)));
    }

    /// Takes what finished with a defect.
    pub fn add(&mut self, defect: &str, finished: &[ScenarioFinished]) {
        if let Some(defect) = self.defects.iter().find(|known| known.id == defect) {
            self.trials.insert(defect.id.clone(), Trial::new(defect, finished));
        }
    }

    /// Notes that not everything was tried.
    pub fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// Whether every case passed on the gateway without a defect, and without a warning.
    pub fn is_sound(&self) -> bool {
        !self.sound.is_empty() && self.sound.values().all(|sound| sound.wrong.is_empty())
    }

    /// Whether it was worth going on, and everything was tried.
    pub fn is_whole(&self) -> bool {
        self.is_sound() && !self.interrupted
    }

    /// The requirements that are to be proved.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Every known defect that breaks a requirement.
    pub fn breakers<'p>(&'p self, requirement: &'p Requirement) -> impl Iterator<Item = &'p Defect> {
        self.defects.iter().filter(|defect| defect.breaks.contains(&requirement.id))
    }

    /// The defects that were tried, with what came of each.
    pub fn tried(&self) -> impl Iterator<Item = (&Defect, &Trial)> {
        self.defects.iter().filter_map(|defect| Some((defect, self.trials.get(&defect.id)?)))
    }

    /// The requirements that a defect breaks, of those that are to be proved.
    pub(super) fn broken<'p>(&'p self, defect: &'p Defect) -> impl Iterator<Item = &'p Requirement> {
        self.requirements.iter().filter(|requirement| defect.breaks.contains(&requirement.id))
    }

    /// The requirements that a tried defect breaks, and no check notices.
    pub fn survivors(&self) -> impl Iterator<Item = (&Defect, &Requirement)> {
        self.tried().flat_map(move |(defect, trial)| {
            let unnoticed = move |requirement: &&Requirement| !trial.kills.contains_key(&requirement.id);
            self.broken(defect).filter(unnoticed).map(move |requirement| (defect, requirement))
        })
    }

    /// The requirements that no defect breaks.
    pub fn unbroken(&self) -> impl Iterator<Item = &Requirement> {
        self.requirements.iter().filter(|requirement| self.breakers(requirement).next().is_none())
    }

    /// Whether a defect was tried, and caught by those who should and by nobody else.
    pub fn is_caught(&self, defect: &str) -> bool {
        self.trials.get(defect).is_some_and(|trial| trial.bystanders.is_empty())
            && !self.survivors().any(|(survivor, _)| survivor.id == defect)
    }

    /// Whether a scenario passed on the gateway without a defect.
    pub fn passed(&self, scenario: &str) -> bool {
        self.sound.get(scenario).is_some_and(|sound| sound.wrong.is_empty())
    }

    /// Whether a defect makes one of a scenario's cases miss a check of a requirement that it breaks.
    pub fn can_fail(&self, scenario: &str) -> bool {
        let Some(sound) = self.sound.get(scenario) else { return false };
        let mut killers = self.trials.values().flat_map(|trial| trial.kills.values().flatten());
        killers.any(|case| sound.cases.contains(case))
    }

    /// Whether a defect makes one of a scenario's cases miss, in one of these steps, a check of a requirement that it breaks.
    pub fn can_fail_at(&self, scenario: &str, steps: &[&str]) -> bool {
        let Some(sound) = self.sound.get(scenario) else { return false };
        let mut noticed = self.trials.values().flat_map(|trial| &trial.steps);
        noticed.any(|(case, missed)| {
            sound.cases.contains(case) && steps.iter().any(|step| missed.contains(*step))
        })
    }

    /// Whether all is proved: nothing survives, nobody is blamed wrongly, and every requirement can be broken.
    pub fn is_proved(&self) -> bool {
        self.is_whole()
            && self.survivors().next().is_none()
            && self.tried().all(|(_, trial)| trial.bystanders.is_empty())
            && self.unbroken().next().is_none()
    }

    /// The exit code that this proof asks for.
    pub fn exit_code(&self) -> ExitCode {
        if self.is_proved() {
            ExitCode::Conformant
        } else if self.sound.is_empty() && !self.interrupted {
            ExitCode::NothingChecked
        } else {
            ExitCode::NotConformant
        }
    }
}
