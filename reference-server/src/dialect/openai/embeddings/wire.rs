//! The body of embeddings, member for member.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Serialize, Serializer};

use super::request::Encoding;
use crate::domain::inference::Embeddings;

/// Embeddings.
#[derive(Debug, Serialize)]
pub(super) struct EmbeddingList<'a> {
    object: &'static str,
    data: Items<'a>,
    model: &'a str,
    usage: Usage,
}

impl<'a> EmbeddingList<'a> {
    /// The vectors of a model, written so.
    pub(super) fn new(model: &'a str, embeddings: &'a Embeddings, encoding: Encoding) -> Self {
        let tokens = embeddings.usage.input_tokens;
        Self {
            object: "list",
            data: Items { vectors: &embeddings.vectors, encoding },
            model,
            usage: Usage { prompt_tokens: tokens, total_tokens: tokens },
        }
    }
}

/// Tokens of the texts.
#[derive(Clone, Copy, Debug, Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

#[derive(Debug)]
struct Items<'a> {
    vectors: &'a [Vec<f32>],
    encoding: Encoding,
}

#[derive(Serialize)]
struct Item<'a> {
    object: &'static str,
    index: usize,
    embedding: Vector<'a>,
}

struct Vector<'a> {
    numbers: &'a [f32],
    encoding: Encoding,
}

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.vectors.iter().enumerate().map(|(index, numbers)| Item {
            object: "embedding",
            index,
            embedding: Vector { numbers, encoding: self.encoding },
        }))
    }
}

impl Serialize for Vector<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.encoding {
            Encoding::Float => self.numbers.serialize(serializer),
            Encoding::Base64 => {
                let bytes: Vec<u8> = self.numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inference;

    fn written(encoding: Encoding) -> String {
        let usage = inference::Usage { input_tokens: 3, ..inference::Usage::default() };
        let embeddings = Embeddings { vectors: vec![vec![0.1, -1.0]], usage };
        serde_json::to_string(&EmbeddingList::new("m", &embeddings, encoding)).unwrap()
    }

    #[test]
    fn numbers_are_written_as_short_as_can_be() {
        assert_eq!(
            written(Encoding::Float),
            "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.1,-1.0]}],\
             \"model\":\"m\",\"usage\":{\"prompt_tokens\":3,\"total_tokens\":3}}"
        );
    }

    #[test]
    fn base64_holds_the_lowest_bytes_first() {
        // 0.1 is 0x3dcccccd and -1 is 0xbf800000.
        assert!(written(Encoding::Base64).contains("\"embedding\":\"zczMPQAAgL8=\""));
    }
}
