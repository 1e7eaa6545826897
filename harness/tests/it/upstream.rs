//! What a gateway asks of its providers: each thing that is wrong misses the requirement that speaks of it, and calls that
//! are nobody's or somebody else's are not taken for the step's.

use parking_lot::Mutex;
use plumbline_record::Verdict;
use serde_json::{Value, json};

use crate::gateway::{Answer, Gateway, Received};
use crate::providers::{Providers, call};
use crate::support::{Events, Setup, TARGET, USER_KEY, missed};

/// A target that makes a world for each scenario, with providers of its own.
pub(crate) const PAIRED: &str = r#"
name: demo gateway
models: { chat: { id: model-a } }
worlds:
  create: { call: POST /worlds }
  base_path: $.base_path
  keys: $.keys[*]
  delete: { call: "DELETE /worlds/{{ world.id }}" }
upstream:
  control: { url: "{{ env.UPSTREAM_URL }}", token: { env: UPSTREAM_TOKEN } }
  world: { call: POST /worlds, json: { upstream: "{{ upstream.url }}" } }
  deadline: 300ms
"#;

/// A gateway whose providers others' gateways ask as well.
fn shared() -> String {
    format!(
        "{TARGET}upstream: {{ control: {{ url: \"{{{{ env.UPSTREAM_URL }}}}\", token: {{ env: UPSTREAM_TOKEN }} }}, deadline: 300ms }}\n"
    )
}

/// What a gateway does to answer a chat: it asks providers for this body.
type Chat = dyn Fn(&Providers, &Value) -> Answer + Send + Sync;

/// A gateway that makes worlds, and chats in its own way.
pub(crate) async fn gateway(
    providers: &Providers,
    chat: impl Fn(&Providers, &Value) -> Answer + Send + Sync + 'static,
) -> Gateway {
    let providers = providers.clone();
    Gateway::start(move |request: &Received| match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/worlds") => {
            let keys = json!([{ "role": "user", "id": "k1", "secret": USER_KEY }]);
            Answer::json(201, &json!({ "id": "g1", "base_path": "/g1", "keys": keys }))
        }
        ("POST", _) => chat(&providers, &serde_json::from_str(&request.body).unwrap_or_default()),
        _ => Answer::whole(204, ""),
    })
    .await
}

pub(crate) async fn run(target: &str, providers: &Providers, gateway: &Gateway, scenarios: &str) -> Events {
    let environment = providers.environment();
    Setup { target, environment, ..Setup::new(&gateway.url, scenarios) }.run().await
}

fn answered() -> Answer {
    Answer::json(200, &json!({ "model": "model-a" }))
}

/// Fails over from one provider to another, as it should.
fn fails_over(providers: &Providers, body: &Value) -> Answer {
    providers.call("openai", 503, body.clone());
    providers.call("anthropic", 200, body.clone());
    answered()
}

const FAILS_OVER: &str = r#"
  - id: OVER
    title: Where one provider fails another is asked
    steps:
      - name: fail
        fault: { upstream: { provider: openai, kind: status, status: 503, nth: 1 } }
      - name: chat
        call: POST /chat
        as: user
        json: { text: "Hello {{ nonce }}" }
        expect: { status: 200, verifies: chat.answers }
        upstream:
          verifies: up.calls
          calls_are:
            - { provider: openai, status: 503, verifies: up.call }
            - { provider: anthropic, model: "{{ models.chat }}", status: 200, verifies: up.call }
          every: [{ at: $.body.text, equals: "Hello {{ nonce }}", verifies: up.every }]
          lacks: [{ text: "{{ credentials.user }}", verifies: up.lacks }]
          outcome: { is: whole, verifies: up.outcome }
"#;

