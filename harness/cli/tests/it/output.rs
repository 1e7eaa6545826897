//! What is printed and written.

use plumbline_record::Verdict;

use crate::support::{plumbline, root, run, texts};

#[test]
fn a_conformant_run_says_so_and_writes_both_files() {
    let run = run::<&str>([]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("conformant"), "{}", run.stdout);
    assert!(!run.stdout.contains('\u{1b}'), "colour in a pipe");
    assert!(run.stderr.contains("junit.xml"), "{}", run.stderr);
    let junit = std::fs::read_to_string(run.out.path().join("junit.xml")).unwrap();
    assert!(junit.contains("name=\"SEQ_BILLING_001_TC01[billing]\""));
    assert!(run.verdicts().values().all(|verdict| *verdict == Verdict::Passed));
    // Reports show a group behind its contract.
    for finished in run.finished() {
        let doubled = format!("{}_", finished.contract.to_uppercase());
        assert!(!finished.group.starts_with(&doubled), "{}.{}", finished.contract, finished.group);
    }
}

#[test]
fn a_failure_shows_request_response_difference_place_and_curl() {
    let run = run(["--defect", "wrong-model-echoed", "SEQ_MODEL_DISCOVERY_001_TC01"]);
    assert_eq!(run.code, 1);
    for part in [
        "SEQ_MODEL_DISCOVERY_001_TC01",
        "MUST chat.model-echoed\n    demands   The completion's model is the id that was asked for.\n    source    ",
        "$.model",
        "gsai/model-discovery.yaml:",
        "> POST http://127.0.0.1:",
        "< 200",
        "curl -sS -X POST",
        "$ALL_SCOPES",
    ] {
        assert!(run.stdout.contains(part), "{part} is not in:\n{}", run.stdout);
    }
    assert!(run.stdout.contains('^'), "no caret under the first difference:\n{}", run.stdout);
}

#[test]
fn reports_are_rendered_again_from_the_record() {
    let run = run(["--defect", "empty-answer"]);
    let junit = run.out.path().join("again.xml");
    let output = plumbline()
        .arg("report")
        .arg(run.out.path().join("run.jsonl"))
        .arg("--junit")
        .arg(&junit)
        .output()
        .unwrap();
    let (code, stdout, _) = texts(output);
    assert_eq!((code, &stdout), (1, &run.stdout));
    let first = std::fs::read_to_string(run.out.path().join("junit.xml")).unwrap();
    assert_eq!(std::fs::read_to_string(junit).unwrap(), first);
}

#[test]
fn a_run_and_its_report_tell_as_much_as_they_are_asked_for() {
    let run = run(["--defect", "wrong-model-echoed", "SEQ_MODEL_DISCOVERY_*", "--brief"]);
    let report = |option: &str| {
        let record = run.out.path().join("run.jsonl");
        texts(plumbline().args(["report", option]).arg(record).output().unwrap())
    };
    assert!(run.stdout.contains("✗ SEQ_MODEL_DISCOVERY_001_TC01  failed: "), "{}", run.stdout);
    assert!(!run.stdout.contains("Failures") && !run.stdout.contains("curl"), "{}", run.stdout);
    assert_eq!(report("--brief"), (1, run.stdout.clone(), String::new()));
    let (code, quiet, _) = report("--quiet");
    assert_eq!((code, quiet.lines().count()), (1, 1), "{quiet}");
    assert!(quiet.starts_with("✗ not conformant: "), "{quiet}");
    let (_, verbose, _) = report("--verbose");
    assert!(verbose.contains("Failures") && verbose.contains("  passed\n"), "{verbose}");
    let (code, ..) = texts(plumbline().args(["report", "-v", "--brief", "x"]).output().unwrap());
    assert_eq!(code, 2);
}

#[test]
fn filters_select_and_nothing_selected_is_nothing_checked() {
    let names = |arguments: &[&str]| run(arguments).verdicts().into_keys().collect::<Vec<_>>();
    assert_eq!(
        names(&["SEQ_BILLING_00?_TC01", "--tags", "not @p0"]).len()
            + names(&["SEQ_BILLING_00?_TC01", "--tags", "p0"]).len(),
        names(&["SEQ_BILLING_00?_TC01"]).len()
    );
    assert_eq!(run(["NO_SUCH_ID"]).code, 5);
    assert_eq!(run(["--contract", "other"]).code, 5);
}

