use plumbline_record::{Case, Exchange, Level, ScenarioFinished, Tally, Verdict};

/// A scenario and every attempt at it, for a report to judge by the last and to tell of the rest.
#[derive(Clone, Debug)]
pub struct Scenario {
    earlier: Vec<Attempt>,
    last: Attempt,
}

impl Scenario {
    pub(crate) fn new(attempt: Attempt) -> Self {
        Self { earlier: Vec::new(), last: attempt }
    }

    pub(crate) fn push(&mut self, attempt: Attempt) {
        self.earlier.push(std::mem::replace(&mut self.last, attempt));
    }

    /// The scenario's id.
    pub fn id(&self) -> &str {
        &self.last.finished.scenario
    }

    /// The attempt that is judged.
    pub fn last(&self) -> &Attempt {
        &self.last
    }

    /// The attempts before it, in order.
    pub fn earlier(&self) -> &[Attempt] {
        &self.earlier
    }

    /// Number of attempts, those of records added before included.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.earlier.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The cases of the attempt that is judged.
    pub fn cases(&self) -> &[Case] {
        &self.last.finished.cases
    }

    /// Earlier attempts in which the case of that name failed or broke.
    pub fn setbacks<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a Attempt, &'a Case)> {
        self.earlier.iter().filter_map(move |attempt| {
            let case = attempt.case(name)?;
            case.verdict.is_adverse().then_some((attempt, case))
        })
    }

    /// Whether a case passed that failed or broke before.
    pub fn recovered(&self, case: &Case) -> bool {
        case.verdict == Verdict::Passed && self.setbacks(&case.name).next().is_some()
    }

    /// An earlier attempt that shows more of a failure than the last: that one saw no more than that no answer came.
    pub(crate) fn revealing(&self, case: &Case) -> Option<Revealing<'_>> {
        if !case.verdict.is_adverse() || !is_silent(case) {
            return None;
        }
        self.earlier.iter().zip(1..).find_map(|(attempt, number)| {
            let case =
                attempt.case(&case.name).filter(|case| case.verdict.is_adverse() && !is_silent(case))?;
            Some(Revealing { number, attempt, case })
        })
    }

    pub(crate) fn count(&self, tally: &mut Tally) {
        // A record added after another may repeat what passed there; a repetition alone is not flaky.
        let attempt = if self.earlier.iter().any(Attempt::is_adverse) { self.attempts() } else { 1 };
        for case in self.cases() {
            tally.add(case, attempt);
        }
    }
}

/// An earlier attempt by which a failure is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Revealing<'s> {
    /// From 1.
    pub(crate) number: u32,
    pub(crate) attempt: &'s Attempt,
    pub(crate) case: &'s Case,
}

/// Whether a case that went wrong says nothing of any answer.
fn is_silent(case: &Case) -> bool {
    let mut musts = case.misses.iter().filter(|miss| miss.level == Level::Must);
    // What the engine calls an answer that did not come to its end, and a scenario that did not.
    musts.all(|miss| matches!(miss.subject.as_str(), "response" | "duration"))
}

/// One attempt at a scenario: what was decided, and what was sent where that is needed to understand it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The end of the attempt, with its cases.
    pub finished: ScenarioFinished,
    /// What was sent and received; empty unless a case failed, broke or has a warning.
    pub exchanges: Vec<Exchange>,
}

impl Attempt {
    pub(crate) fn new(finished: ScenarioFinished, exchanges: Vec<Exchange>) -> Self {
        let telling =
            finished.cases.iter().any(|case| case.verdict.is_adverse() || case.warnings().next().is_some());
        Self { finished, exchanges: if telling { exchanges } else { Vec::new() } }
    }

    /// The case of that name.
    pub fn case(&self, name: &str) -> Option<&Case> {
        self.finished.cases.iter().find(|case| case.name == name)
    }

    /// The last exchange of a step; a step that polls or bursts has several.
    pub fn exchange(&self, step: &str) -> Option<&Exchange> {
        self.exchanges.iter().rev().find(|exchange| exchange.step == step)
    }

    /// The exchanges that show why a case failed: one for each step with a missed MUST, or the last one of all.
    pub(crate) fn at_fault(&self, case: &Case) -> Vec<&Exchange> {
        let mut steps: Vec<&str> = Vec::new();
        for miss in case.misses.iter().filter(|miss| miss.level == Level::Must) {
            if !steps.contains(&miss.step.as_str()) {
                steps.push(&miss.step);
            }
        }
        if steps.is_empty() {
            self.exchanges.last().into_iter().collect()
        } else {
            steps.into_iter().filter_map(|step| self.exchange(step)).collect()
        }
    }

    fn is_adverse(&self) -> bool {
        self.finished.cases.iter().any(|case| case.verdict.is_adverse())
    }
}
