//! `GET /v1/models` and `GET /v1/models/{id}`.

use std::ops::Range;

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::error::Refusal;
use super::exchange::{DIALECT, Exchange, unknown_model};
use super::respond;
use crate::dialect::common::read::{Mistake, Problem, Read};
use crate::domain::catalog::Model;

/// How many models are listed where the caller does not say.
const LISTED: usize = 20;
/// How many it may ask for.
const MOST: usize = 1_000;

#[derive(Serialize)]
struct ModelInfo<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    display_name: &'a str,
    created_at: String,
    lifecycle: &'static str,
    deprecated_at: Option<&'static str>,
    retires_at: Option<&'static str>,
    max_input_tokens: Option<u64>,
}

impl<'a> ModelInfo<'a> {
    fn of(model: &'a Model) -> Self {
        let created_at = released(&model.provider_model);
        Self {
            kind: "model",
            id: model.id(),
            display_name: &model.name,
            created_at,
            lifecycle: "active",
            deprecated_at: None,
            retires_at: None,
            max_input_tokens: model.identity.context_tokens,
        }
    }
}

#[derive(Serialize)]
struct ModelList<'a> {
    data: Vec<ModelInfo<'a>>,
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

/// A page of the listing, for any valid key.
pub(super) fn list(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    admit(exchange)?;
    let page = Page::read(exchange.head.uri.query().unwrap_or_default())?;
    let models = exchange.listed(DIALECT);
    let ids: Vec<_> = models.iter().map(|model| &**model.id()).collect();
    let (range, has_more) = page.of(&ids)?;
    let data: Vec<_> =
        models.get(range).unwrap_or_default().iter().map(|&model| ModelInfo::of(model)).collect();
    let (first_id, last_id) = (data.first().map(|model| model.id), data.last().map(|model| model.id));
    answer(&ModelList { data, has_more, first_id, last_id })
}

/// One model, for any valid key.
pub(super) fn retrieve(exchange: &Exchange<'_>, id: &str) -> Result<Response, Refusal> {
    admit(exchange)?;
    let model = exchange.listed(DIALECT).into_iter().find(|model| &**model.id() == id);
    answer(&ModelInfo::of(model.ok_or_else(|| unknown_model(id))?))
}

fn admit(exchange: &Exchange<'_>) -> Result<(), Refusal> {
    let call = exchange.authenticate()?;
    exchange.admit(&call)?;
    exchange.authorize_discovery(&call)
}

fn answer(body: &impl Serialize) -> Result<Response, Refusal> {
    let body = serde_json::to_vec(body).map_err(|error| Refusal::internal(error.to_string()))?;
    Ok(respond::json(StatusCode::OK, body))
}

/// The day that the provider's name of a model ends in; the first of all days where it ends in none.
fn released(provider_model: &str) -> String {
    let digits = provider_model.rsplit('-').next().filter(|end| end.len() == 8);
    let day = digits.filter(|end| end.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or("19700101");
    let part = |range: Range<usize>| day.get(range).unwrap_or_default();
    format!("{}-{}-{}T00:00:00Z", part(0..4), part(4..6), part(6..8))
}

/// Which part of the listing is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Page<'a> {
    limit: usize,
    after: Option<&'a str>,
    before: Option<&'a str>,
}

impl<'a> Page<'a> {
    /// Reads the query. Nothing in an id needs to be escaped.
    fn read(query: &'a str) -> Read<Self> {
        let mut page = Self { limit: LISTED, after: None, before: None };
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "limit" => page.limit = limit(value).map_err(|mistake| mistake.in_member("limit"))?,
                "after_id" => page.after = Some(value),
                "before_id" => page.before = Some(value),
                _ => {}
            }
        }
        Ok(page)
    }

    /// Where the page stands among all ids, and whether there are more on the way that it leads.
    fn of(&self, ids: &[&str]) -> Read<(Range<usize>, bool)> {
        let place = |cursor: Option<&str>, name| match cursor {
            None => Ok(None),
            Some(id) => match ids.iter().position(|known| *known == id) {
                Some(place) => Ok(Some(place)),
                None => Err(Mistake::other("there is no such model").in_member(name)),
            },
        };
        let start = place(self.after, "after_id")?.map_or(0, |place| place + 1);
        let before = place(self.before, "before_id")?;
        let end = before.unwrap_or(ids.len()).max(start);
        let has_more = end - start > self.limit;
        Ok(match (has_more, before) {
            (false, _) => (start..end, false),
            (true, None) => (start..start + self.limit, true),
            (true, Some(_)) => (end - self.limit..end, true),
        })
    }
}

fn limit(text: &str) -> Read<usize> {
    let Ok(limit) = text.parse::<i64>() else {
        return Err(Mistake::other("Input should be a valid integer, unable to parse string as an integer"));
    };
    match usize::try_from(limit) {
        Ok(limit @ 1..=MOST) => Ok(limit),
        Ok(1..) => Err(Mistake::new(Problem::Above { most: 1_000.0, found: f64::INFINITY })),
        _ => Err(Mistake::new(Problem::Below { least: 1.0, found: 0.0 })),
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::told;
    use super::*;

    const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];

    fn page(query: &str) -> Result<(Range<usize>, bool), String> {
        Page::read(query).and_then(|page| page.of(&IDS)).map_err(|mistake| told(&mistake))
    }

    #[test]
    fn pages_lead_in_both_directions() {
        for (query, range, has_more) in [
            ("", 0..5, false),
            ("limit=2", 0..2, true),
            ("limit=2&after_id=b&x=y", 2..4, true),
            ("limit=2&after_id=c", 3..5, false),
            ("after_id=e", 5..5, false),
            ("limit=2&before_id=e", 2..4, true),
            ("limit=2&before_id=c", 0..2, false),
            ("after_id=d&before_id=b", 4..4, false),
        ] {
            assert_eq!(page(query), Ok((range, has_more)), "{query}");
        }
    }

    #[test]
    fn what_is_wrong_in_a_query_is_told() {
        for (query, words) in [
            ("limit=0", "limit: Input should be greater than or equal to 1"),
            ("limit=-1", "limit: Input should be greater than or equal to 1"),
            ("limit=1001", "limit: Input should be less than or equal to 1000"),
            ("limit=ten", "limit: Input should be a valid integer, unable to parse string as an integer"),
            ("after_id=x", "after_id: there is no such model"),
        ] {
            assert_eq!(page(query), Err(words.to_owned()), "{query}");
        }
    }

    #[test]
    fn a_model_is_as_old_as_its_name_says() {
        assert_eq!(released("claude-sonnet-4-5-20250929"), "2025-09-29T00:00:00Z");
        assert_eq!(released("claude"), "1970-01-01T00:00:00Z");
    }
}
