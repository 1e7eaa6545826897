//! Server-sent events, as section 9.2.6 of the HTML standard has clients read them.

use std::borrow::Cow;
use std::mem;

/// The names of the fields that the standard knows.
const FIELDS: [&str; 4] = ["data", "event", "id", "retry"];

/// What a stream consists of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// An event that a client would be told of.
    Event(Event<'t>),
    /// A comment, which keeps a connection alive.
    Comment,
    /// A line that is no field which the standard knows, so that clients pass over it.
    Ignored(&'t str),
    /// The beginning of an event that no blank line ends, so that no client would be told of it. It is the last part.
    Unfinished(&'t str),
}

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event<'t> {
    /// Its name, `message` where none is given.
    pub(super) name: &'t str,
    /// Its data, lines joined by line feeds.
    pub(super) data: Cow<'t, str>,
}

/// Reads a body part by part; any text is a stream of some parts.
pub(super) fn parts(text: &str) -> Parts<'_> {
    Parts { rest: text.strip_prefix('\u{feff}').unwrap_or(text), begun: Begun::default() }
}

/// The parts of a stream, in order.
pub(super) struct Parts<'t> {
    rest: &'t str,
    begun: Begun<'t>,
}

/// An event of which lines were read.
#[derive(Default)]
struct Begun<'t> {
    /// The text from its first line on.
    text: Option<&'t str>,
    name: &'t str,
    data: Option<Cow<'t, str>>,
}

impl<'t> Iterator for Parts<'t> {
    type Item = Part<'t>;

    fn next(&mut self) -> Option<Part<'t>> {
        while !self.rest.is_empty() {
            let text = self.rest;
            let (line, after) = first_line(text);
            self.rest = after;
            let Some((name, value)) = field(line) else {
                // An event without data is none.
                let Begun { name, data: Some(data), .. } = mem::take(&mut self.begun) else { continue };
                let name = if name.is_empty() { "message" } else { name };
                return Some(Part::Event(Event { name, data }));
            };
            // What is missing of the last line may be the rest of a field's name.
            let is_cut = line.len() == text.len();
            let may_be_field = || name == line && FIELDS.iter().any(|field| field.starts_with(name));
            match name {
                "" => return Some(Part::Comment),
                "event" => self.begun.name = value,
                "data" => match &mut self.begun.data {
                    None => self.begun.data = Some(value.into()),
                    Some(data) => data.to_mut().extend(["\n", value]),
                },
                "id" | "retry" if is_cut => {}
                "id" | "retry" => continue,
                _ if is_cut && may_be_field() => {}
                _ => return Some(Part::Ignored(line)),
            }
            self.begun.text.get_or_insert(text);
        }
        mem::take(&mut self.begun).text.map(Part::Unfinished)
    }
}

/// The data of all events in a body, in order, also that of one whose end is missing.
pub(in crate::check) fn all_data(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    parts(text).filter_map(|part| match part {
        Part::Event(event) => Some(event.data),
        Part::Unfinished(begun) => {
            let ended = format!("{begun}\n\n");
            let data = parts(&ended).find_map(|part| match part {
                Part::Event(event) => Some(event.data.into_owned()),
                _ => None,
            })?;
            Some(data.into())
        }
        Part::Comment | Part::Ignored(_) => None,
    })
}

/// The first line of a text and what follows it. A line ends with CR LF, LF or CR.
fn first_line(text: &str) -> (&str, &str) {
    let (line, rest) = text.split_at(text.find(['\r', '\n']).unwrap_or(text.len()));
    let after = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\r', '\n']));
    (line, after.unwrap_or_default())
}

/// The name and the value of a line's field, of which a comment's name is empty; none of a blank line.
pub(super) fn field(line: &str) -> Option<(&str, &str)> {
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
        let events = parts(text).filter_map(|part| match part {
            Part::Event(event) => Some((event.name.to_owned(), event.data.into_owned())),
            _ => None,
        });
        events.collect()
    }

    fn comments(text: &str) -> usize {
        parts(text).filter(|part| *part == Part::Comment).count()
    }

    fn unfinished(text: &str) -> Option<&str> {
        match parts(text).last() {
            Some(Part::Unfinished(text)) => Some(text),
            _ => None,
        }
    }

    fn ignored(text: &str) -> Vec<&str> {
        let lines = parts(text).filter_map(|part| match part {
            Part::Ignored(line) => Some(line),
            _ => None,
        });
        lines.collect()
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
            assert_eq!((comments(&text), unfinished(&text)), (1, None), "{text:?}");
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
        for (text, expected) in [
            ("data: 1\n\ndata: 2\n", Some("data: 2\n")),
            ("data: 1\n\nevent: a\ndata: 2", Some("event: a\ndata: 2")),
            ("data: 1\n\nda", Some("da")),
            ("data: 1\n\nret", Some("ret")),
            ("data: 1\n\nid: 4", Some("id: 4")),
            ("data: 1\n\n: keep\ndata: 2", Some("data: 2")),
            ("data: 1\n", Some("data: 1\n")),
            // These alone would be no event, and are whole.
            ("data: 1\n\nid: 4\nretry: 3000\n", None),
            ("data: 1\n\n: keep", None),
            ("data: 1\n\n: keep\n", None),
            ("data: 1\n\n\n", None),
            ("data: 1\n\n<html>", None),
            ("", None),
        ] {
            assert_eq!(unfinished(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_that_are_no_field_are_told_apart() {
        for (text, expected) in [
            ("Data: a\n data: b\nretry: 3\nother: c\n\n", vec!["Data: a", " data: b", "other: c"]),
            ("data: 1\n{\"error\":{}}\ndata: 2\n\n", vec!["{\"error\":{}}"]),
            ("<html>\n\n502</html>\n", vec!["<html>", "502</html>"]),
            ("data: 1\n\n<html>", vec!["<html>"]),
            ("data: 1\n\ndat", vec![]),
            ("data: 1\n\ndat\n", vec!["dat"]),
            ("data: 1\n\ndat:", vec!["dat:"]),
            (": a\ndata\nevent\nid\nretry\n\n", vec![]),
        ] {
            assert_eq!(ignored(text), expected, "{text:?}");
        }
        assert_events("data: 1\n<html>\ndata: 2\n\n", &[("message", "1\n2")]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_some_events(
            bytes in vec(any::<u8>(), 0..200),
            pieces in vec(select(vec!["data", "event", ":", " ", "\r", "\n", "\u{feff}", "a", "ä"]), 0..40),
        ) {
            for text in [String::from_utf8_lossy(&bytes).into_owned(), pieces.concat()] {
                let ends = parts(&text).position(|part| matches!(part, Part::Unfinished(_)));
                prop_assert!(ends.is_none_or(|ends| ends + 1 == parts(&text).count()));
            }
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
            prop_assert_eq!(comments(&text), if comment { sent.len() } else { 0 });
            prop_assert_eq!((unfinished(&text), ignored(&text)), (None, Vec::new()));
            // Whatever part of it arrives, the events in it are the first of all.
            for (cut, _) in text.char_indices() {
                prop_assert!(expected.starts_with(&events(&text[..cut])), "{}", cut);
                prop_assert!(ignored(&text[..cut]).is_empty(), "{}", cut);
            }
        }
    }
}
