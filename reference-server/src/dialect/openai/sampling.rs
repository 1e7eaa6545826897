//! What both kinds of completions are asked alike: how words are chosen, how many answers there are, where they end
//! and how they are sent.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::dialect::common::read::{
    Members, Mistake, Read, boolean, exact, integer, kind, list_of, number, string,
};
use crate::domain::inference::CompletionRequest;

/// Most answers to one question.
pub(super) const MOST_ANSWERS: u32 = 128;
/// Most texts that end an answer.
const MOST_STOPS: usize = 4;

/// Reads how words are chosen. A model that knows no chance takes no notice of any of it.
pub(super) fn sampled(body: Members<'_>) -> Read<CompletionRequest> {
    Ok(CompletionRequest {
        logit_bias: body.optional("logit_bias", biases)?.unwrap_or_default(),
        seed: body.optional("seed", integer(i64::MIN..=i64::MAX))?,
        temperature: body.optional("temperature", exact(0.0..=2.0))?,
        top_p: body.optional("top_p", exact(0.0..=1.0))?,
        presence_penalty: body.optional("presence_penalty", exact(-2.0..=2.0))?,
        frequency_penalty: body.optional("frequency_penalty", exact(-2.0..=2.0))?,
        ..CompletionRequest::default()
    })
}

/// How an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// At once.
    Whole,
    /// As it comes, and at the end what it cost, where that is asked for.
    Streamed { usage: bool },
}

impl Delivery {
    /// Reads it from the members of a body.
    pub(super) fn read(body: Members<'_>) -> Read<Self> {
        let streamed = body.optional("stream", boolean)?.unwrap_or(false);
        let usage = body.optional("stream_options", |options| {
            let options = Members::of(options)?;
            options.only(&["include_usage", "include_obfuscation"])?;
            options.optional("include_obfuscation", boolean)?;
            options.optional("include_usage", boolean)
        })?;
        match (streamed, usage) {
            (true, usage) => Ok(Self::Streamed { usage: usage.flatten().unwrap_or(false) }),
            (false, None) => Ok(Self::Whole),
            (false, Some(_)) => {
                let words = "the parameter is only allowed when 'stream' is enabled";
                Err(Mistake::other(words).in_member("stream_options"))
            }
        }
    }
}

/// The texts before which an answer ends. An empty one stands everywhere and would end every answer before it begins.
pub(super) fn stops(value: &Value) -> Read<Vec<String>> {
    let texts = match value {
        Value::String(text) => vec![text.as_str()],
        Value::Array(_) => list_of(1..=MOST_STOPS, string)(value)?,
        _ => return Err(kind("one of a string or array of strings", value)),
    };
    Ok(texts.into_iter().filter(|text| !text.is_empty()).map(str::to_owned).collect())
}

/// A whole number that is not negative.
pub(super) fn count(bounds: RangeInclusive<u32>) -> impl Fn(&Value) -> Read<u32> {
    let read = integer(i64::from(*bounds.start())..=i64::from(*bounds.end()));
    move |value| read(value).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}

/// How much more or less probable some tokens are to be.
fn biases(value: &Value) -> Read<Map<String, Value>> {
    let Value::Object(biases) = value else { return Err(kind("an object", value)) };
    for (token, bias) in biases {
        let read = if token.parse::<u32>().is_ok() {
            number(-100.0..=100.0)(bias).map(drop)
        } else {
            Err(Mistake::other("the key is no token: it must be an integer"))
        };
        read.map_err(|mistake| mistake.in_member(token))?;
    }
    Ok(biases.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialect::common::read::Problem;

    #[test]
    fn bounds_are_kept() {
        let read = |body: Value| sampled(Members::of(&body).unwrap());
        let all = json!({
            "temperature": 2, "top_p": 1, "presence_penalty": -2, "frequency_penalty": 0.5, "seed": -1,
            "logit_bias": { "50256": -100 },
        });
        let asked = read(all.clone()).unwrap();
        let told = json!({
            "temperature": asked.temperature, "top_p": asked.top_p, "presence_penalty": asked.presence_penalty,
            "frequency_penalty": asked.frequency_penalty, "seed": asked.seed, "logit_bias": asked.logit_bias,
        });
        assert_eq!(told, all);
        assert_eq!(read(json!({ "temperature": null })).unwrap().temperature, None);
        for (body, place) in [
            (json!({ "temperature": 2.1 }), "temperature"),
            (json!({ "top_p": -0.1 }), "top_p"),
            (json!({ "presence_penalty": 3 }), "presence_penalty"),
            (json!({ "logit_bias": { "50256": 101 } }), "logit_bias.50256"),
            (json!({ "logit_bias": { "word": 1 } }), "logit_bias.word"),
            (json!({ "logit_bias": [] }), "logit_bias"),
            (json!({ "seed": 1.5 }), "seed"),
        ] {
            assert_eq!(read(body).unwrap_err().bracketed(), place);
        }
    }

    #[test]
    fn what_a_stream_tells_at_its_end_is_asked_of_streams_only() {
        let read = |body: Value| Delivery::read(Members::of(&body).unwrap());
        assert_eq!(read(json!({})), Ok(Delivery::Whole));
        assert_eq!(read(json!({ "stream": false, "stream_options": null })), Ok(Delivery::Whole));
        assert_eq!(read(json!({ "stream": true })), Ok(Delivery::Streamed { usage: false }));
        let asked = json!({ "stream": true, "stream_options": { "include_usage": true } });
        assert_eq!(read(asked), Ok(Delivery::Streamed { usage: true }));
        let alone = json!({ "stream_options": { "include_usage": true } });
        assert_eq!(read(alone).unwrap_err().bracketed(), "stream_options");
    }

    #[test]
    fn an_answer_ends_at_up_to_four_texts() {
        assert_eq!(stops(&json!("end")), Ok(vec!["end".to_owned()]));
        assert_eq!(stops(&json!(["a", "", "b"])), Ok(vec!["a".to_owned(), "b".to_owned()]));
        let five = stops(&json!(["a", "b", "c", "d", "e"])).unwrap_err();
        assert_eq!(five.problem, Problem::Longer { most: 4, found: 5 });
        assert!(stops(&json!(5)).is_err());
    }
}
