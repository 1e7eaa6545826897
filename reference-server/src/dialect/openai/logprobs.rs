//! How probable the tokens of a text were, as it is told.

use std::borrow::Cow;
use std::fmt::Write;

use serde::{Serialize, Serializer};

use crate::domain::inference::Token;

/// A list of tokens. Each is written as it comes: there can be twenty alternatives to every one of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenList<'a>(pub(super) &'a [Token]);

#[derive(Clone, Copy, Debug)]
struct Alternatives<'a>(&'a [(Vec<u8>, f64)]);

#[derive(Debug, Serialize)]
struct TokenLogprob<'a> {
    token: Cow<'a, str>,
    logprob: f64,
    bytes: &'a [u8],
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<Alternatives<'a>>,
}

impl Serialize for TokenList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|token| TokenLogprob {
            token: text(&token.bytes),
            logprob: token.logprob,
            bytes: &token.bytes,
            top_logprobs: Some(Alternatives(&token.alternatives)),
        }))
    }
}

impl Serialize for Alternatives<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(bytes, logprob)| TokenLogprob {
            token: text(bytes),
            logprob: *logprob,
            bytes,
            top_logprobs: None,
        }))
    }
}

/// A token in writing; one that splits a character is written byte by byte.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = "bytes:".to_owned();
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "\\x{byte:02x}");
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_are_written_as_text_where_they_are_any() {
        let token = Token {
            bytes: b"Hi".to_vec(),
            logprob: -0.5,
            alternatives: vec![(b"Hi".to_vec(), -0.5), (vec![0xf0, 0x9f], -2.0)],
        };
        assert_eq!(
            serde_json::to_value(TokenList(&[token])).unwrap(),
            json!([{
                "token": "Hi",
                "logprob": -0.5,
                "bytes": [72, 105],
                "top_logprobs": [
                    { "token": "Hi", "logprob": -0.5, "bytes": [72, 105] },
                    { "token": "bytes:\\xf0\\x9f", "logprob": -2.0, "bytes": [240, 159] },
                ],
            }])
        );
    }
}
