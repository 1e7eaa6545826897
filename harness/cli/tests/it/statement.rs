//! What is published of a gateway, and how a reader finds out whether it holds.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Run, plumbline, root, run, texts};

const MADE: [&str; 4] = ["--implementation", "The reference gateway", "--version", "0.1.0"];

fn record(run: &Run) -> PathBuf {
    run.out.path().join("run.jsonl")
}

fn output(command: &mut Command) -> (i32, String, String) {
    texts(command.output().unwrap())
}

/// The statement that is made from records.
fn statement(records: &[PathBuf]) -> String {
    let (code, stdout, stderr) = output(plumbline().arg("statement").args(records).args(MADE));
    assert_eq!(code, 0, "{stderr}");
    stdout
}

/// What `plumbline statement verify` says of a text.
fn verified(text: &str, record: Option<&Path>) -> (i32, String, String) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("statement.yaml");
    fs::write(&file, text).unwrap();
    let mut command = plumbline();
    command.args(["statement", "verify"]).arg(file);
    if let Some(record) = record {
        command.arg("--record").arg(record);
    }
    output(&mut command)
}

#[test]
fn the_reference_is_conformant_and_its_statement_holds() {
    let run = run(["--contract", "gsai"]);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("statement.yaml");
    let mut command = plumbline();
    command.arg("statement").arg(record(&run)).args(MADE).arg("--out").arg(&file);
    let (code, stdout, stderr) = output(&mut command);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text, statement(&[record(&run)]));
    for part in [
        "  name: The reference gateway\n",
        "reproduce: plumbline run --contract gsai\n",
        "- name: gsai\n",
        "  claim: conformant\n  because: []\n",
        "      files: conformant\n",
        "  failed: []\n",
        // The reference claims these as well.
        "not_run:\n- anthropic\n",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let (code, stdout, stderr) = verified(&text, Some(&record(&run)));
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.starts_with("The reference gateway 0.1.0\n  gsai "), "{stdout}");
    assert!(stdout.contains("  conformant\n"), "{stdout}");
    assert!(stdout.contains("agrees with itself, with the contracts and with the records"), "{stdout}");
    assert_eq!(verified(&text, None).0, 0);
}

/// The requirements at MUST that a table or a line of a statement counts.
fn counted(line: &str) -> usize {
    line.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse::<usize>().ok()).sum()
}

#[test]
fn the_summary_counts_the_requirements_that_the_statement_counts() {
    let run = run(["--contract", "gsai"]);
    let text = statement(&[record(&run)]);
    let line = |text: &str, part: &str| text.lines().find(|line| line.contains(part)).map(counted);
    let told = line(&run.stdout, "gsai MUST ");
    assert!(told.is_some_and(|count| count > 0), "{}", run.stdout);
    assert_eq!(told, line(&text, "MUST: {kept: "), "{}\n{text}", run.stdout);
}

/// The statement of a record with a command that does its run again, by somebody whose environment has a credential.
fn reproduced(record: &Path, command: &str) -> (i32, String, String) {
    let mut making = plumbline();
    making.env("PLUMBLINE_UPSTREAM_TOKEN", "token-0123456789");
    output(making.arg("statement").arg(record).args(MADE).args(["--reproduce", command]))
}

#[test]
fn the_command_that_really_does_the_run_again_can_be_given() {
    let run = run(["SEQ_BILLING_001_*"]);
    let record = record(&run);
    let (code, text, stderr) = reproduced(&record, "TOKEN=token-0123456789 ci/mine SEQ_BILLING_001_TC01");
    assert_eq!(code, 0, "{stderr}");
    let given = "TOKEN=[redacted:PLUMBLINE_UPSTREAM_TOKEN] ci/mine SEQ_BILLING_001_TC01";
    assert!(text.contains(given) && text.contains("\nreproduce_given: true\n"), "{text}");
    assert!(!text.contains("token-0123456789"), "{text}");
    // It is in no record.
    assert_eq!(verified(&text, Some(&record)).0, 0);
    let own = statement(std::slice::from_ref(&record));
    assert!(!own.contains("reproduce_given"), "{own}");
    let (code, stdout, _) =
        verified(&own.replace("plumbline run 'SEQ", "plumbline run 'OTHER"), Some(&record));
    assert!(code == 1 && stdout.contains("1 mistake in 1 file"), "{stdout}");
    for (command, part) in [
        ("a".repeat(1001), "more than 1000 characters"),
        ("ci/mine\nci/yours".to_owned(), "not one line"),
        ("ci/mine \u{1b}[2J".to_owned(), "not one line"),
        (String::new(), "--reproduce"),
    ] {
        let (code, stdout, stderr) = reproduced(&record, &command);
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.contains(part), "{stderr}");
    }
}

