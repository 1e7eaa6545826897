//! What is generated and checked in is what the types say today.

use std::fs;

use crate::support::{plumbline, root, texts};

fn schema(arguments: &[&str]) -> String {
    let (code, stdout, _) = texts(plumbline().arg("schema").args(arguments).output().unwrap());
    assert_eq!(code, 0);
    stdout
}

#[test]
fn json_schemas_have_not_drifted() {
    for kind in ["scenario", "contract", "dialect", "target", "expectations", "config", "statement"] {
        let file = format!("docs/schemas/{kind}.json");
        let written = fs::read_to_string(root().join(&file)).unwrap();
        assert!(written == schema(&[kind]), "{file} is out of date: plumbline schema {kind} > {file}");
    }
}

#[test]
fn references_in_the_guides_have_not_drifted() {
    for (file, kind) in [
        ("docs/scenarios.md", "scenario"),
        ("docs/targets.md", "target"),
        ("docs/gherkin.md", "gherkin"),
        ("docs/configuration.md", "config"),
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let (_, rest) = text.split_once("do not edit -->").unwrap();
        let (reference, _) = rest.split_once("<!-- end of reference -->").unwrap();
        let current = schema(&[kind, "--format", "markdown"]);
        assert!(
            reference.trim() == current.trim(),
            "the reference in {file} is out of date: plumbline schema {kind} --format markdown"
        );
    }
}

#[test]
fn the_catalogue_is_covered() {
    let ids = fs::read_to_string(root().join("scenarios/gsai/ids.csv")).unwrap();
    let finished = crate::support::run::<&str>([]).finished();
    for id in ids.lines().skip(1).filter_map(|line| line.split(',').next()) {
        let covering: Vec<_> =
            finished.iter().filter(|finished| finished.covers.iter().any(|covered| covered == id)).collect();
        assert!(!covering.is_empty(), "no scenario covers {id}");
        for case in covering.iter().flat_map(|finished| &finished.cases) {
            assert_eq!(case.verdict, plumbline_record::Verdict::Passed, "{id}: {}", case.name);
        }
    }
}
