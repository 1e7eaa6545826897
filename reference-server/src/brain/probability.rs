use std::f64::consts::LN_2;
use std::vec;

use super::{hash, tokens};
use crate::domain::inference::Token;

/// The logarithms of the most and of the least probable token that is ever said.
const MOST_PROBABLE: f64 = -0.01;
const LEAST_PROBABLE: f64 = -2.5;

/// The tokens of a text, each with how probable it was and with so many of the most probable tokens at its place, of
/// which it is the first. The same text is always as probable. They are made as they are asked for: all of them can be
/// a thousand times as large as the text.
pub(crate) struct Tokens {
    text: String,
    /// Where the slice begins whose tokens are not known yet.
    at: usize,
    /// The tokens of the slice before it.
    slice: vec::IntoIter<Vec<u8>>,
    /// A hash of all that was said.
    said: u64,
    alternatives: u8,
}

impl Tokens {
    /// Those of this text.
    pub(crate) fn new(text: String, alternatives: u8) -> Self {
        Self { text, at: 0, slice: Vec::new().into_iter(), said: hash::START, alternatives }
    }

    fn next_slice(&mut self) -> Option<vec::IntoIter<Vec<u8>>> {
        let slice = tokens::slices(self.text.get(self.at..)?).next()?;
        self.at += slice.len();
        Some(tokens::pieces(slice).collect::<Vec<_>>().into_iter())
    }
}

impl Iterator for Tokens {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let bytes = match self.slice.next() {
            Some(bytes) => bytes,
            None => {
                self.slice = self.next_slice()?;
                self.slice.next()?
            }
        };
        self.said = hash::fnv1a(self.said, &bytes);
        Some(token(bytes, hash::mix(self.said), self.alternatives))
    }
}

fn token(bytes: Vec<u8>, seed: u64, alternatives: u8) -> Token {
    let logprob = MOST_PROBABLE + share(seed) * (LEAST_PROBABLE - MOST_PROBABLE);
    let mut probable = Vec::with_capacity(alternatives.into());
    if alternatives > 0 {
        probable.push((bytes.clone(), logprob));
    }
    // Each of the others has half of what is left, and none more than the token that was said.
    let left = logprob.exp().min(1.0 - logprob.exp()).ln();
    let mut number = seed;
    for rank in 1..alternatives {
        let other = loop {
            number = hash::mix(number.wrapping_add(1));
            let other = tokens::any(number);
            if probable.iter().all(|(known, _)| *known != other) {
                break other;
            }
        };
        probable.push((other, left - f64::from(rank) * LN_2));
    }
    Token { bytes, logprob, alternatives: probable }
}

/// A hash as a number from 0 to 1.
fn share(hash: u64) -> f64 {
    f64::from(u32::try_from(hash >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str, alternatives: u8) -> Vec<Token> {
        Tokens::new(text.to_owned(), alternatives).collect()
    }

    #[test]
    fn tokens_joined_are_the_text_and_their_probabilities_make_sense() {
        // More than is looked at at once.
        let text = "Hello, world! 🦀 日本語 ".repeat(400);
        let told = tokens(&text, 5);
        assert_eq!(told, tokens(&text, 5));
        assert_eq!(told.len() as u64, tokens::count(&text));
        let joined: Vec<u8> = told.iter().flat_map(|token| token.bytes.clone()).collect();
        assert_eq!(joined, text.as_bytes());
        for token in told {
            assert!((LEAST_PROBABLE..0.0).contains(&token.logprob));
            assert_eq!(token.alternatives.first(), Some(&(token.bytes, token.logprob)));
            assert_eq!(token.alternatives.len(), 5);
            assert!(token.alternatives.is_sorted_by(|one, next| one.1 > next.1 && one.0 != next.0));
            assert!(token.alternatives.iter().map(|(_, logprob)| logprob.exp()).sum::<f64>() <= 1.0);
        }
    }

    #[test]
    fn no_more_is_told_than_was_asked_for() {
        assert!(tokens("Hello", 0).iter().all(|token| token.alternatives.is_empty()));
        assert!(tokens("Hello", 1).iter().all(|token| token.alternatives.len() == 1));
        assert!(tokens("", 3).is_empty());
    }
}
