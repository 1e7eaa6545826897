//! Streams of events: a right one passes, a wrong one misses what it breaks and nothing else.

use std::time::Duration;

use plumbline_harness::engine::Settings;
use plumbline_harness::source::{Files, load};
use plumbline_record::{Case, Level, Outcome, Taken, Verdict, Verified};

use crate::gateway::{Answer, Gateway, Then};
use crate::lint::assert_told;
use crate::support::{Setup, TARGET, missed, one_step, read_files, settings, templates};

/// Expects the pieces of `Hello`, each part with a requirement of its own.
const HELLO: &str = "{ status: 200, stream: {
            of: chat, verifies: stream.shape,
            order: { is: text+ finish, verifies: stream.order },
            each: { schema: demo/chat, verifies: stream.chunk },
            ended: { verifies: stream.ended },
            checks: [{ at: $.joined.text, equals: Hello, verifies: stream.text }] } }";

const HEL: &str = r#"{"model":"m","text":"Hel"}"#;
const LO: &str = r#"{"model":"m","text":"lo"}"#;
const FINISH: &str = r#"{"model":"m","finish":"stop"}"#;
const DONE: &str = "[DONE]";

/// Events with this data.
fn events(data: &[&str]) -> String {
    data.iter().flat_map(|data| ["data: ", data, "\n\n"]).collect()
}

fn streamed(body: impl Into<Vec<u8>>) -> Answer {
    Answer::whole(200, body).with("content-type", "text/event-stream")
}

