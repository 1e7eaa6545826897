//! What the record keeps of a request and its response.

use std::time::Duration;

use plumbline_record::{Body, Exchange, Outcome, Request, Response};

use super::client::{NoReply, Outgoing};
use crate::check::Reply;
use crate::target::Secrets;

/// Most bytes of a body that the record keeps.
const KEPT: usize = 64 * 1024;

pub(super) fn exchange(
    scenario: &str,
    attempt: u32,
    step: &str,
    outgoing: &Outgoing,
    result: &Result<Reply, NoReply>,
    duration: Duration,
    secrets: &Secrets,
) -> Exchange {
    let outcome = match result {
        Ok(reply) => Outcome::Response(Response {
            status: reply.status,
            headers: redacted(&reply.headers, secrets),
            body: body(reply.text.as_bytes(), secrets),
            first_event_us: reply.first_event.map(micros),
        }),
        Err(no_reply) => Outcome::Failure(secrets.redact(no_reply.why()).into_owned()),
    };
    Exchange {
        scenario: scenario.to_owned(),
        attempt,
        step: step.to_owned(),
        request: Request {
            method: outgoing.method.to_string(),
            url: secrets.redact(outgoing.url.as_str()).into_owned(),
            headers: redacted(&outgoing.headers, secrets),
            body: outgoing.body.as_ref().map(|bytes| body(bytes, secrets)),
        },
        outcome,
        duration_us: micros(duration),
        left_out: None,
    }
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn redacted(headers: &[(String, String)], secrets: &Secrets) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.clone(), secrets.redact(value).into_owned())).collect()
}

fn body(bytes: &[u8], secrets: &Secrets) -> Body {
    // Redacted before it is cut, and cut by more than the longest secret: a part of one would be written otherwise.
    let longest = secrets.longest();
    let beginning = bytes.get(..KEPT + longest).unwrap_or(bytes);
    let mut text = secrets.redact(&String::from_utf8_lossy(beginning)).into_owned();
    let cut = text.len() > KEPT || beginning.len() < bytes.len();
    if cut {
        let most = if beginning.len() < bytes.len() { text.len().saturating_sub(longest) } else { KEPT };
        text.truncate(text.floor_char_boundary(most.min(KEPT)));
    }
    Body { text, bytes: bytes.len() as u64, cut }
}
