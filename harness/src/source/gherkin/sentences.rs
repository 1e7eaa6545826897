//! The vocabulary: every sentence with the fields that it fills. docs/gherkin.md is generated from it.

use super::vocabulary::{Column, Does, Sentence, With};

/// The columns of checks on a JSON value.
const CHECKS: &[Column] = &[
    verbatim("at"),
    verbatim("each"),
    verbatim("any"),
    verbatim("is"),
    value("equals"),
    value("differs_from"),
    value("contains"),
    verbatim("matches"),
    verbatim("lacks"),
    value("between"),
    value("one_of"),
    value("length"),
    value("absent"),
    verbatim("json_schema"),
    verbatim("level"),
    value("wording"),
    verbatim("verifies"),
];

/// The columns of conditions, which verify nothing: those of checks without `level`, `wording` and `verifies`.
const CONDITIONS: &[Column] = CHECKS.split_at(CHECKS.len() - 3).0;

/// The columns of checks on a text.
const MATCHES: &[Column] = &[
    verbatim("is"),
    value("equals"),
    value("differs_from"),
    value("contains"),
    verbatim("matches"),
    verbatim("lacks"),
    value("one_of"),
    value("length"),
    value("absent"),
    verbatim("level"),
    value("wording"),
    verbatim("verifies"),
];

const CAPTURES: &[Column] =
    &[verbatim("only"), verbatim("first"), verbatim("all"), verbatim("header"), value("secret")];

const BILL: &[Column] = &[value("model"), value("usage"), verbatim("key")];

/// The columns of calls to providers.
const CALLS: &[Column] =
    &[verbatim("provider"), verbatim("model"), value("status"), value("checks"), verbatim("verifies")];

const LACKS: &[Column] = &[verbatim("text"), verbatim("verifies")];

/// The columns of a fault of the simulated providers.
const UPSTREAM_FAULT: &[Column] = &[
    verbatim("kind"),
    value("status"),
    value("retry_after"),
    verbatim("message"),
    verbatim("delay"),
    value("bytes"),
    value("after_events"),
    verbatim("provider"),
    verbatim("model"),
    value("header"),
    verbatim("contains"),
    value("nth"),
    value("after"),
    value("times"),
    value("probability"),
    value("seed"),
];

const fn verbatim(name: &'static str) -> Column {
    Column { name, verbatim: true }
}

const fn value(name: &'static str) -> Column {
    Column { name, verbatim: false }
}

/// The sentences, by what they speak of.
pub(super) static CHAPTERS: &[(&str, &[Sentence])] = &[
    ("What a step does", ACTIONS),
    ("The request", REQUEST),
    ("The answer", ANSWER),
    ("Polling", POLLING),
    ("A stream of events", STREAM),
    ("What is kept, and what else must have happened", EFFECTS),
    ("What the providers were asked", UPSTREAM),
    ("The end", END),
];

