use std::collections::BTreeMap;

use plumbline_record::{
    Configuration, ContractRef, Event, ExpectationKind, Level, Offered, RequirementRef, RunFinished,
    RunStarted, ScenarioFinished, TargetRef, Verdict,
};
use plumbline_reports::statement::{
    CaseFacts, Claim, Contract, ContractFacts, Failure, Flaky, Implementation, Outcome, Statement,
    StatementError, Target, Warning,
};
use plumbline_reports::{Standing, Summary, standings};

use crate::events::{
    case, ended, failed, finished, fold, listed, miss, record, requirement, started, undecided,
};

/// A contract of four cases; two of them need a capability each.
fn known() -> Vec<ContractFacts> {
    let polite = RequirementRef { id: "chat.polite".into(), level: Level::Should, ..requirement() };
    let case = |name: &str, requires: &[&str]| {
        let verifies = vec!["chat.model-echoed".to_owned(), "chat.polite".to_owned()];
        let requires = requires.iter().map(ToString::to_string).collect();
        (name.to_owned(), CaseFacts { level: Level::Must, requires, verifies, may_verify: Vec::new() })
    };
    vec![ContractFacts {
        contract: ContractRef {
            name: "gsai".into(),
            version: "1.2".into(),
            digest: "d".into(),
            requirements: vec![requirement(), polite],
        },
        capabilities: ["chat", "images"].map(str::to_owned).into(),
        cases: [case("A", &[]), case("B", &["chat"]), case("C", &["images"]), case("D", &[])].into(),
    }]
}

/// A run against a gateway that declares these capabilities.
fn declaring(capabilities: &[&str]) -> RunStarted {
    let offered = Offered {
        path: "/gsai".into(),
        capabilities: capabilities.iter().map(ToString::to_string).collect(),
        models: BTreeMap::from([("chat".to_owned(), "m-1".to_owned())]),
        dialects: BTreeMap::new(),
    };
    let configuration = Configuration {
        scripted: true,
        roles: BTreeMap::from([("all_scopes".to_owned(), "environment variable MY_KEY".to_owned())]),
        observers: vec!["billing".into()],
        means: vec!["mint keys".into()],
        contracts: BTreeMap::from([("gsai".to_owned(), offered)]),
    };
    let target = TargetRef { configuration: Some(Box::new(configuration)), ..started().target };
    let arguments = ["--contract", "gsai", "SEQ_*", "--timeout", "1m 30s"].map(str::to_owned).to_vec();
    RunStarted { target, arguments, ..started() }
}

fn run(started: RunStarted, attempts: impl IntoIterator<Item = ScenarioFinished>) -> Summary {
    let events = record(attempts).into_iter().skip(1);
    fold([Event::RunStarted(started)].into_iter().chain(events))
}

fn implementation() -> Implementation {
    Implementation { name: "Gateway: mine".into(), version: "2.10".into() }
}

fn written(summary: &Summary) -> Statement {
    match Statement::new(summary, &known(), implementation()) {
        Ok(statement) => statement,
        Err(error) => panic!("{error}"),
    }
}

fn contract(summary: &Summary) -> Contract {
    let mut contracts = written(summary).contracts;
    assert_eq!(contracts.len(), 1, "{contracts:?}");
    contracts.remove(0)
}

fn passing(id: &str) -> ScenarioFinished {
    finished(id, 1, vec![case(id, Verdict::Passed)])
}

/// `C` needs what is not declared; everything else passed.
fn conformant() -> Vec<ScenarioFinished> {
    let unsupported = undecided("C", Verdict::Unsupported, "the target does not declare `images`");
    vec![passing("A"), passing("B"), finished("C", 1, vec![unsupported]), passing("D")]
}

/// As [`conformant()`], but for one scenario.
fn but(changed: ScenarioFinished) -> Vec<ScenarioFinished> {
    let mut all = conformant();
    all.retain(|finished| finished.scenario != changed.scenario);
    all.push(changed);
    all
}

