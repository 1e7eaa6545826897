//! Steps in words.

use plumbline_harness::scenario::{
    Action, Alternative, BillExpectation, Body, Capture, CaptureShape, Check, CheckLevel, Clause, Contract,
    Encoding, Ending, Expect, KeyUsed, LogExpectation, Shape, Step, StreamExpectation, Template,
};
use plumbline_record::Level;

use super::check::{binding, sentence};
use super::polling;
use super::shape::{short, shown};
use super::upstream::{gate, upstream};

/// What a step does and what must come of it: lines, each indented as deep as it belongs.
pub(super) fn lines(step: &Step, contract: Option<&Contract>) -> Vec<String> {
    let mut lines = action(&step.action);
    if !step.covers.is_empty() {
        lines.push(format!("covers {}", step.covers.join(", ")));
    }
    if let Some(timeout) = step.timeout {
        lines.push(format!("within {}", humantime::format_duration(timeout)));
    }
    lines.extend(expect(&step.expect, &step.action));
    lines.extend(step.gate.as_ref().map(gate));
    if !step.replies.is_empty() {
        lines.push("expects of all replies together:".to_owned());
        lines.extend(bullets(&step.replies, "  "));
    }
    lines.extend(step.captures.iter().map(capture));
    lines.extend(step.bills.as_ref().map(|bills| self::bills(bills, step, contract)));
    lines.extend(step.key_used.as_ref().map(key_used));
    lines.extend(step.logs.as_ref().map(logs).unwrap_or_default());
    lines.extend(step.upstream.as_ref().map(upstream).unwrap_or_default());
    lines
}

fn action(action: &Action) -> Vec<String> {
    match action {
        Action::Call(call) => {
            let (method, path) = (&call.method, short(call.path.source()));
            let credential = credential(call.role.as_deref());
            let burst = call.burst.map_or_else(String::new, |times| format!(", {times} times at once"));
            let own = if call.own_keys { ", each with a key of its own" } else { "" };
            let chunked = if call.chunked { ", its body in chunks" } else { "" };
            let mut lines = vec![format!("sends {method} {path}{credential}{burst}{own}{chunked}")];
            lines.extend(request(&call.headers, &call.body));
            if call.leaves {
                lines.push("closes the connection after the first event".to_owned());
            }
            lines
        }
        Action::Poll(poll) => polling::lines(poll, &credential(poll.call.role.as_deref())),
        Action::Raw(raw) => {
            let line = short(raw.request_line.source());
            let mut lines = vec![format!("sends the bytes of `{line}`{}", credential(raw.role.as_deref()))];
            lines.extend(request(&raw.headers, &raw.body));
            if raw.half_close {
                lines.push("closes its side of the connection".to_owned());
            }
            lines
        }
        Action::RevokeKey { role } => vec![format!("revokes the key of {role}")],
        Action::ArmFault(rule) => vec![format!("has the gateway's provider fail: {}", shown(rule))],
        Action::ArmUpstreamFault(rule) => vec![format!("has the simulated providers fail: {}", shown(rule))],
        Action::ClearFaults => vec!["has the gateway's provider work again".to_owned()],
        Action::Advance { text, .. } => vec![format!("lets {} pass on the gateway's clock", short(text))],
    }
}

fn credential(role: Option<&str>) -> String {
    role.map_or_else(String::new, |role| format!(" as {role}"))
}

fn request(headers: &[(String, Template)], body: &Body) -> Vec<String> {
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("  with the header {name}: {}", short(value.source())))
        .collect();
    match body {
        Body::Empty => {}
        Body::Json(shape) => lines.push(format!("  with the JSON {}", shown(shape))),
        Body::Text(template, encoding) => {
            let encoding = match encoding {
                Encoding::Utf8 => "",
                Encoding::Latin1 => " in Latin-1",
                Encoding::Utf16 => " in UTF-16",
            };
            lines.push(format!("  with the text{encoding} {}", short(template.source())));
        }
    }
    lines
}

