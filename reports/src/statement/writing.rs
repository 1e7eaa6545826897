use std::collections::{BTreeMap, BTreeSet};

use plumbline_record::{
    Case, Configuration, ContractRef, Expectation, ExpectationKind, Level, Offered, TargetRef, Verdict,
};
use thiserror::Error;

use super::{
    Answers, Capabilities, Claim, Contract, ContractFacts, Dialect, Expected, FORMAT, Failure, Flaky,
    Implementation, Levels, Outcome, Requirements, Run, Statement, Target, Unsupported, Untested, Warning,
    reproduce,
};
use crate::detail::{heading, sentence, why};
use crate::printable::{one_line, printable};
use crate::scenario::Scenario;
use crate::standing::{Standing, standings};
use crate::summary::Summary;

/// Why there is no record of a case.
const NOT_RUN: &str = "not selected, or not finished before the run ended";
/// The capability of every target that has a simulator of its providers. Nobody declares it, so it is no unknown word.
const UPSTREAM: &str = "upstream";

/// Why a statement could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StatementError {
    /// The records hold no run.
    #[error("find a run in the records")]
    NoRun,
    /// The record is from before descriptors were kept.
    #[error("find what the target declares: the record is of an earlier version, so run again with this one")]
    NoConfiguration,
    /// Other requirements or other scenarios were run than are known here.
    #[error(
        "hold the record against the contract `{name}`: the run was against version {version} with the digest \
         {digest}, which is not the one known here"
    )]
    OtherContract {
        /// The contract.
        name: String,
        /// Its version in the record.
        version: String,
        /// Its digest in the record.
        digest: String,
    },
    /// The record holds a case that the contract does not.
    #[error("find the case `{case}` in the contract `{contract}`")]
    UnknownCase {
        /// The case.
        case: String,
        /// The contract.
        contract: String,
    },
    /// It could not be put into words.
    #[error("write the statement as YAML: {0}")]
    Yaml(String),
}

impl Statement {
    /// What records say about an implementation, held against all that the contracts demand.
    ///
    /// # Errors
    /// When the records do not say what the target declares, or are of other contracts than `known`.
    pub fn new(
        summary: &Summary,
        known: &[ContractFacts],
        implementation: Implementation,
    ) -> Result<Self, StatementError> {
        let started = summary.started().ok_or(StatementError::NoRun)?;
        let configuration = started.target.configuration.as_deref().ok_or(StatementError::NoConfiguration)?;
        let whole = !summary.interrupted() && !summary.cut_short();
        let mut contracts = Vec::new();
        let mut not_claimed = Vec::new();
        for contract in &started.contracts {
            match configuration.contracts.get(&contract.name) {
                Some(offered) => contracts.push(told(summary, contract, known, offered, whole)?),
                None => not_claimed.push(contract.name.clone()),
            }
        }
        contracts.sort_by(|a, b| a.name.cmp(&b.name));
        not_claimed.sort();
        let is_run = |name: &String| started.contracts.iter().any(|contract| contract.name == *name);
        Ok(Self {
            format: FORMAT,
            implementation,
            date: started.started_at.clone(),
            plumbline: started.plumbline.clone(),
            reproduce: reproduce::recorded(started),
            reproduce_given: false,
            run: Run { retries: started.retries, whole },
            target: target(&started.target, configuration),
            contracts,
            not_run: configuration.contracts.keys().filter(|name| !is_run(name)).cloned().collect(),
            not_claimed,
        })
    }
}

fn target(target: &TargetRef, configuration: &Configuration) -> Target {
    let Configuration { scripted, roles, observers, means, .. } = configuration;
    Target {
        name: target.name.clone(),
        url: target.url.clone(),
        descriptor: target.digest.clone(),
        answers: if *scripted { Answers::Scripted } else { Answers::Live },
        roles: roles.clone(),
        observers: observers.clone(),
        means: means.clone(),
    }
}