#[tokio::test]
async fn what_is_asked_rightly_passes_in_a_world_of_its_own() {
    let providers = Providers::start().await;
    let gateway = gateway(&providers, fails_over).await;
    let events = run(PAIRED, &providers, &gateway, FAILS_OVER).await;
    assert_eq!(events.verdict("OVER"), (Verdict::Passed, ""));
    assert_eq!(events.verdict("OVER[upstream]"), (Verdict::Passed, ""));
    let case = events.case("OVER[upstream]");
    let verified: Vec<_> = case.verifies.iter().map(|verified| verified.requirement.as_str()).collect();
    assert_eq!(verified, ["up.call", "up.calls", "up.every", "up.lacks", "up.outcome"]);
    assert_eq!((case.observer.as_deref(), case.checks), (Some("upstream"), 9));
    // The gateway is told where its providers are, and both worlds are taken down.
    let made: Value = serde_json::from_str(&gateway.received()[0].body).unwrap();
    assert!(made["upstream"].as_str().unwrap().ends_with("/~w/w1"), "{made}");
    assert_eq!(gateway.calls(), ["POST /worlds", "POST /g1/chat", "DELETE /worlds/g1"]);
    assert_eq!(
        providers.told(),
        ["POST /~control/worlds", "POST /~control/worlds/w1/faults", "DELETE /~control/worlds/w1"]
    );
    let rule = json!({
        "provider": "openai", "after": 0, "times": 1, "fault": { "kind": "status", "status": 503 },
    });
    assert_eq!(providers.bodies(), [rule]);
    assert!(!events.written().contains("token-0123456789"));
}

#[tokio::test]
async fn each_wrong_call_misses_the_requirement_that_speaks_of_it() {
    let situations: [(&[&str], Box<Chat>); 6] = [
        (
            &["up.calls"],
            Box::new(|providers: &Providers, body: &Value| {
                providers.call("anthropic", 200, body.clone());
                answered()
            }),
        ),
        (
            &["up.calls"],
            Box::new(|providers: &Providers, body: &Value| {
                providers.call("openai", 503, body.clone());
                fails_over(providers, body)
            }),
        ),
        (
            &["up.call", "up.call", "up.call", "up.call"],
            Box::new(|providers: &Providers, body: &Value| {
                providers.call("anthropic", 200, body.clone());
                providers.call("openai", 503, body.clone());
                answered()
            }),
        ),
        (
            &["up.every"],
            Box::new(|providers: &Providers, body: &Value| {
                providers.call("openai", 503, body.clone());
                providers.call("anthropic", 200, json!({ "text": "Hello" }));
                answered()
            }),
        ),
        (
            &["up.lacks"],
            Box::new(|providers: &Providers, body: &Value| {
                let mut leaking = body.clone();
                leaking["user"] = format!("key {USER_KEY}").into();
                fails_over(providers, &leaking)
            }),
        ),
        (
            &["up.outcome"],
            Box::new(|providers: &Providers, body: &Value| {
                providers.call("openai", 503, body.clone());
                let second = providers.call("anthropic", 200, body.clone());
                providers.end(second, "left");
                answered()
            }),
        ),
    ];
    for (requirements, chat) in situations {
        let providers = Providers::start().await;
        let gateway = gateway(&providers, chat).await;
        let events = run(PAIRED, &providers, &gateway, FAILS_OVER).await;
        let case = events.case("OVER[upstream]");
        assert_eq!(events.case("OVER").verdict, Verdict::Passed);
        assert_eq!((case.verdict, missed(case)), (Verdict::Failed, requirements.to_vec()), "{case:#?}");
        assert!(!events.written().contains(USER_KEY));
    }
}