#[test]
fn what_is_checked_and_holds_is_conformant() {
    let statement = written(&run(declaring(&["chat", "streams"]), conformant()));
    assert_eq!(statement.date, "2026-01-02T03:04:05Z");
    assert_eq!(statement.reproduce, "plumbline run --contract gsai 'SEQ_*' --timeout '1m 30s'");
    assert!(statement.not_run.is_empty() && statement.not_claimed.is_empty(), "{statement:?}");
    let Target { descriptor, roles, .. } = &statement.target;
    assert_eq!((descriptor.as_str(), roles["all_scopes"].as_str()), ("d", "environment variable MY_KEY"));
    let told = &statement.contracts[0];
    assert_eq!(told.claim, Claim::Conformant);
    assert!(told.because.is_empty(), "{:?}", told.because);
    assert_eq!((told.path.as_str(), told.models["chat"].as_str()), ("/gsai", "m-1"));
    assert_eq!((told.cases.must.passed, told.cases.must.unsupported), (3, 1));
    assert_eq!((told.requirements.counts.must.kept, told.requirements.counts.should.kept), (1, 1));
    assert_eq!(told.capabilities.declared, BTreeMap::from([("chat".to_owned(), Claim::Conformant)]));
    assert_eq!(
        (&told.capabilities.not_declared[..], &told.capabilities.unknown[..]),
        (&["images".to_owned()][..], &["streams".to_owned()][..])
    );
    assert_eq!(told.unsupported[0].cases, ["C"]);
}

#[test]
fn whatever_is_excused_or_missing_keeps_it_from_being_conformant() {
    let flaky = ScenarioFinished { last: false, ..finished("D", 1, vec![failed("D")]) };
    let recovered = [but(flaky), vec![finished("D", 2, vec![case("D", Verdict::Passed)])]].concat();
    let one = |case| but(finished("D", 1, vec![case]));
    for (attempts, because) in [
        (one(listed(ExpectationKind::ExpectedFailure, failed("D"))), "1 case failed as expected"),
        (one(listed(ExpectationKind::Flaky, failed("D"))), "1 case flaky"),
        (one(listed(ExpectationKind::Flaky, case("D", Verdict::Passed))), "1 case flaky"),
        (recovered, "1 case flaky"),
        (one(undecided("D", Verdict::NotTestable, "no key")), "1 case not testable"),
        (one(undecided("D", Verdict::Disabled, "by the user")), "1 case disabled"),
        (conformant().into_iter().filter(|finished| finished.scenario != "D").collect(), "1 case not run"),
        (but(ScenarioFinished { last: false, ..passing("D") }), "1 case not run"),
    ] {
        let told = contract(&run(declaring(&["chat"]), attempts));
        assert_eq!((told.claim, told.because), (Claim::Partial, vec![because.to_owned()]));
    }
}

#[test]
fn a_capability_that_is_claimed_has_to_be_shown() {
    let unseen = but(finished("C", 1, vec![undecided("C", Verdict::NotTestable, "no image")]));
    let told = contract(&run(declaring(&["chat", "images"]), unseen));
    assert_eq!(told.because, ["1 case not testable", "declared and not shown: images"]);
    assert_eq!(told.capabilities.declared["images"], Claim::Partial);
    assert_eq!(told.capabilities.declared["chat"], Claim::Conformant);

    let told = contract(&run(declaring(&["chat", "images"]), but(finished("C", 1, vec![failed("C")]))));
    assert_eq!(told.capabilities.declared["images"], Claim::NotConformant);
    assert_eq!(told.claim, Claim::NotConformant);
}

#[test]
fn a_failure_is_told_with_what_was_missed() {
    let error = undecided("D", Verdict::Error, "out of sockets");
    let mut attempts = but(finished("B", 1, vec![failed("B")]));
    attempts.retain(|finished| finished.scenario != "D");
    attempts.push(finished("D", 1, vec![listed(ExpectationKind::ExpectedFailure, error)]));
    let told = contract(&run(declaring(&["chat"]), attempts));
    assert_eq!(told.claim, Claim::NotConformant);
    assert_eq!(told.because, ["1 case failed", "1 case in error", "declared and not shown: chat"]);
    let [first, second] = &told.failed[..] else { panic!("{:?}", told.failed) };
    assert_eq!((first.case.as_str(), first.outcome), ("B", Outcome::Failed));
    assert_eq!(first.requirements, ["chat.model-echoed"]);
    assert!(first.why.contains("$.model"), "{}", first.why);
    assert_eq!(
        (second.case.as_str(), second.outcome, second.why.as_str()),
        ("D", Outcome::Error, "out of sockets")
    );
    assert_eq!(told.requirements.missed, ["chat.model-echoed"]);
    assert_eq!(told.requirements.counts.must.missed, 1);
}