const ACTIONS: &[Sentence] = &[
    Sentence {
        expression: "{name} calls {method} {path}",
        does: Does::Begin(&[("name", With::Word(0)), ("call", With::Words(1, 2))]),
        means: "Sends one request, without a credential.",
    },
    Sentence {
        expression: "{name} calls {method} {path} as {role}",
        does: Does::Begin(&[("name", With::Word(0)), ("call", With::Words(1, 2)), ("as", With::Word(3))]),
        means: "Sends one request with the credential of a role.",
    },
    Sentence {
        expression: "{name} calls {method} {path} {count} times at once",
        does: Does::Begin(&[("name", With::Word(0)), ("call", With::Words(1, 2)), ("burst", With::Value(3))]),
        means: "Sends the same request so many times at once. What is expected is decided on each reply.",
    },
    Sentence {
        expression: "{name} calls {method} {path} as {role} {count} times at once",
        does: Does::Begin(&[
            ("name", With::Word(0)),
            ("call", With::Words(1, 2)),
            ("as", With::Word(3)),
            ("burst", With::Value(4)),
        ]),
        means: "The same, with the credential of a role.",
    },
    Sentence {
        expression: "{name} polls {method} {path} every {duration} for at most {duration}",
        does: Does::Begin(&[
            ("name", With::Word(0)),
            ("poll", With::Words(1, 2)),
            ("every", With::Word(3)),
            ("at_most", With::Word(4)),
        ]),
        means: "Sends the same request again and again, without a credential, until the answer has come that is waited for.",
    },
    Sentence {
        expression: "{name} polls {method} {path} as {role} every {duration} for at most {duration}",
        does: Does::Begin(&[
            ("name", With::Word(0)),
            ("poll", With::Words(1, 2)),
            ("as", With::Word(3)),
            ("every", With::Word(4)),
            ("at_most", With::Word(5)),
        ]),
        means: "The same, with the credential of a role.",
    },
    Sentence {
        expression: "{name} asks a {word}",
        does: Does::Begin(&[("name", With::Word(0)), ("ask", With::Word(1))]),
        means: "Sends one request that each dialect of the contract spells in its own way, without a credential.",
    },
    Sentence {
        expression: "{name} asks a {word} as {role}",
        does: Does::Begin(&[("name", With::Word(0)), ("ask", With::Word(1)), ("as", With::Word(2))]),
        means: "The same, with the credential of a role.",
    },
    Sentence {
        expression: "{name} asks a {word} {count} times at once",
        does: Does::Begin(&[("name", With::Word(0)), ("ask", With::Word(1)), ("burst", With::Value(2))]),
        means: "Sends the same request so many times at once.",
    },
    Sentence {
        expression: "{name} asks a {word} as {role} {count} times at once",
        does: Does::Begin(&[
            ("name", With::Word(0)),
            ("ask", With::Word(1)),
            ("as", With::Word(2)),
            ("burst", With::Value(3)),
        ]),
        means: "The same, with the credential of a role.",
    },
    Sentence {
        expression: "{name} sends the request line {line}",
        does: Does::Begin(&[("name", With::Word(0)), ("raw", With::Value(1))]),
        means: "Sends bytes on a socket: this line, the headers as they are given, and the body.",
    },
    Sentence {
        expression: "{name} sends the request line {line} as {role}",
        does: Does::Begin(&[("name", With::Word(0)), ("raw", With::Value(1)), ("as", With::Word(2))]),
        means: "The same, with the credential of a role.",
    },
    Sentence {
        expression: "{name} revokes the key of {role}",
        does: Does::Begin(&[("name", With::Word(0)), ("revoke_key", With::Word(1))]),
        means: "Revokes the key of a role through the target's own means.",
    },
    Sentence {
        expression: "{name} injects the fault",
        does: Does::Begin(&[("name", With::Word(0)), ("fault", With::Row(&[]))]),
        means: "Arms a fault of the target's provider for what follows; the columns are its members.",
    },
    Sentence {
        expression: "{name} has the providers fail",
        does: Does::Begin(&[("name", With::Word(0)), ("fault.upstream", With::Row(UPSTREAM_FAULT))]),
        means: "Arms a fault of the simulator that plays the providers, in one row.",
    },
    Sentence {
        expression: "{name} takes the faults away",
        does: Does::Begin(&[("name", With::Word(0)), ("fault", With::Fixed("none"))]),
        means: "Takes all faults away again.",
    },
    Sentence {
        expression: "{name} lets {duration} pass",
        does: Does::Begin(&[("name", With::Word(0)), ("advance", With::Word(1))]),
        means: "Lets so much time pass on the gateway's clock, by the target's own means.",
    },
    Sentence {
        expression: "this step covers {ids}",
        does: Does::Fill(&[("covers", With::List(0))]),
        means: "The ids of the catalogue that this step covers by itself.",
    },
];

