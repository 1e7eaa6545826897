use std::collections::{BTreeMap, BTreeSet};

use plumbline_record::{Case, Level, Miss, ScenarioFinished, Verdict};
use serde::{Deserialize, Serialize};

use super::Defect;

/// A scenario, as it went on the gateway without a defect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sound {
    /// The catalogue ids that it covers.
    pub covers: Vec<String>,
    /// The catalogue ids that single steps cover, by the steps' names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub step_covers: BTreeMap<String, Vec<String>>,
    /// The requirements that its cases verify.
    pub verifies: BTreeSet<String>,
    /// Its cases.
    pub cases: BTreeSet<String>,
    /// Those that did not pass, or not without a warning.
    pub wrong: Vec<Wrong>,
}

/// What came of one defect.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// By requirement, the cases in which a check that verifies it missed.
    pub kills: BTreeMap<String, BTreeSet<String>>,
    /// By case, the steps in which such a check missed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub steps: BTreeMap<String, BTreeSet<String>>,
    /// The cases that went wrong for another reason than the defect.
    pub bystanders: Vec<Wrong>,
}

/// A case that went wrong where it had no reason to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wrong {
    /// Its name.
    pub case: String,
    /// What was decided.
    pub verdict: Verdict,
    /// Why.
    pub reason: Option<String>,
    /// The checks that missed.
    pub misses: Vec<Miss>,
}

impl From<&Case> for Wrong {
    fn from(case: &Case) -> Self {
        Self {
            case: case.name.clone(),
            verdict: case.verdict,
            reason: case.reason.clone(),
            misses: case.misses.clone(),
        }
    }
}

impl Sound {
    pub(super) fn new(finished: &ScenarioFinished) -> Self {
        let cases = &finished.cases;
        let verified = cases.iter().flat_map(|case| &case.verifies);
        let wrong = cases.iter().filter(|case| case.verdict != Verdict::Passed || !case.misses.is_empty());
        Self {
            covers: finished.covers.clone(),
            step_covers: finished.step_covers.clone(),
            verifies: verified.map(|verified| verified.requirement.clone()).collect(),
            cases: cases.iter().map(|case| case.name.clone()).collect(),
            wrong: wrong.map(Wrong::from).collect(),
        }
    }
}

impl Trial {
    pub(super) fn new(defect: &Defect, finished: &[ScenarioFinished]) -> Self {
        let mut trial = Self::default();
        for finished in finished {
            let own = finished.cases.iter().filter(|case| case.observer.is_none());
            let noticing = own.flat_map(|case| &case.misses).filter(|miss| miss.level == Level::Must);
            let noticing = noticing.filter(|miss| is_of(miss, defect));
            let steps: BTreeSet<&str> = noticing.map(|miss| miss.step.as_str()).collect();
            for case in &finished.cases {
                trial.judge(case, defect, &steps);
            }
        }
        trial.bystanders.sort_by(|a, b| a.case.cmp(&b.case));
        trial
    }

    /// Takes what came of a case, whose scenario's own checks have noticed the defect in some steps. What is wrong there of what
    /// providers were asked follows from the defect: where a caller is let in who has no right to, one is asked. No other
    /// observer looks at a step that missed.
    fn judge(&mut self, case: &Case, defect: &Defect, steps: &BTreeSet<&str>) {
        let mut noticed = case.observer.as_deref() == Some("upstream")
            && !case.misses.is_empty()
            && case.misses.iter().all(|miss| steps.contains(miss.step.as_str()));
        for miss in &case.misses {
            let Some(requirement) = miss.requirement.as_ref().filter(|_| is_of(miss, defect)) else {
                continue;
            };
            noticed = true;
            self.kills.entry(requirement.clone()).or_default().insert(case.name.clone());
            self.steps.entry(case.name.clone()).or_default().insert(miss.step.clone());
        }
        let wrong = case.verdict == Verdict::Failed || !case.misses.is_empty();
        // A case that broke has decided nothing, whatever it saw before.
        if case.verdict == Verdict::Error || (wrong && !noticed) {
            self.bystanders.push(case.into());
        }
    }
}

/// Whether a check missed of what a defect breaks.
fn is_of(miss: &Miss, defect: &Defect) -> bool {
    miss.requirement.as_ref().is_some_and(|id| defect.breaks.contains(id))
}