#[test]
fn who_wants_quiet_hears_only_of_what_does_not_hold() {
    let text = statement(&[record(&run(["SEQ_BILLING_001_*"]))]);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("statement.yaml");
    let quiet = |text: &str| {
        fs::write(&file, text).unwrap();
        output(plumbline().args(["statement", "verify", "--quiet"]).arg(&file))
    };
    assert_eq!(quiet(&text), (0, String::new(), String::new()));
    let (code, stdout, stderr) = quiet(&text.replace("claim: partial\n", "claim: conformant\n"));
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("the lists make it `partial`"), "{stderr}");
}

#[test]
fn a_part_of_a_contract_is_partial_and_a_failure_is_told() {
    let sound = statement(&[record(&run(["SEQ_BILLING_*"]))]);
    for part in
        ["  claim: partial\n", " cases not run\n", "not selected, or not finished before the run ended"]
    {
        assert!(sound.contains(part), "{part} is not in\n{sound}");
    }
    let broken = run(["SEQ_BILLING_*", "--defect", "billing-event-missing"]);
    let broken = statement(&[record(&broken)]);
    for part in [
        "  claim: not conformant\n",
        "plumbline run 'SEQ_BILLING_*' --defect billing-event-missing",
        "SEQ_BILLING_001_TC01[billing]",
        "billing.event-per-success",
    ] {
        assert!(broken.contains(part), "{part} is not in\n{broken}");
    }
}

#[test]
fn shards_are_told_as_one_run_and_other_records_are_not() {
    let shards = ["1/2", "2/2"].map(|shard| record_in(&["SEQ_AUTH_*", "--shard", shard]));
    let records = shards.each_ref().map(|(_, record)| record.clone());
    let folder = TempDir::new().unwrap();
    let merged = folder.path().join("merged.jsonl");
    let mut command = plumbline();
    command.args(["report", "merge"]).args(&records).arg("--out").arg(&merged);
    assert_eq!(output(&mut command).0, 0);
    assert_eq!(statement(&records), statement(&[merged]));
    let [one, two] = records.each_ref();
    assert_eq!(statement(&[two.clone(), one.clone()]), statement(&records));
    let mut command = plumbline();
    command.arg("statement").args([one, one]).args(MADE);
    let (code, _, stderr) = output(&mut command);
    assert_eq!(code, 3);
    assert!(stderr.contains("both are the record of one run"), "{stderr}");

    let (_other, other) = record_in(&["SEQ_MODEL_*", "--shard", "2/2"]);
    let mut command = plumbline();
    command.arg("statement").args([&records[0], &other]).args(MADE);
    let (code, _, stderr) = output(&mut command);
    assert_eq!(code, 3);
    assert!(stderr.contains("failed to tell ") && stderr.contains("different arguments"), "{stderr}");
}

/// A record, and the folder that goes with its handle.
fn record_in(arguments: &[&str]) -> (TempDir, PathBuf) {
    let run = run(arguments);
    let record = record(&run);
    (run.out, record)
}

