//! The bodies and chunks of completions of the old kind, member for member.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::dialect::openai::wire::{self, FINGERPRINT, Id, finish_reason};
use crate::domain::inference::{Answer, Token, Usage};

/// A completion.
#[derive(Debug, Serialize)]
pub(super) struct TextCompletion<'a> {
    id: Id,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: Vec<Choice<'a>>,
    usage: wire::Usage,
    system_fingerprint: &'static str,
}

/// What the id of a completion begins with.
pub(super) const ID: &str = "cmpl";
/// What a completion, and each of its chunks, says that it is.
pub(super) const OBJECT: &str = "text_completion";

impl<'a> TextCompletion<'a> {
    /// A whole completion, its answers counted from 0.
    pub(super) fn new(created: i64, model: &'a str, mut choices: Vec<Choice<'a>>, usage: Usage) -> Self {
        for (index, choice) in (0..).zip(&mut choices) {
            choice.index = index;
        }
        Self {
            id: Id::new(ID),
            object: OBJECT,
            created,
            model,
            choices,
            usage: usage.into(),
            system_fingerprint: FINGERPRINT,
        }
    }
}

/// One answer, or how it goes on.
#[derive(Debug, Serialize)]
pub(super) struct Choice<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) index: u32,
    pub(super) logprobs: Option<Logprobs<'a>>,
    pub(super) finish_reason: Option<&'static str>,
}

impl<'a> Choice<'a> {
    /// A whole answer, behind its prompt where that is repeated.
    pub(super) fn whole(answer: &'a Answer, prompt: Option<&'a str>) -> Self {
        let text = match prompt {
            None => Cow::Borrowed(answer.said()),
            Some(prompt) => Cow::Owned(format!("{prompt}{}", answer.said())),
        };
        let before = prompt.map_or(0, |prompt| prompt.chars().count());
        Self {
            text,
            index: 0,
            logprobs: answer.tokens.as_deref().map(|tokens| Logprobs::new(tokens, before)),
            finish_reason: Some(finish_reason(&answer.finish_reason)),
        }
    }
}

/// How probable the tokens of a text were.
#[derive(Debug, Serialize)]
pub(super) struct Logprobs<'a> {
    tokens: Vec<Cow<'a, str>>,
    token_logprobs: Vec<f64>,
    top_logprobs: Vec<Alternatives<'a>>,
    /// Where each token begins, in characters.
    text_offset: Vec<usize>,
}

impl<'a> Logprobs<'a> {
    /// Those of tokens that begin so many characters into a text.
    pub(super) fn new(tokens: &'a [Token], before: usize) -> Self {
        let texts: Vec<_> = tokens.iter().map(|token| String::from_utf8_lossy(&token.bytes)).collect();
        let offsets = texts.iter().scan(before, |at, text| {
            let offset = *at;
            *at += text.chars().count();
            Some(offset)
        });
        Self {
            text_offset: offsets.collect(),
            token_logprobs: tokens.iter().map(|token| token.logprob).collect(),
            top_logprobs: tokens.iter().map(|token| Alternatives(&token.alternatives)).collect(),
            tokens: texts,
        }
    }
}

#[derive(Debug)]
struct Alternatives<'a>(&'a [(Vec<u8>, f64)]);

impl Serialize for Alternatives<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_map(self.0.iter().map(|(bytes, logprob)| (String::from_utf8_lossy(bytes), logprob)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_may_stand_behind_its_prompt() {
        let token = |text: &str| Token {
            bytes: text.as_bytes().to_vec(),
            logprob: -0.5,
            alternatives: vec![(text.as_bytes().to_vec(), -0.5)],
        };
        let answer = Answer { tokens: Some(vec![token("ä"), token(" b")]), ..Answer::of_text("ä b") };
        let usage = Usage::of(1, 2);
        let choices = vec![Choice::whole(&answer, None), Choice::whole(&answer, Some("Hi"))];
        let body = serde_json::to_value(TextCompletion::new(5, "m", choices, usage)).unwrap();
        assert_eq!((&body["object"], &body["usage"]["total_tokens"]), (&json!("text_completion"), &json!(3)));
        assert_eq!(
            body["choices"][0],
            json!({
                "text": "ä b",
                "index": 0,
                "logprobs": {
                    "tokens": ["ä", " b"],
                    "token_logprobs": [-0.5, -0.5],
                    "top_logprobs": [{ "ä": -0.5 }, { " b": -0.5 }],
                    "text_offset": [0, 1],
                },
                "finish_reason": "stop",
            })
        );
        assert_eq!((&body["choices"][1]["index"], &body["choices"][1]["text"]), (&json!(1), &json!("Hiä b")));
        assert_eq!(body["choices"][1]["logprobs"]["text_offset"], json!([2, 3]));
    }
}