/// One step that expects this of its providers, and one that expects nothing.
fn two_steps(upstream: &str, other: &str) -> String {
    format!(
        "
  - id: TWO
    title: Two steps
    steps:
      - {{ name: one, call: POST /chat, as: user, json: {{ text: \"{{{{ nonce }}}}\" }}, expect: {{ status: 200 }}, upstream: {upstream} }}
      - {{ name: two, call: POST /chat, as: user, json: {{ text: \"{{{{ nonce }}}}\" }}, expect: {{ status: 200 }}{other} }}
"
    )
}

#[tokio::test]
async fn a_call_that_comes_later_is_waited_for_where_it_must_come() {
    for (looks, verdict) in [(4, Verdict::Passed), (usize::MAX, Verdict::Failed)] {
        let providers = Providers::start().await;
        providers.call_late(looks, call("openai", 200, json!({})));
        let gateway = gateway(&providers, |_, _| answered()).await;
        let events =
            run(PAIRED, &providers, &gateway, &two_steps("{ calls: 1, verifies: up.calls }", "")).await;
        let case = events.case("TWO[upstream]");
        assert_eq!(case.verdict, verdict, "{case:#?}");
        let missed_one: &[&str] = if verdict == Verdict::Failed { &["up.calls"] } else { &[] };
        assert_eq!(missed(case), missed_one);
    }
}

#[tokio::test]
async fn a_call_after_an_answer_counts_with_those_before_it() {
    // Before the first step, after it, before the second, after that, and in the end.
    for (looks, other, step) in [
        (2, ", upstream: none", Some("one")),
        (2, "", Some("one")),
        (4, ", upstream: none", Some("two")),
        // It may be one of a step of which nothing is said.
        (3, "", None),
    ] {
        let providers = Providers::start().await;
        providers.call_late(looks, call("openai", 200, json!({})));
        let gateway = gateway(&providers, |_, _| answered()).await;
        let events = run(PAIRED, &providers, &gateway, &two_steps("none", other)).await;
        let case = events.case("TWO[upstream]");
        let steps: Vec<_> = case.misses.iter().map(|miss| miss.step.as_str()).collect();
        assert_eq!(steps, step.into_iter().collect::<Vec<_>>(), "{looks} {other}: {case:#?}");
    }
}

#[tokio::test]
async fn the_calls_of_a_step_of_which_nothing_is_said_are_no_other_steps() {
    let providers = Providers::start().await;
    let calls = Mutex::new(0);
    let gateway = gateway(&providers, move |providers, body| {
        *calls.lock() += 1;
        if *calls.lock() == 2 {
            fails_over(providers, body);
        }
        answered()
    })
    .await;
    let scenarios = two_steps("none", "")
        + "      - { name: three, call: POST /chat, as: user, json: {}, expect: { status: 200 }, upstream: none }\n";
    let events = run(PAIRED, &providers, &gateway, &scenarios).await;
    assert_eq!(events.verdict("TWO[upstream]"), (Verdict::Passed, ""));
}

#[tokio::test]
async fn a_call_that_is_still_answered_is_waited_for() {
    let providers = Providers::start().await;
    let gateway = gateway(&providers, |providers, body| {
        let number = providers.call("openai", 200, body.clone());
        providers.end_late(number, "left");
        answered()
    })
    .await;
    let one = "{ calls: 1, outcome: { is: left, verifies: up.outcome } }";
    let target = PAIRED.replace("deadline: 300ms", "deadline: 30s");
    let scenarios = two_steps(one, ", upstream: { calls: { between: [0, 1] } }");
    let events = run(&target, &providers, &gateway, &scenarios).await;
    assert_eq!(events.verdict("TWO[upstream]"), (Verdict::Passed, ""));
}

#[tokio::test]
async fn where_others_ask_too_calls_and_faults_are_told_apart_by_the_nonce() {
    let providers = Providers::start().await;
    let gateway = gateway(&providers, |providers, body| {
        providers.call("openai", 200, json!({ "text": "somebody else's" }));
        fails_over(providers, body)
    })
    .await;
    let target = shared();
    let events = run(&target, &providers, &gateway, FAILS_OVER).await;
    assert_eq!(events.verdict("OVER[upstream]"), (Verdict::Passed, ""));
    let rule = providers.bodies()[0].clone();
    assert_eq!(rule["contains"].as_str().map(str::len), Some(32), "{rule}");
    assert_eq!(
        providers.told(),
        ["POST /~control/worlds/root/faults", "DELETE /~control/worlds/root/faults/1"]
    );
    // Without the nonce nobody knows whose a call is.
    let scenarios = FAILS_OVER.replacen("text: \"Hello {{ nonce }}\" }\n", "text: Hello }\n", 1);
    let events = run(&target, &providers, &gateway, &scenarios).await;
    let (verdict, reason) = events.verdict("OVER[upstream]");
    assert_eq!(events.case("OVER").verdict, Verdict::Passed);
    assert!(verdict == Verdict::NotTestable && reason.contains("does not hold the nonce"), "{reason}");
    let scenarios = FAILS_OVER.replace("nth: 1", "contains: Hello");
    let (verdict, reason) = run(&target, &providers, &gateway, &scenarios).await.verdict_of("OVER");
    assert!(verdict == Verdict::Error && reason.contains("must hold the nonce"), "{reason}");
}

#[tokio::test]
async fn without_a_simulator_only_what_needs_it_is_left_out() {
    let providers = Providers::start().await;
    let gateway = gateway(&providers, |_, _| answered()).await;
    let events = run(TARGET, &providers, &gateway, &two_steps("none", "")).await;
    assert_eq!(events.verdict("TWO"), (Verdict::Passed, ""));
    let reason = "the target has no upstream observer";
    assert_eq!(events.verdict("TWO[upstream]"), (Verdict::NotTestable, reason));
    let events = run(TARGET, &providers, &gateway, FAILS_OVER).await;
    let reason = "no simulator plays the target's providers";
    assert_eq!(events.verdict("OVER"), (Verdict::NotTestable, reason));
    let requires = FAILS_OVER.replace("    steps:\n", "    requires: [upstream]\n    steps:\n");
    let (verdict, _) = run(TARGET, &providers, &gateway, &requires).await.verdict_of("OVER");
    assert_eq!(verdict, Verdict::Unsupported);
    // A target whose providers are played claims it.
    let (verdict, reason) = run(&shared(), &providers, &gateway, &requires).await.verdict_of("OVER");
    assert_eq!((verdict, reason.as_str()), (Verdict::Passed, ""));
}

#[tokio::test]
async fn scenarios_that_do_not_involve_the_providers_leave_them_alone() {
    let providers = Providers::start().await;
    let gateway = gateway(&providers, |_, _| answered()).await;
    let scenarios = two_steps("none", "").replace(", upstream: none", "");
    let events = run(PAIRED, &providers, &gateway, &scenarios).await;
    assert_eq!(events.verdict("TWO"), (Verdict::Passed, ""));
    assert_eq!((providers.told(), gateway.received()[0].body.as_str()), (Vec::new(), ""));
    let always = PAIRED.replace("  deadline: 300ms", "  always: true");
    run(&always, &providers, &gateway, &scenarios).await;
    assert_eq!(providers.told(), ["POST /~control/worlds", "DELETE /~control/worlds/w1"]);
}

#[tokio::test]
async fn faults_are_taken_away_where_they_were_armed() {
    let providers = Providers::start().await;
    let gateway = gateway(&providers, |_, _| answered()).await;
    let scenarios = FAILS_OVER.replace(
        "      - name: chat\n",
        "      - { name: again, fault: { upstream: { kind: hang, delay: 1s } } }\n      - { name: mend, fault: none }\n      - name: chat\n",
    );
    run(PAIRED, &providers, &gateway, &scenarios).await;
    assert_eq!(
        providers.told()[1..],
        [
            "POST /~control/worlds/w1/faults",
            "POST /~control/worlds/w1/faults",
            "DELETE /~control/worlds/w1/faults/2",
            "DELETE /~control/worlds/w1/faults/1",
            "DELETE /~control/worlds/w1"
        ]
    );
}

#[tokio::test]
async fn a_simulator_that_is_not_there_is_an_error_of_its_own() {
    let providers = Providers::start().await;
    let gateway = gateway(&providers, |_, _| answered()).await;
    let environment = providers.environment().with("UPSTREAM_TOKEN", "token-of-somebody-else");
    let scenarios = two_steps("none", "");
    let setup = Setup { target: PAIRED, environment, ..Setup::new(&gateway.url, &scenarios) };
    let (verdict, reason) = setup.run().await.verdict_of("TWO");
    assert!(verdict == Verdict::Error && reason.contains("answered 401"), "{reason}");
    let environment = providers.environment().with("UPSTREAM_TOKEN", "token-of-somebody-else");
    let target = shared();
    let setup = Setup { target: &target, environment, ..Setup::new(&gateway.url, &scenarios) };
    let events = setup.run().await;
    assert_eq!(events.case("TWO").verdict, Verdict::Passed);
    let (verdict, reason) = events.verdict("TWO[upstream]");
    assert!(
        verdict == Verdict::Error && reason.contains("journal of the simulator answered 401"),
        "{reason}"
    );
}
