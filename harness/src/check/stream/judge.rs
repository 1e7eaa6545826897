use plumbline_record::{Level, Miss};
use serde_json::Value;

use super::document::{MOST_EVENTS, Stream};
use crate::check::matching::{Mismatch, nothing_found};
use crate::check::words::{shorten, show};
use crate::check::{Context, Decided, Reply, decide};
use crate::scenario::{Clause, DataFormat, Ending, Order, StreamExpectation, Terminator};

/// The content type of a stream of events.
const EVENT_STREAM: &str = "text/event-stream";
/// What it is told under.
const CONTENT_TYPE: &str = "header content-type";

/// Decides what is expected of the stream that a reply is.
///
/// What follows only from something that was told already is not told again. Nothing is looked at in a body that is no
/// stream, or one of too many events. Where a MUST is missed in a stream of which something is missing or cannot be
/// read, neither the order nor the whole is judged; one that may be cut off is judged by what came. Of one that was left
/// before its end, nothing is said of the end, and its order need only have begun.
pub fn decide_stream(
    expectation: &StreamExpectation,
    stream: Option<&Stream>,
    reply: &Reply,
    context: &Context<'_>,
    step: &str,
) -> Decided {
    let StreamExpectation { of, shape, order, each, end, checks, .. } = expectation;
    let mut judge = Judge { context, step, decided: Decided::default() };
    let none = || (CONTENT_TYPE, nothing_found(EVENT_STREAM.to_owned()));
    let stream = match head(reply).and_then(|()| stream.ok_or_else(none)) {
        Ok(stream) => stream,
        Err((header, found)) => {
            judge.decide(shape, header, Err(found));
            return judge.decided;
        }
    };
    judge.decide(shape, CONTENT_TYPE, Ok(()));
    if stream.too_many {
        let found = Mismatch::new(format!("at most {MOST_EVENTS} events"), "more");
        judge.decide(end, "stream end", Err(found));
        return judge.decided;
    }
    judge.decide(shape, "stream encoding", judge.encoded(stream));
    if of.data == DataFormat::Json {
        // That data is JSON belongs to its shape, but is no less binding than that there is a stream at all.
        let level = |clause: &Clause| clause.level.on(context.scripted);
        let own = each.as_ref().map(|(_, clause)| clause).filter(|each| level(each) >= level(shape));
        judge.decide(own.unwrap_or(shape), "stream data", judge.readable(stream));
    }
    if let Some((schema, clause)) = each {
        judge.decide(clause, "stream events", judge.valid(schema, of.terminator.as_ref(), stream));
    }
    if !stream.end.is_unknown() {
        judge.decide(end, "stream end", judge.ended(expectation, stream));
    }
    if stream.is_partial() && judge.decided.misses.iter().any(|miss| miss.level == Level::Must) {
        return judge.decided;
    }
    if let Some((order, clause)) = order {
        judge.decide(clause, "stream order", judge.ordered(order, stream));
    }
    let document = Reply::of_json(stream.document().clone());
    for check in checks {
        let miss = decide(check, &document, context, step);
        let miss = miss.map(|miss| Miss { subject: format!("stream {}", miss.subject), ..miss });
        judge.decided.add(check.verifies.as_ref(), miss);
    }
    judge.decided
}

/// Whether a reply's headers are those of a stream that can be read; if not, the header that is wrong and how.
fn head(reply: &Reply) -> Result<(), (&'static str, Mismatch)> {
    let Some(content_type) = reply.header("content-type") else {
        return Err((CONTENT_TYPE, nothing_found(EVENT_STREAM.to_owned())));
    };
    if !reply.is_event_stream() {
        return Err((CONTENT_TYPE, Mismatch::new(EVENT_STREAM, content_type)));
    }
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let charset = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let is_utf8 = |charset: &str| ["utf-8", "utf8"].iter().any(|name| name.eq_ignore_ascii_case(charset));
    if charset.is_some_and(|(_, value)| !is_utf8(value.trim().trim_matches('"'))) {
        return Err((CONTENT_TYPE, Mismatch::new(format!("{EVENT_STREAM} in UTF-8"), content_type)));
    }
    match reply.header("content-encoding") {
        None | Some("" | "identity") => Ok(()),
        Some(encoding) => {
            Err(("header content-encoding", Mismatch::new("a body that is not encoded", encoding)))
        }
    }
}

