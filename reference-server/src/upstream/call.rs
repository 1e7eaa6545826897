//! A call in the journal: what it asked for, and what became of it.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::asked::Asked;
use super::provider_kind::ProviderKind;
use super::recorder::Meaning;
use crate::domain::clock::Moment;

/// How an answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// It has not.
    #[default]
    Open,
    /// The client was sent all of it.
    Whole,
    /// The simulator broke it off.
    Cut,
    /// The client went before it was whole.
    Left,
}

/// What has become of a call so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// Microseconds since the world was made.
    pub(super) ended_us: Option<u64>,
    pub(super) status: Option<u16>,
    pub(super) outcome: Outcome,
    /// The kind of the fault that it met.
    pub(super) fault: Option<&'static str>,
    /// What the provider said when it refused the request of its own accord.
    pub(super) refused: Option<String>,
    pub(super) meaning: Meaning,
    /// Whether all of it has come and is understood, as far as it can be.
    pub(super) is_taken_up: bool,
}

/// A call. A clone of it costs little.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Ascending in the order of arrival, from 1.
    pub(super) number: u64,
    pub(super) asked: Arc<Asked>,
    pub(super) progress: Arc<Progress>,
}

/// A call as a line of a file that has the calls of every world.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) world: Arc<str>,
    pub(super) call: Call,
}

#[derive(Serialize)]
struct View<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    world: Option<&'a str>,
    number: u64,
    provider: ProviderKind,
    model: Option<&'a str>,
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: Headers<'a>,
    body: Value,
    streamed: bool,
    arrived: Moment,
    arrived_us: u64,
    ended_us: Option<u64>,
    status: Option<u16>,
    outcome: Outcome,
    fault: Option<&'static str>,
    refused: Option<&'a str>,
    asked: Option<Value>,
    answered: Option<Value>,
}

impl Call {
    /// Notes what becomes of it.
    pub(super) fn progress(&mut self) -> &mut Progress {
        Arc::make_mut(&mut self.progress)
    }

    /// Whether it is over.
    pub(super) fn has_ended(&self) -> bool {
        self.progress.outcome != Outcome::Open
    }

    /// About how much memory it takes, in bytes: all that it says, and what holds it.
    pub(super) fn size(&self) -> usize {
        let refused = self.progress.refused.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.asked.size() + size_of::<Progress>() + self.progress.meaning.size() + refused
    }

    fn view<'a>(&'a self, world: Option<&'a str>) -> View<'a> {
        let (asked, progress) = (&self.asked, &self.progress);
        View {
            world,
            number: self.number,
            provider: asked.provider,
            model: asked.model.as_deref(),
            method: &asked.method,
            path: &asked.path,
            query: &asked.query,
            headers: Headers(&asked.headers),
            body: body(asked),
            streamed: asked.streamed,
            arrived: asked.arrived,
            arrived_us: asked.arrived_us,
            ended_us: progress.ended_us,
            status: progress.status,
            outcome: progress.outcome,
            fault: progress.fault,
            refused: progress.refused.as_deref(),
            asked: progress.meaning.asked(),
            answered: progress.meaning.answered(),
        }
    }
}

/// The body as JSON, as text where it is none, and null where there is none.
fn body(asked: &Asked) -> Value {
    if asked.body.is_empty() {
        return Value::Null;
    }
    asked.json().unwrap_or_else(|| Value::String(String::from_utf8_lossy(&asked.body).into_owned()))
}

impl Serialize for Call {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.view(None).serialize(serializer)
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.call.view(Some(&self.world)).serialize(serializer)
    }
}

/// Header fields by name: a value, or a list of those that came under one name.
struct Headers<'a>(&'a HeaderMap);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(Some(self.0.keys_len()))?;
        for name in self.0.keys() {
            match &*self.values(name) {
                [value] => fields.serialize_entry(name.as_str(), value)?,
                values => fields.serialize_entry(name.as_str(), values)?,
            }
        }
        fields.end()
    }
}

impl Headers<'_> {
    fn values(&self, name: &HeaderName) -> Vec<String> {
        let values = self.0.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::super::asked::testing::asked;
    use super::*;

    fn call(body: &'static str) -> Call {
        let mut asked = asked(ProviderKind::Openai, "/v1/chat/completions?a=b", body);
        asked.headers.append("x-said", HeaderValue::from_static("no"));
        asked.headers.append("x-other", HeaderValue::from_bytes(b"\xff").unwrap());
        Call { number: 3, asked: Arc::new(asked), progress: Arc::default() }
    }

    #[test]
    fn a_call_is_told_with_all_that_came() {
        let told = serde_json::to_value(call(r#"{"model":"m","n":1.50}"#)).unwrap();
        let expected = json!({
            "number": 3, "provider": "openai", "model": "m", "method": "POST", "path": "/v1/chat/completions",
            "query": "a=b", "headers": { "x-said": ["yes", "no"], "x-other": "\u{fffd}" },
            "body": serde_json::from_str::<Value>(r#"{"model":"m","n":1.50}"#).unwrap(), "streamed": false,
            "arrived": "1970-01-01T00:00:00.000000Z", "arrived_us": 7, "ended_us": null, "status": null,
            "outcome": "open", "fault": null, "refused": null, "asked": null, "answered": null,
        });
        assert_eq!(told, expected);
        assert_eq!(told["body"]["n"].to_string(), "1.50");
    }

    #[test]
    fn all_that_is_kept_of_a_call_takes_room() {
        const LENGTH: usize = 1_000;
        let text = || "x".repeat(LENGTH);
        let none = call("");
        assert!(none.size() > size_of::<Call>() + size_of::<Asked>() + size_of::<Progress>());
        let asks: [fn(&mut Asked, String); 6] = [
            |asked, text| asked.model = Some(text),
            |asked, text| asked.method.push_str(&text),
            |asked, text| asked.path.push_str(&text),
            |asked, text| asked.query.push_str(&text),
            |asked, text| asked.body = text.into(),
            |asked, text| {
                asked.headers.append("x-more", HeaderValue::try_from(text).unwrap());
            },
        ];
        for (place, ask) in asks.into_iter().enumerate() {
            let mut more = none.clone();
            ask(Arc::make_mut(&mut more.asked), text());
            assert!(more.size() >= none.size() + LENGTH, "{place}");
        }
        let progresses: [fn(&mut Progress, String); 2] = [
            |progress, text| progress.refused = Some(text),
            |progress, text| progress.meaning = Meaning::asking(&text),
        ];
        for (place, come_of_it) in progresses.into_iter().enumerate() {
            let mut more = none.clone();
            come_of_it(more.progress(), text());
            assert_eq!(more.size(), none.size() + LENGTH, "{place}");
        }
    }

    #[test]
    fn a_line_names_the_world_first() {
        assert_eq!(serde_json::to_value(call("")).unwrap()["body"], Value::Null);
        let mut call = call("not JSON");
        *call.progress() = Progress {
            ended_us: Some(9),
            status: Some(503),
            outcome: Outcome::Cut,
            fault: Some("cut-stream"),
            refused: Some("no".to_owned()),
            ..Progress::default()
        };
        let line = serde_json::to_string(&Line { world: "w".into(), call }).unwrap();
        assert!(line.starts_with("{\"world\":\"w\",\"number\":3,"), "{line}");
        let told: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&told["body"], &told["outcome"]), (&json!("not JSON"), &json!("cut")));
        assert_eq!((&told["ended_us"], &told["status"]), (&json!(9), &json!(503)));
        assert_eq!((&told["fault"], &told["refused"]), (&json!("cut-stream"), &json!("no")));
    }
}