#[test]
fn wrong_usage_and_wrong_files_have_codes_of_their_own() {
    for (arguments, code, part) in [
        (&["run", "--frobnicate"][..], 2, "--frobnicate"),
        (&["run", "--tags", "p0 and"], 2, "tag expression"),
        (&["run", "--defect", "scope-not-enforcd"], 2, "scope-not-enforced"),
        (&["run", "--target", "ftp://example"], 2, "scheme"),
        (&["run", "--target", "no-such-file.yaml"], 3, "no-such-file.yaml"),
        (
            &["run", "--target", "http://127.0.0.1:1", "--key", "all_scopes=NO_SUCH_KEY"],
            3,
            "role `all_scopes`: the environment variable `NO_SUCH_KEY` is not set",
        ),
        (&["run", "--target", "targets/local.yaml"], 3, "PLUMBLINE_CONTROL_TOKEN"),
        (&["run", "--scenarios", "no-such-folder"], 3, "no-such-folder"),
        (&["report", "no-such-record"], 3, "no-such-record"),
        (&["serve", "--listen", "nonsense"], 2, "nonsense"),
        (&["serve", "--durable"], 2, "--state"),
    ] {
        let (found, stdout, stderr) = texts(plumbline().args(arguments).output().unwrap());
        assert_eq!(found, code, "{arguments:?}: {stdout}{stderr}");
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
    }
}

#[test]
fn lint_finds_every_mistake_with_its_line_and_how_to_mend_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = "contract: gsai\nscenarios:\n  - id: A\n    title: t\n    tag: [x]\n    steps:\n      - name: s\n        call: GET /x\n        as: all_scope\n        expect: { status: 200, body: [{ at: $.a, is: arry }] }\n";
    std::fs::write(folder.path().join("bad.yaml"), text).unwrap();
    let (code, stdout, _) = texts(plumbline().arg("lint").arg(folder.path()).output().unwrap());
    assert_eq!(code, 3);
    for part in [
        "bad.yaml:5:5",
        "`tags`",
        "bad.yaml:9:13",
        "`all_scopes`",
        "bad.yaml:10:54",
        "`array`",
        "3 mistakes in 1 file",
    ] {
        assert!(stdout.contains(part), "{part} is not in:\n{stdout}");
    }
}

#[test]
fn words_that_no_contract_knows_are_told_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    // Nothing listens there.
    let text = "\
name: mine
url: http://127.0.0.1:1
capabilities: [chatt]
models: { embeding: { id: e } }
roles: { all_scope: { mint: {} } }
keys: { mint: { request: { call: POST /keys }, id: $.id, secret: $.key } }
contracts:
  gsai: { capabilities: [tools] }
  opneai: {}
";
    std::fs::write(&file, text).unwrap();
    for command in [&["lint", "--target"][..], &["run", "--target"]] {
        let (code, stdout, stderr) = texts(plumbline().args(command).arg(&file).output().unwrap());
        assert_eq!(code, 3, "{stdout}{stderr}");
        for part in [
            "mine.yaml:3:16",
            "no contract knows the capability `chatt`",
            "did you mean `chat`?",
            "mine.yaml:4:11",
            "did you mean `embedding`?",
            "mine.yaml:5:10",
            "did you mean `all_scopes`?",
            "mine.yaml:8:26",
            "the contract `gsai` has no capability `tools`",
            "mine.yaml:9:3",
            "there is no contract `opneai`",
            "5 mistakes in 1 file",
        ] {
            assert!((stdout.clone() + &stderr).contains(part), "{part} is not in:\n{stdout}{stderr}");
        }
    }
    // Where a contract is replaced, its own words count.
    let scenarios = folder.path().join("scenarios");
    std::fs::create_dir_all(scenarios.join("gsai")).unwrap();
    let contract = std::fs::read_to_string(root().join("scenarios/gsai/contract.yaml")).unwrap();
    let contract =
        contract.replacen("capabilities:\n", "capabilities:\n  - name: tools\n    text: Calls tools\n", 1);
    std::fs::write(scenarios.join("gsai/contract.yaml"), contract).unwrap();
    let (_, stdout, _) =
        texts(plumbline().args(["lint", "--target"]).arg(&file).arg(&scenarios).output().unwrap());
    assert!(!stdout.contains("`tools`") && stdout.contains("`chatt`"), "{stdout}");
    for (option, value, part) in [
        (
            "--capability",
            "chat,imags",
            "no contract knows the capability `imags`\n  hint: did you mean `images`?",
        ),
        ("--model", "chatt=m", "no contract knows the model `chatt`\n  hint: did you mean `chat`?"),
        (
            "--key",
            "all_scope=HOME",
            "no contract knows the role `all_scope`\n  hint: did you mean `all_scopes`?",
        ),
    ] {
        let arguments = ["run", "--target", "http://127.0.0.1:1", option, value];
        let (code, stdout, stderr) = texts(plumbline().args(arguments).output().unwrap());
        assert_eq!(code, 2, "{stdout}{stderr}");
        assert!(stderr.contains(part), "{stderr}");
    }
}

#[test]
fn the_embedded_scenarios_have_no_mistakes() {
    let (code, stdout, _) = texts(plumbline().arg("lint").output().unwrap());
    assert_eq!(code, 0, "{stdout}");
}