#[test]
fn a_missed_should_is_a_warning() {
    let mut polite = miss(Level::Should);
    polite.requirement = Some("chat.polite".into());
    let warned = plumbline_record::Case { misses: vec![polite], ..case("D", Verdict::Passed) };
    let told = contract(&run(declaring(&["chat"]), but(finished("D", 1, vec![warned]))));
    assert_eq!(told.claim, Claim::Conformant);
    assert_eq!(told.requirements.warned, ["chat.polite"]);
    assert_eq!((told.warnings.len(), told.warnings[0].case.as_str()), (1, "D"));
    assert!(told.warnings[0].why.starts_with("SHOULD chat.polite: chat: $.model"), "{:?}", told.warnings);
}

#[test]
fn requirements_are_kept_only_by_what_was_looked_at() {
    let blind = |id: &str| {
        let case = plumbline_record::Case { verifies: Vec::new(), ..case(id, Verdict::Passed) };
        finished(id, 1, vec![case])
    };
    let told = contract(&run(declaring(&["chat"]), ["A", "B", "D"].map(blind)));
    assert_eq!(told.requirements.unreached, ["chat.model-echoed", "chat.polite"]);
    let unsupported = ["A", "B", "C", "D"]
        .map(|id| finished(id, 1, vec![undecided(id, Verdict::Unsupported, "it has nothing")]));
    let told = contract(&run(declaring(&[]), unsupported));
    assert_eq!(told.requirements.unsupported, ["chat.model-echoed", "chat.polite"]);
    assert_eq!((told.claim, &told.because[..]), (Claim::Partial, &["no case passed".to_owned()][..]));
    let told = contract(&run(declaring(&[]), []));
    assert_eq!(told.requirements.undecided, ["chat.model-echoed", "chat.polite"]);
    assert_eq!(told.because, ["4 cases not run", "2 requirements undecided", "no case passed"]);
}

/// A summary and a statement of a whole contract count the same requirements, also those that nothing looked at.
#[test]
fn as_many_requirements_are_counted_as_in_the_summary() {
    let by_level = |summary: &Summary, level: Level| -> [usize; 3] {
        let mut counts = BTreeMap::new();
        for (_, (_, standing)) in standings(summary).into_iter().filter(|(_, (known, _))| *known == level) {
            *counts.entry(standing).or_insert(0) += 1;
        }
        let count = |standing| counts.get(&standing).copied().unwrap_or_default();
        [count(Standing::Kept), count(Standing::Missed), count(Standing::Undecided)]
    };
    let blind = |id: &str, verdict| {
        let mut case = undecided(id, verdict, "nobody looks");
        if verdict == Verdict::Passed {
            case.unreached = std::mem::take(&mut case.verifies);
        }
        finished(id, 1, vec![case])
    };
    for attempts in [
        conformant(),
        but(finished("D", 1, vec![failed("D")])),
        ["A", "B", "C", "D"].map(|id| blind(id, Verdict::Passed)).to_vec(),
        ["A", "B", "C", "D"].map(|id| blind(id, Verdict::NotTestable)).to_vec(),
    ] {
        let summary = run(declaring(&["chat", "images"]), attempts);
        let counts = contract(&summary).requirements.counts;
        for (level, counts) in [(Level::Must, counts.must), (Level::Should, counts.should)] {
            let left = counts.unreached + counts.unsupported + counts.undecided;
            let told = [counts.kept, counts.missed + counts.warned, left];
            assert_eq!(by_level(&summary, level), told, "{level:?}");
        }
    }
}

#[test]
fn a_run_that_was_stopped_shows_nothing_for_certain() {
    let mut events = record(conformant());
    events[0] = Event::RunStarted(declaring(&["chat"]));
    events.pop();
    assert_eq!(contract(&fold(events.clone())).because, ["the run did not come to its end"]);
    events.push(Event::RunFinished(RunFinished { interrupted: true, ..ended() }));
    assert_eq!(contract(&fold(events)).claim, Claim::Partial);
}

