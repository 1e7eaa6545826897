//! What is said of the calls behind a step whose client was told something wrong: those that were made are right or wrong all
//! the same, and nothing is made of those that were not.

use plumbline_record::{Case, Verdict};
use serde_json::{Value, json};

use crate::gateway::{Answer, Then};
use crate::providers::{Providers, call};
use crate::support::{USER_KEY, missed};
use crate::upstream::{PAIRED, gateway, run};

/// What a gateway asks its providers.
type Ask = fn(&Providers, &Value);

/// More time than anything takes that has an end.
const PATIENT: &str = "30s";

/// A question that is to be asked like this and answered within a time, and another one after it.
fn scenarios(upstream: &str, time: &str) -> String {
    format!(
        "
  - id: ONE
    title: A question
    steps:
      - name: chat
        call: POST /chat
        as: user
        timeout: {time}
        json: {{ text: \"Hello {{{{ nonce }}}}\" }}
        expect: {{ status: 200, verifies: chat.answers }}
        capture: {{ told: {{ only: $.model }} }}
        upstream: {upstream}
      - name: later
        call: POST /chat
        as: user
        json: {{}}
        expect: {{ status: 200 }}
        upstream: {{ calls: 1, verifies: up.outcome }}
"
    )
}

/// What comes of the providers' side where the client's is missed.
async fn judged(upstream: &str, ask: Ask, answer: fn() -> Answer) -> Case {
    judged_within(PATIENT, upstream, ask, answer).await
}

async fn judged_within(time: &str, upstream: &str, ask: Ask, answer: fn() -> Answer) -> Case {
    let providers = Providers::start().await;
    let gateway = gateway(&providers, move |providers, body| {
        ask(providers, body);
        answer()
    })
    .await;
    let events = run(PAIRED, &providers, &gateway, &scenarios(upstream, time)).await;
    assert_eq!(events.case("ONE").verdict, Verdict::Failed);
    assert!(!events.written().contains(USER_KEY));
    events.case("ONE[upstream]").clone()
}

fn refused() -> Answer {
    Answer::json(500, &json!({ "model": "model-b" }))
}

fn hung_up() -> Answer {
    Answer::raw("", Then::Close)
}

fn broken_off() -> Answer {
    Answer::raw(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
        Then::Close,
    )
}

fn silent() -> Answer {
    Answer::raw("", Then::Silence)
}

fn unfinished() -> Answer {
    Answer::raw(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
        Then::Silence,
    )
}

fn nothing(_: &Providers, _: &Value) {}

fn once(providers: &Providers, body: &Value) {
    providers.call("openai", 200, body.clone());
}

fn twice(providers: &Providers, body: &Value) {
    once(providers, body);
    once(providers, body);
}

/// Asks once more when the answer is out and its calls were looked at.
fn again_later(providers: &Providers, body: &Value) {
    once(providers, body);
    providers.call_late(2, call("openai", 200, body.clone()));
}

fn elsewhere(providers: &Providers, body: &Value) {
    providers.call("anthropic", 200, body.clone());
}

fn changed(providers: &Providers, _: &Value) {
    providers.call("openai", 200, json!({ "text": "Hello" }));
}

fn leaking(providers: &Providers, body: &Value) {
    let mut leaking = body.clone();
    leaking["user"] = USER_KEY.into();
    once(providers, &leaking);
}

fn open(providers: &Providers, body: &Value) {
    let number = providers.call("openai", 200, body.clone());
    providers.end(number, "open");
}

const ONCE: &str = r#"{ verifies: up.calls, calls_are: [{ provider: openai, status: 200, verifies: up.call }],
          every: [{ at: $.body.text, equals: "Hello {{ nonce }}", verifies: up.every }],
          lacks: [{ text: "{{ credentials.user }}", verifies: up.lacks }] }"#;

#[tokio::test]
async fn what_was_asked_is_right_or_wrong_whatever_the_client_was_told() {
    for answer in [refused, hung_up, broken_off] {
        let case = judged(ONCE, once, answer).await;
        assert_eq!((case.verdict, missed(&case)), (Verdict::Passed, Vec::new()), "{case:#?}");
        let verified: Vec<_> = case.verifies.iter().map(|verified| verified.requirement.as_str()).collect();
        assert_eq!(verified, ["up.call", "up.calls", "up.every", "up.lacks"]);
        // The step after it was not reached.
        assert_eq!(case.unreached[0].requirement, "up.outcome");
    }
    let wrong: [(Ask, &str); 4] =
        [(twice, "up.calls"), (elsewhere, "up.call"), (changed, "up.every"), (leaking, "up.lacks")];
    for (ask, requirement) in wrong {
        let case = judged(ONCE, ask, refused).await;
        assert_eq!((case.verdict, missed(&case)), (Verdict::Failed, vec![requirement]), "{case:#?}");
        assert!(case.misses.iter().all(|miss| miss.step == "chat"), "{case:#?}");
    }
    let case = judged("{ calls: none, verifies: up.calls }", once, refused).await;
    assert_eq!((case.verdict, missed(&case)), (Verdict::Failed, vec!["up.calls"]));
}

#[tokio::test]
async fn a_call_after_the_wrong_answer_counts_where_those_before_it_are_right() {
    for answer in [refused, hung_up] {
        let case = judged(ONCE, again_later, answer).await;
        assert_eq!((case.verdict, missed(&case)), (Verdict::Failed, vec!["up.calls"]), "{case:#?}");
        assert!(case.misses[0].actual.starts_with("besides the 1 before"), "{case:#?}");
    }
    // Where something was left open, nobody knows whose it is.
    let ended = "{ calls: 1, verifies: up.calls, outcome: { is: left, verifies: up.outcome } }";
    let case = judged(ended, again_later, refused).await;
    assert_eq!((case.verdict, missed(&case)), (Verdict::NotTestable, Vec::new()), "{case:#?}");
}

#[tokio::test]
async fn what_was_not_asked_says_nothing() {
    let two = ONCE.replacen("}],", "}, { provider: openai, verifies: up.call }],", 1);
    assert_ne!(two, ONCE);
    let never = "{ calls: none, verifies: up.calls }";
    let any = "{ calls: { between: [0, 1] } }";
    let undecided: [(&str, Ask); 5] =
        [(ONCE, nothing), (never, nothing), (any, nothing), (two.as_str(), once), (ONCE, open)];
    for (upstream, ask) in undecided {
        let case = judged(upstream, ask, refused).await;
        assert_eq!(
            (case.verdict, missed(&case)),
            (Verdict::NotTestable, Vec::new()),
            "{upstream}: {case:#?}"
        );
    }
    // What one call held is wrong though there ought to be two.
    let case = judged(&two, leaking, refused).await;
    assert_eq!((case.verdict, missed(&case)), (Verdict::Failed, vec!["up.lacks"]));
}

#[tokio::test]
async fn an_exchange_that_was_given_up_says_nothing() {
    for answer in [silent, unfinished] {
        let case = judged_within("500ms", ONCE, twice, answer).await;
        assert_eq!((case.verdict, missed(&case)), (Verdict::NotTestable, Vec::new()), "{case:#?}");
    }
}

#[tokio::test]
async fn what_the_right_answer_would_tell_is_not_compared() {
    let compared = [
        r#"{ at: $.model, equals: "{{ chat.json.model }}", verifies: up.every }"#,
        r#"{ at: $.model, equals: "{{ told }}", verifies: up.every }"#,
        r#"{ at: "$[?@ == {{ told }}]", is: string, verifies: up.every }"#,
    ];
    for check in compared {
        let upstream = format!("{{ calls: 1, verifies: up.calls, every: [{check}] }}");
        let case = judged(&upstream, once, refused).await;
        assert_eq!((case.verdict, missed(&case)), (Verdict::NotTestable, Vec::new()), "{check}: {case:#?}");
        let case = judged(&upstream, twice, refused).await;
        assert_eq!((case.verdict, missed(&case)), (Verdict::Failed, vec!["up.calls"]), "{check}: {case:#?}");
    }
    let text = r#"{ calls: 1, verifies: up.calls, lacks: [{ text: "{{ told }}", verifies: up.lacks }] }"#;
    assert_eq!(judged(text, once, refused).await.verdict, Verdict::NotTestable);
    let ended = "{ calls: 1, verifies: up.calls, outcome: { is: left, verifies: up.outcome } }";
    assert_eq!(judged(ended, once, refused).await.verdict, Verdict::NotTestable);
}

#[tokio::test]
async fn a_value_that_an_earlier_step_has_kept_is_not_the_missed_ones() {
    let scenarios = r#"
  - id: ONE
    title: A value is kept anew
    steps:
      - name: first
        call: POST /chat
        as: user
        json: { text: "{{ nonce }}" }
        expect: { status: 500 }
        capture: { told: { only: $.model } }
      - name: chat
        call: POST /chat
        as: user
        json: { text: "{{ nonce }}" }
        expect: { status: 200 }
        capture: { told: { only: $.model } }
        upstream: { calls: 1, every: [{ at: $.model, equals: "{{ told }}", verifies: up.every }] }
"#;
    let providers = Providers::start().await;
    let gateway = gateway(&providers, |providers, body| {
        once(providers, body);
        refused()
    })
    .await;
    let events = run(PAIRED, &providers, &gateway, scenarios).await;
    let (verdict, reason) = events.verdict("ONE[upstream]");
    assert_eq!(
        (verdict, reason),
        (
            Verdict::NotTestable,
            "no step that it observes came to its end as expected, and nothing else decides it"
        )
    );
}

#[tokio::test]
async fn a_call_that_has_not_ended_with_the_answer_is_waited_for() {
    let target = PAIRED.replace("deadline: 300ms", "deadline: 30s");
    let providers = Providers::start().await;
    let gateway = gateway(&providers, |providers, body| {
        let number = providers.call("openai", 200, body.clone());
        providers.end_late(number, "whole");
        refused()
    })
    .await;
    let events = run(&target, &providers, &gateway, &scenarios(ONCE, PATIENT)).await;
    assert_eq!(events.verdict("ONE[upstream]"), (Verdict::Passed, ""));
}
