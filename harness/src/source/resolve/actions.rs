//! Reads what a step does: a request, raw bytes, a revocation, a fault, time that passes.

use std::sync::Arc;

use super::steps::Steps;
use crate::scenario::{Action, Body, Call, Encoding, Raw, Template};
use crate::source::Span;
use crate::source::written::file::{Bills, Encoding as EncodingEntry, StepEntry};
use crate::source::written::wrappers::{Located, Recovered};

/// Most requests of a burst.
const MOST_AT_ONCE: u32 = 1_000;
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

impl Steps<'_, '_, '_, '_> {
    pub(super) fn action(&mut self, span: Span, entry: &StepEntry) -> Option<Action> {
        let given = [
            ("call", entry.call.as_ref().map(|call| call.span)),
            ("ask", entry.ask.as_ref().map(|word| word.span)),
            ("poll", entry.poll.as_ref().map(|line| line.span)),
            ("raw", entry.raw.as_ref().map(|line| line.span)),
            ("revoke_key", entry.revoke_key.as_ref().map(|role| role.span)),
            ("fault", entry.fault.as_ref().map(|fault| fault.span)),
            ("advance", entry.advance.as_ref().map(|time| time.span)),
        ];
        let mut given = given.into_iter().filter_map(|(field, span)| Some((field, span?)));
        let Some((field, _)) = given.next() else {
            let hint =
                "add one of `call: GET /path`, `ask`, `poll`, `raw`, `revoke_key`, `fault` and `advance`";
            self.note(span, "the step does nothing", Some(hint));
            return None;
        };
        if let Some((other, span)) = given.next() {
            let hint = format!("make `{other}` a step of its own");
            self.note(span, "a step does one thing", Some(&hint));
            return None;
        }
        self.fields_out_of_place(field, entry);
        if let Some(call) = &entry.call {
            return self.call(call, entry).map(Action::Call);
        }
        if let Some(word) = &entry.ask {
            return self.ask(word, entry);
        }
        if let Some(line) = &entry.poll {
            return self.poll(line, entry).map(Action::Poll);
        }
        if let Some(line) = &entry.raw {
            return self.raw(line, entry).map(Action::Raw);
        }
        if let Some(role) = &entry.revoke_key {
            self.reading.known_word(role, "role", |contract| &contract.roles);
            return Some(Action::RevokeKey { role: role.as_str().into() });
        }
        if let Some(text) = &entry.advance {
            let by = self.reading.notes.duration(Some(text))?;
            return Some(Action::Advance { by, text: text.as_str().into() });
        }
        self.fault(entry.fault.as_ref()?)
    }

    /// Notes the fields that an action has no use for.
    fn fields_out_of_place(&mut self, action: &str, entry: &StepEntry) {
        let burst = entry.burst.is_some();
        let sends_one = matches!(action, "call" | "ask") && !burst;
        if let Some((field, span)) = field_of_a_stream(entry).filter(|_| !sends_one) {
            let other = if burst { "burst" } else { action };
            let message = format!("`{field}` does not go with `{other}`");
            self.note(span, message, Some("it goes with the `call` of one stream"));
        }
        if let Some(close) = entry.half_close.as_ref().filter(|_| action != "raw") {
            let message = format!("`half_close` does not go with `{action}`");
            self.note(close.span, message, Some("it goes with `raw`"));
        }
        if action == "ask" {
            for (field, span) in fields_of_a_body(entry) {
                let message = format!("`{field}` does not go with `ask`");
                self.note(span, message, Some("the dialect spells the request; give it values under `with`"));
            }
        } else {
            self.fields_of_asking(action, entry);
        }
        self.fields_of_polling(action, entry);
        let (fields, hint) = match action {
            "call" | "ask" if burst => return,
            // What it has no use for was told.
            "poll" => return,
            "call" | "ask" => (fields_of_a_burst(entry), "it goes with `burst`"),
            "raw" => (fields_of_a_counted_call(entry), "it goes with `call`"),
            _ => (fields_of_a_call(entry), "it goes with `call`"),
        };
        for (field, span) in fields {
            self.note(span, format!("`{field}` does not go with `{action}`"), Some(hint));
        }
    }

