//! A scenario in Gherkin and its twin in YAML are the same scenario, but for their places.

use std::fs;
use std::path::{Path, PathBuf};

use plumbline_harness::source::written::file::ScenarioFile;
use plumbline_harness::source::{Files, gherkin, load, yaml};
use regex::Regex;

use crate::support::templates;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a value consists of, without the places where it is written.
pub(crate) fn without_places(value: &impl std::fmt::Debug) -> String {
    let places = Regex::new(r"(?s)(?:span: Span|location: Location) \{[^}]*\},?\s*").unwrap();
    // The names in a template come in any order.
    let names = Regex::new(r"(?s)names: \[[^\]]*\],?\s*").unwrap();
    let shown = format!("{value:#?}");
    names.replace_all(&places.replace_all(&shown, ""), "").into_owned()
}

/// What is read of a file, without mistakes.
pub(crate) fn read(name: &str, text: &str) -> ScenarioFile {
    let feature = Path::new(name).extension().is_some_and(|ending| ending == "feature");
    let (file, errors) = if feature { gherkin::decode(text) } else { yaml::decode(text) };
    assert!(errors.is_empty(), "{name}: {errors:#?}");
    file.unwrap()
}

/// The scenarios of a file of the contract `gsai`, one after the other.
fn scenarios(name: &str, text: &str) -> Vec<String> {
    let contract = fs::read_to_string(root().join("scenarios/gsai/contract.yaml")).unwrap();
    let files = Files::in_memory([("gsai/contract.yaml", contract.as_str()), (name, text)]);
    let folder = root().join("fixtures/schemas/gsai");
    let schemas: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let schemas: Vec<_> =
        schemas.iter().map(|path| format!("gsai/{}", path.file_stem().unwrap().to_string_lossy())).collect();
    let schemas: Vec<_> = schemas.iter().map(String::as_str).collect();
    let (suite, mistakes) = load(files, &schemas, templates());
    let told: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{told:#?}");
    suite.scenarios.iter().map(without_places).collect()
}

#[test]
fn twins_are_the_same() {
    for (name, expected) in [("auth-scope", 9), ("billing", 2)] {
        let (feature, twin) = (format!("{name}.feature"), format!("{name}.yaml"));
        let in_gherkin = fs::read_to_string(root().join("scenarios/gsai").join(&feature)).unwrap();
        let in_yaml = fs::read_to_string(root().join("harness/tests/it/twins").join(&twin)).unwrap();
        assert_eq!(
            without_places(&read(&feature, &in_gherkin)),
            without_places(&read(&twin, &in_yaml)),
            "{name} is written in two ways"
        );
        let (gherkin, yaml) = (
            scenarios(&format!("gsai/{feature}"), &in_gherkin),
            scenarios(&format!("gsai/{twin}"), &in_yaml),
        );
        assert_eq!(gherkin.len(), expected, "{name}");
        for (one, other) in gherkin.iter().zip(&yaml) {
            assert_eq!(one, other, "{name}");
        }
        assert_eq!(gherkin.len(), yaml.len(), "{name}");
    }
}

#[test]
fn the_example_of_the_guide_is_sound() {
    let guide = fs::read_to_string(root().join("docs/gherkin.md")).unwrap();
    let example = guide.split("```gherkin\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(scenarios("gsai/first.feature", example).len(), 1);
}
