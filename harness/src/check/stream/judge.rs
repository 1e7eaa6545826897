use std::sync::Arc;

use plumbline_record::{Level, Miss};
use serde_json::Value;

use super::document::Stream;
use super::sse::MOST_EVENTS;
use crate::check::matching::{Mismatch, nothing_found};
use crate::check::words::{shorten, show};
use crate::check::{Context, Reply, decide};
use crate::scenario::{Clause, DataFormat, Order, StreamExpectation};

/// The content type of a stream of events.
const EVENT_STREAM: &str = "text/event-stream";

/// Decides what is expected of the stream that a reply is; gives the misses, and how many checks were decided.
///
/// What follows only from something that was told already is not told again: nothing is looked at in a body that is no
/// stream, and neither the order nor the whole is judged of one that is cut off or cannot be read.
pub fn decide_stream(
    expectation: &StreamExpectation,
    stream: Option<&Stream>,
    reply: &Reply,
    context: &Context<'_>,
    step: &str,
) -> (Vec<Miss>, u32) {
    let mut judge = Judge { context, step, misses: Vec::new(), checks: 0 };
    let Some(stream) = stream else {
        judge.decide(&expectation.shape, "header content-type", Err(other_type(reply)));
        return (judge.misses, judge.checks);
    };
    judge.decide(&expectation.shape, "header content-type", Ok(()));
    if stream.too_many {
        let found = Mismatch::new(format!("at most {MOST_EVENTS} events"), "more");
        judge.decide(&expectation.end, "stream end", Err(found));
        return (judge.misses, judge.checks);
    }
    if expectation.of.data == DataFormat::Json {
        let clause = expectation.each.as_ref().map_or(&expectation.shape, |(_, clause)| clause);
        judge.decide(clause, "stream data", judge.readable(stream));
    }
    if let Some((schema, clause)) = &expectation.each {
        judge.decide(clause, "stream events", judge.valid(schema, stream));
    }
    judge.decide(&expectation.end, "stream end", judge.ended(expectation, stream));
    let partial = stream.end.is_cut() || !stream.unreadable.is_empty();
    if partial && judge.misses.iter().any(|miss| miss.level == Level::Must) {
        return (judge.misses, judge.checks);
    }
    if let Some((order, clause)) = &expectation.order {
        judge.decide(clause, "stream order", judge.ordered(order, stream));
    }
    let document = Reply::of_json(Arc::clone(stream.document()));
    for check in &expectation.checks {
        judge.checks += 1;
        let miss = decide(check, &document, context, step);
        judge.misses.extend(miss.map(|miss| Miss { subject: format!("stream {}", miss.subject), ..miss }));
    }
    (judge.misses, judge.checks)
}

fn other_type(reply: &Reply) -> Mismatch {
    match reply.header("content-type") {
        None => nothing_found(EVENT_STREAM.to_owned()),
        Some(other) => Mismatch::new(EVENT_STREAM, other),
    }
}

/// Collects what is decided.
struct Judge<'j> {
    context: &'j Context<'j>,
    step: &'j str,
    misses: Vec<Miss>,
    checks: u32,
}

