//! What lets time pass on a gateway's clock.

use plumbline_record::Verdict;
use serde_json::json;

use crate::gateway::{Answer, Gateway};
use crate::support::{Setup, TARGET};

const WORLDS: &str = "worlds: { create: { call: POST /worlds }, base_path: $.path, keys: \"$.keys[*]\" }\n";

const CLOCK: &str = r#"clock: { advance: { call: "POST /clock/{{ world.id }}", json: { by: "{{ clock.advance }}" } } }
"#;

/// One scenario `ONE` that lets time pass and then asks.
fn scenario(advance: &str) -> String {
    let one = "{ name: one, call: GET /, expect: { status: 200 } }";
    format!("\n  - {{ id: ONE, title: One, steps: [{{ name: later, advance: {advance} }}, {one}] }}")
}

/// Makes one world, whose clock answers with this status.
async fn gateway(clock: u16) -> Gateway {
    Gateway::start(move |request| match &*request.path {
        "/worlds" => Answer::json(201, &json!({ "id": "w1", "path": "/w1", "keys": [] })),
        path if path.starts_with("/clock") => Answer::json(clock, &json!({})),
        _ => Answer::json(200, &json!({})),
    })
    .await
}

#[tokio::test]
async fn time_passes_by_the_means_of_the_target() {
    let (gateway, scenarios) = (gateway(200).await, scenario("1m 1s"));
    let target = format!("{TARGET}{WORLDS}{CLOCK}");
    let events = Setup { target: &target, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
    assert_eq!(gateway.calls(), ["POST /worlds", "POST /clock/w1", "GET /w1/"]);
    assert_eq!(gateway.received()[1].body, r#"{"by":"1m 1s"}"#);
}

#[tokio::test]
async fn a_clock_that_cannot_be_moved_is_waited_for_or_nothing_is_said() {
    let scenarios = scenario("20ms");
    let shared = CLOCK.replace("{{ world.id }}", "all");
    for (means, verdict, reason) in [
        ("", Verdict::NotTestable, "the target's clock cannot be moved"),
        (shared.as_str(), Verdict::NotTestable, "other scenarios share it"),
        ("clock: { wait: true, at_most: 10ms }\n", Verdict::NotTestable, "20ms are more than the 10ms"),
        ("clock: { wait: true }\n", Verdict::Passed, ""),
    ] {
        let gateway = gateway(200).await;
        let target = format!("{TARGET}{means}");
        let events = Setup { target: &target, ..Setup::new(&gateway.url, &scenarios) }.run().await;
        let (found, why) = events.verdict("ONE");
        assert_eq!(found, verdict, "{means}: {why}");
        assert!(why.contains(reason), "{means}: {why}");
        assert_eq!(gateway.calls().is_empty(), verdict == Verdict::NotTestable);
    }
}

/// One scenario `ONE` of three such steps and a request, with this time for all of it.
fn scenario_of_three(advance: &str, timeout: &str) -> String {
    let later = [1, 2, 3].map(|number| format!("{{ name: later_{number}, advance: {advance} }}"));
    let one = "{ name: one, call: GET /, expect: { status: 200 } }";
    let steps = later.join(", ");
    format!("\n  - {{ id: ONE, title: One, timeout: {timeout}, steps: [{steps}, {one}] }}")
}

#[tokio::test]
async fn what_a_scenario_waits_in_all_is_bounded_and_none_of_its_own_time() {
    let gateway = gateway(200).await;
    let target = format!("{TARGET}clock: {{ wait: true, at_most: 50ms }}\n");
    // Each of them is short enough.
    let scenarios = scenario_of_three("20ms", "1m");
    let events = Setup { target: &target, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    let (verdict, reason) = events.verdict("ONE");
    assert_eq!(verdict, Verdict::NotTestable);
    assert!(reason.contains("60ms are more than the 50ms"), "{reason}");
    assert!(gateway.calls().is_empty());

    let target = format!("{TARGET}clock: {{ wait: true }}\n");
    let scenarios = scenario_of_three("400ms", "1s");
    let events = Setup { target: &target, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""));
}

#[tokio::test]
async fn a_clock_that_does_not_obey_breaks_the_scenario() {
    let (gateway, scenarios) = (gateway(500).await, scenario("5m"));
    let target = format!("{TARGET}{WORLDS}{CLOCK}");
    let events = Setup { target: &target, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    let (verdict, reason) = events.verdict("ONE");
    assert_eq!(verdict, Verdict::Error);
    assert!(reason.contains("the clock could not be moved"), "{reason}");
    assert_eq!(gateway.calls().len(), 2);
}
