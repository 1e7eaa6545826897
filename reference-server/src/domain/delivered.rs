//! What of an answer has been passed on, for the bill of a caller who leaves before its end.

use std::collections::BTreeMap;

use super::inference::Usage;
use crate::aside::aside;
use crate::brain::tokens;
use crate::provider::{Piece, StreamPart};

/// Everything that was passed on in words, each text on its own.
#[derive(Debug, Default)]
pub(super) struct Delivered(BTreeMap<(u32, Text), String>);

/// The texts of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Text {
    Thinking,
    Answer,
    /// The name of a tool that is called, by the number of the call.
    Tool(u32),
    Arguments(u32),
}

impl Delivered {
    /// Notes a part that is passed on.
    pub(super) fn add(&mut self, part: &StreamPart) {
        let StreamPart::Delta { answer, piece } = part else { return };
        let (text, more) = match piece {
            Piece::Thinking(more) => (Text::Thinking, more),
            Piece::Text { text: more, .. } => (Text::Answer, more),
            Piece::ToolCall { index, name, .. } => (Text::Tool(*index), name),
            Piece::Arguments { index, text: more } => (Text::Arguments(*index), more),
        };
        self.0.entry((*answer, text)).or_default().push_str(more);
    }

    /// What it costs behind a prompt of so many tokens.
    pub(super) fn usage(&self, input_tokens: u64) -> Usage {
        let size = self.0.values().map(String::len).sum();
        aside(size, || {
            let mut usage = Usage { input_tokens, ..Usage::default() };
            for ((_, text), said) in &self.0 {
                let tokens = tokens::count(said);
                usage.output_tokens += tokens;
                if *text == Text::Thinking {
                    usage.thinking_tokens += tokens;
                }
            }
            usage
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_passed_on_is_counted_text_by_text() {
        let mut delivered = Delivered::default();
        assert_eq!(delivered.usage(5), Usage { input_tokens: 5, ..Usage::default() });
        let text = |text: &str| Piece::Text { text: text.to_owned(), tokens: None };
        let call =
            Piece::ToolCall { index: 0, id: "never counted".to_owned(), name: "hello world".to_owned() };
        for (answer, piece) in [
            (0, Piece::Thinking("hello ".to_owned())),
            (0, Piece::Thinking("world".to_owned())),
            (0, text("hel")),
            (1, text("hello world")),
            (0, text("lo")),
            (0, call),
            (0, Piece::Arguments { index: 0, text: "{}".to_owned() }),
        ] {
            delivered.add(&StreamPart::Delta { answer, piece });
        }
        delivered.add(&StreamPart::Finished { usage: Usage::default() });
        let output_tokens = 2 + 1 + 2 + 2 + tokens::count("{}");
        assert_eq!(delivered.usage(5), Usage { input_tokens: 5, output_tokens, thinking_tokens: 2 });
    }
}