const REQUEST: &[Sentence] = &[
    Sentence {
        expression: "the request has the JSON body",
        does: Does::Fill(&[("json", With::Data)]),
        means: "A JSON body, written in JSON or YAML; its texts are templates.",
    },
    Sentence {
        expression: "the request has the JSON body {value}",
        does: Does::Fill(&[("json", With::Value(0))]),
        means: "The same on one line.",
    },
    Sentence {
        expression: "the request has the body",
        does: Does::Fill(&[("body", With::Document)]),
        means: "A body as text, sent as it is after its templates are filled in.",
    },
    Sentence {
        expression: "the request has the body {text}",
        does: Does::Fill(&[("body", With::Value(0))]),
        means: "The same on one line.",
    },
    Sentence {
        expression: "the request is given",
        does: Does::Fill(&[("with", With::Row(&[]))]),
        means: "What a request of the dialect is about, in one row: the columns are the names that its templates have for it.",
    },
    Sentence {
        expression: "the answer is to come as a stream",
        does: Does::Fill(&[("streamed", With::True)]),
        means: "The request of the dialect asks for a stream.",
    },
    Sentence {
        expression: "the request has the same body as in {name}",
        does: Does::Repeat(&["json", "body", "encoding"]),
        means: "The body of an earlier step of the scenario.",
    },
    Sentence {
        expression: "the body is encoded as {encoding}",
        does: Does::Fill(&[("encoding", With::Word(0))]),
        means: "How the text of the body becomes bytes.",
    },
    Sentence {
        expression: "the request has the header {header}: {rest}",
        does: Does::Fill(&[("headers", With::Member(0, 1))]),
        means: "A header to send besides.",
    },
    Sentence {
        expression: "the request has the headers",
        does: Does::Fill(&[("headers", With::Pairs)]),
        means: "Headers to send besides.",
    },
    Sentence {
        expression: "nothing follows the request",
        does: Does::Fill(&[("half_close", With::True)]),
        means: "The sending side of the connection is closed after the last byte.",
    },
    Sentence {
        expression: "the request is sent in chunks",
        does: Does::Fill(&[("chunked", With::True)]),
        means: "The body is sent in chunks, without its length.",
    },
    Sentence {
        expression: "each request has a key of its own",
        does: Does::Fill(&[("own_keys", With::True)]),
        means: "Of the requests that are sent at once, each has another key of the role, minted for the scenario.",
    },
    Sentence {
        expression: "the answer is complete within {duration}",
        does: Does::Fill(&[("timeout", With::Word(0))]),
        means: "Most time from sending to the last byte read.",
    },
    Sentence {
        expression: "the client leaves after the first event",
        does: Does::Fill(&[("leave", With::Fixed("first-event"))]),
        means: "The connection is closed once the first event of the stream has come.",
    },
    Sentence {
        expression: "the provider withholds each piece of the {name} until the one before it has come",
        does: Does::Fill(&[("gate", With::Word(0))]),
        means: "The pieces of this text, which the stream joins, are let go one by one; that each comes before the next is sent is checked.",
    },
    Sentence {
        expression: "the provider withholds each piece of the {name} until the one before it has come, which verifies {requirement}",
        does: Does::Fill(&[("gate", With::Word(0)), ("gated.verifies", With::Word(1))]),
        means: "The same, with the requirement behind it.",
    },
];

const ANSWER: &[Sentence] = &[
    Sentence {
        expression: "the status is {status}",
        does: Does::Fill(&[("expect.status", With::Value(0))]),
        means: "The status code.",
    },
    Sentence {
        expression: "the status is one of {statuses}",
        does: Does::Fill(&[("expect.status", With::List(0))]),
        means: "The status codes that are right.",
    },
    Sentence {
        expression: "the situation is {word}",
        does: Does::Fill(&[("expect.situation", With::Word(0))]),
        means: "What each dialect of the contract answers in this situation.",
    },
    Sentence {
        expression: "the situation is {word}, which verifies {requirement}",
        does: Does::Fill(&[("expect.situation", With::Word(0)), ("expect.verifies", With::Word(1))]),
        means: "The same, with the requirement behind what is expected of the answer, unless a check names its own.",
    },
    Sentence {
        expression: "what the dialect finds in the answer satisfies these checks",
        does: Does::Fill(&[("expect.answer", With::Rows(CHECKS))]),
        means: "Checks on what stands in the answer, one in each row: `at`, `each` or `any` is the contract's name for it.",
    },
    Sentence {
        expression: "these texts stand nowhere in the answer",
        does: Does::Fill(&[("expect.nowhere", With::Rows(LACKS))]),
        means: "Texts that stand neither in a header nor in the body, one in each row.",
    },
    Sentence {
        expression: "the connection is closed",
        does: Does::Fill(&[("expect.closed", With::True)]),
        means: "The connection ends without an answer.",
    },
    Sentence {
        expression: "the body satisfies the schema {schema}",
        does: Does::Fill(&[("expect.schema", With::Word(0))]),
        means: "The JSON Schema that the body must satisfy.",
    },
    Sentence {
        expression: "the body satisfies these checks",
        does: Does::Fill(&[("expect.body", With::Rows(CHECKS))]),
        means: "Checks on the JSON body, one in each row: a path (`at`, `each` or `any`) and a matcher.",
    },
    Sentence {
        expression: "the headers satisfy these checks",
        does: Does::Fill(&[("expect.headers", With::Named(MATCHES))]),
        means: "Checks on headers, one in each row.",
    },
    Sentence {
        expression: "the text of the body satisfies this check",
        does: Does::Fill(&[("expect.text", With::Row(MATCHES))]),
        means: "A check on the body as text, in one row.",
    },
    Sentence {
        expression: "this verifies {requirement}",
        does: Does::Fill(&[("expect.verifies", With::Word(0))]),
        means: "The requirement behind what is expected of the answer, unless a check names its own.",
    },
    Sentence {
        expression: "the same is expected as in {name}",
        does: Does::Repeat(&["expect"]),
        means: "What was expected of the answer in an earlier step of the scenario.",
    },
    Sentence {
        expression: "one/another answer is {name}",
        does: Does::Alternative,
        means: "One of several answers that are allowed; what is expected from here on is expected of it.",
    },
    Sentence {
        expression: "the replies satisfy these checks",
        does: Does::Fill(&[("replies", With::Rows(CHECKS))]),
        means: "Checks on the list of a burst's replies, one in each row.",
    },
];

