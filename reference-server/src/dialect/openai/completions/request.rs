//! Reads a request for completions of the old kind.

use serde_json::Value;

use crate::dialect::common::read::{Members, Mistake, Read, boolean, integer, string};
use crate::dialect::openai::error::Refusal;
use crate::dialect::openai::sampling::{Delivery, MOST_ANSWERS, count, sampled, stops};
use crate::dialect::openai::{prompt, words};
use crate::domain::inference::{CompletionRequest, Message, Part, Role};

const KNOWN: &[&str] = &[
    "model",
    "prompt",
    "best_of",
    "echo",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_tokens",
    "n",
    "presence_penalty",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "suffix",
    "temperature",
    "top_p",
    "user",
];

/// Most prompts in one request.
const MOST_PROMPTS: usize = 128;
/// Most answers of which the best are given.
const MOST_TRIED: u32 = 20;
/// Most tokens to answer with, where nothing is said of it.
const MOST_TOKENS: u32 = 16;

/// A request.
pub(super) struct Asked<'v> {
    pub(super) model: &'v str,
    pub(super) delivery: Delivery,
    pub(super) prompts: Vec<String>,
    /// How many answers to each prompt are given.
    pub(super) answers: u32,
    /// Whether each answer begins with its prompt.
    pub(super) echo: bool,
    /// What is asked with each prompt.
    question: CompletionRequest,
}

/// Reads a body.
pub(super) fn read(body: &Value) -> Result<Asked<'_>, Refusal> {
    let asked = words::read(body, members)?;
    if asked.delivery != Delivery::Whole {
        if asked.prompts.len() > 1 {
            return Err(Refusal::unsupported("prompt", "Only one prompt at a time can be streamed here."));
        }
        if asked.question.more_answers >= asked.answers {
            let message = "Results cannot be streamed when 'best_of' is greater than 'n'.";
            return Err(Refusal::invalid(message).at("best_of").coded("invalid_value"));
        }
    }
    Ok(asked)
}

/// Whether a body makes a request.
pub(in crate::dialect::openai) fn check(body: &Value) -> Result<(), Refusal> {
    read(body).map(drop)
}

fn members(body: Members<'_>) -> Read<Asked<'_>> {
    body.only(KNOWN)?;
    let model = body.required("model", string)?;
    let prompts = body.required("prompt", |value| prompt::texts(value, MOST_PROMPTS))?;
    let sampled = sampled(body)?;
    let user = body.optional("user", string)?.map(str::to_owned);
    body.optional("suffix", |value| match string(value)? {
        "" => Ok(()),
        _ => Err(Mistake::other("no model here writes what stands before a suffix")),
    })?;
    let answers = body.optional("n", count(1..=MOST_ANSWERS))?.unwrap_or(1);
    let tried = body.optional("best_of", |value| {
        let tried = count(1..=MOST_TRIED)(value)?;
        if tried < answers { Err(Mistake::other("it must be at least 'n'")) } else { Ok(tried) }
    })?;
    let question = CompletionRequest {
        max_tokens: Some(body.optional("max_tokens", count(0..=u32::MAX))?.unwrap_or(MOST_TOKENS)),
        stop: body.optional("stop", stops)?.unwrap_or_default(),
        more_answers: tried.unwrap_or(answers) - 1,
        alternatives: body.optional("logprobs", integer(0..=5))?.and_then(|others| u8::try_from(others).ok()),
        user,
        ..sampled
    };
    Ok(Asked {
        model,
        delivery: Delivery::read(body)?,
        prompts,
        answers,
        echo: body.optional("echo", boolean)?.unwrap_or(false),
        question,
    })
}

/// What a model is asked for one prompt.
pub(super) fn question(like: &CompletionRequest, prompt: &str) -> CompletionRequest {
    let parts = vec![Part::Text(prompt.to_owned())];
    CompletionRequest { messages: vec![Message::new(Role::User, parts)], ..like.clone() }
}

impl Asked<'_> {
    /// The prompts, and what is asked with each of them.
    pub(super) fn into_questions(self) -> (Vec<String>, CompletionRequest) {
        (self.prompts, self.question)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asking(members: &Value) -> Value {
        let mut body = json!({ "model": "m", "prompt": "Hi" });
        for (name, value) in members.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    #[test]
    fn a_prompt_is_what_the_user_says() {
        let body = asking(
            &json!({ "seed": 7, "user": "u", "n": 2, "best_of": 3, "logprobs": 2, "echo": true, "suffix": "" }),
        );
        let asked = read(&body).unwrap();
        assert_eq!((asked.answers, asked.echo, asked.delivery), (2, true, Delivery::Whole));
        let (prompts, like) = asked.into_questions();
        let question = question(&like, &prompts[0]);
        assert_eq!(
            (question.max_tokens, question.more_answers, question.alternatives),
            (Some(16), 2, Some(2))
        );
        assert_eq!((question.seed, question.user.as_deref()), (Some(7), Some("u")));
        assert_eq!(question.messages[0].text(), "Hi");
    }

    #[test]
    fn mistakes_are_told_with_their_member() {
        for (members, param) in [
            (json!({ "prompt": [] }), "prompt"),
            (json!({ "prompt": null }), "prompt"),
            (json!({ "prompt": ["a", "b"], "stream": true }), "prompt"),
            (json!({ "suffix": "." }), "suffix"),
            (json!({ "n": 3, "best_of": 2 }), "best_of"),
            (json!({ "best_of": 2, "stream": true }), "best_of"),
            (json!({ "best_of": 21 }), "best_of"),
            (json!({ "logprobs": 6 }), "logprobs"),
            (json!({ "logprobs": true }), "logprobs"),
            (json!({ "messages": [] }), "messages"),
        ] {
            match read(&asking(&members)) {
                Ok(_) => panic!("{members} was read"),
                Err(refusal) => {
                    let told = serde_json::to_value(refusal.envelope()).unwrap();
                    assert_eq!(told["error"]["param"], param, "{members}");
                }
            }
        }
    }
}