fn expect(expect: &Expect, action: &Action) -> Vec<String> {
    let mut lines = Vec::new();
    if !expect.checks.is_empty() || expect.stream.is_some() {
        let each = matches!(action, Action::Call(call) if call.burst.is_some());
        lines.push(if each { "expects of each reply:" } else { "expects:" }.to_owned());
        lines.extend(bullets(&expect.checks, "  "));
        lines.extend(expect.stream.iter().flat_map(|stream| stream_bullets(stream, "  ")));
    }
    if !expect.alternatives.is_empty() {
        lines.push("expects one of:".to_owned());
        for Alternative { name, checks, stream } in &expect.alternatives {
            lines.push(format!("  {name}:"));
            lines.extend(bullets(checks, "    "));
            lines.extend(stream.iter().flat_map(|stream| stream_bullets(stream, "    ")));
        }
    }
    lines
}

/// What is expected of a stream, part by part.
fn stream_bullets(stream: &StreamExpectation, indent: &str) -> Vec<String> {
    let StreamExpectation { of, shape, order, each, ended, end, checks } = stream;
    let end_of = match (&of.terminator, ended) {
        (Some(terminator), Ending::Whole) => format!("ends with {terminator}, once and last"),
        (None, Ending::Whole) => "ends with a whole event".to_owned(),
        (_, Ending::CutOff) => "is cut off before its end".to_owned(),
        (_, Ending::BrokenOff) => "breaks off with its connection, before its body is whole".to_owned(),
    };
    let parts = [
        Some((format!("the answer is a stream of events, {}: {}", of.name, of.text), shape)),
        each.as_ref().map(|(name, clause)| (format!("each event satisfies the JSON Schema {name}"), clause)),
        Some((format!("the stream {end_of}"), end)),
        order.as_ref().map(|(order, clause)| (format!("the events come in the order {order}"), clause)),
    ];
    let told = |(demand, clause): (String, &Clause)| {
        format!("{indent}- {demand}  [{}]", binding(clause.level, clause.verifies.as_deref()))
    };
    let mut lines: Vec<_> = parts.into_iter().flatten().map(told).collect();
    lines.extend(checks.iter().map(|check| format!("{indent}- of the stream, {}", sentence(check))));
    lines
}

fn bullets(checks: &[Check], indent: &str) -> Vec<String> {
    checks.iter().map(|check| format!("{indent}- {}", sentence(check))).collect()
}

fn capture(capture: &Capture) -> String {
    let value = match &capture.shape {
        CaptureShape::Only(path) => format!("the only value of {}", path.source()),
        CaptureShape::First(path) => format!("the first value of {}", path.source()),
        CaptureShape::All(path) => format!("all values of {}", path.source()),
        CaptureShape::Header(name) => format!("the header {name}"),
    };
    let secret = if capture.secret { ", a credential" } else { "" };
    format!("keeps {value} as {}{secret}", capture.name)
}

fn bills(bills: &BillExpectation, step: &Step, contract: Option<&Contract>) -> String {
    let what = match bills {
        BillExpectation::None { .. } => "is not billed".to_owned(),
        BillExpectation::One { model, usage, role, .. } => {
            let told = |name: &str, shape: &Option<Shape>| {
                shape.as_ref().map(|shape| format!("{name} {}", shown(shape)))
            };
            let has_own = matches!(&step.action, Action::Call(call) if call.own_keys);
            let own = || "the request's own key".to_owned();
            let key = role.as_ref().map(|role| if has_own { own() } else { format!("the key of {role}") });
            let parts: Vec<_> =
                [told("model", model), told("usage", usage), key].into_iter().flatten().collect();
            let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
            format!("is billed once{parts}")
        }
    };
    format!("{what}  [{}]", step.behind_bill(contract).join(", "))
}

fn key_used(used: &KeyUsed) -> String {
    let must = CheckLevel::Fixed(Level::Must);
    format!("moves the key's time of last use  [{}]", binding(must, used.verifies.as_deref()))
}

fn logs(logs: &LogExpectation) -> Vec<String> {
    let must = binding(CheckLevel::Fixed(Level::Must), logs.verifies.as_deref());
    let mut lines = vec![format!("is in the log as the request {}  [{must}]", logs.request_id.source())];
    lines.extend(bullets(&logs.checks, "  "));
    lines
}