/// A body in chunks of a few bytes; its last chunk is missing where the connection is closed before.
fn chunked(body: &str, whole: bool) -> Answer {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunks = body.as_bytes().chunks(7);
    let mut bytes = head.as_bytes().to_vec();
    for chunk in chunks {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    if whole {
        bytes.extend(b"0\r\n\r\n");
    }
    Answer::raw(bytes, if whole { Then::Next } else { Then::Close })
}

/// The head of a stream that ends with its connection.
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";

/// What a case says that it verifies.
fn verified(case: &Case) -> Vec<&str> {
    case.verifies.iter().map(|Verified { requirement, .. }| &**requirement).collect()
}

async fn judge(expect: &str, answer: impl Fn() -> Answer + Send + Sync + 'static) -> Case {
    let gateway = Gateway::start(move |_| answer()).await;
    let events = Setup::new(&gateway.url, &one_step(expect)).run().await;
    events.case("ONE").clone()
}

/// It fails by this requirement alone, for a reason with this in it.
async fn assert_missed(answer: impl Fn() -> Answer + Send + Sync + 'static, requirement: &str, why: &str) {
    let case = judge(HELLO, answer).await;
    assert_eq!((case.verdict, missed(&case)), (Verdict::Failed, vec![requirement]), "{case:#?}");
    assert!(case.misses[0].actual.contains(why), "`{why}` is not in {case:#?}");
}

#[tokio::test]
async fn a_right_stream_passes() {
    let body = events(&[HEL, LO, FINISH, DONE]);
    let bodies = [
        body.clone(),
        body.replace('\n', "\r\n"),
        format!("\u{feff}: beat\n\n{body}: beat\n\n"),
        body.replace("data: ", "data:"),
        body.replace("data: {", "id: 1\nevent: chunk\ndata: {\ndata:"),
    ];
    for body in bodies {
        let shown = body.clone();
        let case = judge(HELLO, move || streamed(body.clone())).await;
        assert_eq!((case.verdict, case.misses.len()), (Verdict::Passed, 0), "{shown:?}: {case:#?}");
        let all = ["stream.chunk", "stream.ended", "stream.order", "stream.shape", "stream.text"];
        assert_eq!(verified(&case), all);
    }
    let in_chunks = body.clone();
    assert_eq!(judge(HELLO, move || chunked(&in_chunks, true)).await.verdict, Verdict::Passed);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n\r\n";
    let closed = move || Answer::raw(format!("{head}{body}"), Then::Close);
    assert_eq!(judge(HELLO, closed).await.verdict, Verdict::Passed);
}

#[tokio::test]
async fn a_wrong_stream_misses_what_it_breaks_and_nothing_else() {
    let other = r#"{"model":"m","other":1}"#;
    for (data, requirement, why) in [
        (vec![HEL, LO, FINISH], "stream.ended", "no terminator after 3 events"),
        (vec![HEL, LO, FINISH, DONE, DONE], "stream.ended", "the terminator came 2 times"),
        (vec![HEL, LO, FINISH, DONE, LO], "stream.ended", "1 event after the terminator"),
        (vec![FINISH, HEL, LO, DONE], "stream.order", "finish text ×2; event 1 does not fit"),
        (vec![HEL, LO, DONE], "stream.order", "text ×2; more must follow"),
        (vec![HEL, LO, other, FINISH, DONE], "stream.order", "text ×2 (no kind) finish; event 3"),
        (vec![HEL, "{oops", FINISH, DONE], "stream.chunk", "event 2 is not: {oops"),
        (vec![HEL, r#"{"text":"lo"}"#, FINISH, DONE], "stream.chunk", "event 2: "),
        (vec![HEL, FINISH, DONE], "stream.text", "\"Hel\""),
    ] {
        let body = events(&data);
        assert_missed(move || streamed(body.clone()), requirement, why).await;
    }
    let body = events(&[HEL, LO, FINISH, DONE]);
    let (json, untyped) = (body.clone(), body.clone());
    let json = move || Answer::whole(200, json.clone()).with("content-type", "application/json");
    assert_missed(json, "stream.shape", "application/json").await;
    assert_missed(move || Answer::whole(200, untyped.clone()), "stream.shape", "nothing is there").await;
    // A stream of nothing earns nothing.
    let case = judge(HELLO, || streamed("data: [DONE]\n\n")).await;
    assert_eq!(missed(&case), ["stream.chunk", "stream.order", "stream.text"], "{case:#?}");
}

#[tokio::test]
async fn a_cut_stream_is_told_apart_from_a_finished_one() {
    let body = events(&[HEL, LO, FINISH, DONE]);
    let unfinished = body.trim_end().to_owned();
    assert_missed(
        move || streamed(unfinished.clone()),
        "stream.ended",
        "in the middle of an event: data: [DONE]",
    )
    .await;
    let half = events(&[HEL]) + "data: {\"mod";
    let clean = half.clone();
    assert_missed(move || streamed(clean.clone()), "stream.ended", "in the middle of an event: data: {")
        .await;
    for body in [half, body] {
        let after = if body.contains(DONE) { "broke after 3 events" } else { "broke after 1 event: " };
        let short = body.clone();
        assert_missed(move || chunked(&body, false), "stream.ended", after).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 1000\r\n\r\n";
        let short = move || Answer::raw(format!("{head}{short}"), Then::Close);
        assert_missed(short, "stream.ended", after).await;
    }
}

#[tokio::test]
async fn what_arrived_of_a_stream_is_recorded_where_one_is_expected() {
    for (expect, is_stream) in [(HELLO, true), ("{ status: 200, verifies: chat.answers }", false)] {
        let gateway = Gateway::start(|_| chunked(&events(&[HEL]), false)).await;
        let events = Setup::new(&gateway.url, &one_step(expect)).run().await;
        let case = events.case("ONE");
        assert_eq!(case.verdict, Verdict::Failed);
        let subject = if is_stream { "stream end" } else { "response" };
        assert_eq!((case.misses.len(), &*case.misses[0].subject), (1, subject), "{case:#?}");
        match &events.exchanges()[0].outcome {
            Outcome::Response(response) if is_stream => {
                assert!(response.first_event_us.is_some());
                assert!(response.body.text.contains("Hel"));
            }
            Outcome::Failure(_) if !is_stream => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_stream_that_does_not_end_in_time_is_judged_by_what_came() {
    let must_be_cut = "{ status: 200, verifies: chat.answers, stream: {
            of: chat, verifies: stream.shape, ended: { is: false, verifies: stream.ended } } }";
    for (expect, data, why) in [
        (HELLO, &[HEL][..], "the response was not complete within 1s, after 1 event"),
        (HELLO, &[HEL, LO, FINISH, DONE], "the data `[DONE]` came, and the connection stayed open: "),
        // Silence is no end of a connection.
        (must_be_cut, &[HEL], "the response was not complete within 1s"),
    ] {
        let body = format!("{HEAD}{}", events(data));
        let gateway = Gateway::start(move |_| Answer::raw(body.clone(), Then::Silence)).await;
        let settings = Settings { step_timeout: Some(Duration::from_secs(1)), ..settings() };
        let events = Setup { settings, ..Setup::new(&gateway.url, &one_step(expect)) }.run().await;
        let case = events.case("ONE");
        assert_eq!((case.verdict, missed(case)), (Verdict::Failed, vec!["stream.ended"]), "{case:#?}");
        assert!(case.misses[0].actual.contains(why), "`{why}` is not in {case:#?}");
        let Outcome::Response(response) = &events.exchanges()[0].outcome else { panic!("{why}") };
        assert!(response.body.text.contains("Hel"), "{response:?}");
    }
}

#[tokio::test]
async fn a_stream_beyond_the_limit_is_judged_by_what_came() {
    let endless = || Answer::raw(HEAD, Then::Repeat(events(&[HEL]).into_bytes()));
    let gateway = Gateway::start(move |_| endless()).await;
    let target = format!("{TARGET}limits: {{ response_bytes: 1000 }}");
    let events = Setup { target: &target, ..Setup::new(&gateway.url, &one_step(HELLO)) }.run().await;
    let case = events.case("ONE");
    assert_eq!((case.verdict, missed(case)), (Verdict::Failed, vec!["stream.ended"]), "{case:#?}");
    assert!(case.misses[0].actual.starts_with("the response is longer than 1000 bytes, after "), "{case:#?}");
    assert!(matches!(&events.exchanges()[0].outcome, Outcome::Response(_)));
}

#[tokio::test]
async fn what_is_no_stream_of_utf_8_has_no_right_shape() {
    let body = events(&[HEL, LO, FINISH, DONE]);
    let garbled = body.replace("Hel", "H#l").into_bytes();
    let garbled: Vec<_> = garbled.into_iter().map(|byte| if byte == b'#' { 0xFF } else { byte }).collect();
    assert_missed(move || streamed(garbled.clone()), "stream.shape", "event 1 is not: ").await;
    for (header, value) in
        [("content-encoding", "gzip"), ("content-type", "text/event-stream; charset=utf-16")]
    {
        let body = body.clone();
        let answer = move || match header {
            "content-type" => Answer::whole(200, body.clone()).with(header, value),
            _ => streamed(body.clone()).with(header, value),
        };
        assert_missed(answer, "stream.shape", value).await;
    }
}

#[tokio::test]
async fn a_terminator_of_its_own_name_is_judged_too() {
    let expect = "{ status: 200, stream: {
            of: turns, verifies: stream.shape, order: { is: turn+, verifies: stream.order },
            each: { schema: demo/chat, verifies: stream.chunk }, ended: { verifies: stream.ended },
            checks: [{ at: $.terminator.event, equals: stop, verifies: stream.text }] } }";
    let turn = r#"data: {"type":"turn","model":"m"}"#;
    for (end, miss) in [
        (r#"event: stop|data: {"type":"stop","model":"m"}"#, None),
        ("event: stop|data: <html>502</html>", Some("stream.chunk")),
        (r#"event: stop|data: {"type":"stop"}"#, Some("stream.chunk")),
        // It is one thing that is wrong here, and one that is told.
        (r#"data: {"type":"stop","model":"m"}"#, Some("stream.text")),
        (r#"event: end|data: {"type":"end","model":"m"}"#, Some("stream.ended")),
    ] {
        let body = format!("{turn}\n\n{}\n\n", end.replace('|', "\n"));
        let case = judge(expect, move || streamed(body.clone())).await;
        let first = missed(&case).first().copied();
        assert_eq!(first, miss, "{end}: {case:#?}");
        // An event of another kind is one too many where the terminator belongs.
        assert!(
            case.misses.len() == usize::from(miss.is_some()) || miss == Some("stream.ended"),
            "{case:#?}"
        );
    }
}

#[tokio::test]
async fn lines_that_are_no_event_can_be_told() {
    let expect = "{ status: 200, stream: {
            of: chat, verifies: stream.shape, ended: { verifies: stream.ended },
            checks: [{ at: $.ignored, length: 0, level: SHOULD, verifies: stream.shape }] } }";
    let (begun, ended) = (events(&[HEL]), events(&[LO, FINISH, DONE]));
    for (body, miss, level) in [
        (format!("{begun}{{\"error\":502}}\n\n{ended}"), "stream.shape", Level::Should),
        (format!("{begun}<html>\n{ended}"), "stream.shape", Level::Should),
        (format!("{begun}{ended}<html>502</html>\n\n"), "stream.ended", Level::Must),
    ] {
        let case = judge(expect, move || streamed(body.clone())).await;
        assert_eq!((missed(&case), case.misses[0].level), (vec![miss], level), "{case:#?}");
    }
}

#[tokio::test]
async fn what_a_warning_hides_is_not_verified() {
    let expect = "{ status: 200, verifies: chat.polite, stream: {
            of: chat, verifies: stream.shape, ended: { verifies: stream.ended } } }";
    let case = judge(expect, || Answer::whole(404, "{}")).await;
    assert_eq!((case.verdict, missed(&case)), (Verdict::Passed, vec!["chat.polite"]));
    assert_eq!(verified(&case), ["chat.polite"]);
    let body = events(&[HEL, DONE]);
    let case = judge(expect, move || streamed(body.clone())).await;
    assert_eq!(verified(&case), ["chat.polite", "stream.ended", "stream.shape"]);
    // Neither is an answer right that is none of those allowed, because the laxest of them is only a wish.
    let expect = "{ any_of: [
            { name: polite, status: 400, verifies: chat.polite }, { name: other, status: 401, verifies: chat.answers } ] }";
    let case = judge(expect, || Answer::whole(500, "{}")).await;
    assert_eq!((case.verdict, missed(&case)), (Verdict::Failed, vec!["chat.answers"]));
    let case = judge(expect, || Answer::whole(401, "{}")).await;
    assert_eq!((case.verdict, verified(&case)), (Verdict::Passed, vec!["chat.answers"]));
}