const POLLING: &[Sentence] = &[
    Sentence {
        expression: "the polling ends when",
        does: Does::Fill(&[("until.body", With::Rows(CONDITIONS))]),
        means: "Checks on the JSON body of the answer that is waited for, one in each row. What is expected is decided on that answer.",
    },
    Sentence {
        expression: "the polling ends with the status {status}",
        does: Does::Fill(&[("until.status", With::Value(0))]),
        means: "The status code of the answer that is waited for.",
    },
    Sentence {
        expression: "the polling ends with one of the statuses {statuses}",
        does: Does::Fill(&[("until.status", With::List(0))]),
        means: "The status codes of which it has one.",
    },
    Sentence {
        expression: "the polling fails when",
        does: Does::Fill(&[("stop_when.body", With::Rows(CONDITIONS))]),
        means: "Checks on the JSON body of an answer after which the other one will not come, one in each row.",
    },
    Sentence {
        expression: "the polling fails with the status {status}",
        does: Does::Fill(&[("stop_when.status", With::Value(0))]),
        means: "The status code of such an answer.",
    },
    Sentence {
        expression: "the polling fails with one of the statuses {statuses}",
        does: Does::Fill(&[("stop_when.status", With::List(0))]),
        means: "The status codes of which it has one.",
    },
    Sentence {
        expression: "meanwhile the status is {status}",
        does: Does::Fill(&[("meanwhile.status", With::Value(0))]),
        means: "The status code of each answer before the last.",
    },
    Sentence {
        expression: "meanwhile the status is {status}, which verifies {requirement}",
        does: Does::Fill(&[("meanwhile.status", With::Value(0)), ("meanwhile.verifies", With::Word(1))]),
        means: "The same, with the requirement behind what is expected of these answers, unless a check names its own.",
    },
    Sentence {
        expression: "meanwhile the status is one of {statuses}",
        does: Does::Fill(&[("meanwhile.status", With::List(0))]),
        means: "The status codes that are right for these answers.",
    },
    Sentence {
        expression: "meanwhile the headers satisfy these checks",
        does: Does::Fill(&[("meanwhile.headers", With::Named(MATCHES))]),
        means: "Checks on the headers of these answers, one in each row.",
    },
    Sentence {
        expression: "meanwhile the body satisfies the schema {schema}",
        does: Does::Fill(&[("meanwhile.schema", With::Word(0))]),
        means: "The JSON Schema that the body of these answers must satisfy.",
    },
    Sentence {
        expression: "meanwhile the body has",
        does: Does::Fill(&[("meanwhile.body", With::Rows(CHECKS))]),
        means: "Checks on the JSON body of each answer before the last, one in each row.",
    },
    Sentence {
        expression: "meanwhile the text of the body satisfies this check",
        does: Does::Fill(&[("meanwhile.text", With::Row(MATCHES))]),
        means: "A check on the body of these answers as text, in one row.",
    },
    Sentence {
        expression: "meanwhile these texts stand nowhere in the answer",
        does: Does::Fill(&[("meanwhile.nowhere", With::Rows(LACKS))]),
        means: "Texts that stand neither in a header nor in the body of these answers, one in each row.",
    },
    Sentence {
        expression: "meanwhile this verifies {requirement}",
        does: Does::Fill(&[("meanwhile.verifies", With::Word(0))]),
        means: "The requirement behind what is expected of these answers, unless a check names its own.",
    },
];