/// What came of a contract.
fn told(
    summary: &Summary,
    contract: &ContractRef,
    known: &[ContractFacts],
    offered: &Offered,
    whole: bool,
) -> Result<Contract, StatementError> {
    let ContractRef { name, version, digest, .. } = contract;
    let facts = ContractFacts::named(known, name).filter(|facts| facts.is(version, digest));
    let Some(facts) = facts else {
        let (name, version, digest) = (name.clone(), version.clone(), digest.clone());
        return Err(StatementError::OtherContract { name, version, digest });
    };
    let seen = seen(summary, facts)?;
    let mut told = Contract {
        name: name.clone(),
        version: version.clone(),
        digest: digest.clone(),
        claim: Claim::Partial,
        because: Vec::new(),
        path: offered.path.clone(),
        models: offered.models.clone(),
        dialects: offered.dialects.iter().map(|(name, own)| (name.clone(), dialect(own, facts))).collect(),
        capabilities: Capabilities::default(),
        requirements: Requirements::default(),
        cases: Levels::default(),
        failed: Vec::new(),
        expected_failures: Vec::new(),
        flaky: Vec::new(),
        warnings: Vec::new(),
        unsupported: Vec::new(),
        untested: Vec::new(),
    };
    for name in facts.cases.keys() {
        match seen.get(name.as_str()) {
            Some((scenario, case)) => told.list(scenario, case, facts),
            None => told.leave(name, Outcome::NotRun, NOT_RUN),
        }
    }
    let standings = standings(summary);
    let is_kept = |id: &str| matches!(standings.get(&(name.as_str(), id)), Some((_, Standing::Kept)));
    told.requirements = told.weighed_requirements(facts, is_kept);
    told.requirements.counts = told.counted_requirements(facts);
    told.cases = told.counted_cases(facts);
    told.capabilities = capabilities(&told, offered, facts);
    (told.claim, told.because) = told.conclusion(whole);
    Ok(told)
}

/// What the records decided, by case.
type Seen<'s> = BTreeMap<&'s str, (&'s Scenario, &'s Case)>;

fn seen<'s>(summary: &'s Summary, facts: &ContractFacts) -> Result<Seen<'s>, StatementError> {
    let mut seen = Seen::new();
    for scenario in summary.scenarios().filter(|one| one.last().finished.contract == facts.contract.name) {
        for case in scenario.cases() {
            if !facts.cases.contains_key(&case.name) {
                let (case, contract) = (case.name.clone(), facts.contract.name.clone());
                return Err(StatementError::UnknownCase { case, contract });
            }
            seen.insert(&case.name, (scenario, case));
        }
    }
    Ok(seen)
}

impl Contract {
    /// Puts a case into the lists that it belongs to; one that simply passed belongs to none.
    fn list(&mut self, scenario: &Scenario, case: &Case, facts: &ContractFacts) {
        let name = case.name.clone();
        let words = || why(case).unwrap_or_else(|| case.verdict.word().to_owned());
        let missed = case.misses.iter().filter(|miss| miss.level == Level::Must);
        let missed: BTreeSet<_> = missed.filter_map(|miss| miss.requirement.clone()).collect();
        let listed = case.expectation.as_ref();
        let flaky = listed.filter(|listed| listed.kind == ExpectationKind::Flaky);
        match (case.verdict, listed) {
            (Verdict::Failed, Some(listed)) if case.is_expected_failure() => {
                self.expect(name, listed, missed);
            }
            (Verdict::Passed | Verdict::Failed | Verdict::Error, _)
                if flaky.is_some() || scenario.recovered(case) =>
            {
                self.flaky.push(Flaky {
                    case: name,
                    outcome: outcome(case.verdict),
                    attempts: scenario.attempts(),
                    requirements: missed.into_iter().collect(),
                    reason: flaky.map(|flaky| printable(flaky.reason.trim()).into_owned()),
                    link: flaky.and_then(link),
                });
            }
            (Verdict::Passed, _) => {}
            (Verdict::Failed | Verdict::Error, _) => {
                self.failed.push(Failure {
                    case: name,
                    outcome: outcome(case.verdict),
                    requirements: missed.into_iter().collect(),
                    why: words(),
                });
            }
            (Verdict::Unsupported, _) => {
                let reason = words();
                match self.unsupported.iter_mut().find(|group| group.reason == reason) {
                    Some(group) => group.cases.push(name),
                    None => self.unsupported.push(Unsupported { reason, cases: vec![name] }),
                }
            }
            (Verdict::NotTestable | Verdict::Disabled, _) => {
                self.leave(&name, outcome(case.verdict), &words());
            }
        }
        self.warnings.extend(case.warnings().map(|miss| {
            let required = miss.requirement.as_deref().and_then(|id| facts.level(id));
            Warning {
                case: case.name.clone(),
                requirement: miss.requirement.clone(),
                why: format!("{}: {}", heading(miss, required), sentence(miss)),
            }
        }));
    }