#[tokio::test]
async fn a_level_is_that_of_the_requirement() {
    let body = events(&[HEL, LO, FINISH]);
    let expect = "{ status: 200, stream: { of: chat, verifies: chat.polite } }";
    let case = judge(expect, move || streamed(body.clone())).await;
    assert_eq!((case.verdict, case.misses.len()), (Verdict::Passed, 1), "{case:#?}");
    assert_eq!((case.misses[0].level, missed(&case)), (Level::Should, vec!["chat.polite"]));
}

#[tokio::test]
async fn a_stream_may_have_to_break_off() {
    let expect = "{ status: 200, verifies: stream.shape, stream: {
            of: chat, order: { is: text* error }, ended: { is: false, verifies: stream.ended } } }";
    let failed = format!("{}event: error\ndata: {{}}\n\n", events(&[HEL]));
    let ended = failed.clone() + &events(&[DONE]);
    assert_eq!(judge(expect, move || streamed(failed.clone())).await.verdict, Verdict::Passed);
    let case = judge(expect, move || streamed(ended.clone())).await;
    assert_eq!(missed(&case), ["stream.ended"], "{case:#?}");
    let expect_cut = "{ status: 200, verifies: stream.shape, stream: {
            of: chat, order: { is: text+, verifies: stream.order }, ended: { is: false, verifies: stream.ended } } }";
    let cut = || chunked(&events(&[HEL, LO]), false);
    assert_eq!(judge(expect_cut, cut).await.verdict, Verdict::Passed);
    assert_eq!(missed(&judge(expect_cut, || chunked("", false)).await), ["stream.order"]);
    // What is not HTTP is no end of the connection.
    let head = HEAD.replace("\r\n\r\n", "\r\ntransfer-encoding: chunked\r\n\r\n");
    let broken = format!("{head}5\r\ndata:\r\nzz\r\n");
    let broken = move || Answer::raw(broken.clone(), Then::Close);
    assert_eq!(missed(&judge(expect_cut, broken).await), ["stream.ended"]);
    // Without a terminator, it is the body that must not be whole.
    let expect = "{ status: 200, stream: { of: lines, ended: false, verifies: stream.ended,
            checks: [{ at: $.joined.text, equals: [a], verifies: stream.text }] } }";
    let lines = "event: line\ndata: a\n\n";
    assert_eq!(judge(expect, move || chunked(lines, false)).await.verdict, Verdict::Passed);
    assert_eq!(missed(&judge(expect, move || chunked(lines, true)).await), ["stream.ended"]);
}