const STREAM: &[Sentence] = &[
    Sentence {
        expression: "the stream is a {text}",
        does: Does::Fill(&[("expect.stream.of", With::Value(0))]),
        means: "The answer is a stream of events, of this kind of the contract.",
    },
    Sentence {
        expression: "the stream is a {text}, which verifies {requirement}",
        does: Does::Fill(&[("expect.stream.of", With::Value(0)), ("expect.stream.verifies", With::Word(1))]),
        means: "The same, with the requirement behind what is expected of the stream, unless a part names its own.",
    },
    Sentence {
        expression: "the stream is a {text} in the order {text}",
        does: Does::Fill(&[("expect.stream.of", With::Value(0)), ("expect.stream.order.is", With::Value(1))]),
        means: "The same, with the order of its events: their kinds with `( )`, `|`, `*`, `+` and `?`.",
    },
    Sentence {
        expression: "the events come in the order {text}",
        does: Does::Fill(&[("expect.stream.order.is", With::Value(0))]),
        means: "The order of the stream's events.",
    },
    Sentence {
        expression: "the events come in the order {text}, which verifies {requirement}",
        does: Does::Fill(&[
            ("expect.stream.order.is", With::Value(0)),
            ("expect.stream.order.verifies", With::Word(1)),
        ]),
        means: "The same, with the requirement behind it.",
    },
    Sentence {
        expression: "each event satisfies the schema {schema}",
        does: Does::Fill(&[("expect.stream.each.schema", With::Word(0))]),
        means: "The JSON Schema that the data of each event must satisfy.",
    },
    Sentence {
        expression: "each event satisfies the schema {schema}, which verifies {requirement}",
        does: Does::Fill(&[
            ("expect.stream.each.schema", With::Word(0)),
            ("expect.stream.each.verifies", With::Word(1)),
        ]),
        means: "The same, with the requirement behind it.",
    },
    Sentence {
        expression: "the stream ends properly",
        does: Does::Fill(&[("expect.stream.ended.is", With::True)]),
        means: "The stream comes to its end, as it must where nothing is said of it.",
    },
    Sentence {
        expression: "the stream ends properly, which verifies {requirement}",
        does: Does::Fill(&[
            ("expect.stream.ended.is", With::True),
            ("expect.stream.ended.verifies", With::Word(0)),
        ]),
        means: "The same, with the requirement behind it.",
    },
    Sentence {
        expression: "the stream is cut off",
        does: Does::Fill(&[("expect.stream.ended.is", With::False)]),
        means: "The stream does not come to its end.",
    },
    Sentence {
        expression: "the stream is cut off, which verifies {requirement}",
        does: Does::Fill(&[
            ("expect.stream.ended.is", With::False),
            ("expect.stream.ended.verifies", With::Word(0)),
        ]),
        means: "The same, with the requirement behind it.",
    },
    Sentence {
        expression: "the connection breaks off before the stream ends",
        does: Does::Fill(&[("expect.stream.ended.is", With::Fixed("broken-off"))]),
        means: "The stream does not come to its end, and its client sees that: its body is not whole.",
    },
    Sentence {
        expression: "the connection breaks off before the stream ends, which verifies {requirement}",
        does: Does::Fill(&[
            ("expect.stream.ended.is", With::Fixed("broken-off")),
            ("expect.stream.ended.verifies", With::Word(0)),
        ]),
        means: "The same, with the requirement behind it.",
    },
    Sentence {
        expression: "the stream satisfies these checks",
        does: Does::Fill(&[("expect.stream.checks", With::Rows(CHECKS))]),
        means: "Checks on the stream's `events`, `joined`, `comments` and `ended`, one in each row.",
    },
];