#[test]
fn contracts_that_are_claimed_and_not_run_or_run_and_not_claimed_are_named() {
    let mut started = declaring(&[]);
    let configuration = started.target.configuration.as_mut().unwrap();
    let offered = configuration.contracts.remove("gsai").unwrap();
    configuration.contracts.insert("openai".to_owned(), offered);
    let statement = written(&run(started, conformant()));
    assert_eq!(
        (&statement.not_run[..], &statement.not_claimed[..]),
        (&["openai".to_owned()][..], &["gsai".to_owned()][..])
    );
    assert!(statement.contracts.is_empty());
}

#[test]
fn what_cannot_be_held_against_the_contract_is_refused() {
    let refused = |summary: &Summary, known: &[ContractFacts]| {
        Statement::new(summary, known, implementation()).unwrap_err()
    };
    let whole = run(declaring(&[]), conformant());
    let mut other = known();
    other[0].contract.digest = "e".into();
    let error = refused(&whole, &other);
    assert!(matches!(error, StatementError::OtherContract { .. }), "{error}");
    assert!(
        error.to_string().contains("`gsai`: the run was against version 1.2 with the digest d"),
        "{error}"
    );
    assert!(matches!(refused(&whole, &[]), StatementError::OtherContract { .. }));
    assert!(matches!(refused(&Summary::default(), &known()), StatementError::NoRun));
    let old = run(started(), conformant());
    assert!(matches!(refused(&old, &known()), StatementError::NoConfiguration));
    let unknown = run(declaring(&[]), but(passing("E")));
    assert!(matches!(refused(&unknown, &known()), StatementError::UnknownCase { case, .. } if case == "E"));
}

#[test]
fn what_is_written_is_read_again() {
    let reasons =
        ["yes", "1.0", "- a: b # c", "it's \"quoted\"", "two\nlines", "ünï\u{1b}[31m", " x ", "{", "~"];
    let mut attempts = but(finished("B", 1, vec![listed(ExpectationKind::ExpectedFailure, failed("B"))]));
    attempts.retain(|finished| finished.scenario != "D");
    for reason in reasons {
        let attempts =
            [attempts.clone(), vec![finished("D", 1, vec![undecided("D", Verdict::Error, reason)])]];
        let statement = written(&run(declaring(&["chat", reason]), attempts.concat()));
        let text = statement.to_yaml().unwrap();
        let again: Statement =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(again, statement, "{text}");
        for part in [
            "\n# ",
            "format: 1\n",
            "  name: \"Gateway: mine\"\n",
            "reproduce: ",
            "MUST: {passed: 1, failed: 1, error: 1, unsupported: 1, not_testable: 0, disabled: 0, not_run: 0}",
            "  claim: not conformant\n",
        ] {
            assert!(format!("\n{text}").contains(part), "{part} is not in\n{text}");
        }
    }
}

/// A statement with something in every list.
fn full() -> Statement {
    let known_failure = listed(ExpectationKind::ExpectedFailure, failed("D"));
    let unseen = undecided("B", Verdict::NotTestable, "no key");
    let unsupported = undecided("C", Verdict::Unsupported, "no images");
    let attempts = [("A", failed("A")), ("B", unseen), ("C", unsupported), ("D", known_failure)];
    written(&run(declaring(&["chat"]), attempts.map(|(id, case)| finished(id, 1, vec![case]))))
}

fn found(statement: &Statement, known: &[ContractFacts]) -> Vec<(String, String)> {
    let findings = statement.check(known);
    findings.into_iter().map(|finding| (finding.at.join("/"), finding.message)).collect()
}

#[test]
fn a_command_that_is_given_is_believed_and_that_of_the_record_is_compared() {
    let sound = full();
    let given = sound.clone().reproduced_by("ci/run mine".to_owned()).unwrap();
    assert!(found(&given, &known()).is_empty());
    assert!(given.compare(&sound).unwrap().is_empty());
    let text = given.to_yaml().unwrap();
    assert!(text.contains("\nreproduce: ci/run mine\nreproduce_given: true\n"), "{text}");
    assert_eq!(serde_saphyr::from_str::<Statement>(&text).unwrap(), given);
    assert!(!sound.to_yaml().unwrap().contains("reproduce_given"));

    let other = Statement { reproduce: "ci/run mine".to_owned(), ..sound.clone() };
    let places: Vec<_> = other.compare(&sound).unwrap().into_iter().map(|finding| finding.at).collect();
    assert_eq!(places, [["reproduce"]]);
    let odd = Statement { reproduce: "ci/run\u{1b}[2J".to_owned(), ..given };
    let found = found(&odd, &known());
    assert!(
        matches!(&found[..], [(at, message)] if at == "reproduce" && message.contains("one line")),
        "{found:?}"
    );
}