#[tokio::test]
async fn a_client_may_have_to_see_that_a_stream_breaks_off() {
    let expect = |of: &str, order: &str| {
        format!(
            "{{ status: 200, verifies: stream.shape, stream: {{ of: {of}, order: {{ is: {order} }},
            ended: {{ is: broken-off, verifies: stream.ended }} }} }}"
        )
    };
    let (chat, lines) = (expect("chat", "text+"), expect("lines", "line+"));
    let cut = || chunked(&events(&[HEL, LO]), false);
    assert_eq!(judge(&chat, cut).await.verdict, Verdict::Passed);
    let line = "event: line\ndata: a\n\n";
    assert_eq!(judge(&lines, move || chunked(line, false)).await.verdict, Verdict::Passed);
    // A body that is whole looks as if the stream were: with its end, without it, and in the middle of an event.
    for data in [&[HEL, LO, DONE][..], &[HEL, LO]] {
        let body = events(data);
        assert_eq!(missed(&judge(&chat, move || streamed(body.clone())).await), ["stream.ended"]);
    }
    let half = events(&[HEL]) + "data: {\"mod";
    let closed = format!("{HEAD}{half}");
    assert_eq!(missed(&judge(&chat, move || streamed(half.clone())).await), ["stream.ended"]);
    // Nothing but its connection ends such a body, so that nobody sees whether it is whole.
    let closed = move || Answer::raw(closed.clone(), Then::Close);
    assert_eq!(missed(&judge(&chat, closed).await), ["stream.ended"]);
    assert_eq!(missed(&judge(&lines, move || chunked(line, true)).await), ["stream.ended"]);
}