/// Collects what is decided.
struct Judge<'j> {
    context: &'j Context<'j>,
    step: &'j str,
    decided: Decided,
}

impl Judge<'_> {
    fn decide(&mut self, clause: &Clause, subject: &str, found: Result<(), Mismatch>) {
        let miss = found.err().map(|mismatch| Miss {
            level: clause.level.on(self.context.scripted),
            requirement: clause.verifies.as_deref().map(str::to_owned),
            step: self.step.to_owned(),
            subject: subject.to_owned(),
            expected: mismatch.expected,
            actual: mismatch.actual,
            difference: None,
            location: clause.location.clone(),
        });
        self.decided.add(clause.verifies.as_ref(), miss);
    }

    /// Whether all of it is UTF-8, as every stream of events must be.
    fn encoded(&self, stream: &Stream) -> Result<(), Mismatch> {
        let Some(number) = stream.not_utf8 else { return Ok(()) };
        let data = stream.events().get(number - 1).and_then(|event| event.get("data"));
        let shown = data.map(|data| format!(": {}", show(data, self.context.secrets))).unwrap_or_default();
        Err(Mismatch::new("UTF-8 in every event", format!("event {number} is not{shown}")))
    }

    /// Whether the data of every event is JSON, that of the terminator too.
    fn readable(&self, stream: &Stream) -> Result<(), Mismatch> {
        let text = |data: Option<&Value>| {
            shorten(data.and_then(Value::as_str).unwrap_or_default(), self.context.secrets)
        };
        let of_event = |number: usize| stream.events().get(number - 1).and_then(|event| event.get("data"));
        let at_end = usize::from(stream.end.unreadable);
        let (which, others, data) = match stream.unreadable.as_slice() {
            [] if at_end == 0 => return Ok(()),
            [] => ("the terminator".to_owned(), 0, text(stream.terminator_data())),
            [number, more @ ..] => (format!("event {number}"), more.len() + at_end, text(of_event(*number))),
        };
        let others = if others == 0 { String::new() } else { format!(", nor {others} more") };
        Err(Mismatch::new("JSON in every event", format!("{which} is not{others}: {data}")))
    }

    /// Whether the data of every event that can be read satisfies a JSON Schema. That of a terminator that has a name of
    /// its own does so too.
    fn valid(&self, schema: &str, sign: Option<&Terminator>, stream: &Stream) -> Result<(), Mismatch> {
        let expected = || format!("in every event what the JSON Schema {schema} allows");
        if stream.events().is_empty() {
            return Err(Mismatch::new(expected(), "no event"));
        }
        let Context { schemas, secrets, .. } = self.context;
        let events = stream.events().iter().zip(1..).filter(|(_, number)| !stream.is_unreadable(*number));
        let events = events.map(|(event, number)| (Some(number), event.get("data")));
        let is_named = matches!(sign, Some(Terminator::Event { .. })) && !stream.end.unreadable;
        let last = is_named.then(|| (None, stream.terminator_data()));
        let mut wrong = events.chain(last).filter_map(|(number, data)| {
            let violations = schemas.violations(schema, data?, secrets)?;
            let which =
                number.map_or_else(|| "the terminator".to_owned(), |number| format!("event {number}"));
            Some(format!("{which}: {violations}"))
        });
        match wrong.next() {
            None => Ok(()),
            Some(first) => Err(Mismatch::new(expected(), first)),
        }
    }

    /// Whether it came to its end, or did not where it must not.
    fn ended(&self, expectation: &StreamExpectation, stream: &Stream) -> Result<(), Mismatch> {
        let terminator = expectation.of.terminator.as_ref();
        let expected = match expectation.ended {
            Ending::Whole => None,
            Ending::CutOff => Some("a stream that is cut off before its end"),
            Ending::BrokenOff => Some("a connection that ends before the stream and its body do"),
        };
        if let Some(expected) = expected {
            let came = stream.end.instead_of(expectation.ended, terminator);
            return came.map_or(Ok(()), |came| Err(Mismatch::new(expected, came)));
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
        let Err(fitting) = order.fits(&stream.order) else { return Ok(()) };
        let events = stream.events();
        if stream.end.is_unknown() && fitting == events.len() {
            return Ok(());
        }
        let kinds = shorten(&runs(events), self.context.secrets);
        let off = match events.get(fitting) {
            None => "; more must follow".to_owned(),
            Some(event) => {
                format!("; event {} does not fit: {}", fitting + 1, show(event, self.context.secrets))
            }
        };
        Err(Mismatch::new(order.to_string(), kinds + &off))
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
    use std::sync::Arc;

    use plumbline_record::Location;
    use serde_json::json;

    use super::*;
    use crate::check::{Cut, Schemas};
    use crate::scenario::{
        Check, CheckLevel, EventKind, Join, JoinMode, Kind, Matcher, Path, Quantifier, Shape, StreamKind,
        Subject, Templates, Variables,
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
            Self::with(|_| Terminator::Data("[DONE]".into()))
        }

        /// The same, which ends with the event `stop`, told by its type as well.
        fn with_named_end() -> Self {
            Self::with(|is_stop| Terminator::Event { name: "stop".into(), when: vec![is_stop] })
        }

        fn with(terminator: impl FnOnce(Check) -> Terminator) -> Self {
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
            let is_stop = check("$.data.type", Matcher::Equals(Shape::fixed(json!("stop"))), None);
            let full = Matcher::Equals(Shape::fixed(json!("ab")));
            let checks = vec![check("$.joined.text", full, Some("text"))];
            let of = StreamKind {
                name: "chat".into(),
                text: String::new(),
                data: DataFormat::Json,
                terminator: Some(terminator(is_stop)),
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
                ended: Ending::Whole,
                end: clause("end"),
                checks,
            };
            Self { templates, expectation }
        }

        /// The requirement, subject and finding of each miss.
        fn misses(&self, reply: &Reply) -> Vec<(String, String, String)> {
            let decided = self.decide(reply);
            assert!(decided.checks > 0 && decided.misses.iter().all(|miss| !miss.expected.is_empty()));
            let told = |miss: Miss| (miss.requirement.unwrap(), miss.subject, miss.actual);
            decided.misses.into_iter().map(told).collect()
        }

        fn decide(&self, reply: &Reply) -> Decided {
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
            decide_stream(&self.expectation, stream.as_ref(), reply, &context, "one")
        }

        fn assert_missed(&self, body: &str, expected: &[(&str, &str, &str)]) {
            self.assert_missed_of(&reply(body), expected);
        }

        fn assert_missed_of(&self, reply: &Reply, expected: &[(&str, &str, &str)]) {
            let misses = self.misses(reply);
            let told: Vec<_> =
                misses.iter().map(|(id, subject, _)| (id.as_str(), subject.as_str())).collect();
            let wanted: Vec<_> = expected.iter().map(|(id, subject, _)| (*id, *subject)).collect();
            assert_eq!(told, wanted, "{:?}: {misses:#?}", reply.text);
            for ((.., actual), (.., part)) in misses.iter().zip(expected) {
                assert!(actual.contains(part), "`{part}` is not in `{actual}`");
            }
        }
    }

    fn reply(body: &str) -> Reply {
        typed("text/event-stream; charset=utf-8", body.as_bytes())
    }

    fn typed(content_type: &str, body: &[u8]) -> Reply {
        Reply::new(200, vec![("content-type".to_owned(), content_type.to_owned())], body)
    }

    /// Events with this data, one after the other.
    fn body_of(data: &[&str]) -> String {
        data.iter().flat_map(|data| ["data: ", data, "\n\n"]).collect()
    }

    const A: &str = r#"{"text":"a"}"#;
    const B: &str = r#"{"text":"b"}"#;
    const FINISH: &str = r#"{"finish":"stop"}"#;
    const DONE: &str = "[DONE]";

    #[test]
    fn a_right_stream_misses_nothing() {
        let bench = Bench::new();
        bench.assert_missed(&body_of(&[A, B, FINISH, DONE]), &[]);
        bench.assert_missed(&format!(": beat\n\n{}: beat\n", body_of(&[A, B, FINISH, DONE])), &[]);
    }

    #[test]
    fn each_wrong_end_is_told_in_its_own_words() {
        let bench = Bench::new();
        let end = |actual| [("end", "stream end", actual)];
        bench.assert_missed(&body_of(&[A, B, FINISH]), &end("no terminator after 3 events"));
        bench.assert_missed(&body_of(&[A, B, FINISH, DONE, DONE]), &end("the terminator came 2 times"));
        bench.assert_missed(&body_of(&[A, B, FINISH, DONE, FINISH]), &end("1 event after the terminator"));
        let all = body_of(&[A, B, FINISH, DONE]);
        let unfinished = end("in the middle of an event: data: [DONE]");
        bench.assert_missed(all.trim_end(), &unfinished);
        // What was cut off is not missed in the order and in the whole as well.
        bench.assert_missed(&all[..30], &end("in the middle of an event: data"));
        bench.assert_missed(&format!("{all}<html>\n502\n"), &end("2 lines after the terminator: <html>"));
        bench.assert_missed(&format!("{all}retry: 3000\n"), &[]);
        for (body, cut, actual) in [
            (&[A][..], Cut::Closed("reset".to_owned()), "the connection broke after 1 event: reset"),
            (&[A], Cut::Late("too late".to_owned()), "too late, after 1 event"),
            (&[A], Cut::Unread("no HTTP".to_owned()), "no HTTP, after 1 event"),
            (
                &[A, B, FINISH, DONE],
                Cut::Late("too late".to_owned()),
                "the data `[DONE]` came, and the connection stayed open: too late",
            ),
        ] {
            let misses = bench.misses(&Reply { cut: Some(cut), ..reply(&body_of(body)) });
            let expected = ("end".to_owned(), "stream end".to_owned(), actual.to_owned());
            assert_eq!(misses, [expected]);
        }
    }

    #[test]
    fn a_stream_that_must_be_cut_has_no_end() {
        let mut bench = Bench::new();
        bench.expectation.ended = Ending::CutOff;
        bench.assert_missed(&body_of(&[A, B, FINISH]), &[]);
        let end = |actual| [("end", "stream end", actual)];
        bench.assert_missed(&body_of(&[A, B, FINISH, DONE]), &end("the data `[DONE]`"));
        let cut = |cut| Reply { cut: Some(cut), ..reply(&body_of(&[A, B])) };
        // It is cut as it must be, so that the rest is judged of what came.
        let order = [("order", "stream order", "text ×2; more must follow")];
        bench.assert_missed_of(&cut(Cut::Closed("reset".to_owned())), &order);
        // Silence is no end, and neither is what nobody can read.
        bench.assert_missed_of(&cut(Cut::Late("too late".to_owned())), &end("too late"));
        bench.assert_missed_of(&cut(Cut::Unread("no HTTP".to_owned())), &end("no HTTP"));
    }

    #[test]
    fn a_stream_that_must_be_broken_off_has_no_whole_body() {
        let mut bench = Bench::new();
        bench.expectation.ended = Ending::BrokenOff;
        let end = |actual| [("end", "stream end", actual)];
        let closed =
            |body: &[&str]| Reply { cut: Some(Cut::Closed("reset".to_owned())), ..reply(&body_of(body)) };
        bench.assert_missed_of(&closed(&[A, B, FINISH]), &[]);
        bench.assert_missed_of(&closed(&[A, B, FINISH, DONE]), &end("the data `[DONE]`"));
        // A client takes each of these for all that there is.
        let without = end("a whole body without the data `[DONE]`");
        bench.assert_missed(&body_of(&[A, B, FINISH]), &without);
        bench.assert_missed(&format!("{}data: {{", body_of(&[A, B, FINISH])), &without);
        let late = Reply { cut: Some(Cut::Late("too late".to_owned())), ..reply(&body_of(&[A])) };
        bench.assert_missed_of(&late, &end("too late"));
    }

    #[test]
    fn of_a_stream_that_was_left_only_the_beginning_is_judged() {
        let mut bench = Bench::new();
        bench.expectation.checks.clear();
        let left = |body: &[&str]| Reply { cut: Some(Cut::Left("left".to_owned())), ..reply(&body_of(body)) };
        for ended in [Ending::Whole, Ending::CutOff, Ending::BrokenOff] {
            bench.expectation.ended = ended;
            bench.assert_missed_of(&left(&[A]), &[]);
            bench.assert_missed_of(&left(&[A, B, FINISH, DONE]), &[]);
        }
        bench.assert_missed_of(&left(&[FINISH]), &[("order", "stream order", "event 1 does not fit")]);
    }

    #[test]
    fn the_data_of_a_named_end_is_judged_as_that_of_any_event() {
        let bench = Bench::with_named_end();
        let ended = |end: &str| format!("{}{end}\n\n", body_of(&[A, B, FINISH]));
        let stop = r#"{"type":"stop"}"#;
        bench.assert_missed(&ended(&format!("event: stop\ndata: {stop}")), &[]);
        // Without its name it is told by what it says, and is no event of the order.
        bench.assert_missed(&ended(&format!("data: {stop}")), &[]);
        bench.assert_missed(
            &ended("event: stop\ndata: <html>502"),
            &[("each", "stream data", "the terminator is not: <html>502")],
        );
        bench
            .assert_missed(&ended("event: stop\ndata: []"), &[("each", "stream events", "the terminator: ")]);
        let twice = format!("data: {{\n\n{}", ended("event: stop\ndata: <html>"));
        bench.assert_missed(&twice, &[("each", "stream data", "event 1 is not, nor 1 more: {")]);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_no_stream() {
        let bench = Bench::new();
        let typed = |body: &[u8]| typed("text/event-stream", body);
        let garbled =
            b"data: {\"text\":\"a\"}\n\ndata: {\"text\":\"Gr\xc3\"}\n\ndata: {\"text\":\"\xbc\"}\n\n";
        let rest = body_of(&[FINISH, DONE]);
        let shape = |actual| [("shape", "stream encoding", actual)];
        bench.assert_missed_of(
            &typed(&[&garbled[..], rest.as_bytes()].concat()),
            &shape("event 2 is not: {\"text\":\"Gr\u{fffd}\"}"),
        );
        let all = body_of(&[A, B, FINISH, DONE]);
        bench
            .assert_missed_of(&typed(&[&b": \xff\n"[..], all.as_bytes()].concat()), &shape("event 1 is not"));
        // Where a character is cut, it is the end that is missing.
        let cut = [body_of(&[A]).as_bytes(), b"data: \"Gr\xc3"].concat();
        bench.assert_missed_of(&typed(&cut), &[("end", "stream end", "in the middle of an event")]);
    }

    #[test]
    fn a_head_that_promises_something_else_is_told_alone() {
        let bench = Bench::new();
        let all = body_of(&[A, B, FINISH, DONE]);
        for content_type in [
            "text/event-stream",
            "Text/Event-Stream;Charset=\"UTF-8\"",
            "text/event-stream; a=b; charset=utf8",
        ] {
            bench.assert_missed_of(&typed(content_type, all.as_bytes()), &[]);
        }
        let utf16 = "text/event-stream; charset=utf-16";
        let told = [("shape", "header content-type", utf16)];
        bench.assert_missed_of(&typed(utf16, all.as_bytes()), &told);
        for (encoding, misses) in
            [("gzip", &[("shape", "header content-encoding", "gzip")][..]), ("identity", &[])]
        {
            let mut reply = reply(&all);
            reply.headers.push(("content-encoding".to_owned(), encoding.to_owned()));
            bench.assert_missed_of(&reply, misses);
        }
    }

    #[test]
    fn that_data_is_json_binds_as_the_stream_itself_does() {
        let mut bench = Bench::new();
        let (_, each) = bench.expectation.each.as_mut().unwrap();
        each.level = CheckLevel::Fixed(Level::Should);
        let decided = bench.decide(&reply(&body_of(&[A, "{", FINISH, DONE])));
        let misses: Vec<_> =
            decided.misses.iter().map(|miss| (miss.requirement.as_deref(), miss.level)).collect();
        assert_eq!(misses, [(Some("shape"), Level::Must)]);
        // What the schema says stays what it is.
        let decided = bench.decide(&reply(&body_of(&[A, B, "[]", FINISH, DONE])));
        assert_eq!(decided.misses[0].requirement.as_deref(), Some("each"));
        assert_eq!(decided.misses[0].level, Level::Should);
    }

    #[test]
    fn what_was_not_looked_at_is_not_reached() {
        let bench = Bench::new();
        let reached = |reply: &Reply| -> Vec<_> {
            bench.decide(reply).reached.iter().map(std::string::ToString::to_string).collect()
        };
        let all = body_of(&[A, B, FINISH, DONE]);
        assert_eq!(reached(&reply(&all)), ["each", "end", "order", "shape", "text"]);
        assert_eq!(reached(&typed("application/json", b"{}")), ["shape"]);
        assert_eq!(reached(&reply(&all[..30])), ["each", "end", "shape"]);
    }

    #[test]
    fn a_stream_of_too_many_events_is_not_looked_at() {
        let bench = Bench::new();
        let most = body_of(&[A]).repeat(MOST_EVENTS);
        let misses = bench.misses(&reply(&format!("{most}data: [DONE]\n\n")));
        assert_eq!(misses[0].2, format!("text ×{MOST_EVENTS}; more must follow"));
        bench.assert_missed(&format!("{most}data: 1\n\n"), &[("end", "stream end", "more")]);
    }

    #[test]
    fn the_document_shows_what_came() {
        let bench = Bench::with_named_end();
        let document = |body: &str| {
            let (schemas, secrets) = (Schemas::default(), Secrets::default());
            let context = Context {
                templates: &bench.templates,
                variables: &Variables::default(),
                schemas: &schemas,
                scripted: true,
                secrets: &secrets,
            };
            let mut stream = Stream::read(&bench.expectation.of, &reply(body), &context).unwrap();
            stream.take_document()
        };
        let body = format!(": a\n<html>\n{}event: stop\ndata: 1\n\n<late>\n\n: b\n", body_of(&[A]));
        assert_eq!(
            document(&body),
            json!({
                "events": [{ "event": "message", "data": { "text": "a" }, "kind": "text" }],
                "joined": { "text": "a" },
                "comments": 2,
                "ignored": ["<html>"],
                "ended": false,
                "terminator": { "event": "stop", "data": 1 },
            })
        );
        let nothing = json!({ "events": [], "joined": {}, "comments": 0, "ignored": [], "ended": false });
        assert_eq!(document(""), nothing);
        assert_eq!(document(&"<p>\n".repeat(50))["ignored"].as_array().map(Vec::len), Some(10));
    }

    #[test]
    fn an_order_is_told_with_the_first_event_that_does_not_fit() {
        let bench = Bench::new();
        let order = |actual| [("order", "stream order", actual)];
        let off =
            order("text finish text; event 3 does not fit: {\"event\":\"message\",\"data\":{\"text\":\"b\"}");
        bench.assert_missed(&body_of(&[A, FINISH, B, DONE]), &off);
        bench.assert_missed(&body_of(&[A, B, DONE]), &order("text ×2; more must follow"));
        let strange = order("text ×2 (no kind) finish; event 3 does not fit");
        bench.assert_missed(&body_of(&[A, B, r#"{"other":1}"#, FINISH, DONE]), &strange);
    }

    #[test]
    fn data_is_judged_event_by_event() {
        let bench = Bench::new();
        let data = |actual| [("each", "stream data", actual)];
        bench.assert_missed(&body_of(&[A, "{", FINISH, DONE]), &data("event 2 is not: {"));
        bench.assert_missed(&body_of(&["a", "b", "c", DONE]), &data("event 1 is not, nor 2 more: a"));
        bench.assert_missed(
            &body_of(&["[]", A, FINISH, DONE]),
            &[
                ("each", "stream events", "event 1: "),
                ("order", "stream order", "(no kind) text finish; event 1 does not fit"),
                ("text", "stream $.joined.text", "\"a\""),
            ],
        );
        bench.assert_missed(
            &body_of(&[DONE]),
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
            let misses = bench.misses(&Reply::new(200, headers, body_of(&[A]).as_bytes()));
            let [(requirement, subject, found)] = misses.as_slice() else { panic!("{misses:#?}") };
            assert_eq!((requirement.as_str(), subject.as_str()), ("shape", "header content-type"));
            assert_eq!(found, actual);
        }
    }
}
