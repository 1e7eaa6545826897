//! Whatever happens, no credential reaches the record, not even in part.

use plumbline_record::{Outcome, Verdict};
use serde_json::json;

use crate::gateway::{Answer, Gateway};
use crate::support::{Events, Setup, USER_KEY, environment, one_step};

/// As long as many keys are: longer than what a difference shows.
const LONG_KEY: &str = "sk-long-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// No stretch of a credential is in the record that would help to guess the rest.
fn assert_unwritten(events: &Events, secret: &str) {
    let written = events.written();
    for start in 0..=secret.len() - 12 {
        let part = &secret[start..start + 12];
        let line = written.lines().find(|line| line.contains(part));
        assert_eq!(line, None, "`{part}` is written");
    }
}

#[tokio::test]
async fn the_credential_of_a_role_is_redacted_wherever_it_comes_back() {
    let gateway = Gateway::start(|request| {
        let told = request.header("authorization").unwrap_or_default().to_owned();
        Answer::json(200, &json!({ "told": told, "again": [told] })).with("x-told", &told)
    })
    .await;
    let scenarios = "
  - id: ECHO
    title: The credential comes back
    steps:
      - name: echo
        call: GET /
        as: user
        headers: { x-key: again }
        expect:
          status: 200
          headers: { x-told: { equals: something } }
          body: [{ at: $.told, equals: something }, { at: $.again, is: string }]
          text: { equals: something }
";
    let events = Setup::new(&gateway.url, scenarios).run().await;
    assert_eq!(gateway.received()[0].header("authorization"), Some(format!("Bearer {USER_KEY}").as_str()));
    let case = events.case("ECHO");
    assert_eq!((case.verdict, case.misses.len()), (Verdict::Failed, 4));
    assert_unwritten(&events, USER_KEY);
    let redacted = "Bearer [redacted:USER_KEY]";
    let exchange = events.exchanges()[0];
    let header = |headers: &[(String, String)], name: &str| {
        headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    };
    assert_eq!(header(&exchange.request.headers, "authorization").as_deref(), Some(redacted));
    let Outcome::Response(response) = &exchange.outcome else { panic!("{exchange:?}") };
    assert_eq!(header(&response.headers, "x-told").as_deref(), Some(redacted));
    assert_eq!(response.body.text, format!(r#"{{"told":"{redacted}","again":["{redacted}"]}}"#));
}

#[tokio::test]
async fn a_credential_in_a_request_of_ours_is_redacted() {
    let gateway = Gateway::start(|request| match request.path.as_str() {
        "/login" => Answer::json(200, &json!({ "token": "tok-0123456789-abcdef" })),
        _ => Answer::whole(200, request.body.clone()),
    })
    .await;
    let scenarios = r#"
  - id: LOGIN
    title: A token is captured and used
    steps:
      - name: login
        call: POST /login
        expect: { status: 200 }
        capture: { token: { only: $.token, secret: true } }
      - name: use
        call: POST /use?token={{ token }}
        headers: { x-token: "{{ token }}" }
        json: { token: "{{ token }}", text: "token={{ token }}" }
        expect: { status: 200, body: [{ at: $.token, equals: "{{ token }}" }, { at: $.text, is: "null" }] }
"#;
    let events = Setup::new(&gateway.url, scenarios).run().await;
    assert!(gateway.calls()[1].ends_with("?token=tok-0123456789-abcdef"));
    assert_unwritten(&events, "tok-0123456789-abcdef");
    let exchange = events.exchanges()[1];
    assert!(exchange.request.url.ends_with("/use?token=[redacted:token]"), "{}", exchange.request.url);
}

#[tokio::test]
async fn a_captured_credential_in_a_path_is_redacted() {
    let gateway =
        Gateway::start(|_| Answer::json(200, &json!({ "token": "tok-0123456789-abcdef", "list": [] }))).await;
    let scenarios = r#"
  - id: PATH
    title: The token is looked for
    steps:
      - name: login
        call: GET /
        expect: { status: 200 }
        capture: { token: { only: $.token, secret: true } }
      - name: find
        call: GET /
        expect: { body: [{ at: "$.list[?@.token == '{{ token }}']", is: object }] }
"#;
    let events = Setup::new(&gateway.url, scenarios).run().await;
    assert_eq!(events.case("PATH").verdict, Verdict::Failed);
    assert_unwritten(&events, "tok-0123456789-abcdef");
}

#[tokio::test]
async fn a_long_credential_is_not_written_in_part() {
    let gateway = Gateway::start(|request| {
        let told = request.header("authorization").unwrap_or_default().to_owned();
        // So that whatever shows the beginning of a text ends in the middle of the credential.
        let late = format!("{}{told}", "x".repeat(380));
        Answer::json(200, &json!({ "told": told, "late": late }))
    })
    .await;
    let scenarios = one_step(
        "{ status: 200, body: [{ at: $.told, equals: Bearer none }, { at: $.late, equals: none }] }",
    );
    let environment = environment().with("USER_KEY", LONG_KEY);
    let events = Setup { environment, ..Setup::new(&gateway.url, &scenarios) }.run().await;
    assert_eq!(events.case("ONE").misses.len(), 2);
    assert_unwritten(&events, LONG_KEY);
}

#[tokio::test]
async fn the_password_of_an_address_is_not_written() {
    let gateway = Gateway::start(|_| Answer::whole(200, "{}")).await;
    let scenarios = "
  - id: ADDRESS
    title: The address has a password
    steps: [{ name: one, call: GET /, expect: { status: 200 } }]
";
    let url = gateway.url.replace("http://", "http://jane:correct-horse-battery@");
    let events = Setup::new(&url, scenarios).run().await;
    assert_eq!(events.verdict("ADDRESS"), (Verdict::Passed, ""));
    assert_unwritten(&events, "correct-horse-battery");
}