impl Judge<'_> {
    fn decide(&mut self, clause: &Clause, subject: &str, found: Result<(), Mismatch>) {
        self.checks += 1;
        let Err(mismatch) = found else { return };
        self.misses.push(Miss {
            level: clause.level.on(self.context.scripted),
            requirement: clause.verifies.as_deref().map(str::to_owned),
            step: self.step.to_owned(),
            subject: subject.to_owned(),
            expected: mismatch.expected,
            actual: mismatch.actual,
            difference: None,
            location: clause.location.clone(),
        });
    }

    /// Whether the data of every event is JSON.
    fn readable(&self, stream: &Stream) -> Result<(), Mismatch> {
        let [number, more @ ..] = stream.unreadable.as_slice() else { return Ok(()) };
        let data = stream.events().get(number - 1).and_then(|event| event.get("data")?.as_str());
        let data = shorten(data.unwrap_or_default(), self.context.secrets);
        let others = match more.len() {
            0 => String::new(),
            more => format!(", nor {more} more"),
        };
        Err(Mismatch::new("JSON in every event", format!("event {number} is not{others}: {data}")))
    }

    /// Whether the data of every event that can be read satisfies a JSON Schema.
    fn valid(&self, schema: &str, stream: &Stream) -> Result<(), Mismatch> {
        let expected = || format!("in every event what the JSON Schema {schema} allows");
        if stream.events().is_empty() {
            return Err(Mismatch::new(expected(), "no event"));
        }
        let Context { schemas, secrets, .. } = self.context;
        let events = stream.events().iter().zip(1..).filter(|(_, number)| !stream.is_unreadable(*number));
        let mut wrong = events.filter_map(|(event, number)| {
            let violations = schemas.violations(schema, event.get("data")?, secrets)?;
            Some(format!("event {number}: {violations}"))
        });
        match wrong.next() {
            None => Ok(()),
            Some(first) => Err(Mismatch::new(expected(), first)),
        }
    }

    /// Whether it came to its end, or did not where it must not.
    fn ended(&self, expectation: &StreamExpectation, stream: &Stream) -> Result<(), Mismatch> {
        let terminator = expectation.of.terminator.as_ref();
        if !expectation.ended {
            let expected = "a stream that is cut off before its end";
            return match terminator {
                _ if !stream.end.came(terminator) => Ok(()),
                None => Err(Mismatch::new(expected, "a whole body")),
                Some(terminator) => Err(Mismatch::new(expected, terminator.to_string())),
            };
        }
        let problems = stream.end.problems(terminator, stream.events().len(), self.context.secrets);
        if problems.is_empty() {
            return Ok(());
        }
        let expected = match terminator {
            None => "a whole body whose last event is ended".to_owned(),
            Some(terminator) => format!("{terminator} once and last, in a whole body"),
        };
        Err(Mismatch::new(expected, problems.join("; ")))
    }

    fn ordered(&self, order: &Order, stream: &Stream) -> Result<(), Mismatch> {
        if order.holds(&stream.order) {
            return Ok(());
        }
        let events = stream.events();
        let kinds = shorten(&runs(events), self.context.secrets);
        let off = order.fitting(&stream.order).map(|fitting| match events.get(fitting) {
            None => "; more must follow".to_owned(),
            Some(event) => {
                format!("; event {} does not fit: {}", fitting + 1, show(event, self.context.secrets))
            }
        });
        Err(Mismatch::new(order.to_string(), kinds + &off.unwrap_or_default()))
    }
}

/// The kinds of events in their order, with how often each comes at a time: `role content ×12 finish`.
fn runs(events: &[Value]) -> String {
    let kind = |event: &Value| event.get("kind").and_then(Value::as_str).unwrap_or("(no kind)").to_owned();
    let runs: Vec<_> = events
        .chunk_by(|one, other| kind(one) == kind(other))
        .filter_map(|run| {
            let name = kind(run.first()?);
            Some(if run.len() == 1 { name } else { format!("{name} ×{}", run.len()) })
        })
        .collect();
    if runs.is_empty() { "no events".to_owned() } else { runs.join(" ") }
}

#[cfg(test)]
mod tests {
    use plumbline_record::Location;
    use serde_json::json;

    use super::*;
    use crate::check::Schemas;
    use crate::scenario::{
        Check, CheckLevel, EventKind, Join, JoinMode, Kind, Matcher, Path, Quantifier, Shape, StreamKind,
        Subject, Templates, Terminator, Variables,
    };
    use crate::target::Secrets;

    struct Bench {
        templates: Templates,
        expectation: StreamExpectation,
    }

    fn clause(verifies: &str) -> Clause {
        let verifies = Some(verifies.into());
        Clause { level: CheckLevel::Fixed(Level::Must), verifies, location: Location::default() }
    }

