//! Server-sent events, as section 9.2.6 of the HTML standard has clients read them.

use std::mem;

/// Most events of one stream.
pub(super) const MOST_EVENTS: usize = 1_000_000;

/// What a body holds, read as a stream of events.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Decoded {
    /// The events that a client would be told of.
    pub(super) events: Vec<Event>,
    /// The number of comments, which keep a connection alive.
    pub(super) comments: usize,
    /// The beginning of an event that no blank line ends, so that no client would be told of it.
    pub(super) unfinished: Option<String>,
    /// Whether there are more events than are read.
    pub(super) too_many: bool,
}

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Its name, `message` where none is given.
    pub(super) name: String,
    /// Its data, lines joined by line feeds.
    pub(super) data: String,
}

/// An event of which lines were read.
#[derive(Default)]
struct Begun<'t> {
    /// The text from its first line on.
    text: Option<&'t str>,
    name: &'t str,
    data: Option<String>,
}

/// Reads a body; any text is a stream of some events.
pub(super) fn decode(text: &str) -> Decoded {
    let mut decoded = Decoded::default();
    let mut begun = Begun::default();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let (line, after) = first_line(rest);
        match field(line) {
            // An event without data is none.
            None => {
                let Begun { name, data, .. } = mem::take(&mut begun);
                if let Some(data) = data {
                    if decoded.events.len() == MOST_EVENTS {
                        decoded.too_many = true;
                        return decoded;
                    }
                    let name = if name.is_empty() { "message" } else { name }.to_owned();
                    decoded.events.push(Event { name, data });
                }
            }
            Some(("", _)) => decoded.comments += 1,
            Some((name, value)) => {
                begun.text.get_or_insert(rest);
                match (name, &mut begun.data) {
                    ("event", _) => begun.name = value,
                    ("data", None) => begun.data = Some(value.to_owned()),
                    ("data", Some(data)) => data.extend(["\n", value]),
                    _ => {}
                }
            }
        }
        rest = after;
    }
    decoded.unfinished = begun.text.map(str::to_owned);
    decoded
}

/// The first line of a text and what follows it. A line ends with CR LF, LF or CR.
fn first_line(text: &str) -> (&str, &str) {
    let (line, rest) = text.split_at(text.find(['\r', '\n']).unwrap_or(text.len()));
    let after = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\r', '\n']));
    (line, after.unwrap_or_default())
}

/// The name and the value of a line's field, of which a comment's name is empty; none of a blank line.
fn field(line: &str) -> Option<(&str, &str)> {
    if line.is_empty() {
        return None;
    }
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    Some((name, value.strip_prefix(' ').unwrap_or(value)))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// Name and data of each event.
    fn events(text: &str) -> Vec<(String, String)> {
        decode(text).events.into_iter().map(|event| (event.name, event.data)).collect()
    }

    fn assert_events(text: &str, expected: &[(&str, &str)]) {
        let found = events(text);
        let found: Vec<_> = found.iter().map(|(name, data)| (name.as_str(), data.as_str())).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn the_examples_of_the_standard() {
        let stocks = "data: YHOO\ndata: +2\ndata: 10\n\n";
        assert_events(stocks, &[("message", "YHOO\n+2\n10")]);
        let four =
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n";
        assert_events(four, &[("message", "first event"), ("message", "second event")]);
        assert_events("data\n\ndata\ndata\n\ndata:", &[("message", ""), ("message", "\n")]);
        assert_events("data:test\n\ndata: test\n\n", &[("message", "test"), ("message", "test")]);
    }

    #[test]
    fn lines_end_in_three_ways() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "event: a|data: 1|data:2||: keep|data: 3||".replace('|', end);
            assert_events(&text, &[("a", "1\n2"), ("message", "3")]);
            let decoded = decode(&text);
            assert_eq!((decoded.comments, decoded.unfinished), (1, None), "{text:?}");
        }
        let mixed = [("message", "1"), ("message", "2"), ("message", "3")];
        assert_events("data: 1\r\n\ndata: 2\r\r\ndata: 3\n\n", &mixed);
    }

    #[test]
    fn names_and_data_are_as_they_are_sent() {
        assert_events("\u{feff}data: a\n\n", &[("message", "a")]);
        assert_events("\u{feff}\u{feff}data: a\n\n", &[]);
        assert_events("data:a: b\n\n", &[("message", "a: b")]);
        assert_events("data:  two spaces \n\n", &[("message", " two spaces ")]);
        assert_events("event: a\nevent: b\ndata: 1\n\ndata: 2\n\n", &[("b", "1"), ("message", "2")]);
        assert_events("event: alone\n\ndata: 2\n\n", &[("message", "2")]);
        assert_events("Data: a\n data: b\nretry: 3\nother: c\n\n", &[]);
    }

    #[test]
    fn an_event_without_its_blank_line_is_unfinished() {
        for (text, unfinished) in [
            ("data: 1\n\ndata: 2\n", Some("data: 2\n")),
            ("data: 1\n\nevent: a\ndata: 2", Some("event: a\ndata: 2")),
            ("data: 1\n\nda", Some("da")),
            ("data: 1\n\n: keep\ndata: 2", Some("data: 2")),
            ("data: 1\n\n: keep", None),
            ("data: 1\n\n: keep\n", None),
            ("data: 1\n\n\n", None),
            ("data: 1\n", Some("data: 1\n")),
            ("", None),
        ] {
            assert_eq!(decode(text).unfinished.as_deref(), unfinished, "{text:?}");
        }
    }

    #[test]
    fn there_is_a_limit() {
        let decoded = decode(&"data\n\n".repeat(MOST_EVENTS));
        assert_eq!((decoded.events.len(), decoded.too_many), (MOST_EVENTS, false));
        let decoded = decode(&"data\n\n".repeat(MOST_EVENTS + 1));
        assert_eq!((decoded.events.len(), decoded.too_many), (MOST_EVENTS, true));
    }

    proptest! {
        #[test]
        fn any_bytes_are_some_events(
            bytes in vec(any::<u8>(), 0..200),
            pieces in vec(select(vec!["data", "event", ":", " ", "\r", "\n", "\u{feff}", "a", "ä"]), 0..40),
        ) {
            decode(&String::from_utf8_lossy(&bytes));
            decode(&pieces.concat());
        }

        #[test]
        fn what_was_sent_is_what_is_read(
            sent in vec(("[a-z_]{1,8}", vec("[^\r\n]{0,6}", 1..4)), 0..5),
            comment in any::<bool>(),
            spaced in any::<bool>(),
            end in select(vec!["\n", "\r\n", "\r"]),
        ) {
            let space = if spaced { " " } else { "" };
            let mut text = String::new();
            for (name, lines) in &sent {
                if comment {
                    text.extend([":", end]);
                }
                text.extend(["event:", space, name.as_str(), end]);
                for line in lines {
                    // A space that belongs to the data has one before it.
                    let space = if line.starts_with(' ') { " " } else { space };
                    text.extend(["data:", space, line.as_str(), end]);
                }
                text.push_str(end);
            }
            let expected: Vec<_> = sent.iter().map(|(name, lines)| (name.clone(), lines.join("\n"))).collect();
            prop_assert_eq!(&events(&text), &expected);
            let decoded = decode(&text);
            prop_assert_eq!(decoded.comments, if comment { sent.len() } else { 0 });
            prop_assert_eq!(decoded.unfinished, None);
            // Whatever part of it arrives, the events in it are the first of all.
            for (cut, _) in text.char_indices() {
                prop_assert!(expected.starts_with(&events(&text[..cut])), "{}", cut);
            }
        }
    }
}
