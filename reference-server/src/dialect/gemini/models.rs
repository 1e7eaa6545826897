//! The models on offer.

use serde::Serialize;

use super::error::{Refusal, json_response};
use super::exchange::{DIALECT, Exchange};
use super::routes::Action;
use crate::dialect::common::Answer;
use crate::dialect::common::read::{Mistake, Problem};
use crate::domain::catalog::{Capability, Model};

/// How many models a page has where nothing else is asked for, and at most.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 1_000;
/// Most tokens that a model answers with.
const OUTPUT_TOKENS: u64 = 65_536;
/// Most tokens of a text that is embedded.
const EMBEDDED_TOKENS: u64 = 2_048;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    models: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// A model as the wire tells it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    name: String,
    version: &'static str,
    display_name: &'a str,
    description: String,
    input_token_limit: u64,
    output_token_limit: u64,
    supported_generation_methods: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<bool>,
}

const CHAT: [&str; 3] = [Action::Generate.name(), Action::Stream.name(), Action::Count.name()];
const EMBEDDING: [&str; 2] = [Action::Embed.name(), Action::EmbedBatch.name()];

impl<'a> Item<'a> {
    fn of(model: &'a Model) -> Self {
        let chats = model.capability == Capability::Chat;
        Self {
            name: format!("models/{}", model.id()),
            version: "001",
            display_name: &model.name,
            description: format!("{} of the reference gateway", model.name),
            input_token_limit: model.identity.context_tokens.unwrap_or(EMBEDDED_TOKENS),
            output_token_limit: if chats { OUTPUT_TOKENS } else { 1 },
            supported_generation_methods: if chats { &CHAT } else { &EMBEDDING },
            max_temperature: chats.then_some(2.0),
            thinking: chats.then_some(model.identity.thinks),
        }
    }
}

/// A page of the listing, for any valid key.
pub(super) fn list(exchange: &Exchange<'_>) -> Result<Answer, Refusal> {
    let size = number(exchange, "pageSize", PAGE)?;
    let first = number(exchange, "pageToken", 0)?;
    let all = exchange.listed(DIALECT);
    let end = first.saturating_add(size.clamp(1, LARGEST_PAGE)).min(all.len());
    let page = Page {
        models: all.get(first..end).unwrap_or_default().iter().map(|model| Item::of(model)).collect(),
        next_page_token: (end < all.len()).then(|| end.to_string()),
    };
    told(&page)
}

/// One model.
pub(super) fn show(exchange: &Exchange<'_>, name: &str) -> Result<Answer, Refusal> {
    let model = exchange.listed(DIALECT).into_iter().find(|model| &**model.id() == name);
    told(&Item::of(model.ok_or_else(|| exchange.unknown_model(name, None))?))
}

fn number(exchange: &Exchange<'_>, name: &str, usual: usize) -> Result<usize, Refusal> {
    let Some(text) = exchange.parameter(name).filter(|text| !text.is_empty()) else { return Ok(usual) };
    let found = "a string";
    text.parse().map_err(|_| {
        Refusal::Mistake(Mistake::new(Problem::Kind { expected: "an integer", found }).in_member(name))
    })
}

fn told(body: &impl Serialize) -> Result<Answer, Refusal> {
    let bytes = serde_json::to_vec(body).map_err(|error| Refusal::Internal(error.to_string()))?;
    Ok(Answer::Whole(json_response(bytes)))
}
