//! What of an answer has been passed on, for the bill of a caller who leaves before its end.

use std::collections::BTreeMap;

use super::inference::Usage;
use crate::aside::aside;
use crate::brain::tokens;
use crate::provider::{Piece, StreamPart};

/// So much is held before it is counted, in bytes. A text is counted in pieces of this size, so that a token between two
/// of them may be counted twice.
const MOST: usize = 256 * 1024;
/// What a text takes besides its bytes.
const TEXT: usize = 64;

/// Everything that was passed on in words, each text on its own.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    /// What is not counted yet.
    held: BTreeMap<(u32, Text), String>,
    /// How much that is, in bytes.
    size: usize,
    /// The tokens of all that was held before.
    counted: Usage,
}

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
            Piece::Text { text: more, .. } | Piece::Refusal(more) => (Text::Answer, more),
            // It proves what was thought, and nobody reads it.
            Piece::Signature(_) => return,
            Piece::ToolCall { index, name, .. } => (Text::Tool(*index), name),
            Piece::Arguments { index, text: more } => (Text::Arguments(*index), more),
        };
        let held = self.held.entry((*answer, text)).or_insert_with(|| {
            self.size += TEXT;
            String::new()
        });
        held.push_str(more);
        self.size += more.len();
        if self.size > MOST {
            self.counted = self.tokens();
            self.held.clear();
            self.size = 0;
        }
    }

    /// What it costs behind a prompt of so many tokens.
    pub(super) fn usage(&self, input_tokens: u64) -> Usage {
        Usage { input_tokens, ..self.tokens() }
    }

    fn tokens(&self) -> Usage {
        aside(self.size, || {
            let mut usage = self.counted;
            for ((_, text), said) in &self.held {
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
        assert_eq!(delivered.usage(5), Usage { thinking_tokens: 2, ..Usage::of(5, output_tokens) });
    }

    #[test]
    fn a_long_answer_is_counted_without_being_kept() {
        let mut delivered = Delivered::default();
        let piece = "every word counts ".repeat(100);
        let add = |delivered: &mut Delivered, answer, piece| {
            delivered.add(&StreamPart::Delta { answer, piece });
            let held: usize = delivered.held.values().map(String::len).sum();
            assert!(held <= MOST && delivered.held.len() <= MOST / TEXT);
        };
        let pieces = 3 * MOST / piece.len();
        for _ in 0..pieces {
            add(&mut delivered, 0, Piece::Text { text: piece.clone(), tokens: None });
        }
        let whole = tokens::count(&piece.repeat(pieces));
        let told = delivered.usage(0);
        assert!(told.output_tokens.abs_diff(whole) <= 3, "{} of {whole}", told.output_tokens);
        assert_eq!(told.thinking_tokens, 0);
        // Nor is any number of texts.
        for index in 0..10_000 {
            add(&mut delivered, 1, Piece::Arguments { index, text: String::new() });
        }
        assert_eq!(delivered.usage(0), told);
    }
}