#[tokio::test]
async fn a_stream_is_one_of_several_answers() {
    let expect = "{ any_of: [
            { name: streamed, status: 200, stream: { of: chat, verifies: stream.shape } },
            { name: refused, status: 400 },
            { name: whole, status: 200, verifies: chat.answers } ] }";
    let right = events(&[HEL, DONE]);
    for (answer, taken) in [
        (streamed(right.clone()), Some("streamed")),
        (Answer::whole(400, "{}"), Some("refused")),
        (Answer::whole(200, "{}"), Some("whole")),
        // What is cut off is no whole answer.
        (chunked(&right, false), None),
    ] {
        let answer = parking_lot::Mutex::new(Some(answer));
        let gateway = Gateway::start(move |_| answer.lock().take().unwrap()).await;
        let events = Setup::new(&gateway.url, &one_step(expect)).run().await;
        let taken: Vec<_> = taken
            .into_iter()
            .map(|name: &str| Taken { step: "one".to_owned(), alternative: name.to_owned() })
            .collect();
        assert_eq!(events.attempts()[0].taken, taken, "{:#?}", events.case("ONE"));
        let verdict = if taken.is_empty() { Verdict::Failed } else { Verdict::Passed };
        assert_eq!(events.case("ONE").verdict, verdict);
    }
}