/// A hundred shuffled runs at full parallelism agree.
#[test]
fn shuffled_runs_agree() {
    // Those that send many megabytes would make this a test of an unoptimized build's patience.
    let light = ["--tags", "not heavy", "--shuffle", "--jobs", "32", "--seed"];
    let first = run(light.into_iter().chain(["0"])).verdicts();
    // All of them now and then, and those of one contract in between.
    let contracts = ["anthropic", "bifrost", "gateway", "gemini", "gsai", "openai"];
    for seed in 1..100 {
        let is_whole = seed % 10 == 0;
        let contract = ["--contract", contracts[seed % contracts.len()]];
        let seed = seed.to_string();
        let asked = light.into_iter().chain([&*seed]);
        let run = if is_whole { run(asked) } else { run(asked.chain(contract)) };
        assert_eq!(run.code, 0, "seed {seed}: {}", run.stdout);
        let verdicts = run.verdicts();
        let agrees = |(name, verdict)| first.get(name) == Some(verdict);
        assert!(verdicts.len() > 50 && verdicts.iter().all(agrees), "seed {seed}");
        assert!(!is_whole || verdicts == first, "seed {seed}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_cleans_up_and_still_writes_the_reports() {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::net::TcpListener;
    use std::process::{Command, Stdio};

    // A gateway that takes requests and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let out = tempfile::tempdir().unwrap();
    let mut child = plumbline()
        .env("TEST_KEY", "sk-test-0123456789")
        .args(["run", "SEQ_MODEL_DISCOVERY_003_TC01", "--target", &url, "--capability", "chat,embeddings"])
        .args(["--key", "all_scopes=TEST_KEY", "--model", "chat=a", "--model", "embedding=b", "--out"])
        .arg(out.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first connection only shows that somebody listens; the second brings the first request.
    let _preflight = listener.accept().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 3]).unwrap();
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let said: Vec<_> = stderr.lines().map(Result::unwrap).collect();
    assert!(said.iter().any(|line| line.contains("stopping")), "{said:?}");
    let mut told = String::new();
    child.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(told.contains("! interrupted: 0 of 1 selected scenarios finished"), "{told}");
    assert!(told.contains("✗ interrupted: no cases in "), "{told}");
    let junit = std::fs::read_to_string(out.path().join("junit.xml")).unwrap();
    assert!(!junit.contains("<error") && !junit.contains("<testcase"), "{junit}");
    let record = std::fs::read_to_string(out.path().join("run.jsonl")).unwrap();
    assert!(record.lines().last().unwrap().contains("\"interrupted\":true"), "{record}");
    assert!(record.contains("\"scenario-started\"") && !record.contains("\"scenario-finished\""), "{record}");
}

/// A record in which everything that a stranger names or says would steer a terminal.
#[test]
fn a_strangers_record_steers_no_terminal() {
    let run = run(["SEQ_MODEL_DISCOVERY_001_TC01", "--defect", "wrong-model-echoed"]);
    let record = std::fs::read_to_string(run.out.path().join("run.jsonl")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.jsonl");
    let steering = "\\u001b]0;owned\\u0007\\u009b2J\\u202e\\n";
    let steering_record = [
        "SEQ_MODEL_DISCOVERY_001_TC01",
        "chat.model-echoed",
        "gsai/model-discovery.yaml",
        "reference gateway",
        "$.model",
    ]
    .iter()
    .fold(record, |record, part| record.replace(part, &format!("{part}{steering}")));
    std::fs::write(&file, steering_record).unwrap();
    let junit = folder.path().join("junit.xml");
    let mut command = plumbline();
    command.args(["report", "--verbose", "--color", "never"]).arg(&file).arg("--junit").arg(&junit);
    let (code, stdout, stderr) = texts(command.output().unwrap());
    assert_eq!(code, 1, "{stderr}");
    let junit = std::fs::read_to_string(junit).unwrap();
    for told in [&stdout, &stderr, &junit] {
        let odd = told.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
        assert_eq!(odd, None, "{told}");
    }
    assert!(
        stdout.contains("SEQ_MODEL_DISCOVERY_001_TC01\\u{1b}]0;owned\\u{7}\\u{9b}2J\\u{202e}\\n"),
        "{stdout}"
    );
    // What is wrong with a file is told without what stands in it.
    std::fs::write(&file, "{\"run-started\":\"\u{1b}]0;owned\u{7}\"").unwrap();
    let statement = folder.path().join("statement.yaml");
    std::fs::write(&statement, "format: 1\nodd\u{9b}\u{202e}: \"\u{1b}[2J\u{7}\"\n").unwrap();
    for arguments in [&["report"][..], &["statement", "verify"]] {
        let file = if arguments.len() == 1 { &file } else { &statement };
        let (code, stdout, stderr) = texts(plumbline().args(arguments).arg(file).output().unwrap());
        assert_eq!(code, 3, "{stdout}");
        let odd = stderr.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
        assert_eq!(odd, None, "{stderr}");
    }
}
