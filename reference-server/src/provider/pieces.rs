use std::collections::VecDeque;

use super::{Piece, StreamPart};
use crate::brain::Tokens;
use crate::domain::inference::{Answer, Completion, Thinking};

/// Characters of each piece of what a tool is given.
const ARGUMENT_PIECE: usize = 6;

/// A completion in parts, as a model that writes word by word would give it; several answers take turns. With each
/// token of their texts so many alternatives are told. They are not part of the completion, and no more of them are
/// made than are asked for.
pub(super) fn parts(completion: Completion, alternatives: Option<u8>) -> impl Iterator<Item = StreamPart> {
    let Completion { answer, more, usage } = completion;
    let answers = std::iter::once(answer).chain(more).zip(0..);
    let turns = answers.map(|(answer, number)| parts_of_answer(answer, number, alternatives)).collect();
    Alternating { turns }.chain([StreamPart::Finished { usage }])
}

fn parts_of_answer(
    answer: Answer,
    number: u32,
    alternatives: Option<u8>,
) -> impl Iterator<Item = StreamPart> {
    let Answer { thinking, text, refusal, tool_calls, finish_reason, tokens: _ } = answer;
    let thinking = thinking.map(|Thinking { text, signature }| (text, signature));
    let (thought, signature) = thinking.unwrap_or_default();
    let thoughts = Slices { text: thought, at: 0, end: end_of_word }.map(Piece::Thinking);
    let thoughts = thoughts.chain(signature.map(Piece::Signature));
    let said = match alternatives {
        None => Said::Words(Slices { text, at: 0, end: end_of_word }),
        Some(alternatives) => Said::Tokens(Tokens::new(text, alternatives)),
    };
    let calls = tool_calls.into_iter().zip(0..).flat_map(|(call, index)| {
        let arguments = Slices { text: call.arguments, at: 0, end: end_of_arguments };
        let called = Piece::ToolCall { index, id: call.id, name: call.name };
        std::iter::once(called).chain(arguments.map(move |text| Piece::Arguments { index, text }))
    });
    let pieces = thoughts.chain(said).chain(refusal.map(Piece::Refusal)).chain(calls);
    let deltas = pieces.map(move |piece| StreamPart::Delta { answer: number, piece });
    deltas.chain([StreamPart::Ended { answer: number, finish_reason }])
}

/// Iterators that take turns until each is done.
struct Alternating<I> {
    turns: VecDeque<I>,
}

impl<I: Iterator> Iterator for Alternating<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        loop {
            let mut turn = self.turns.pop_front()?;
            if let Some(item) = turn.next() {
                self.turns.push_back(turn);
                return Some(item);
            }
        }
    }
}

/// The text of an answer: in words, or, where its tokens are told, in groups of tokens that make whole characters.
enum Said {
    Words(Slices),
    Tokens(Tokens),
}

impl Iterator for Said {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let tokens = match self {
            Self::Words(words) => return words.next().map(|text| Piece::Text { text, tokens: None }),
            Self::Tokens(tokens) => tokens,
        };
        let mut group = vec![tokens.next()?];
        let mut bytes = group.iter().flat_map(|token| &token.bytes).copied().collect::<Vec<_>>();
        loop {
            match String::from_utf8(bytes) {
                Ok(text) => return Some(Piece::Text { text, tokens: Some(group) }),
                Err(error) => bytes = error.into_bytes(),
            }
            // Tokens that never make a text are no text's.
            let token = tokens.next()?;
            bytes.extend_from_slice(&token.bytes);
            group.push(token);
        }
    }
}

/// A text in slices; nothing is lost between them.
struct Slices {
    text: String,
    at: usize,
    /// Where the first slice of a text ends that is not empty.
    end: fn(&str) -> usize,
}

impl Iterator for Slices {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let slice = rest.get(..(self.end)(rest))?.to_owned();
        self.at += slice.len();
        Some(slice)
    }
}

/// Behind the first word and the blanks that follow it.
fn end_of_word(text: &str) -> usize {
    let (word, blank) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    word.len() + blank.len() - blank.trim_start().len()
}

