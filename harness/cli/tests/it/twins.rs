//! A scenario in Gherkin and its twin in YAML leave the same record, but for places and times.

use std::fs;
use std::path::Path;

use plumbline_record::{Location, ScenarioFinished};

use crate::support::{Run, root, run};

/// Runs one scenario file of the contract `gsai` against the reference gateway.
fn run_alone(file: &Path, arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("gsai")).unwrap();
    for file in [file, Path::new("scenarios/gsai/contract.yaml")] {
        let name = Path::new("gsai").join(file.file_name().unwrap());
        fs::copy(root().join(file), folder.path().join(name)).unwrap();
    }
    let sources = ["--scenarios", folder.path().to_str().unwrap()];
    run(sources.iter().chain(arguments))
}

/// What came of the scenarios, by id, without places and times.
fn finished(run: &Run) -> Vec<ScenarioFinished> {
    let mut all = run.finished();
    for scenario in &mut all {
        scenario.location = Location::default();
        scenario.duration_us = 0;
        for miss in scenario.cases.iter_mut().flat_map(|case| &mut case.misses) {
            miss.location = Location::default();
        }
    }
    all.sort_by(|a, b| a.scenario.cmp(&b.scenario));
    all
}

#[test]
fn twins_leave_the_same_record() {
    // With defects as well, so that checks of answers and of bills are missed.
    let defects = ["--defect", "scope-not-enforced,wrong-model-echoed,billing-event-on-failure"];
    for (name, scenarios) in [("auth-scope", 9), ("billing", 2)] {
        let feature = Path::new("scenarios/gsai").join(name).with_extension("feature");
        let yaml = Path::new("harness/tests/it/twins").join(name).with_extension("yaml");
        for arguments in [&[][..], &defects[..]] {
            let (in_gherkin, in_yaml) = (run_alone(&feature, arguments), run_alone(&yaml, arguments));
            let code = i32::from(!arguments.is_empty());
            assert_eq!(in_gherkin.code, code, "{name}: {}{}", in_gherkin.stdout, in_gherkin.stderr);
            assert_eq!(in_yaml.code, code, "{name}: {}{}", in_yaml.stdout, in_yaml.stderr);
            let of_gherkin = finished(&in_gherkin);
            assert_eq!(of_gherkin.len(), scenarios, "{name}");
            let mut cases = of_gherkin.iter().flat_map(|scenario| &scenario.cases);
            assert_eq!(cases.any(|case| !case.misses.is_empty()), code == 1, "{name}");
            assert_eq!(of_gherkin, finished(&in_yaml), "{name} {arguments:?}");
        }
    }
}