    impl Bench {
        /// A stream of texts and a finish, which ends with `[DONE]`.
        fn new() -> Self {
            let mut templates = Templates::new(Arc::new(|_: &str| None::<Vec<u8>>));
            let mut path = |source: &str| Path::parse(source, &mut templates).unwrap();
            let mut check = |source: &str, matcher, verifies: Option<&str>| Check {
                subject: Subject::Body(path(source), Quantifier::One),
                matcher,
                level: CheckLevel::Fixed(Level::Must),
                verifies: verifies.map(Arc::from),
                location: Location::default(),
            };
            let mut kind = |name: &str, member: &str| EventKind {
                name: name.into(),
                when: vec![check(&format!("$.data.{member}"), Matcher::Is(Kind::String), None)],
            };
            let kinds = vec![kind("text", "text"), kind("finish", "finish")];
            let full = Matcher::Equals(Shape::fixed(json!("ab")));
            let checks = vec![check("$.joined.text", full, Some("text"))];
            let of = StreamKind {
                name: "chat".into(),
                text: String::new(),
                data: DataFormat::Json,
                terminator: Some(Terminator::Data("[DONE]".into())),
                kinds,
                joined: vec![Join {
                    name: "text".into(),
                    over: path("$.data"),
                    by: None,
                    mode: JoinMode::Concat,
                    value: path("$.text"),
                }],
            };
            let order = Order::parse("text+ finish", &of.kind_names()).unwrap();
            let expectation = StreamExpectation {
                of: Arc::new(of),
                shape: clause("shape"),
                order: Some((order, clause("order"))),
                each: Some(("chunk".into(), clause("each"))),
                ended: true,
                end: clause("end"),
                checks,
            };
            Self { templates, expectation }
        }

