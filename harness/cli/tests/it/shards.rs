//! A run in several parts: each scenario in one of them, and joined what the whole would have been.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{Run, plumbline, run, run_with, texts};

/// Enough scenarios that no shard is without some, and quick ones.
const SELECTED: [&str; 2] = ["SEQ_AUTH_*", "SEQ_MODEL_*"];

/// A run in three shards, with these arguments.
fn shards(arguments: &[&str]) -> [Run; 3] {
    ["1/3", "2/3", "3/3"].map(|shard| run([arguments, &["--shard", shard]].concat()))
}

fn records(runs: &[Run]) -> Vec<PathBuf> {
    runs.iter().map(|run| run.out.path().join("run.jsonl")).collect()
}

/// `plumbline report merge` into `merged.jsonl` of a folder.
fn merge(records: &[PathBuf], folder: &TempDir) -> (i32, String, String) {
    let mut command = plumbline();
    command.args(["report", "merge"]).args(records).arg("--out").arg(folder.path().join("merged.jsonl"));
    texts(command.output().unwrap())
}

/// What `plumbline report` says of `merged.jsonl`, besides the JUnit file.
fn report(folder: &TempDir) -> (i32, String) {
    let mut command = plumbline();
    command.arg("report").arg(folder.path().join("merged.jsonl"));
    let (code, stdout, _) =
        texts(command.arg("--junit").arg(folder.path().join("junit.xml")).output().unwrap());
    (code, stdout)
}

/// A JUnit file without times, and without the address, since each run starts a gateway on a port of its own.
fn timeless(folder: &Path) -> String {
    let junit = fs::read_to_string(folder.join("junit.xml")).unwrap();
    let mut text = String::new();
    for line in junit.lines().filter(|line| !line.contains("name=\"url\"")) {
        let mut rest = line;
        while let Some((before, after)) = rest.split_once(" time=\"") {
            text.push_str(before);
            rest = after.split_once('"').unwrap().1;
        }
        text.push_str(rest);
        text.push('\n');
    }
    text
}

#[test]
fn what_is_joined_is_what_the_whole_would_have_been() {
    let whole = run(SELECTED);
    assert_eq!(whole.code, 0, "{}", whole.stdout);
    let runs = shards(&SELECTED);
    let sizes: Vec<_> = runs.iter().map(|run| run.finished().len()).collect();
    let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
    assert!(*least > 0 && most - least <= 1, "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), whole.finished().len());
    assert!(runs[1].stdout.contains("shard 2/3"), "{}", runs[1].stdout);

    let folder = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = merge(&records(&runs), &folder);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    let (code, told) = report(&folder);
    assert_eq!(code, 0, "{told}");
    assert!(!told.contains("shard"), "{told}");
    assert_eq!(timeless(folder.path()), timeless(whole.out.path()));
}

#[test]
fn a_failure_of_one_shard_is_one_of_the_whole() {
    let broken = [&SELECTED[..], &["--defect", "wrong-model-echoed", "--shuffle"]].concat();
    let whole = run(&broken);
    let runs = shards(&broken);
    assert_eq!(whole.code, 1);
    let joined: BTreeMap<_, _> = runs.iter().flat_map(Run::verdicts).collect();
    assert_eq!(joined, whole.verdicts());
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(merge(&records(&runs), &folder).0, 0);
    assert_eq!(report(&folder).0, 1);
}

#[test]
fn the_parts_do_not_depend_on_the_order() {
    let parts = |arguments: &[&str]| {
        let ids = |run: &Run| run.finished().into_iter().map(|one| one.scenario).collect::<BTreeSet<_>>();
        shards(&[&["SEQ_AUTH_*"][..], arguments].concat()).each_ref().map(ids)
    };
    assert_eq!(parts(&[]), parts(&["--shuffle", "--seed", "7"]));
}

#[test]
fn records_of_other_runs_are_refused_and_nothing_is_written() {
    let runs = shards(&["SEQ_AUTH_*"]);
    let own = records(&runs);
    let strangers = [run(["SEQ_AUTH_*"]), run(["SEQ_MODEL_*", "--shard", "3/3"])];
    let strange = records(&strangers);
    let folder = tempfile::tempdir().unwrap();
    for (records, part) in [
        (own[..2].to_vec(), "failed to merge the records: shard 3/3 is missing"),
        (vec![own[0].clone(), own[1].clone(), own[1].clone()], "both are shard 2/3"),
        (vec![own[0].clone(), own[1].clone(), strange[1].clone()], "different arguments"),
        (vec![strange[0].clone()], "it is of a whole run, not of a shard"),
        (vec!["no-such-record".into()], "failed to open no-such-record"),
    ] {
        let (code, _, stderr) = merge(&records, &folder);
        assert_eq!(code, 3, "{stderr}");
        assert!(stderr.contains(part), "{part} is not in {stderr}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_list_of_known_failures_is_for_all_shards() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("expected.yaml");
    let text = "expected:\n  - { cases: \"SEQ_BILLING_001_TC01[billing]\", reason: Not yet }\n";
    fs::write(&file, text).unwrap();
    let parts = ["1/2", "2/2"].map(|shard| {
        let arguments = ["SEQ_BILLING_*", "--shard", shard, "--expect", file.to_str().unwrap()];
        run_with(plumbline(), arguments)
    });
    // What is listed passes in the first, and is not there in the second: that is no mistake, and nothing stale.
    assert_eq!(parts.each_ref().map(|part| part.code), [6, 0], "{}{}", parts[0].stdout, parts[1].stderr);
    let merged = tempfile::tempdir().unwrap();
    assert_eq!(merge(&records(&parts), &merged).0, 0);
    assert_eq!(report(&merged).0, 6);

    // The same name, and another content.
    fs::write(&file, text.replace("Not yet", "Not ever")).unwrap();
    let arguments = ["SEQ_BILLING_*", "--shard", "2/2", "--expect", file.to_str().unwrap()];
    let other = run_with(plumbline(), arguments);
    let (code, _, stderr) = merge(&records(&[parts.into_iter().next().unwrap(), other]), &merged);
    assert_eq!(code, 3);
    assert!(stderr.contains("they were run with different files of expected failures"), "{stderr}");
}

#[test]
fn what_is_no_shard_is_wrong_usage() {
    for shard in ["0/3", "4/3", "3", "1/0", "a/b"] {
        let run = run(["SEQ_AUTH_*", "--shard", shard]);
        assert_eq!(run.code, 2, "{shard}: {}", run.stdout);
        assert!(run.stderr.contains("such as `2/4`"), "{}", run.stderr);
    }
}