const EFFECTS: &[Sentence] = &[
    Sentence {
        expression: "these values are kept",
        does: Does::Fill(&[("capture", With::Named(CAPTURES))]),
        means: "Values to keep for later steps, one in each row, under its `name`.",
    },
    Sentence {
        expression: "one event is billed",
        does: Does::Fill(&[("bills", With::Fixed("one"))]),
        means: "The gateway has billed exactly one event for this step.",
    },
    Sentence {
        expression: "one event is billed with",
        does: Does::Fill(&[("bills", With::Row(BILL))]),
        means: "The one event that the gateway has billed for this step, in one row.",
    },
    Sentence {
        expression: "no event is billed",
        does: Does::Fill(&[("bills", With::Fixed("none"))]),
        means: "The gateway has billed nothing for this step.",
    },
    Sentence {
        expression: "the key's time of last use moves",
        does: Does::Fill(&[("key.last_used", With::Fixed("moved"))]),
        means: "The key that the step used was last used later than before.",
    },
    Sentence {
        expression: "the key's time of last use moves, which verifies {requirement}",
        does: Does::Fill(&[("key.last_used", With::Fixed("moved")), ("key.verifies", With::Word(0))]),
        means: "The same, with the requirement behind it.",
    },
    Sentence {
        expression: "the log tells of the request {text}",
        does: Does::Fill(&[("logs.request_id", With::Value(0))]),
        means: "The gateway's log has lines with this request id.",
    },
    Sentence {
        expression: "the log tells of the request {text}, which verifies {requirement}",
        does: Does::Fill(&[("logs.request_id", With::Value(0)), ("logs.verifies", With::Word(1))]),
        means: "The same, with the requirement behind it and behind the checks on the lines.",
    },
    Sentence {
        expression: "the lines of the log satisfy these checks",
        does: Does::Fill(&[("logs.expect", With::Rows(CHECKS))]),
        means: "Checks on the list of those lines, one in each row.",
    },
];

const UPSTREAM: &[Sentence] = &[
    Sentence {
        expression: "no provider is called",
        does: Does::Fill(&[("upstream.calls", With::Fixed("none"))]),
        means: "The gateway has called no provider for this step.",
    },
    Sentence {
        expression: "no provider is called, which verifies {requirement}",
        does: Does::Fill(&[("upstream.calls", With::Fixed("none")), ("upstream.verifies", With::Word(0))]),
        means: "The same, with the requirement behind it.",
    },
    Sentence {
        expression: "the calls to providers number {count}",
        does: Does::Fill(&[("upstream.calls", With::Value(0))]),
        means: "How many calls the gateway has made to providers for this step.",
    },
    Sentence {
        expression: "the calls to providers number {count}, which verifies {requirement}",
        does: Does::Fill(&[("upstream.calls", With::Value(0)), ("upstream.verifies", With::Word(1))]),
        means: "The same, with the requirement behind it and behind what else is said of the calls, unless a part names its own.",
    },
    Sentence {
        expression: "the calls to providers number from {count} to {count}",
        does: Does::Fill(&[("upstream.calls.between", With::Both(0, 1))]),
        means: "The least and the most calls that the gateway has made.",
    },
    Sentence {
        expression: "the calls to providers number from {count} to {count}, which verifies {requirement}",
        does: Does::Fill(&[
            ("upstream.calls.between", With::Both(0, 1)),
            ("upstream.verifies", With::Word(2)),
        ]),
        means: "The same, with the requirement behind it.",
    },
    Sentence {
        expression: "the calls to providers are",
        does: Does::Fill(&[("upstream.calls_are", With::Rows(CALLS))]),
        means: "The calls in the order of their arrival, one in each row, and no others.",
    },
    Sentence {
        expression: "the calls to providers are, which verifies {requirement}",
        does: Does::Fill(&[("upstream.verifies", With::Word(0)), ("upstream.calls_are", With::Rows(CALLS))]),
        means: "The same, with the requirement behind it.",
    },
    Sentence {
        expression: "every call to a provider satisfies these checks",
        does: Does::Fill(&[("upstream.every", With::Rows(CHECKS))]),
        means: "Checks on each call as the simulator's journal tells it, one in each row.",
    },
    Sentence {
        expression: "no call to a provider holds these texts",
        does: Does::Fill(&[("upstream.lacks", With::Rows(LACKS))]),
        means: "Texts that stand nowhere in any call, one in each row: not in its address, its headers or its body.",
    },
    Sentence {
        expression: "the last call to a provider is {outcome}",
        does: Does::Fill(&[("upstream.outcome.is", With::Word(0))]),
        means: "How the last call ended.",
    },
    Sentence {
        expression: "the last call to a provider is {outcome}, which verifies {requirement}",
        does: Does::Fill(&[
            ("upstream.outcome.is", With::Word(0)),
            ("upstream.outcome.verifies", With::Word(1)),
        ]),
        means: "The same, with the requirement behind it.",
    },
];

