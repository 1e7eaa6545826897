//! Streams whose provider is held back piece by piece, and clients that leave in the middle.

use plumbline_record::Verdict;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::gateway::read_request;
use crate::providers::{GateState, Providers};
use crate::support::{Events, Setup, TARGET, missed};

/// What the provider says, piece by piece.
const PIECES: [&str; 3] = ["one \"quoted\"", " two\n", " three"];

/// How a gateway passes a stream on.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// Each piece as it comes.
    Faithful,
    /// Each piece in two events.
    Splitting,
    /// All pieces once the last has come.
    Buffering,
    /// Each piece once the next has come.
    Lagging,
    /// All but the second.
    Losing,
    /// Not beyond the second.
    Stopping,
    /// Not beyond the second, as the provider breaks off behind the third.
    Breaking,
    /// As one that its provider did not stream.
    Inventing,
    /// As it comes, whether or not the client is there.
    Staying,
}

/// Serves one client, by its provider's call of this number.
async fn serve(stream: TcpStream, providers: &Providers, manner: Manner) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let Some(request) = read_request(&mut stream).await? else { return Ok(()) };
    let number = providers.call("openai", 200, json!({ "text": request.body }));
    providers.end(number, "open");
    let mut gate = GateState { met: !matches!(manner, Manner::Inventing), ..GateState::default() };
    providers.set_gate(gate);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let mut kept = String::new();
    for (sent, piece) in (1..).zip(PIECES) {
        if gate.met && !released(&mut stream, providers, sent, manner).await {
            providers.end(number, "left");
            return Ok(());
        }
        if gate.met {
            gate = GateState { sent, text: piece, ..gate };
            providers.set_gate(gate);
        }
        let event = |text: &str| format!("data: {}\n\n", json!({ "text": text }));
        let passed = match manner {
            Manner::Buffering => {
                kept.push_str(&event(piece));
                String::new()
            }
            Manner::Lagging => std::mem::replace(&mut kept, event(piece)),
            Manner::Losing if sent == 2 => String::new(),
            Manner::Breaking if sent == 3 => String::new(),
            Manner::Splitting => piece.chars().map(|letter| event(&letter.to_string())).collect(),
            _ => event(piece),
        };
        stream.write_all(passed.as_bytes()).await?;
        if matches!(manner, Manner::Stopping) && sent == 2 {
            break;
        }
    }
    if matches!(manner, Manner::Breaking) {
        providers.set_gate(GateState { cut: true, ..gate });
        providers.end(number, "cut");
        return stream.shutdown().await;
    }
    if !matches!(manner, Manner::Stopping) {
        providers.set_gate(GateState { over: gate.met, ..gate });
    }
    providers.end(number, "whole");
    stream.write_all(format!("{kept}data: {{\"finish\":\"stop\"}}\n\ndata: [DONE]\n\n").as_bytes()).await?;
    stream.shutdown().await
}

/// Waits until so many pieces may be sent; false where the client has left before.
async fn released(
    stream: &mut BufReader<TcpStream>,
    providers: &Providers,
    sent: u64,
    manner: Manner,
) -> bool {
    let mut through = providers.through.subscribe();
    let released = through.wait_for(|through| *through >= sent);
    if matches!(manner, Manner::Staying) {
        return released.await.is_ok();
    }
    tokio::select! {
        released = released => released.is_ok(),
        _ = stream.read_u8() => false,
    }
}

async fn gateway(providers: &Providers, manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let providers = providers.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let providers = providers.clone();
            tokio::spawn(async move {
                // A client that leaves is what this is for.
                let _ = serve(stream, &providers, manner).await;
            });
        }
    });
    url
}

fn target() -> String {
    format!(
        "{TARGET}upstream: {{ control: {{ url: \"{{{{ env.UPSTREAM_URL }}}}\", token: {{ env: UPSTREAM_TOKEN }} }}, deadline: 300ms }}\n"
    )
}