    /// A method and a path, as in `GET /api/v1/models`.
    pub(super) fn method_and_path(&mut self, call: &Located<String>) -> Option<(Arc<str>, Template)> {
        let hint = Some("write a method and a path, as in `GET /api/v1/models`");
        let Some((method, path)) = call.split_once(' ').map(|(method, path)| (method, path.trim())) else {
            self.note(call.span, format!("`{}` is not a call", **call), hint);
            return None;
        };
        if !METHODS.contains(&method) {
            self.note(call.span, format!("`{method}` is not a method"), Some(&METHODS.join(", ")));
        }
        if !path.starts_with('/') {
            self.note(call.span, format!("the path `{path}` does not begin with `/`"), hint);
        }
        Some((method.into(), self.template(path, call.span)?))
    }

    /// How many times a request is sent at once, where it is a burst.
    pub(super) fn times(&mut self, entry: &StepEntry) -> Option<u32> {
        let times = entry.burst.as_ref()?;
        if !(2..=MOST_AT_ONCE).contains(&times.value) {
            let hint = format!("write a number from 2 to {MOST_AT_ONCE}");
            self.note(times.span, format!("{} is no burst", times.value), Some(&hint));
        }
        Some(times.value)
    }

    /// Whether each request of a burst has a key of its own.
    pub(super) fn own_keys(&mut self, entry: &StepEntry) -> bool {
        let own = entry.own_keys.as_ref().filter(|own| own.value && entry.burst.is_some());
        let Some(own) = own else { return false };
        if entry.role.is_none() {
            self.note(own.span, "it is not said whose keys they are", Some("add `as: role`"));
        }
        if let Some(span) = first(entry.key.as_ref()) {
            let hint = "it looks at one key, and each request has another";
            self.note(span, "`key` does not go with `own_keys`", Some(hint));
        }
        if let Some(Bills::One(bill)) = entry.bills.as_ref().and_then(|bills| bills.0.as_deref())
            && let Some(key) = &bill.key
        {
            let hint = "take it out: each request is billed to its own key";
            self.note(key.span, "the `key` of `bills` does not go with `own_keys`", Some(hint));
        }
        let reading = &self.reading;
        let of_dialect = reading.dialect.map(|dialect| &dialect.credential);
        let credential = of_dialect.or_else(|| reading.contract.map(|contract| &contract.credential));
        let is_sent = |name: &str| credential.is_some_and(|own| own.header.eq_ignore_ascii_case(name));
        if let Some((name, value)) = entry.headers.iter().find(|(name, _)| is_sent(name)) {
            let message = format!("the header `{name}` does not go with `own_keys`");
            let hint = "take it out: each request sends its own key in it";
            self.note(value.span, message, Some(hint));
        }
        true
    }

    fn call(&mut self, call: &Located<String>, entry: &StepEntry) -> Option<Call> {
        let named = self.method_and_path(call);
        let (burst, own_keys) = (self.times(entry), self.own_keys(entry));
        let (method, path) = named?;
        let headers = self.headers(entry, str::to_ascii_lowercase);
        Some(Call {
            method,
            path,
            role: self.role(entry),
            headers,
            body: self.body(entry)?,
            chunked: entry.chunked.as_ref().is_some_and(|chunked| chunked.value),
            burst,
            own_keys,
            leaves: entry.leave.is_some(),
        })
    }

    fn raw(&mut self, line: &Located<String>, entry: &StepEntry) -> Option<Raw> {
        let request_line = self.template(line, line.span)?;
        let headers = self.headers(entry, str::to_owned);
        Some(Raw {
            request_line,
            role: self.role(entry),
            headers,
            body: self.body(entry)?,
            half_close: entry.half_close.as_ref().is_some_and(|close| close.value),
        })
    }

    pub(super) fn role(&mut self, entry: &StepEntry) -> Option<Arc<str>> {
        let role = entry.role.as_ref()?;
        self.reading.known_word(role, "role", |contract| &contract.roles);
        Some(role.as_str().into())
    }