const END: &[Sentence] = &[Sentence {
    expression: "whatever happens, these steps follow",
    does: Does::Always,
    means: "The steps from here on clean up: they run whatever happened before, and are not judged.",
}];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::source::written::scenario_schema;

    fn named(columns: &[Column]) -> BTreeSet<&str> {
        columns.iter().map(|column| column.name).collect()
    }

    /// The fields of what authors write, from the JSON Schema that is generated from it.
    fn fields(of: &str) -> BTreeSet<String> {
        let schema = scenario_schema();
        let fields = schema.as_value()["$defs"][of]["properties"].as_object().unwrap();
        fields.keys().cloned().collect()
    }

    fn same(columns: &BTreeSet<&str>, of: &str) {
        let fields = fields(of);
        assert_eq!(*columns, fields.iter().map(String::as_str).collect::<BTreeSet<_>>(), "{of}");
    }

    #[test]
    fn every_field_can_be_said() {
        same(&named(CHECKS), "CheckEntry");
        same(&named(CONDITIONS).into_iter().chain(["level", "wording", "verifies"]).collect(), "CheckEntry");
        same(&named(MATCHES), "MatchEntry");
        same(&named(CAPTURES), "CaptureEntry");
        same(&named(BILL), "BillEntry");
        let said: BTreeSet<&str> = CHAPTERS
            .iter()
            .flat_map(|(_, sentences)| *sentences)
            .flat_map(super::super::vocabulary::Sentence::fills)
            .map(|(field, _)| *field)
            .collect();
        let under = |part: &str| -> BTreeSet<&str> {
            let within = said.iter().filter_map(|field| field.strip_prefix(part)?.strip_prefix('.'));
            within.map(|field| field.split('.').next().unwrap_or_default()).collect()
        };
        // Alternatives have a sentence of their own, and what else is said of them is said of any answer.
        same(&under("expect").into_iter().chain(["any_of"]).collect(), "ExpectEntry");
        same(&under("expect").into_iter().chain(["name"]).collect(), "AlternativeEntry");
        same(&under("expect.stream"), "StreamExpectEntry");
        same(&under("expect.stream.order"), "OrderEntry");
        same(&under("expect.stream.each"), "EachEntry");
        same(&under("expect.stream.ended"), "EndedEntry");
        same(&under("key"), "KeyEntry");
        same(&under("logs"), "LogsEntry");
        same(&named(CALLS), "UpstreamCallEntry");
        same(&named(LACKS), "LacksEntry");
        same(&named(UPSTREAM_FAULT), "UpstreamFaultEntry");
        same(&under("gated"), "GatedEntry");
        same(&under("upstream"), "UpstreamEntry");
        same(&under("upstream.calls"), "CallsEntry");
        // What only one answer can be is not expected of all before the last.
        let of_one = ["situation", "answer", "closed", "stream", "any_of"];
        same(&under("meanwhile").into_iter().chain(of_one).collect(), "ExpectEntry");
        same(&under("until"), "UntilEntry");
        same(&under("stop_when"), "UntilEntry");
        same(&under("upstream.outcome"), "OutcomeEntry");
        same(&under("fault"), "UpstreamFault");
        let whole = said.iter().map(|field| field.split('.').next().unwrap_or_default());
        same(&whole.collect(), "StepEntry");
    }
}
