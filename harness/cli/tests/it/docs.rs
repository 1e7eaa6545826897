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
    for kind in ["scenario", "contract", "target"] {
        let file = format!("docs/schemas/{kind}.json");
        let written = fs::read_to_string(root().join(&file)).unwrap();
        assert!(written == schema(&[kind]), "{file} is out of date: plumbline schema {kind} > {file}");
    }
}

#[test]
fn references_in_the_guides_have_not_drifted() {
    for (file, kind) in [("docs/scenarios.md", "scenario"), ("docs/targets.md", "target")] {
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
    let run = crate::support::run::<&str>([]);
    let verdicts = run.verdicts();
    for id in ids.lines().skip(1).filter_map(|line| line.split(',').next()) {
        assert_eq!(verdicts.get(id), Some(&plumbline_record::Verdict::Passed), "{id}");
        assert_eq!(verdicts.get(&format!("{id}[billing]")), Some(&plumbline_record::Verdict::Passed), "{id}");
    }
}