        /// The requirement, subject and finding of each miss.
        fn misses(&self, reply: &Reply) -> Vec<(String, String, String)> {
            let schemas = Schemas::new([("chunk", r#"{ "type": "object" }"#)]).unwrap();
            let (variables, secrets) = (Variables::default(), Secrets::default());
            let context = Context {
                templates: &self.templates,
                variables: &variables,
                schemas: &schemas,
                scripted: true,
                secrets: &secrets,
            };
            let stream = Stream::read(&self.expectation.of, reply, &context);
            let (misses, checks) = decide_stream(&self.expectation, stream.as_ref(), reply, &context, "one");
            assert!(checks > 0 && misses.iter().all(|miss| !miss.expected.is_empty()));
            misses.into_iter().map(|miss| (miss.requirement.unwrap(), miss.subject, miss.actual)).collect()
        }

        fn assert_missed(&self, body: &str, expected: &[(&str, &str, &str)]) {
            let misses = self.misses(&reply(body));
            let told: Vec<_> =
                misses.iter().map(|(id, subject, _)| (id.as_str(), subject.as_str())).collect();
            let wanted: Vec<_> = expected.iter().map(|(id, subject, _)| (*id, *subject)).collect();
            assert_eq!(told, wanted, "{body:?}: {misses:#?}");
            for ((.., actual), (.., part)) in misses.iter().zip(expected) {
                assert!(actual.contains(part), "`{part}` is not in `{actual}`");
            }
        }
    }

    fn reply(body: &str) -> Reply {
        let headers = vec![("content-type".to_owned(), "text/event-stream; charset=utf-8".to_owned())];
        Reply::new(200, headers, body.as_bytes())
    }

    /// Events with this data, one after the other.
    fn body(data: &[&str]) -> String {
        data.iter().flat_map(|data| ["data: ", data, "\n\n"]).collect()
    }

    const A: &str = r#"{"text":"a"}"#;
    const B: &str = r#"{"text":"b"}"#;
    const FINISH: &str = r#"{"finish":"stop"}"#;
    const DONE: &str = "[DONE]";

    #[test]
    fn a_right_stream_misses_nothing() {
        let bench = Bench::new();
        bench.assert_missed(&body(&[A, B, FINISH, DONE]), &[]);
        bench.assert_missed(&format!(": beat\n\n{}: beat\n", body(&[A, B, FINISH, DONE])), &[]);
    }

    #[test]
    fn each_wrong_end_is_told_in_its_own_words() {
        let bench = Bench::new();
        let end = |actual| [("end", "stream end", actual)];
        bench.assert_missed(&body(&[A, B, FINISH]), &end("no terminator after 3 events"));
        bench.assert_missed(&body(&[A, B, FINISH, DONE, DONE]), &end("the terminator came 2 times"));
        bench.assert_missed(&body(&[A, B, FINISH, DONE, FINISH]), &end("1 event after the terminator"));
        let all = body(&[A, B, FINISH, DONE]);
        let unfinished = end("in the middle of an event: data: [DONE]");
        bench.assert_missed(all.trim_end(), &unfinished);
        // What was cut off is not missed in the order and in the whole as well.
        bench.assert_missed(&all[..30], &end("in the middle of an event: data"));
        let cut = Reply { cut: Some("reset".to_owned()), ..reply(&body(&[A])) };
        let misses = bench.misses(&cut);
        assert_eq!(misses.len(), 1, "{misses:#?}");
        assert_eq!(misses[0].2, "the connection broke after 1 event: reset");
    }

    #[test]
    fn a_stream_that_must_be_cut_has_no_end() {
        let mut bench = Bench::new();
        bench.expectation.ended = false;
        bench.assert_missed(&body(&[A, B, FINISH]), &[]);
        bench.assert_missed(&body(&[A, B, FINISH, DONE]), &[("end", "stream end", "the data `[DONE]`")]);
        let cut = Reply { cut: Some("reset".to_owned()), ..reply(&body(&[A, B])) };
        // It is cut as it must be, so that the rest is judged of what came.
        assert_eq!(bench.misses(&cut).len(), 1, "{:#?}", bench.misses(&cut));
    }

    #[test]
    fn an_order_is_told_with_the_first_event_that_does_not_fit() {
        let bench = Bench::new();
        let order = |actual| [("order", "stream order", actual)];
        let off =
            order("text finish text; event 3 does not fit: {\"event\":\"message\",\"data\":{\"text\":\"b\"}");
        bench.assert_missed(&body(&[A, FINISH, B, DONE]), &off);
        bench.assert_missed(&body(&[A, B, DONE]), &order("text ×2; more must follow"));
        let strange = order("text ×2 (no kind) finish; event 3 does not fit");
        bench.assert_missed(&body(&[A, B, r#"{"other":1}"#, FINISH, DONE]), &strange);
    }

    #[test]
    fn data_is_judged_event_by_event() {
        let bench = Bench::new();
        let data = |actual| [("each", "stream data", actual)];
        bench.assert_missed(&body(&[A, "{", FINISH, DONE]), &data("event 2 is not: {"));
        bench.assert_missed(&body(&["a", "b", "c", DONE]), &data("event 1 is not, nor 2 more: a"));
        bench.assert_missed(
            &body(&["[]", A, FINISH, DONE]),
            &[
                ("each", "stream events", "event 1: "),
                ("order", "stream order", "(no kind) text finish; event 1 does not fit"),
                ("text", "stream $.joined.text", "\"a\""),
            ],
        );
        bench.assert_missed(
            &body(&[DONE]),
            &[
                ("each", "stream events", "no event"),
                ("order", "stream order", "no events; more must follow"),
                ("text", "stream $.joined.text", "nothing is there"),
            ],
        );
    }

    #[test]
    fn what_is_no_stream_is_told_alone() {
        let bench = Bench::new();
        for (headers, actual) in [
            (vec![("content-type".to_owned(), "application/json".to_owned())], "application/json"),
            (Vec::new(), "nothing is there"),
        ] {
            let misses = bench.misses(&Reply::new(200, headers, body(&[A]).as_bytes()));
            let [(requirement, subject, found)] = misses.as_slice() else { panic!("{misses:#?}") };
            assert_eq!((requirement.as_str(), subject.as_str()), ("shape", "header content-type"));
            assert_eq!(found, actual);
        }
    }
}
