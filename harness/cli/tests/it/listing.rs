//! `plumbline list` and `plumbline explain`.

use crate::support::{plumbline, texts};

fn output(arguments: &[&str]) -> (i32, String, String) {
    texts(plumbline().args(arguments).output().unwrap())
}

#[test]
fn a_scenario_is_listed_in_a_line_with_its_place() {
    let (code, stdout, stderr) = output(&["list", "SEQ_BILLING_001_*"]);
    assert_eq!(code, 0, "{stderr}");
    let line = stdout.lines().next().unwrap();
    assert!(line.starts_with("SEQ_BILLING_001_TC01  "), "{stdout}");
    for part in ["p0,", "Three successful calls", "gsai/billing.feature:"] {
        assert!(line.contains(part), "{part} is not in: {line}");
    }
    assert!(stderr.starts_with(&format!("{} scenario", stdout.lines().count())), "{stderr}");
}

#[test]
fn what_is_listed_is_what_would_run() {
    let ids = |arguments: &[&str]| -> Vec<String> {
        let (code, stdout, stderr) = output(&[&["list"][..], arguments].concat());
        assert_eq!(code, 0, "{stderr}");
        stdout.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
    };
    let all = ids(&[]);
    assert!(all.len() > 30, "{all:?}");
    assert_eq!(all, ids(&[]));
    assert_eq!(ids(&["--tags", "p0"]).len() + ids(&["--tags", "not p0"]).len(), all.len());
    let of_contracts = ["anthropic", "bifrost", "gateway", "gemini", "gsai", "openai"]
        .map(|name| ids(&["--contract", name]));
    assert!(of_contracts.iter().all(|ids| !ids.is_empty()), "{of_contracts:?}");
    assert_eq!(of_contracts.concat(), all);
    assert_eq!(ids(&["NO_SUCH_ID"]), Vec::<String>::new());
    let selected = ids(&["SEQ_AUTH_*"]);
    let run = crate::support::run(["SEQ_AUTH_*"]);
    let mut ran: Vec<_> = run.finished().into_iter().map(|finished| finished.scenario).collect();
    ran.sort_by_key(|id| all.iter().position(|known| known == id));
    assert_eq!(ran, selected);
}

#[test]
fn scenarios_are_listed_as_json_too() {
    let (code, stdout, _) = output(&["list", "SEQ_MODEL_DISCOVERY_00*", "--json"]);
    assert_eq!(code, 0);
    let array: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let first = &array[0];
    assert_eq!(first["id"], "SEQ_MODEL_DISCOVERY_001_TC01");
    assert_eq!(first["contract"], "gsai");
    assert_eq!(first["file"], "gsai/model-discovery.yaml");
    assert!(first["line"].is_u64() && first["tags"].is_array(), "{first}");
    let (_, lines, _) = output(&["list", "SEQ_MODEL_DISCOVERY_00*"]);
    assert_eq!(array.as_array().unwrap().len(), lines.lines().count());
}

#[test]
fn a_scenario_is_explained_from_what_it_needs_to_how_to_do_it_by_hand() {
    let (code, stdout, stderr) = output(&["explain", "SEQ_AUTH_SCOPE_001_TC01"]);
    assert_eq!(code, 0, "{stderr}");
    for part in [
        "SEQ_AUTH_SCOPE_001_TC01  A key for inference chats and may not embed\n",
        "gsai/auth-scope.feature:",
        "role        chat_only",
        "Without it SEQ_AUTH_SCOPE_001_TC01[billing] is not testable",
        "sends POST /api/v1/chat/completions as chat_only\n",
        "with the JSON {\"model\":{{ models.chat }},",
        "- the status is 200  [MUST chat.shape]\n",
        "- $.model equals {{ models.chat }}  [MUST chat.model-echoed]\n",
        "is not billed  [billing.no-event-on-failure]\n",
        "MUST chat.model-echoed  The completion's model is the id that was asked for.\n",
        "broken by wrong-model-echoed",
        "# GATEWAY ",
        "# CHAT_ONLY ",
        "\"$GATEWAY\"'/api/v1/chat/completions' -H \"authorization: Bearer $CHAT_ONLY\"",
        "--data-binary '{\"model\":\"'\"$MODEL_CHAT\"'\",",
    ] {
        assert!(stdout.contains(part), "{part} is not in:\n{stdout}");
    }
}

#[test]
fn keys_of_the_requests_of_a_burst_are_explained() {
    let (code, stdout, stderr) = output(&["explain", "GATEWAY_TENANTS_002@openai"]);
    assert_eq!(code, 0, "{stderr}");
    for part in [
        "keys        all_scopes  50 more of them, minted: each request of a burst has its own\n",
        "sends POST /v1/chat/completions as all_scopes, 50 times at once, each with a key of its own\n",
        ", the request's own key  [gateway.billing.one, gateway.billing.usage, gateway.billing.key, gateway.billing.cost]\n",
        "# give each request a key of all_scopes of its own, by the gateway's own means\nfor INDEX in $(seq 0 49); do\n",
        "broken by answers-mixed-up, keys-mixed-up\n",
    ] {
        assert!(stdout.contains(part), "{part} is not in:\n{stdout}");
    }
}

#[test]
fn requirements_and_defects_are_explained_with_what_belongs_to_them() {
    let (code, stdout, _) = output(&["explain", "chat.model-echoed"]);
    assert_eq!(code, 0);
    for part in [
        "requirement of gsai, MUST, gsai/contract.yaml:",
        "SEQ_MODEL_DISCOVERY_001_TC01",
        "wrong-model-echoed",
    ] {
        assert!(stdout.contains(part), "{part} is not in:\n{stdout}");
    }
    let (code, stdout, _) = output(&["explain", "billing-event-missing"]);
    assert_eq!(code, 0);
    for part in
        ["(seen in the wild)", "MUST billing.event-per-success", "SEQ_BILLING_001_TC01", "run --defect"]
    {
        assert!(stdout.contains(part), "{part} is not in:\n{stdout}");
    }
}

#[test]
fn an_unknown_id_is_wrong_usage_with_a_hint() {
    let (code, stdout, stderr) = output(&["explain", "SEQ_AUTH_SCOPE_001_TC1"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("did you mean `SEQ_AUTH_SCOPE_001_TC01`?"), "{stderr}");
}