fn end_of_arguments(text: &str) -> usize {
    text.char_indices().nth(ARGUMENT_PIECE).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::brain::Brain;
    use crate::domain::inference::{
        AnswerFormat, CompletionRequest, FinishReason, Message, ModelIdentity, Part, Role, Tool, ToolCall,
        Usage,
    };

    static BRAIN: LazyLock<Brain> = LazyLock::new(|| Brain::embedded().unwrap());

    /// Puts parts together again, as a client would.
    #[derive(Default)]
    struct Joined {
        answers: Vec<Answer>,
        ended: Vec<bool>,
        usage: Option<Usage>,
    }

    impl Joined {
        fn of(parts: impl Iterator<Item = StreamPart>, answers: usize) -> Self {
            let mut joined = Self {
                answers: vec![Answer::of_text(""); answers],
                ended: vec![false; answers],
                usage: None,
            };
            for part in parts {
                assert_eq!(joined.usage, None, "{part:?} after the last part");
                joined.add(part);
            }
            joined
        }

        fn add(&mut self, part: StreamPart) {
            match part {
                StreamPart::Delta { answer, piece } => {
                    let number = usize::try_from(answer).unwrap();
                    assert!(!self.ended[number], "{piece:?} after the answer's end");
                    add(&mut self.answers[number], piece);
                }
                StreamPart::Ended { answer, finish_reason } => {
                    let number = usize::try_from(answer).unwrap();
                    assert!(!std::mem::replace(&mut self.ended[number], true), "it ends twice");
                    self.answers[number].finish_reason = finish_reason;
                }
                StreamPart::Finished { usage } => {
                    assert!(self.ended.iter().all(|ended| *ended), "an answer has no end");
                    self.usage = Some(usage);
                }
            }
        }
    }

    fn add(answer: &mut Answer, piece: Piece) {
        match piece {
            Piece::Thinking(more) => {
                assert!(!more.is_empty() && answer.text.is_empty() && answer.tool_calls.is_empty());
                answer.thinking.get_or_insert_with(|| Thinking::of_text("")).text.push_str(&more);
            }
            Piece::Signature(signature) => {
                assert!(answer.text.is_empty() && answer.tool_calls.is_empty());
                answer.thinking.as_mut().unwrap().signature = Some(signature);
            }
            Piece::Refusal(more) => answer.refusal.get_or_insert_default().push_str(&more),
            Piece::Text { text, tokens } => {
                assert!(!text.is_empty() && answer.tool_calls.is_empty());
                if let Some(tokens) = tokens {
                    let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.bytes.clone()).collect();
                    assert_eq!(bytes, text.as_bytes());
                    answer.tokens.get_or_insert_default().extend(tokens);
                }
                answer.text.push_str(&text);
            }
            Piece::ToolCall { index, id, name } => {
                assert_eq!(usize::try_from(index).unwrap(), answer.tool_calls.len());
                answer.tool_calls.push(ToolCall { id, name, arguments: String::new() });
            }
            Piece::Arguments { index, text } => {
                assert!(!text.is_empty() && text.chars().count() <= ARGUMENT_PIECE);
                assert_eq!(usize::try_from(index).unwrap() + 1, answer.tool_calls.len());
                answer.tool_calls.last_mut().unwrap().arguments.push_str(&text);
            }
        }
    }

    fn model() -> ModelIdentity {
        ModelIdentity {
            id: "m".into(),
            family: "OpenAI".into(),
            dimensions: 0,
            context_tokens: None,
            thinks: true,
            hears: false,
        }
    }

    #[test]
    fn answers_take_turns() {
        let one = Answer::of_text("one two");
        let other = Answer { finish_reason: FinishReason::Length, ..Answer::of_text("three") };
        let whole = Completion { answer: one, more: vec![other], usage: Usage::default() };
        let order: Vec<_> = parts(whole, None)
            .map(|part| match part {
                StreamPart::Delta { answer, .. } => format!("delta {answer}"),
                StreamPart::Ended { answer, .. } => format!("end {answer}"),
                StreamPart::Finished { .. } => "finished".to_owned(),
            })
            .collect();
        assert_eq!(order, ["delta 0", "delta 1", "delta 0", "end 1", "end 0", "finished"]);
    }

    #[test]
    fn what_proves_thoughts_follows_them_and_a_refusal_stands_in_place_of_text() {
        let signature = Some("c2ln".to_owned());
        let answer = Answer {
            thinking: Some(Thinking { signature, ..Thinking::of_text("one two") }),
            refusal: Some("No.".to_owned()),
            finish_reason: FinishReason::Filtered,
            ..Answer::of_text("")
        };
        let whole = Completion { answer, more: Vec::new(), usage: Usage::of(3, 2) };
        let joined = Joined::of(parts(whole.clone(), None), 1);
        assert_eq!((&joined.answers[0], joined.usage), (&whole.answer, Some(whole.usage)));
    }

    #[test]
    fn a_character_of_several_tokens_comes_whole() {
        let request = CompletionRequest {
            messages: vec![Message::new(Role::User, vec![Part::Text("🦀".to_owned())])],
            ..CompletionRequest::default()
        };
        let whole = BRAIN.answer(&model(), &request).unwrap();
        let mut groups = parts(whole, Some(0)).filter_map(|part| match part {
            StreamPart::Delta { piece: Piece::Text { text, tokens }, .. } => {
                Some((text, tokens.unwrap().len()))
            }
            _ => None,
        });
        assert!(groups.any(|(text, tokens)| text.contains('🦀') && tokens > 1));
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_completion(
            text in "\\PC{0,40}|weather in ([A-Z][a-zé🦀]{1,8}, ){2}and Rome\\?",
            max_tokens in proptest::option::of(0_u32..60),
            thinking in proptest::option::of(0_u32..30),
            alternatives in proptest::option::of(0_u8..4),
            more_answers in 0_u32..4,
            is_json in any::<bool>(),
        ) {
            let city = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
            let request = CompletionRequest {
                messages: vec![Message::new(Role::User, vec![Part::Text(text)])],
                tools: vec![Tool { name: "weather".to_owned(), parameters: Some(city), ..Tool::default() }],
                format: if is_json { AnswerFormat::JsonObject } else { AnswerFormat::Text },
                max_tokens,
                thinking,
                alternatives,
                more_answers,
                ..CompletionRequest::default()
            };
            let whole = BRAIN.answer(&model(), &request).unwrap();
            let untold = CompletionRequest { alternatives: None, ..request };
            let parts = parts(BRAIN.answer(&model(), &untold).unwrap(), alternatives);
            let joined = Joined::of(parts, whole.answers().count());
            prop_assert!(whole.answers().eq(&joined.answers));
            prop_assert_eq!(joined.usage, Some(whole.usage));
        }
    }
}