#[tokio::test]
async fn templates_reach_what_was_joined() {
    let calls =
        r#"{"text":"Hi","calls":[{"index":3,"arguments":"{\"model\":"},{"index":1,"arguments":"[]"}]}"#;
    let more = r#"{"text":"","calls":[{"index":3,"arguments":"\"m\"}"}]}"#;
    let body = format!(": a\n\n: b\n\n{}", events(&[calls, more, DONE]));
    let gateway = Gateway::start(move |_| streamed(body.clone())).await;
    let expect = r#"{ stream: { of: chat, checks: [
            { at: "$.joined.arguments[0]", json_schema: demo/chat },
            { at: "$.joined.arguments[0]", is: json-object },
            { at: "$.joined.arguments[1]", is: json },
            { at: $.joined.finish, absent: true },
            { at: $.joined.text, equals: "{{ one.stream.joined.text }}" },
            { each: "$.events[*].kind", equals: text },
            { at: $, equals: "{{ one.stream }}" },
            { at: $.comments, equals: 2 }, { at: $.ended, equals: true } ] } }"#;
    let later = r#"      - name: two
        call: POST /two
        json: ["{{ one.stream.joined.text }}", "{{ one.stream.events[0].data.calls[0].index }}"]
        burst: 2
        expect: { status: 200, stream: { of: chat } }
        replies: [{ each: "$[*].stream.joined.text", equals: Hi }]
"#;
    let events = Setup::new(&gateway.url, &(one_step(expect) + later)).run().await;
    assert_eq!(events.verdict("ONE"), (Verdict::Passed, ""), "{:#?}", events.case("ONE"));
    let bodies: Vec<_> = gateway.received().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, ["", r#"["Hi",3]"#, r#"["Hi",3]"#]);
    let timed = |outcome: &Outcome| matches!(outcome, Outcome::Response(response) if response.first_event_us.is_some());
    assert!(events.exchanges().iter().all(|exchange| timed(&exchange.outcome)));
}

const WRONG_STEPS: &str = r#"contract: demo
scenarios:
  - id: STREAMS
    title: Streams that nobody can expect
    steps:
      - name: one
        call: GET /
        expect:
          stream:
            of: chta
            order: { is: text, verifies: stream.ordr }
      - name: two
        call: GET /
        expect:
          schema: demo/chat
          stream: { of: chat, order: { is: text* finsh }, each: { schema: demo/chatt }, ended: perhaps }
      - name: three
        call: GET /
        expect:
          stream: { of: chat, order: { is: "(text finish" }, verifies: stream.shap, sorted: true }
      - name: four
        call: GET /
        expect: { any_of: [{ name: a, stream: { of: chat } }, { name: b, stream: { of: lines } }] }
      - name: five
        call: GET /
        expect:
          stream:
            of: chat
            checks:
              - { at: $.joined.text, is: jsn }
              - { at: $.joined.text, json_schema: demo/chta }
              - { at: $.joined.text, json_schema: demo/chat, is: json }
      - name: six
        call: GET /
        expect:
          stream:
            of: chat
            checks:
              - { at: $.joined.txt, absent: true }
              - { each: "$['evnts'][*].data", is: object }
              - { at: $.joined.text, equals: "{{ six.stream.joined.txt }}" }
              - { at: "$.events[?@.data == $.joined.finsh].data", is: string }
        capture:
          text: { only: $.text }
          id: { header: x-id }
      - name: seven
        call: "GET /{{ six.stream.endd }}{{ text }}{{ six.stream.terminator.data }}"
        expect: { status: 200, text: { contains: "{{ seven.stream.events }}" } }
      - name: eight
        call: GET /
        burst: 2
        expect: { stream: { of: chat } }
        capture: { texts: { all: "$[*].stream.joined.text" } }
"#;

