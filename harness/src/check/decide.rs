use plumbline_record::Miss;
use serde_json::Value;

use super::matching::{Mismatch, Ready, not_json, nothing_found};
use super::stream::all_data;
use super::words::show_all;
use super::{Reply, Schemas, within};
use crate::scenario::{Check, PathError, Quantifier, Subject, TemplateError, Templates, Variables};
use crate::target::Secrets;

/// What checks are decided with.
#[derive(Clone, Copy, Debug)]
pub struct Context<'c> {
    /// The suite's templates.
    pub templates: &'c Templates,
    /// What templates may name.
    pub variables: &'c Variables,
    /// The JSON Schemas.
    pub schemas: &'c Schemas,
    /// Whether the target's models are scripted.
    pub scripted: bool,
    /// The credentials that no verdict may show.
    pub secrets: &'c Secrets,
}

/// What a check on [`Subject::Answer`] wants.
const NO_ANSWER: &str = "a connection that ends without an answer";

/// Decides one check; a miss is a value, not an error.
pub fn decide(check: &Check, reply: &Reply, context: &Context<'_>, step: &str) -> Option<Miss> {
    let (subject, mismatch) = match look(check, reply, context) {
        Ok(()) => return None,
        Err(missed) => missed,
    };
    Some(Miss {
        level: check.level.on(context.scripted),
        requirement: check.verifies.as_deref().map(str::to_owned),
        step: step.to_owned(),
        subject,
        expected: mismatch.expected,
        actual: mismatch.actual,
        difference: mismatch.difference.map(|difference| *difference),
        location: check.location.clone(),
    })
}

/// Whether everything is there that a check takes from elsewhere.
pub(crate) fn is_filled(check: &Check, context: &Context<'_>) -> bool {
    let is_found = match &check.subject {
        Subject::Body(path, _) => path.fill(context.templates, context.variables).is_ok(),
        _ => true,
    };
    is_found && Ready::new(&check.matcher, context).is_ok()
}

/// Whether a check on JSON holds for a value.
pub(super) fn holds(check: &Check, json: &Value, context: &Context<'_>) -> bool {
    let Subject::Body(path, quantifier) = &check.subject else { return false };
    let path = path.fill(context.templates, context.variables);
    match (Ready::new(&check.matcher, context), path) {
        (Ok(ready), Ok(path)) => found(&ready, &path.find(json), *quantifier, context).is_ok(),
        _ => false,
    }
}

fn look(check: &Check, reply: &Reply, context: &Context<'_>) -> Result<(), (String, Mismatch)> {
    let subject = subject(check);
    let ready = Ready::new(&check.matcher, context).map_err(|error| (subject.clone(), unfilled(&error)))?;
    let met = match &check.subject {
        Subject::Status => ready.meet(&reply.status.into(), context),
        Subject::Answer => Err(Mismatch::new(NO_ANSWER, format!("status {}", reply.status))),
        Subject::Header(name) => one(&ready, reply.header(name).map(Value::from).as_ref(), context),
        Subject::Text => one(&ready, Some(&Value::from(&*reply.text)), context),
        Subject::Anywhere => return nowhere(&ready, reply, context),
        Subject::Json => match &reply.json {
            Some(json) => one(&ready, Some(json), context),
            None => Err(not_json(ready.expected(context.secrets), &reply.text, context.secrets)),
        },
        Subject::Body(path, quantifier) => {
            let path = match path.fill(context.templates, context.variables) {
                Ok(path) => path,
                Err(PathError::Template(error)) => return Err((subject, unfilled(&error))),
                Err(error) => return Err((subject, Mismatch::new("a path", error.to_string()))),
            };
            return match &reply.json {
                Some(json) => found(&ready, &path.find(json), *quantifier, context),
                // Nothing is in a body that cannot be read, and that is no proof of absence either.
                None => Err(not_json(ready.expected(context.secrets), &reply.text, context.secrets)),
            }
            .map_err(|mismatch| (path.text.to_string(), mismatch));
        }
    };
    met.map_err(|mismatch| (subject, mismatch))
}

