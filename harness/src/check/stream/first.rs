use std::mem;

use super::sse::field;

/// The bytes of a line that tell whether its field is `data`: as many as a byte order mark, the name and a colon have.
const TELLING: usize = 8;

/// Notices the end of the first event in bytes that come in any pieces.
#[derive(Debug, Default)]
pub(crate) struct FirstEvent {
    /// How the line at hand begins.
    line: Vec<u8>,
    within_stream: bool,
    after_return: bool,
    has_data: bool,
}

impl FirstEvent {
    /// Takes what has come; whether an event ends in it.
    pub(crate) fn ends_in(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            let after_return = mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                // A line feed belongs to the carriage return before it.
                b'\n' if after_return => {}
                b'\r' | b'\n' if self.ends_with_line() => return true,
                b'\r' | b'\n' => {}
                _ if self.line.len() < TELLING => self.line.push(*byte),
                _ => {}
            }
        }
        false
    }

    /// Whether the line at hand, which is whole, ends an event.
    fn ends_with_line(&mut self) -> bool {
        let bytes = mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let is_first = !mem::replace(&mut self.within_stream, true);
        let line = text.strip_prefix('\u{feff}').filter(|_| is_first).unwrap_or(&text);
        match field(line) {
            None => self.has_data,
            Some((name, _)) => {
                self.has_data |= name == "data";
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::sse::{Part, parts};
    use super::*;

    #[test]
    fn the_first_event_ends_with_the_blank_line_after_its_data() {
        for (pieces, ends) in [
            (vec!["data: a\n\n"], Some(0)),
            (vec!["data\n\n"], Some(0)),
            (vec!["da", "ta: a\r", "\n", "\r", "\n"], Some(3)),
            (vec!["data: a\r", "\r"], Some(1)),
            (vec!["\u{feff}data: a\n", "\n"], Some(1)),
            (vec![": beat\n\n", "event: a\nda", "ta: b\n", "\n"], Some(3)),
            (vec![": data\n\n\n", "event: data\n\n"], None),
            (vec!["debug: a\ndatabase: b\n\n", "data:\n", "\n"], Some(2)),
            (vec!["data: a\r\n", "data: b\n"], None),
        ] {
            let mut first = FirstEvent::default();
            let found = pieces.iter().position(|piece| first.ends_in(piece.as_bytes()));
            assert_eq!(found, ends, "{pieces:?}");
        }
    }

    proptest! {
        #[test]
        fn it_ends_where_a_reader_of_all_finds_one(
            pieces in vec(select(vec!["data", "event", ":", " ", "\r", "\n", "\n\n", "\u{feff}", "a", "ä"]), 0..24),
        ) {
            let mut first = FirstEvent::default();
            let found = pieces.iter().position(|piece| first.ends_in(piece.as_bytes()));
            let has_event = |text: &str| parts(text).any(|part| matches!(part, Part::Event(_)));
            let expected = (0..pieces.len()).find(|last| has_event(&pieces[..=*last].concat()));
            prop_assert_eq!(found, expected);
        }
    }
}