#[test]
fn mistakes_in_what_is_expected_are_told() {
    let (_, mistakes) = read_files(&[("demo/a.yaml", WRONG_STEPS)]);
    let file = "demo/a.yaml";
    assert_told(
        &mistakes,
        &[
            (file, 10, "the contract has no stream `chta`", "did you mean `chat`?"),
            (file, 11, "no requirement `stream.ordr`", "did you mean `stream.order`?"),
            (file, 16, "a stream of events has no JSON body", "write under `stream`"),
            (file, 16, "the stream has no kind `finsh`", "did you mean `finish`?"),
            (file, 16, "no JSON Schema `demo/chatt`", "did you mean `demo/chat`?"),
            (file, 16, "there is no `perhaps` here", "known here: broken-off, false, true"),
            (file, 20, "`(text finish` is not an order of events: a `)` is missing", "as in `role content*"),
            (file, 20, "no requirement `stream.shap`", "did you mean `stream.shape`?"),
            (file, 20, "no field `sorted` here", ""),
            (file, 23, "the streams of a step are of one kind", "make a step for each kind"),
            (file, 30, "no `jsn` here", "did you mean `json`?"),
            (file, 31, "no JSON Schema `demo/chta`", "did you mean `demo/chat`?"),
            (file, 32, "a check has one matcher", "make two checks of it"),
            (file, 39, "the stream `chat` joins no `txt`", "did you mean `text`?"),
            (file, 40, "a stream has no `evnts`", "did you mean `events`?"),
            (file, 41, "the stream `chat` joins no `txt`", "did you mean `text`?"),
            (file, 42, "the stream `chat` joins no `finsh`", "did you mean `finish`?"),
            (file, 44, "a stream has no JSON body to capture from", "`{{ six.stream.joined.… }}`"),
            (file, 47, "a stream has no `endd`", "did you mean `ended`?"),
            (file, 48, "the step `seven` expects no stream", "say under `expect`"),
        ],
    );
}

const WRONG_CONTRACT: &str = r#"contract: demo
version: "1"
title: Streams that are none
streams:
  - { name: a, text: A, terminator: { data: x, event: y } }
  - { name: a, text: A, terminator: {} }
  - name: b
    text: B
    data: xml
  - name: c
    text: C
    kinds:
      - { name: two words, when: [{ at: $.a, is: string }] }
      - { name: one, when: [] }
      - { name: two, when: [{ at: "$.a[", is: string }] }
      - { name: three, when: [{ at: $.a, equals: "{{ models.chat }}" }] }
      - { name: four, when: [{ at: $.a, is: string, verifies: chat.answers }] }
    joined:
      a: { over: $.a }
      b: { over: $.a, first: $.b, last: $.b }
      c: { over: "$.a[", first: $.b }
  - name: d
    text: D
    terminator: { data: x, when: [{ at: $.a, is: string }] }
requirements: []
"#;

#[test]
fn mistakes_in_the_streams_of_a_contract_are_told() {
    let files = Files::in_memory([("demo/contract.yaml", WRONG_CONTRACT)]);
    let (_, mistakes) = load(files, &[], templates());
    let file = "demo/contract.yaml";
    assert_told(
        &mistakes,
        &[
            (file, 5, "a terminator is told by one thing", "`data: …` or `event: …`"),
            (file, 6, "the stream `a` is given twice", ""),
            (file, 6, "a terminator is told by one thing", "`data: …` or `event: …`"),
            (file, 9, "no `xml` here", "known here: json, text"),
            (file, 13, "`two words` is no name of a kind", "use letters"),
            (file, 14, "every event would be of this kind", "add a condition"),
            (file, 15, "`$.a[` is not a JSONPath", "RFC 9535"),
            (file, 16, "`models` is not defined in a contract", "the same for all scenarios"),
            (file, 17, "a condition verifies nothing", "take `level`"),
            (file, 19, "values are joined in one way", "concat, first, last and all"),
            (file, 20, "values are joined in one way", "concat, first, last and all"),
            (file, 21, "`$.a[` is not a JSONPath", "RFC 9535"),
            (file, 24, "`when` does not go with `data`", "take it out"),
        ],
    );
}
