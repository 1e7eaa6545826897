use std::collections::BTreeMap;

use plumbline_record::{
    Configuration, ContractRef, Event, ExpectationKind, Level, Offered, RequirementRef, RunFinished,
    RunStarted, ScenarioFinished, TargetRef, Verdict,
};
use plumbline_reports::Summary;
use plumbline_reports::statement::{
    CaseFacts, Claim, Contract, ContractFacts, Implementation, Outcome, Statement, StatementError, Target,
};

use crate::events::{
    case, ended, failed, finished, fold, listed, miss, record, requirement, started, undecided,
};

/// A contract of four cases; two of them need a capability each.
fn known() -> Vec<ContractFacts> {
    let polite = RequirementRef { id: "chat.polite".into(), level: Level::Should, ..requirement() };
    let case = |name: &str, requires: &[&str]| {
        let verifies = vec!["chat.model-echoed".to_owned(), "chat.polite".to_owned()];
        let requires = requires.iter().map(ToString::to_string).collect();
        (name.to_owned(), CaseFacts { level: Level::Must, requires, verifies })
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

type Change = fn(&mut Contract);

#[test]
fn what_contradicts_itself_is_found_where_it_is() {
    let sound = full();
    assert!(found(&sound, &known()).is_empty(), "{:?}", found(&sound, &known()));
    let changes: [(Change, &str, &str); 14] = [
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
    for (change, place, part) in changes {
        let mut statement = sound.clone();
        change(&mut statement.contracts[0]);
        let found = found(&statement, &known());
        let expected = format!("contracts/0/{place}");
        assert!(
            found.iter().any(|(at, message)| *at == expected && message.contains(part)),
            "{expected}: {part} is not in {found:?}"
        );
    }
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