/// Whether a text stands in no part of what came.
fn nowhere(ready: &Ready<'_>, reply: &Reply, context: &Context<'_>) -> Result<(), (String, Mismatch)> {
    let expected = ready.expected(context.secrets);
    let Ready::Omits(text) = ready else {
        return Err(("answer".to_owned(), Mismatch::new(expected, "something else is asked of it")));
    };
    match place(reply, text) {
        None => Ok(()),
        Some(place) => Err((place, Mismatch::new(expected, "it stands there"))),
    }
}

/// The place of a reply at which a text stands, in words. What JSON escapes is there all the same.
fn place(reply: &Reply, text: &str) -> Option<String> {
    let header = reply.headers.iter().find(|(name, value)| name.contains(text) || value.contains(text));
    if let Some((name, _)) = header {
        return Some(format!("header {name}"));
    }
    if let Some(path) = reply.json.as_ref().and_then(|json| within(json, text)) {
        return Some(format!("body at ${path}"));
    }
    if let Some(place) = reply.is_event_stream().then(|| event(&reply.text, text)).flatten() {
        return Some(place);
    }
    reply.text.contains(text).then(|| "body".to_owned())
}

/// The event of a stream at which a text stands, in words.
fn event(body: &str, text: &str) -> Option<String> {
    all_data(body).zip(1_usize..).find_map(|(data, number)| {
        let path = match serde_json::from_str::<Value>(&data) {
            Ok(json) => within(&json, text)?,
            Err(_) => data.contains(text).then(String::new)?,
        };
        Some(format!("event {number} at ${path}"))
    })
}

fn subject(check: &Check) -> String {
    match &check.subject {
        Subject::Status => "status".to_owned(),
        Subject::Answer | Subject::Anywhere => "answer".to_owned(),
        Subject::Header(name) => format!("header {name}"),
        Subject::Text | Subject::Json => "body".to_owned(),
        Subject::Body(path, _) => path.source().to_string(),
    }
}

fn unfilled(error: &TemplateError) -> Mismatch {
    Mismatch::new("a value to compare with", error.to_string())
}

fn one(ready: &Ready<'_>, value: Option<&Value>, context: &Context<'_>) -> Result<(), Mismatch> {
    match (ready, value) {
        (Ready::Absent, None) => Ok(()),
        (_, None) => Err(nothing_found(ready.expected(context.secrets))),
        (_, Some(value)) => ready.meet(value, context),
    }
}

