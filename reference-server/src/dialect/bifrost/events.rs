//! A streamed answer with `extra_fields` in each of its events.

use std::time::Instant;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use bytes::Bytes;
use futures::TryStreamExt;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::error::{Envelope, InnerError};
use super::extra_fields::Served;

/// What stands before the data of an event.
const DATA: &[u8] = b"data: ";
/// The status of a call whose answer has begun and does not come to its end.
const BROKEN_OFF: u16 = 500;
/// The events with which a response of the newer kind ends, unless it fails.
const ENDS: [&str; 2] = ["response.completed", "response.incomplete"];
/// What names the event of its failure on OpenAI's own wire. Here such an event has no name.
const FAILED: &[u8] = b"event: response.failed\n";

/// So much of an event as tells what it is.
#[derive(Deserialize)]
struct Peek {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<IgnoredAny>,
    #[serde(rename = "type")]
    kind: Option<String>,
    error: Option<InnerError>,
    response: Option<Outcome>,
}

/// What becomes of a response of the newer kind.
#[derive(Deserialize)]
struct Outcome {
    error: Option<InnerError>,
}

#[derive(Deserialize)]
struct Choice {
    finish_reason: Option<IgnoredAny>,
}

/// The event of a failure.
#[derive(Serialize)]
struct Failure<'a> {
    error: Envelope<'a>,
}

impl Peek {
    /// What went wrong, where it is told that the answer breaks off.
    fn failure(&self) -> Option<&InnerError> {
        let outcome = self.response.as_ref();
        self.error.as_ref().or_else(|| outcome.and_then(|outcome| outcome.error.as_ref()))
    }

    /// Whether the answer is whole with it.
    fn is_last(&self) -> bool {
        let has_ended = self.choices.iter().any(|choice| choice.finish_reason.is_some());
        let tells_usage = self.choices.is_empty() && self.usage.is_some();
        has_ended || tells_usage || self.kind.as_deref().is_some_and(|kind| ENDS.contains(&kind))
    }
}

/// Whether a response is a stream of events.
pub(super) fn are_in(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// Puts the member into each event as it comes: with the time since the one before, and in the last with all of it.
pub(super) fn tell_in(response: Response, served: Served) -> Response {
    let (head, body) = response.into_parts();
    let mut retelling = Retelling { last: served.started, served, next: 0 };
    let chunks = body.into_data_stream().map_ok(move |chunk| retelling.retell(&chunk, Instant::now()));
    Response::from_parts(head, Body::from_stream(chunks))
}

struct Retelling {
    served: Served,
    /// When the last event came.
    last: Instant,
    /// The index of the next.
    next: u64,
}

impl Retelling {
    /// The same events with the member. Nobody sends parts of an event here.
    fn retell(&mut self, chunk: &Bytes, now: Instant) -> Bytes {
        let mut told = Vec::with_capacity(chunk.len() + 512);
        let lines = chunk.split_inclusive(|byte| *byte == b'\n').filter(|line| *line != FAILED);
        for line in lines {
            let data = line.strip_prefix(DATA).and_then(|data| self.event(data, now));
            match data {
                Some(data) => {
                    told.extend_from_slice(DATA);
                    told.extend_from_slice(&data);
                }
                None => told.extend_from_slice(line),
            }
        }
        told.into()
    }

    /// The data of an event with the member; nothing where it is no object.
    fn event(&mut self, data: &[u8], now: Instant) -> Option<Vec<u8>> {
        let peek: Peek = serde_json::from_slice(data).ok()?;
        if let Some(error) = peek.failure() {
            return self.failure(error);
        }
        let since = if peek.is_last() { self.served.started } else { self.last };
        let told = self.served.told_in(data, self.next, now.saturating_duration_since(since))?;
        self.last = now;
        self.next += 1;
        Some(told)
    }

    fn failure(&self, error: &InnerError) -> Option<Vec<u8>> {
        let error = Envelope {
            kind: None,
            is_bifrost_error: false,
            status_code: BROKEN_OFF,
            error: error.told(),
            extra_fields: self.served.about(),
        };
        let mut told = serde_json::to_vec(&Failure { error }).ok()?;
        told.push(b'\n');
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::super::extra_fields::tests::served;
    use super::*;
    use crate::domain::governance::RequestType;

    /// The data of the events that come of these, each a hundred milliseconds after the one before.
    fn retold(events: &[&str]) -> Vec<Value> {
        let served = served(RequestType::ChatStream);
        let started = served.started;
        let mut retelling = Retelling { last: started, served, next: 0 };
        let mut told = Vec::new();
        for (event, time) in events.iter().zip(1..) {
            let now = started + Duration::from_millis(100) * time;
            let chunk = retelling.retell(&Bytes::copy_from_slice(event.as_bytes()), now);
            told.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(told).unwrap();
        let data = text.split_terminator("\n\n").map(|event| event.rsplit_once("data: ").unwrap().1);
        data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data))).collect()
    }

    #[test]
    fn each_event_is_counted_and_the_last_tells_the_whole_time() {
        let told = retold(&[
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":null}],\"usage\":null}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\\n\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\ndata: [DONE]\n\n",
        ]);
        let fields: Vec<_> = told.iter().take(4).map(|event| &event["extra_fields"]).collect();
        let latencies: Vec<_> = fields.iter().map(|fields| fields["latency"].as_u64().unwrap()).collect();
        assert_eq!(latencies, [100, 100, 300, 400]);
        let indexes: Vec<_> = fields.iter().map(|fields| fields["chunk_index"].as_u64().unwrap()).collect();
        assert_eq!(indexes, [0, 1, 2, 3]);
        assert_eq!(told[4], json!("[DONE]"));
        assert_eq!(told[1]["choices"][0]["delta"]["content"], "a\n");
    }

    #[test]
    fn named_events_keep_their_names_and_end_with_the_whole_time() {
        let told = retold(&[
            "event: response.created\ndata: {\"type\":\"response.created\"}\n\n",
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{}}\n\n",
        ]);
        assert_eq!(told[1]["extra_fields"]["latency"], 200);
        assert_eq!(told[0]["extra_fields"]["request_type"], "chat_completion_stream");
    }

    #[test]
    fn a_failure_is_told_as_the_whole_error() {
        let told = retold(&["data: {\"error\":{\"message\":\"gone\",\"type\":\"server_error\"}}\n\n"]);
        let error = &told[0]["error"];
        assert_eq!((&error["error"]["message"], &error["status_code"]), (&json!("gone"), &json!(500)));
        assert_eq!(error["extra_fields"]["model_requested"], "gpt-4o");
        assert_eq!(error["is_bifrost_error"], false);
    }

    #[test]
    fn a_response_that_fails_is_told_as_the_whole_error_without_a_name() {
        let served = served(RequestType::ResponsesStream);
        let mut retelling = Retelling { last: served.started, served, next: 0 };
        let response = json!({ "error": { "code": "server_error", "message": "gone" } });
        let data = json!({ "type": "response.failed", "response": response });
        let event = format!("event: response.failed\ndata: {data}\n\n");
        let told = retelling.retell(&Bytes::from(event), Instant::now());
        let text = std::str::from_utf8(&told).unwrap();
        let data = text.strip_prefix("data: ").and_then(|data| data.strip_suffix("\n\n")).unwrap();
        let told: Value = serde_json::from_str(data).unwrap();
        assert_eq!(told["error"]["error"], json!({ "message": "gone", "code": "server_error" }));
        assert_eq!(told["error"]["extra_fields"]["request_type"], "responses_stream");
    }
}