#[test]
fn what_does_not_hold_is_shown_where_it_stands() {
    let run = run(["SEQ_BILLING_*"]);
    let text = statement(&[record(&run)]);
    let line = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;

    let raised = text.replace("claim: partial\n", "claim: conformant\n");
    let (code, stdout, _) = verified(&raised, None);
    assert_eq!(code, 1, "{stdout}");
    for part in [
        format!("statement.yaml:{}:", line("claim: partial")),
        "this says `conformant`, and the lists make it `partial`".to_owned(),
        "in 1 file".to_owned(),
    ] {
        assert!(stdout.contains(&part), "{part} is not in\n{stdout}");
    }

    let renamed = text.replace("descriptor: ", "descriptor: \"0\" # ");
    assert_eq!(verified(&renamed, None).0, 0);
    let (code, stdout, _) = verified(&renamed, Some(&record(&run)));
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("this says `0`, and the records say"), "{stdout}");

    let (_, tail) = text.split_once("\nnot_run:").unwrap();
    let (head, _) = text.split_once("\ncontracts:").unwrap();
    let nothing = format!("{head}\ncontracts: []\nnot_run:{tail}");
    let (code, stdout, _) = verified(&nothing, None);
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("nothing is told: no case of any contract passed or failed"), "{stdout}");

    let missed = text.replace("    missed: []\n", "    missed:\n    - billing.event-per-success\n");
    let (code, stdout, _) = verified(&missed, None);
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("`billing.event-per-success` is missed here"), "{stdout}");

    let other = text.replace("  digest: ", "  digest: f");
    let (code, stdout, _) = verified(&other, None);
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("this version of `gsai` has the digest"), "{stdout}");
}

#[test]
fn of_a_run_in_which_nothing_was_decided_there_is_no_statement() {
    let run = run(["NO_SUCH_ID"]);
    let mut command = plumbline();
    command.arg("statement").arg(record(&run)).args(MADE);
    let (code, stdout, stderr) = output(&mut command);
    assert_eq!((code, stdout.as_str()), (3, ""), "{stderr}");
    assert!(stderr.contains("nothing was decided of a contract that the target claims"), "{stderr}");
}

/// The guide's example holds cases and requirements that there are.
#[test]
fn the_example_in_the_guide_names_what_there_is() {
    let guide = fs::read_to_string(root().join("docs/statement.md")).unwrap();
    let (_, example) = guide.split_once("```yaml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let words = example.split(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)));
    let is_id = |word: &&str| word.starts_with("OPENAI_") || word.starts_with("openai.");
    let ids: BTreeSet<_> = words.filter(is_id).collect();
    assert!(ids.len() > 3, "{ids:?}");
    for id in ids {
        let (code, _, stderr) = output(plumbline().args(["explain", id]));
        assert_eq!(code, 0, "{id}: {stderr}");
    }
}

#[test]
fn what_is_no_statement_is_told_with_its_place() {
    let text = statement(&[record(&run(["SEQ_BILLING_001_*"]))]);
    for (text, parts) in [
        (text.replace("format: 1\n", "format: 2\n"), &["statement.yaml:2:9", "this version knows 1"][..]),
        (text.replace("\nrun:", "\nruns:"), &["`runs`", "`run`"]),
        (text.replace("claim: partial", "claim: perfect"), &["there is no `perfect` here", "partial"]),
        (text.replace("retries: 0", "retries: many"), &["the text `many`"]),
        (text.replace("format: 1", "format: ["), &["statement.yaml:"]),
    ] {
        let (code, stdout, stderr) = verified(&text, None);
        assert_eq!(code, 3, "{stdout}{stderr}");
        assert!(parts.iter().all(|part| stderr.contains(part)), "{parts:?}: {stderr}");
    }
}

#[test]
fn what_is_asked_for_is_there_or_told() {
    let run = run(["SEQ_BILLING_001_*"]);
    let record = record(&run);
    let record = record.to_str().unwrap();
    for (arguments, code, part) in [
        (&["statement"][..], 2, "--implementation"),
        (&["statement", record], 2, "--implementation"),
        (&["statement", record, "--implementation", "x", "--version", ""], 2, "--version"),
        (&["statement", "no-such-record", "--implementation", "x", "--version", "1"], 3, "no-such-record"),
        (&["statement", "Cargo.toml", "--implementation", "x", "--version", "1"], 3, "read Cargo.toml"),
        (&["statement", "verify"], 2, "FILE"),
        (&["statement", "verify", "no-such-file"], 3, "no-such-file"),
    ] {
        let (found, stdout, stderr) = output(plumbline().args(arguments));
        assert_eq!(found, code, "{arguments:?}: {stdout}{stderr}");
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
    }
}