    pub(super) fn headers(
        &mut self,
        entry: &StepEntry,
        spelt: impl Fn(&str) -> String,
    ) -> Vec<(String, Template)> {
        let mut headers = Vec::new();
        for (name, value) in &entry.headers {
            if let Some(template) = self.template(value, value.span) {
                headers.push((spelt(name), template));
            }
        }
        headers
    }

    fn body(&mut self, entry: &StepEntry) -> Option<Body> {
        if let (Some(encoding), None) = (&entry.encoding, &entry.body) {
            self.note(encoding.span, "`encoding` is that of `body`", Some("write the body as text"));
        }
        match (&entry.json, &entry.body) {
            (Some(json), None) => self.shape(json).map(Body::Json),
            (None, Some(body)) => {
                let encoding = entry.encoding.as_ref().map(|encoding| encoding.value);
                let encoding = encoding.map_or(Encoding::Utf8, encoding_of);
                self.template(body, body.span).map(|text| Body::Text(text, encoding))
            }
            (None, None) => Some(Body::Empty),
            (Some(_), Some(body)) => {
                self.note(body.span, "a request has one body", Some("keep `json` or `body`"));
                None
            }
        }
    }
}

/// The fields of a step that are what a request holds.
pub(super) fn fields_of_a_body(entry: &StepEntry) -> impl Iterator<Item = (&'static str, Span)> {
    let fields = [
        ("json", entry.json.as_ref().map(|json| json.span)),
        ("body", entry.body.as_ref().map(|body| body.span)),
        ("encoding", entry.encoding.as_ref().map(|encoding| encoding.span)),
    ];
    fields.into_iter().filter_map(|(field, span)| Some((field, span?)))
}

/// The fields of a step that only a request has a use for, and where they stand.
fn fields_of_a_call(entry: &StepEntry) -> Vec<(&'static str, Span)> {
    let fields = [
        ("as", entry.role.as_ref().map(|role| role.span)),
        ("headers", entry.headers.values().next().map(|header| header.span)),
        ("timeout", entry.timeout.as_ref().map(|timeout| timeout.span)),
        ("expect", first(entry.expect.as_ref())),
        ("capture", first(entry.capture.values().next())),
        ("bills", first(entry.bills.as_ref())),
        ("key", first(entry.key.as_ref())),
        ("logs", first(entry.logs.as_ref())),
        ("upstream", first(entry.upstream.as_ref())),
    ];
    let mut found = fields_of_a_counted_call(entry);
    found.extend(fields_of_a_body(entry));
    found.extend(fields.into_iter().filter_map(|(field, span)| Some((field, span?))));
    found
}

/// Those that only a request has a use for that the runner itself puts together.
pub(super) fn fields_of_a_counted_call(entry: &StepEntry) -> Vec<(&'static str, Span)> {
    let fields = [
        ("chunked", entry.chunked.as_ref().map(|chunked| chunked.span)),
        ("burst", entry.burst.as_ref().map(|times| times.span)),
    ];
    let mut found = fields_of_a_burst(entry);
    found.extend(fields.into_iter().filter_map(|(field, span)| Some((field, span?))));
    found
}

/// Those that only a burst has a use for.
fn fields_of_a_burst(entry: &StepEntry) -> Vec<(&'static str, Span)> {
    let fields = [
        ("replies", first(entry.replies.first())),
        ("own_keys", entry.own_keys.as_ref().map(|own| own.span)),
    ];
    fields.into_iter().filter_map(|(field, span)| Some((field, span?))).collect()
}

/// The field of a step that only one stream has a use for.
fn field_of_a_stream(entry: &StepEntry) -> Option<(&'static str, Span)> {
    let gate = entry.gate.as_ref().map(|gate| ("gate", gate.span));
    gate.or_else(|| Some(("leave", entry.leave.as_ref()?.span)))
}

/// Where a field stands that could be read.
pub(super) fn first<T>(field: Option<&Recovered<Located<T>>>) -> Option<Span> {
    field.and_then(|field| field.0.as_ref()).map(|field| field.span)
}

fn encoding_of(encoding: EncodingEntry) -> Encoding {
    match encoding {
        EncodingEntry::Utf8 => Encoding::Utf8,
        EncodingEntry::Latin1 => Encoding::Latin1,
        EncodingEntry::Utf16 => Encoding::Utf16,
    }
}