/// A change to the statement, where it is found, and a part of what is said of it.
type Change<'c> = (fn(&mut Contract), &'c str, &'c str);

/// Each of these changes to a sound statement is found.
fn assert_found(sound: &Statement, known: &[ContractFacts], changes: &[Change<'_>]) {
    assert!(found(sound, known).is_empty(), "{:?}", found(sound, known));
    for (change, place, part) in changes {
        let mut statement = sound.clone();
        statement.contracts.iter_mut().for_each(*change);
        let found = found(&statement, known);
        let expected = format!("contracts/0/{place}");
        let is_told = |(at, message): &(String, String)| *at == expected && message.contains(*part);
        assert!(found.iter().any(is_told), "{expected}: {part} is not in {found:?}");
    }
}

#[test]
fn what_contradicts_itself_is_found_where_it_is() {
    let changes: [Change<'_>; 14] = [
        (
            |told| told.claim = Claim::Conformant,
            "claim",
            "this says `conformant`, and the lists make it `not conformant`",
        ),
        (|told| told.because.clear(), "because", "1 case failed"),
        (|told| told.cases.must.passed += 1, "cases/MUST", "\"passed\":1"),
        (|told| told.cases.may.not_run += 1, "cases/MAY", "\"not_run\":1"),
        (|told| told.failed.clear(), "cases/MUST", "\"passed\":1"),
        (|told| told.untested[0].cases.push("A".into()), "untested", "the case `A` is listed twice"),
        (|told| told.untested[0].cases.push("Z".into()), "untested", "the contract has no case `Z`"),
        (
            |told| told.untested[0].outcome = Outcome::Passed,
            "untested",
            "`passed` does not belong into this list",
        ),
        (|told| told.requirements.missed.clear(), "requirements/counts/MUST", "\"kept\":1"),
        (|told| told.requirements.warned.push("x".into()), "requirements/warned", "no requirement `x`"),
        (
            |told| told.requirements.warned.push("chat.model-echoed".into()),
            "requirements/warned",
            "the requirement `chat.model-echoed` is listed twice",
        ),
        (
            |told| *told.capabilities.declared.get_mut("chat").unwrap() = Claim::Conformant,
            "capabilities/declared/chat",
            "this says `conformant`, and the lists make it `partial`",
        ),
        (|told| told.capabilities.not_declared.clear(), "capabilities", "not all the capabilities"),
        (|told| told.digest = "e".into(), "digest", "this version of `gsai` has the digest d here"),
    ];
    assert_found(&full(), &known(), &changes);
}

#[test]
fn what_does_not_follow_from_what_the_cases_require_is_found() {
    let changes: [Change<'_>; 6] = [
        (
            |told| told.unsupported[0].cases.push(told.untested.remove(0).cases.remove(0)),
            "unsupported",
            "`B` requires nothing that is not declared",
        ),
        (
            |told| {
                told.capabilities.declared.insert("images".into(), Claim::Partial);
                told.capabilities.not_declared.clear();
            },
            "unsupported",
            "`C` requires nothing that is not declared",
        ),
        (
            |told| {
                let name = told.capabilities.declared.pop_first().map(|(name, _)| name);
                told.capabilities.not_declared.extend(name);
            },
            "capabilities/not_declared",
            "`B` requires `chat`, which is not declared, and came to `not testable` all the same",
        ),
        (
            |told| told.unsupported.clear(),
            "capabilities/not_declared",
            "`C` requires `images`, which is not declared, and came to `passed` all the same",
        ),
        (
            |told| told.capabilities.not_declared.push("chat".into()),
            "capabilities/not_declared",
            "declared as well",
        ),
        (
            |told| told.capabilities.unknown.push("chat".into()),
            "capabilities/unknown",
            "knows the capability `chat`",
        ),
    ];
    assert_found(&full(), &known(), &changes);
}

#[test]
fn what_does_not_follow_from_what_the_cases_verify_is_found() {
    let changes: [Change<'_>; 7] = [
        (
            |told| {
                told.failed[0].requirements.clear();
                told.expected_failures[0].requirements.clear();
            },
            "requirements/missed",
            "`chat.model-echoed` is missed here, and the lists of cases make it undecided",
        ),
        (
            |told| told.requirements.missed.clear(),
            "requirements/missed",
            "`chat.model-echoed` is kept here, and the lists of cases make it missed",
        ),
        (
            |told| told.requirements.undecided.clear(),
            "requirements/undecided",
            "`chat.polite` is kept here, and the lists of cases make it undecided",
        ),
        (
            |told| std::mem::swap(&mut told.requirements.undecided, &mut told.requirements.unreached),
            "requirements/unreached",
            "`chat.polite` is unreached here, and the lists of cases make it undecided",
        ),
        (
            |told| std::mem::swap(&mut told.requirements.undecided, &mut told.requirements.unsupported),
            "requirements/unsupported",
            "`chat.polite` is unsupported here, and the lists of cases make it undecided",
        ),
        (|told| told.failed[0].requirements.push("x".into()), "failed", "no requirement `x`"),
        (
            |told| {
                let requirement = Some("chat.polite".to_owned());
                told.warnings.push(Warning { case: "A".into(), requirement, why: "odd".into() });
            },
            "requirements/undecided",
            "`chat.polite` is undecided here, and the lists of cases make it warned",
        ),
    ];
    assert_found(&full(), &known(), &changes);
}

#[test]
fn what_cannot_be_is_found() {
    let changes: [Change<'_>; 3] = [
        (|told| told.unsupported[0].cases.clear(), "unsupported", "a reason is given for no case"),
        (
            |told| {
                let warning = Warning { case: "C".into(), requirement: None, why: "odd".into() };
                told.warnings.push(warning);
            },
            "warnings",
            "`C` did not run",
        ),
        (
            |told| {
                let Failure { case, outcome, requirements, .. } = told.failed.remove(0);
                told.flaky.push(Flaky { case, outcome, attempts: 1, requirements, reason: None, link: None });
            },
            "flaky",
            "`A` is not listed as flaky and was tried once",
        ),
    ];
    assert_found(&full(), &known(), &changes);
}

#[test]
fn what_is_written_can_be_derived_again() {
    let listed_as = |kind, case| but(finished("D", 1, vec![listed(kind, case)]));
    let polite = plumbline_record::Miss { requirement: Some("chat.polite".into()), ..miss(Level::Should) };
    let warned = plumbline_record::Case { misses: vec![polite], ..case("D", Verdict::Passed) };
    let again = ScenarioFinished { last: false, ..finished("D", 1, vec![failed("D")]) };
    let blind = plumbline_record::Case { verifies: Vec::new(), ..case("D", Verdict::Passed) };
    for attempts in [
        conformant(),
        listed_as(ExpectationKind::ExpectedFailure, failed("D")),
        listed_as(ExpectationKind::Flaky, failed("D")),
        listed_as(ExpectationKind::Flaky, case("D", Verdict::Passed)),
        but(finished("D", 1, vec![warned])),
        but(finished("D", 1, vec![undecided("D", Verdict::NotTestable, "no key")])),
        but(finished("D", 1, vec![undecided("D", Verdict::Error, "out of sockets")])),
        [but(again), vec![finished("D", 2, vec![failed("D")])]].concat(),
        vec![finished("D", 1, vec![blind])],
        vec![passing("A")],
    ] {
        for capabilities in [&["chat"][..], &["chat", "streams"], &["chat", "upstream"]] {
            let statement = written(&run(declaring(capabilities), attempts.clone()));
            assert!(
                found(&statement, &known()).is_empty(),
                "{:?}\n{statement:#?}",
                found(&statement, &known())
            );
        }
    }
    let upstream = written(&run(declaring(&["chat", "upstream"]), conformant()));
    assert!(upstream.contracts[0].capabilities.unknown.is_empty(), "{upstream:?}");
}

#[test]
fn what_is_looked_at_only_sometimes_is_undecided_where_it_was_not() {
    let mut known = known();
    for case in known[0].cases.values_mut() {
        case.verifies.retain(|id| id != "chat.polite");
        case.may_verify.push("chat.polite".into());
    }
    let told = |verified: bool| {
        let one = |id: &str| {
            let mut case = case(id, Verdict::Passed);
            case.verifies.retain(|one| verified || one.requirement != "chat.polite");
            finished(id, 1, vec![case])
        };
        let unsupported = undecided("C", Verdict::Unsupported, "the target does not declare `images`");
        let attempts = vec![one("A"), one("B"), finished("C", 1, vec![unsupported]), one("D")];
        Statement::new(&run(declaring(&["chat"]), attempts), &known, implementation()).unwrap()
    };
    let (looked_at, not) = (told(true), told(false));
    assert_eq!(looked_at.contracts[0].claim, Claim::Conformant);
    assert_eq!(not.contracts[0].because, ["1 requirement undecided"]);
    assert!(found(&looked_at, &known).is_empty() && found(&not, &known).is_empty());
}

#[test]
fn a_statement_that_tells_nothing_does_not_hold() {
    let mut statement = full();
    assert!(!statement.tells_nothing());
    statement.contracts.clear();
    let nothing = "nothing is told: no case of any contract passed or failed".to_owned();
    assert_eq!(found(&statement, &known()), [("contracts".to_owned(), nothing.clone())]);
    let untested =
        ["A", "B", "C", "D"].map(|id| finished(id, 1, vec![undecided(id, Verdict::NotTestable, "no key")]));
    let empty = written(&run(declaring(&["chat", "images"]), untested));
    assert!(empty.tells_nothing());
    assert_eq!(found(&empty, &known()), [("contracts".to_owned(), nothing)]);
}

#[test]
fn of_a_contract_one_thing_is_said() {
    let mut statement = full();
    statement.not_run = vec!["gsai".into(), "openai".into()];
    statement.not_claimed = vec!["openai".into()];
    assert_eq!(
        found(&statement, &known()),
        [
            ("not_run".to_owned(), "something else is said of `gsai` as well".to_owned()),
            ("not_claimed".to_owned(), "something else is said of `openai` as well".to_owned()),
        ]
    );
}

/// A contract of one scenario in three dialects, whose gateway offers two of them, and images in one.
fn spelt() -> (Vec<ContractFacts>, RunStarted) {
    let names = ["G@anthropic", "G@gemini", "G@gemini[upstream]", "G@openai", "G@openai[upstream]"];
    let spelt = |facts: ContractFacts| {
        let case = facts.cases.get("C").cloned().unwrap_or_default();
        ContractFacts { cases: names.map(|name| (name.to_owned(), case.clone())).into(), ..facts }
    };
    let mut started = declaring(&[]);
    let spoken = |name: &str, images: &[&str]| {
        let capabilities = images.iter().map(ToString::to_string).collect();
        (name.to_owned(), Offered { capabilities, ..Offered::default() })
    };
    for offered in started.target.configuration.iter_mut().flat_map(|one| one.contracts.values_mut()) {
        offered.dialects = [spoken("anthropic", &[]), spoken("openai", &["images"])].into();
    }
    (known().into_iter().map(spelt).collect(), started)
}

#[test]
fn each_dialect_has_capabilities_of_its_own() {
    let (known, started) = spelt();
    let unsupported = |id: &str, why: &str| undecided(id, Verdict::Unsupported, why);
    let not_offered = "the target does not offer `gsai` in the dialect `gemini`";
    let attempts = [
        finished("G@anthropic", 1, vec![unsupported("G@anthropic", "the target does not declare `images`")]),
        finished(
            "G@gemini",
            1,
            vec![unsupported("G@gemini", not_offered), unsupported("G@gemini[upstream]", not_offered)],
        ),
        finished(
            "G@openai",
            1,
            vec![case("G@openai", Verdict::Passed), case("G@openai[upstream]", Verdict::Passed)],
        ),
    ];
    let statement = Statement::new(&run(started, attempts), &known, implementation()).unwrap();
    let told = &statement.contracts[0];
    assert!(told.claim == Claim::Conformant && told.because.is_empty(), "{:?}", told.because);
    assert_eq!(told.capabilities.declared, BTreeMap::from([("images".to_owned(), Claim::Conformant)]));
    assert_eq!(told.dialects["openai"].capabilities, ["images"]);
    let text = statement.to_yaml().unwrap();
    let again: Statement = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(again, statement, "{text}");
    let changes: [Change<'_>; 4] = [
        (
            |told| told.dialects.get_mut("anthropic").unwrap().capabilities.push("images".into()),
            "unsupported",
            "`G@anthropic` requires nothing that is not declared",
        ),
        (
            |told| told.dialects.get_mut("openai").unwrap().capabilities.clear(),
            "capabilities/not_declared",
            "`G@openai` requires `images`, which is not declared, and came to `passed` all the same",
        ),
        (
            |told| drop(told.dialects.remove("openai")),
            "dialects",
            "`G@openai` is of a dialect that is not offered",
        ),
        (
            |told| told.dialects.get_mut("openai").unwrap().capabilities.push("chat".into()),
            "dialects/openai/capabilities",
            "`chat` is not declared",
        ),
    ];
    assert_found(&statement, &known, &changes);
}

#[test]
fn what_was_under_way_when_the_run_was_stopped_was_not_run() {
    let mut events = record(but(ScenarioFinished { last: false, ..finished("D", 1, vec![failed("D")]) }));
    events[0] = Event::RunStarted(declaring(&["chat"]));
    events.pop();
    events.push(Event::RunFinished(RunFinished { interrupted: true, ..ended() }));
    let told = contract(&fold(events));
    assert_eq!((told.claim, told.failed.len()), (Claim::Partial, 0));
    assert_eq!(told.because, ["1 case not run", "the run did not come to its end"]);
    assert_eq!(told.untested[0].reason, "not selected, or not finished before the run ended");
}

#[test]
fn a_statement_of_another_contract_is_checked_as_far_as_it_goes() {
    let mut statement = full();
    statement.contracts[0].version = "1.1".into();
    let other = "`gsai` has the version 1.2 here".to_owned();
    assert_eq!(found(&statement, &known()), [("contracts/0/version".to_owned(), other.clone())]);
    let told = &mut statement.contracts[0];
    told.failed.clear();
    told.requirements.missed.clear();
    assert_eq!(
        found(&statement, &known()),
        [
            ("contracts/0/version".to_owned(), other),
            ("contracts/0/cases".to_owned(), "2 are counted as `failed`, and 1 are listed".to_owned()),
            (
                "contracts/0/requirements/missed".to_owned(),
                "1 are counted as missed, and 0 are listed".to_owned()
            ),
        ]
    );
    statement.contracts[0].name = "gone".into();
    assert!(found(&statement, &known())[0].1.contains("no contract `gone`"));
}

#[test]
fn a_contract_is_there_once() {
    let mut statement = full();
    statement.contracts.push(statement.contracts[0].clone());
    assert_eq!(
        found(&statement, &known()),
        [("contracts/1/name".to_owned(), "the contract `gsai` is there twice".to_owned())]
    );
}

#[test]
fn what_the_records_do_not_say_is_found_where_it_is() {
    let recorded = full();
    assert!(recorded.compare(&recorded).unwrap().is_empty());
    let mut statement = recorded.clone();
    statement.run.retries = 0;
    statement.target.roles.insert("admin".into(), "minted".into());
    statement.contracts[0].failed[0].why = "cosmic rays".into();
    statement.contracts[0].untested[0].cases.push("A".into());
    let findings = statement.compare(&recorded).unwrap();
    let found: Vec<_> =
        findings.iter().map(|finding| (finding.at.join("/"), finding.message.as_str())).collect();
    let (places, messages): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    assert_eq!(
        places,
        ["run/retries", "target/roles/admin", "contracts/0/failed/0/why", "contracts/0/untested/0/cases"]
    );
    assert_eq!(messages[0], "this says 0, and the records say 1");
    assert_eq!(messages[1], "the records have no `admin` here");
    assert!(
        messages[2].starts_with("this says `cosmic rays`, and the records say `chat: $.model"),
        "{messages:?}"
    );
    assert_eq!(messages[3], "this says [\"B\",\"A\"], and the records say [\"B\"]");
}