fn found(
    ready: &Ready<'_>,
    values: &[&Value],
    quantifier: Quantifier,
    context: &Context<'_>,
) -> Result<(), Mismatch> {
    if matches!(ready, Ready::Absent) {
        return match values {
            [] => Ok(()),
            values => Err(Mismatch::new("nothing", show_all(values, context.secrets))),
        };
    }
    match (values, quantifier) {
        ([], _) => Err(nothing_found(ready.expected(context.secrets))),
        ([value], Quantifier::One) => ready.meet(value, context),
        (values, Quantifier::One) => {
            let expected = format!("exactly one value: {}", ready.expected(context.secrets));
            Err(Mismatch::new(
                expected,
                format!("{} values: {}", values.len(), show_all(values, context.secrets)),
            ))
        }
        (values, Quantifier::Each) => values.iter().try_for_each(|value| ready.meet(value, context)),
        (values, Quantifier::Any) => {
            if values.iter().any(|value| ready.meet(value, context).is_ok()) {
                Ok(())
            } else {
                let expected = format!("among the values: {}", ready.expected(context.secrets));
                Err(Mismatch::new(expected, show_all(values, context.secrets)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use plumbline_record::{Level, Location};
    use proptest::collection::{hash_map, vec};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::scenario::{CheckLevel, Kind, Matcher, Path, Pattern, Shape};

    /// What checks are decided with here.
    struct Bench {
        templates: Templates,
        variables: Variables,
        schemas: Schemas,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                templates: Templates::new(Arc::new(|_: &str| None::<Vec<u8>>)),
                variables: Variables::default(),
                schemas: Schemas::new([("anything", "{}"), ("text", r#"{ "type": "string" }"#)]).unwrap(),
            }
        }

        fn decide(&self, subject: Subject, matcher: &Matcher, reply: &Reply) -> Option<Miss> {
            let check = Check {
                subject,
                matcher: matcher.clone(),
                level: CheckLevel::Fixed(Level::Must),
                verifies: None,
                location: Location::default(),
            };
            let secrets = Secrets::default();
            let context = Context {
                templates: &self.templates,
                variables: &self.variables,
                schemas: &self.schemas,
                scripted: true,
                secrets: &secrets,
            };
            decide(&check, reply, &context, "step")
        }

        fn at(
            &mut self,
            path: &str,
            quantifier: Quantifier,
            matcher: &Matcher,
            reply: &Reply,
        ) -> Option<Miss> {
            let path = Path::parse(path, &mut self.templates).unwrap();
            self.decide(Subject::Body(path, quantifier), matcher, reply)
        }
    }

    fn reply(body: &str) -> Reply {
        Reply::new(200, vec![("x-a".to_owned(), "b".to_owned())], body.as_bytes())
    }

    fn fixed(json: &str) -> Shape {
        Shape::fixed(serde_json::from_str(json).unwrap())
    }

    fn assert_decides(matcher: &Matcher, holds: &[&str], misses: &[&str]) {
        let mut bench = Bench::new();
        let mut misses_on = |value: &str| {
            let reply = reply(&format!(r#"{{ "a": {value} }}"#));
            assert!(reply.json.is_some(), "{value} is not JSON");
            bench.at("$.a", Quantifier::One, matcher, &reply)
        };
        for value in holds {
            let miss = misses_on(value);
            assert!(miss.is_none(), "{matcher:?} must hold for {value}: {miss:?}");
        }
        for value in misses {
            let miss = misses_on(value).unwrap_or_else(|| panic!("{matcher:?} must miss for {value}"));
            assert!(!miss.expected.is_empty() && !miss.actual.is_empty(), "{miss:?}");
        }
    }

    #[test]
    fn kinds_of_json() {
        let kinds: [(Kind, &[&str], &[&str]); 7] = [
            (Kind::String, &[r#""a""#, r#""""#], &["1", "null", "[]", "{}", "true"]),
            (Kind::Number, &["1", "-0.5e3", "0"], &[r#""1""#, "null", "true"]),
            (Kind::Integer, &["1", "1.0", "1e3", "-7", "0"], &["1.5", "1e-1", r#""1""#]),
            (Kind::Boolean, &["true", "false"], &[r#""true""#, "0", "null"]),
            (Kind::Array, &["[]", "[1]"], &["{}", r#""[]""#, "null"]),
            (Kind::Object, &["{}", r#"{ "a": 1 }"#], &["[]", "null"]),
            (Kind::Null, &["null"], &["0", "false", r#""""#, "[]"]),
        ];
        for (kind, holds, misses) in kinds {
            assert_decides(&Matcher::Is(kind), holds, misses);
        }
    }

    #[test]
    fn kinds_of_what_a_value_says() {
        let kinds: [(Kind, &[&str], &[&str]); 4] = [
            (
                Kind::NotEmpty,
                &[r#"" a""#, "[0]", r#"{ "a": 1 }"#],
                &[r#""""#, r#"" \n\t""#, "[]", "{}", "0", "false", "true", "null"],
            ),
            (
                Kind::Uuid,
                &[r#""67e55044-10b1-426f-9247-bb680e5fe0c8""#, r#""67E55044-10B1-426F-9247-BB680E5FE0C8""#],
                &[
                    r#""67e5504410b1426f9247bb680e5fe0c8""#,
                    r#""{67e55044-10b1-426f-9247-bb680e5fe0c8}""#,
                    "1",
                ],
            ),
            (
                Kind::Timestamp,
                &[
                    r#""2026-01-01T00:00:00Z""#,
                    r#""2026-01-01T00:00:00.123456+01:00""#,
                    r#""2026-01-01t00:00:00z""#,
                ],
                &[r#""2026-01-01""#, r#""2026-01-01T00:00:00""#, "1767225600", r#""now""#, r#""""#],
            ),
            (
                Kind::UnitVector,
                &["[1]", "[0.6, 0.8]", "[0, -1.0]", "[0.60001, 0.8]"],
                &["[]", "[1, 1]", "[0]", r#"[0.6, "0.8"]"#, r#""[1]""#, "1", "[[1]]"],
            ),
        ];
        for (kind, holds, misses) in kinds {
            assert_decides(&Matcher::Is(kind), holds, misses);
        }
    }

    #[test]
    fn a_timestamp_is_spelt_as_rfc_3339_says() {
        // Its grammar demands each part, two digits of each, and colons between them.
        let others = [
            r#""2026-01-01T00Z""#,
            r#""2026-01-01T00:00Z""#,
            r#""20260101T000000Z""#,
            r#""2026-01-01T00:00:00,5Z""#,
            r#""2026-01-01T00:00:00+0100""#,
            r#""2026-01-01T00:00:00+01""#,
            r#""2026-01-01T00:00:00Z[UTC]""#,
            r#""+002026-01-01T00:00:00Z""#,
        ];
        assert_decides(&Matcher::Is(Kind::Timestamp), &[], &others);
    }

    #[test]
    fn values_are_compared_as_json() {
        let one = "1.0000000000000000000001";
        assert_decides(
            &Matcher::Equals(fixed("1.0")),
            &["1", "1.0", "10e-1"],
            &[one, r#""1""#, "true", "null"],
        );
        assert_decides(
            &Matcher::Equals(fixed(r#"{ "a": [1], "b": null }"#)),
            &[r#"{ "b": null, "a": [1.0] }"#],
            &[r#"{ "a": [1] }"#, r#"{ "a": [1], "b": null, "c": 0 }"#, r#"{ "a": 1, "b": null }"#],
        );
        assert_decides(&Matcher::DiffersFrom(fixed("1")), &["2", "null", r#""1""#, one], &["1", "1.0"]);
        assert_decides(
            &Matcher::OneOf(vec![fixed("1"), fixed(r#""a""#), fixed("null")]),
            &["1.0", r#""a""#, "null"],
            &["2", r#""A""#, "false", r#"["a"]"#],
        );
        assert_decides(&Matcher::OneOf(Vec::new()), &[], &["1", "null", "[]"]);
    }

    #[test]
    fn parts_of_values() {
        assert_decides(
            &Matcher::Contains(fixed(r#""b""#)),
            &[r#""abc""#, r#"["a", "b"]"#],
            &[r#""a""#, r#"["abc"]"#, r#"{ "b": "b" }"#, "null"],
        );
        assert_decides(&Matcher::Contains(fixed("1")), &["[0, 1.0]"], &[r#""1""#, "1", "[[1]]"]);
        assert_decides(
            &Matcher::Matches(Pattern::parse("^a+$").unwrap()),
            &[r#""aa""#],
            &[r#""b""#, r#""""#, "1", r#"["aa"]"#],
        );
        assert_decides(
            &Matcher::Length { min: Some(2), max: Some(3) },
            &[r#""äö""#, "[1, 2, 3]", r#"{ "a": 1, "b": 2 }"#],
            &[r#""a""#, r#""abcd""#, "12", "null", "true"],
        );
        assert_decides(
            &Matcher::Length { min: None, max: Some(0) },
            &[r#""""#, "[]"],
            &[r#"" ""#, "0", "null"],
        );
    }

    #[test]
    fn numbers_are_compared_by_every_digit() {
        assert_decides(
            &Matcher::Between(fixed("0"), fixed("0.3")),
            &["0", "0.3", "3e-1", "0.29999999999999999999", "-0"],
            &["0.30000000000000000001", "-1e-400", "1e400", r#""0.1""#, "null", "[0.1]"],
        );
        assert_decides(&Matcher::Between(fixed(r#""a""#), fixed("1")), &[], &["0", r#""a""#]);
    }

    #[test]
    fn schemas_and_absence() {
        assert_decides(&Matcher::Schema("text".into()), &[r#""a""#], &["1", "null"]);
        assert_decides(&Matcher::Schema("unknown".into()), &[], &["1", r#""a""#]);
        assert_decides(&Matcher::Absent, &[], &["null", "false", r#""""#, "[]", "0"]);
    }

    #[test]
    fn texts_that_are_json() {
        let object = r#""{ \"a\": 1 }""#;
        assert_decides(
            &Matcher::Is(Kind::Json),
            &[object, r#""[]""#, r#""1""#, r#""\"a\"""#, r#"" null ""#],
            &[r#""""#, r#""a""#, r#""{""#, r#""{} {}""#, "{}", "1", "null"],
        );
        assert_decides(
            &Matcher::Is(Kind::JsonObject),
            &[object, r#""{}""#],
            &[r#""[]""#, r#""1""#, r#""""#, r#""{} x""#, "{}", "null"],
        );
        assert_decides(
            &Matcher::JsonSchema("text".into()),
            &[r#""\"a\"""#],
            &[r#""a""#, object, r#""1""#, r#""""#, "1", "null", "{}"],
        );
        assert_decides(&Matcher::JsonSchema("unknown".into()), &[], &[r#""1""#]);
    }

    #[test]
    fn each_part_of_a_reply_is_looked_at() {
        let bench = Bench::new();
        let plain = reply("plain");
        let equals = |json: &str| Matcher::Equals(fixed(json));
        assert!(bench.decide(Subject::Status, &equals("200"), &plain).is_none());
        assert!(bench.decide(Subject::Header("x-a".into()), &equals(r#""b""#), &plain).is_none());
        assert!(bench.decide(Subject::Text, &equals(r#""plain""#), &plain).is_none());
        assert!(bench.decide(Subject::Header("x-b".into()), &Matcher::Absent, &plain).is_none());
        let subject = |subject, matcher: &Matcher| bench.decide(subject, matcher, &plain).unwrap().subject;
        assert_eq!(subject(Subject::Status, &equals("201")), "status");
        assert_eq!(subject(Subject::Header("x-a".into()), &Matcher::Absent), "header x-a");
        assert_eq!(subject(Subject::Text, &equals(r#""other""#)), "body");
        assert_eq!(subject(Subject::Json, &Matcher::Schema("anything".into())), "body");
    }

    #[test]
    fn what_json_escapes_stands_in_an_answer_all_the_same() {
        let mut bench = Bench::new();
        let omits = Matcher::Omits(bench.templates.parse("/srv/app").unwrap());
        let place = |content_type: &str, body: &str| {
            let headers = vec![("content-type".to_owned(), content_type.to_owned())];
            let reply = Reply::new(200, headers, body.as_bytes());
            bench.decide(Subject::Anywhere, &omits, &reply).map(|miss| miss.subject)
        };
        let stream = "text/event-stream";
        for (content_type, body, expected) in [
            ("application/json", r#"{"a":["\/srv\u002fapp"]}"#, Some("body at $['a'][0]")),
            ("text/html", "<p>/srv/app", Some("body")),
            (stream, "data: 1\n\ndata: {\"a\":\"\\/srv\\/app\"}\n\n", Some("event 2 at $['a']")),
            (stream, "data: {\"a\":\ndata: \"\\u002fsrv/app\"}", Some("event 1 at $['a']")),
            (stream, "data: at /srv/app\n\n", Some("event 1 at $")),
            (stream, ": /srv/app\n\n", Some("body")),
            (stream, "data: {\"a\":\"/srv\"}\n\ndata: \"\\/app\"\n\n", None),
        ] {
            assert_eq!(place(content_type, body).as_deref(), expected, "{body}");
        }
        assert_eq!(place("x/srv/app", "").as_deref(), Some("header content-type"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            Just(serde_json::from_str::<Value>("-1.5e400").unwrap()),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::from),
                hash_map("[a-c]{1,2}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Every matcher but [`Matcher::Absent`].
    fn every_matcher(value: &Value) -> Vec<Matcher> {
        let shape = || Shape::fixed(value.clone());
        let mut matchers = vec![
            Matcher::Equals(shape()),
            Matcher::DiffersFrom(shape()),
            Matcher::Contains(shape()),
            Matcher::Matches(Pattern::parse("").unwrap()),
            Matcher::Between(fixed("-1e999"), fixed("1e999")),
            Matcher::OneOf(vec![shape(), Shape::fixed(Value::Null)]),
            Matcher::Length { min: None, max: None },
            Matcher::Length { min: Some(0), max: None },
            Matcher::Schema("anything".into()),
            Matcher::JsonSchema("anything".into()),
        ];
        let kinds = [
            Kind::String,
            Kind::Number,
            Kind::Integer,
            Kind::Boolean,
            Kind::Array,
            Kind::Object,
            Kind::Null,
            Kind::NotEmpty,
            Kind::Uuid,
            Kind::Timestamp,
            Kind::UnitVector,
            Kind::Json,
            Kind::JsonObject,
        ];
        matchers.extend(kinds.map(Matcher::Is));
        matchers
    }

    const QUANTIFIERS: [Quantifier; 3] = [Quantifier::One, Quantifier::Each, Quantifier::Any];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn nothing_but_absent_holds_where_a_path_finds_nothing(body in any_json(), value in any_json()) {
            let mut bench = Bench::new();
            let reply = reply(&body.to_string());
            for path in ["$.none", "$..none", "$[7]", "$[?@.none == null]"] {
                for quantifier in QUANTIFIERS {
                    for matcher in every_matcher(&value) {
                        let miss = bench.at(path, quantifier, &matcher, &reply);
                        let found = miss.as_ref().map(|miss| miss.actual.as_str());
                        prop_assert_eq!(found, Some("nothing is there"), "{} {:?}", path, matcher);
                    }
                    prop_assert!(bench.at(path, quantifier, &Matcher::Absent, &reply).is_none());
                }
            }
        }

        #[test]
        fn any_value_is_itself_and_is_there(value in any_json(), other in any_json()) {
            let mut bench = Bench::new();
            let reply = reply(&json!([value]).to_string());
            for quantifier in QUANTIFIERS {
                let mut holds = |matcher: &Matcher| bench.at("$[0]", quantifier, matcher, &reply).is_none();
                let shape = Shape::fixed(value.clone());
                prop_assert!(holds(&Matcher::Equals(shape.clone())));
                prop_assert!(holds(&Matcher::OneOf(vec![shape.clone()])));
                prop_assert!(holds(&Matcher::Schema("anything".into())));
                prop_assert!(!holds(&Matcher::DiffersFrom(shape)));
                prop_assert!(!holds(&Matcher::Absent));
                let other = Shape::fixed(other.clone());
                let same = holds(&Matcher::Equals(other.clone()));
                prop_assert_ne!(same, holds(&Matcher::DiffersFrom(other)));
                for matcher in every_matcher(&value) {
                    holds(&matcher);
                }
            }
        }

        #[test]
        fn any_bytes_are_decided(body in vec(any::<u8>(), 0..64)) {
            let mut bench = Bench::new();
            let reply = Reply::new(200, Vec::new(), &body);
            for matcher in every_matcher(&Value::Null).iter().chain([&Matcher::Absent]) {
                for subject in [Subject::Status, Subject::Header("a".into()), Subject::Text, Subject::Json] {
                    bench.decide(subject, matcher, &reply);
                }
                let miss = bench.at("$.none", Quantifier::One, matcher, &reply);
                let absent = matches!(matcher, Matcher::Absent) && reply.json.is_some();
                prop_assert_eq!(miss.is_none(), absent);
            }
        }
    }
}