async fn run(providers: &Providers, manner: Manner, step: &str) -> Events {
    let url = gateway(providers, manner).await;
    let scenarios = format!(
        "
  - id: STREAM
    title: A stream
    steps:
      - name: one
        call: POST /chat
        as: user
        json: {{ text: \"{{{{ nonce }}}}\" }}
{step}
"
    );
    let (target, environment) = (target(), providers.environment());
    Setup { target: &target, environment, ..Setup::new(&url, &scenarios) }.run().await
}

const GATED: &str = "        timeout: TIME
        gate: text
        gated: { verifies: stream.unbuffered }
        expect: { status: 200, stream: { of: chat, verifies: stream.shape, order: { is: text+ finish, verifies: stream.order } } }
        upstream: { calls: 1, outcome: { is: whole, verifies: up.outcome } }";

async fn gated(manner: Manner, time: &str) -> (Verdict, Vec<String>, String, Events) {
    let providers = Providers::start().await;
    let events = run(&providers, manner, &GATED.replace("TIME", time)).await;
    let case = events.case("STREAM");
    let missed = missed(case).into_iter().map(str::to_owned).collect();
    let told: Vec<_> = case.misses.iter().map(|miss| miss.actual.as_str()).collect();
    (case.verdict, missed, told.join("; "), events)
}

#[tokio::test]
async fn what_is_passed_on_as_it_comes_passes() {
    for manner in [Manner::Faithful, Manner::Splitting] {
        let (verdict, _, told, events) = gated(manner, "30s").await;
        assert_eq!((verdict, told.as_str()), (Verdict::Passed, ""), "{manner:?}");
        assert_eq!(events.verdict("STREAM[upstream]"), (Verdict::Passed, ""), "{manner:?}");
        let verified: Vec<_> =
            events.case("STREAM").verifies.iter().map(|verified| verified.requirement.clone()).collect();
        assert_eq!(verified, ["stream.order", "stream.shape", "stream.unbuffered"]);
    }
}

#[tokio::test]
async fn what_is_held_back_is_missed_and_the_rest_is_judged_all_the_same() {
    for manner in [Manner::Buffering, Manner::Lagging] {
        let (verdict, missed, told, events) = gated(manner, "500ms").await;
        assert_eq!(
            (verdict, missed),
            (Verdict::Failed, vec!["stream.unbuffered".to_owned()]),
            "{manner:?} {told}"
        );
        assert!(told.contains("the gateway held back `one \"quoted\"` for 500ms"), "{told}");
        let exchange = &events.exchanges()[0];
        let plumbline_record::Outcome::Response(response) = &exchange.outcome else { panic!("{exchange:?}") };
        assert!(response.body.text.contains("three") && response.body.text.contains("[DONE]"));
    }
}

#[tokio::test]
async fn a_stream_that_is_none_of_its_providers_is_missed() {
    for (manner, time, found) in [
        (Manner::Losing, "500ms", "held back ` two"),
        (Manner::Inventing, "30s", "asked no provider for a stream"),
        (Manner::Stopping, "30s", "ended before that of the provider"),
    ] {
        let (verdict, missed, told, _) = gated(manner, time).await;
        assert_eq!(
            (verdict, missed),
            (Verdict::Failed, vec!["stream.unbuffered".to_owned()]),
            "{manner:?} {told}"
        );
        assert!(told.contains(found), "{manner:?}: {told}");
    }
}

#[tokio::test]
async fn the_last_piece_before_a_provider_breaks_off_need_not_come() {
    const CUT: &str = "        timeout: 30s
        gate: text
        gated: { verifies: stream.unbuffered }
        expect: { status: 200, stream: { of: chat, verifies: stream.shape, order: { is: text+ }, ended: { is: false } } }
        upstream: { calls: 1, outcome: { is: cut, verifies: up.outcome } }";
    let providers = Providers::start().await;
    let events = run(&providers, Manner::Breaking, CUT).await;
    let case = events.case("STREAM");
    assert_eq!((case.verdict, missed(case)), (Verdict::Passed, Vec::new()), "{case:#?}");
    assert!(case.verifies.iter().any(|verified| verified.requirement == "stream.unbuffered"), "{case:#?}");
    assert_eq!(events.verdict("STREAM[upstream]"), (Verdict::Passed, ""));
}

#[tokio::test]
async fn a_gate_is_put_up_for_the_scenario_and_opened_behind_it() {
    let providers = Providers::start().await;
    run(&providers, Manner::Faithful, &GATED.replace("TIME", "30s")).await;
    let told = providers.told();
    let release = "POST /~control/worlds/root/gates/1/release".to_owned();
    assert_eq!(told.first().map(String::as_str), Some("POST /~control/worlds/root/gates"));
    assert_eq!(told.last().map(String::as_str), Some("DELETE /~control/worlds/root/gates/1"));
    assert!(told[1..told.len() - 1].iter().all(|request| *request == release), "{told:?}");
    let through: Vec<_> = providers.bodies().iter().filter_map(|body| body["through"].as_u64()).collect();
    assert_eq!(through[..3], [1, 2, 3]);
    assert_eq!(providers.bodies()[0]["contains"].as_str().map(str::len), Some(32));
}

const LEFT: &str = "        gate: text
        leave: first-event
        expect: { status: 200, stream: { of: chat, verifies: stream.shape, order: { is: text+ finish, verifies: stream.order } } }
        upstream: { calls: 1, verifies: up.calls, outcome: { is: left, verifies: up.outcome } }";

#[tokio::test]
async fn a_client_that_leaves_is_noticed_by_the_provider_while_nothing_is_sent() {
    for (manner, verdict) in [(Manner::Faithful, Verdict::Passed), (Manner::Staying, Verdict::Failed)] {
        let providers = Providers::start().await;
        let events = run(&providers, manner, LEFT).await;
        assert_eq!(events.verdict("STREAM"), (Verdict::Passed, ""), "{manner:?}");
        let case = events.case("STREAM[upstream]");
        let missed_one: &[&str] = if verdict == Verdict::Failed { &["up.outcome"] } else { &[] };
        assert_eq!((case.verdict, missed(case).as_slice()), (verdict, missed_one), "{manner:?}: {case:#?}");
        let exchange = &events.exchanges()[0];
        let plumbline_record::Outcome::Response(response) = &exchange.outcome else { panic!("{exchange:?}") };
        assert!(response.body.text.contains("one") && !response.body.text.contains("two"), "{manner:?}");
        // The gate stands until the provider's side was looked at.
        let told = providers.told();
        assert_eq!(told.last().map(String::as_str), Some("DELETE /~control/worlds/root/gates/1"));
    }
}

#[tokio::test]
async fn whoever_leaves_judges_what_has_come() {
    let providers = Providers::start().await;
    let step = LEFT.replace("        gate: text\n", "").replace("text+ finish", "finish text*");
    let events = run(&providers, Manner::Inventing, &step).await;
    let case = events.case("STREAM");
    assert_eq!((case.verdict, missed(case)), (Verdict::Failed, vec!["stream.order"]));
}