    /// Lists a case that failed as it was expected, with the requirements that it missed.
    fn expect(&mut self, case: String, listed: &Expectation, missed: BTreeSet<String>) {
        let (reason, link) = (printable(listed.reason.trim()), link(listed));
        let groups = &mut self.expected_failures;
        match groups.iter_mut().find(|group| group.reason == reason && group.link == link) {
            Some(group) => {
                group.cases.push(case);
                group.requirements.extend(missed);
                group.requirements.sort_unstable();
                group.requirements.dedup();
            }
            None => {
                let (reason, requirements) = (reason.into_owned(), missed.into_iter().collect());
                groups.push(Expected { reason, link, cases: vec![case], requirements });
            }
        }
    }

    /// Lists a case of which nothing is known.
    fn leave(&mut self, case: &str, outcome: Outcome, reason: &str) {
        let is_same = |group: &&mut Untested| (group.outcome, group.reason.as_str()) == (outcome, reason);
        match self.untested.iter_mut().find(is_same) {
            Some(group) => group.cases.push(case.to_owned()),
            None => {
                let (reason, cases) = (reason.to_owned(), vec![case.to_owned()]);
                self.untested.push(Untested { outcome, reason, cases });
            }
        }
    }
}

/// Where more is said of what the user expects.
fn link(listed: &Expectation) -> Option<String> {
    listed.link.as_deref().map(|link| one_line(link, usize::MAX))
}

fn outcome(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Passed => Outcome::Passed,
        Verdict::Failed => Outcome::Failed,
        Verdict::Error => Outcome::Error,
        Verdict::Unsupported => Outcome::Unsupported,
        Verdict::NotTestable => Outcome::NotTestable,
        Verdict::Disabled => Outcome::Disabled,
    }
}

fn dialect(offered: &Offered, facts: &ContractFacts) -> Dialect {
    let Offered { path, models, capabilities, .. } = offered;
    let own = capabilities.iter().filter(|name| facts.capabilities.contains(*name));
    Dialect { path: path.clone(), models: models.clone(), capabilities: own.cloned().collect() }
}

fn capabilities(told: &Contract, offered: &Offered, facts: &ContractFacts) -> Capabilities {
    let all = [offered].into_iter().chain(offered.dialects.values());
    let all: BTreeSet<&String> = all.flat_map(|offered| &offered.capabilities).collect();
    let (own, mut unknown): (Vec<_>, Vec<_>) =
        all.into_iter().cloned().partition(|name| facts.capabilities.contains(name));
    unknown.retain(|name| name != UPSTREAM);
    let not_declared = facts.capabilities.iter().filter(|name| !own.contains(name)).cloned().collect();
    let declared = own.into_iter().map(|name| {
        let claim = told.shown(&name, facts);
        (name, claim)
    });
    Capabilities { declared: declared.collect(), not_declared, unknown }
}
