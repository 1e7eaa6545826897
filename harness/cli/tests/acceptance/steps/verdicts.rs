use std::collections::BTreeSet;

use cucumber::then;
use plumbline_record::{Case, Verdict};

use crate::world::World;

#[then(regex = r"^(\S+) (?:is )?(passed|failed|unsupported|not testable)$")]
fn case_ended(world: &mut World, name: String, verdict: String) {
    assert_eq!(case(world, &name).verdict.word(), verdict, "{}", world.outcome());
}

#[then("every case passed")]
fn every_case_passed(world: &mut World) {
    let cases = world.cases();
    let others: Vec<_> = cases.values().filter(|case| case.verdict != Verdict::Passed).map(told).collect();
    assert!(!cases.is_empty() && others.is_empty(), "{others:#?}\n{}", world.outcome());
}

#[then(regex = "^only (.+) failed$")]
fn only_these_failed(world: &mut World, names: String) {
    let cases = world.cases();
    let adverse: BTreeSet<_> = cases.values().filter(|case| case.verdict.is_adverse()).map(told).collect();
    let expected: BTreeSet<_> = names.split(", ").map(|name| format!("{name} failed")).collect();
    assert_eq!(adverse, expected, "{}", world.outcome());
}

#[then(expr = "{word} has a warning about {word}")]
fn warning(world: &mut World, name: String, requirement: String) {
    let case = case(world, &name);
    let missed: Vec<_> = case.warnings().filter_map(|miss| miss.requirement.as_deref()).collect();
    assert!(missed.contains(&requirement.as_str()), "{missed:?}\n{}", world.outcome());
}

fn case(world: &World, name: &str) -> Case {
    world.cases().remove(name).unwrap_or_else(|| panic!("there is no case {name}\n{}", world.outcome()))
}

fn told(case: &Case) -> String {
    format!("{} {}", case.name, case.verdict)
}
