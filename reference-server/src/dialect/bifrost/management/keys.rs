//! The keys of providers: `/api/keys` for all of them, `/api/providers/{name}/keys` for those of one.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::super::error::{Refusal, json as told};
use super::super::exchange::Exchange;
use super::change::change;
use super::forms;
use super::rows::texts;
use crate::defect::{Defect, DefectSet};
use crate::domain::governance::{Book, Draft, KeyForm, KeyValue, ProviderEntry, ProviderKey};
use crate::percent;
use crate::provider::http::Secret;

/// What stands for a credential of the configuration, and in the middle of any other.
const HIDDEN: &str = "************************";
/// Of a credential of so many bytes both ends are told, so that its owner knows it again.
const LONG: usize = 16;

/// A key as it is sent.
#[derive(Deserialize)]
pub(super) struct Sent {
    #[serde(default)]
    id: Option<String>,
    name: Option<String>,
    value: Option<String>,
    models: Option<Vec<String>>,
    weight: Option<Number>,
}

impl Sent {
    /// What becomes of the key. What is told in place of a credential is none, whosever it is: the one that is there
    /// stays.
    pub(super) fn form(self, before: Option<&ProviderKey>) -> KeyForm {
        let value = self.value.filter(|value| !value.is_empty() && !value.contains(HIDDEN));
        let name = self.name.or_else(|| before.map(|key| key.name.to_string()));
        let models =
            self.models.or_else(|| before.map(|key| key.models.iter().map(ToString::to_string).collect()));
        KeyForm {
            id: self.id.or_else(|| before.map(|key| key.id.to_string())).filter(|id| !id.is_empty()),
            name: name.unwrap_or_default(),
            value: value.as_deref().map(Secret::new),
            models: models.unwrap_or_default(),
            weight: self.weight.or_else(|| before.map(|key| key.weight.written().clone())),
        }
    }

    /// The key that is meant.
    pub(super) fn before<'e>(&self, entry: &'e ProviderEntry) -> Option<&'e ProviderKey> {
        entry.keys.iter().map(Arc::as_ref).find(|key| Some(&*key.id) == self.id.as_deref())
    }
}

/// Every key of every provider, or of those that are asked for.
pub(super) fn list(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    exchange.only(&Method::GET, "GET")?;
    let wanted = names(exchange.head.uri.query().unwrap_or_default(), &["providers", "provider"]);
    let book = exchange.world.governance.book();
    let entries = book.providers.values();
    let entries =
        entries.filter(|entry| wanted.is_empty() || wanted.iter().any(|name| **name == *entry.name));
    let defects = &exchange.world.defects;
    let keys = entries.flat_map(|entry| entry.keys.iter().map(move |key| of(&entry.name, key, defects)));
    Ok(told(StatusCode::OK, &keys.collect::<Vec<_>>()))
}

/// The keys of a provider, or a further one.
pub(super) async fn of_provider(
    exchange: &Exchange<'_>,
    name: &str,
    body: Body,
) -> Result<Response, Refusal> {
    let world = exchange.world;
    match exchange.head.method {
        Method::GET => {
            let book = world.governance.book();
            let keys = provider(&book, name)?.keys.iter().map(|key| of(name, key, &world.defects));
            let keys: Vec<_> = keys.collect();
            Ok(told(StatusCode::OK, &json!({ "keys": keys, "total": keys.len() })))
        }
        Method::POST => {
            let sent: Sent = forms::read(exchange, body).await?;
            let form = sent.form(None);
            let key = change(world, |draft| Ok(draft.create_provider_key(name, form)?)).await?;
            Ok(told(StatusCode::OK, &of(name, &key, &world.defects)))
        }
        _ => Err(Refusal::method_not_allowed("GET, POST")),
    }
}

/// One key of a provider.
pub(super) async fn one(
    exchange: &Exchange<'_>,
    name: &str,
    id: &str,
    body: Body,
) -> Result<Response, Refusal> {
    let world = exchange.world;
    let book = world.governance.book();
    let known = provider(&book, name)?.keys.iter().find(|key| *key.id == *id);
    let not_found = || Refusal::new(StatusCode::NOT_FOUND, "Key not found");
    match exchange.head.method {
        Method::GET => Ok(told(StatusCode::OK, &of(name, known.ok_or_else(not_found)?, &world.defects))),
        Method::PUT => {
            let sent: Sent = forms::read(exchange, body).await?;
            let sent = Sent { id: Some(id.to_owned()), ..sent };
            let edit = |draft: &mut Draft| {
                let before = sent.before(provider(draft.book(), name)?);
                let form = sent.form(before);
                Ok(draft.update_provider_key(name, id, form)?)
            };
            let key = change(world, edit).await?;
            Ok(told(StatusCode::OK, &of(name, &key, &world.defects)))
        }
        Method::DELETE => {
            change(world, |draft| Ok(draft.delete_provider_key(name, id)?)).await?;
            Ok(told(StatusCode::OK, &json!({ "message": "Key deleted successfully" })))
        }
        _ => Err(Refusal::method_not_allowed("GET, PUT, DELETE")),
    }
}

/// The provider of this name.
pub(super) fn provider<'b>(book: &'b Book, name: &str) -> Result<&'b Arc<ProviderEntry>, Refusal> {
    book.provider(name).ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "Provider not found"))
}

/// A key as it is told, without its credential.
pub(super) fn of(provider: &str, key: &ProviderKey, defects: &DefectSet) -> Value {
    let value = match &key.value {
        KeyValue::Given(secret) if defects.has(Defect::ProviderKeysShown) => secret.reveal().to_owned(),
        _ => redacted(key),
    };
    json!({
        "id": key.id,
        "name": key.name,
        "provider": provider,
        "models": texts(&key.models),
        "weight": key.weight.written(),
        "value": value,
    })
}

/// What is told of a credential.
fn redacted(key: &ProviderKey) -> String {
    let KeyValue::Given(secret) = &key.value else { return HIDDEN.to_owned() };
    let secret = secret.reveal();
    match (secret.get(..4), secret.get(secret.len().saturating_sub(4)..)) {
        (Some(first), Some(last)) if secret.len() > LONG => format!("{first}{HIDDEN}{last}"),
        _ => HIDDEN.to_owned(),
    }
}

/// The names in a parameter, of which there may be several with commas between them.
pub(super) fn names(query: &str, parameters: &[&str]) -> Vec<String> {
    let values = parameters.iter().filter_map(|name| percent::field(query, name));
    let values: Vec<_> = values.collect();
    let names = values.iter().flat_map(|value| value.split(',')).map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it is stored, from where alone a key can come.
    fn key(secret: &str) -> ProviderKey {
        let stored = json!({
            "id": "k1", "name": "one", "value": { "Given": secret }, "models": ["m"], "weight": 0.5,
        });
        serde_json::from_value(stored).unwrap()
    }

    #[test]
    fn a_credential_is_told_by_its_ends_at_most() {
        assert_eq!(redacted(&key("sk-upstream-openai-2")), format!("sk-u{HIDDEN}ai-2"));
        for short in ["sk-short", "äöüßäöüß"] {
            assert_eq!(redacted(&key(short)), HIDDEN);
        }
        let told = of("openai", &key("sk-upstream-openai-2"), &DefectSet::default());
        assert!(!told.to_string().contains("upstream"), "{told}");
        assert_eq!((&told["weight"], &told["models"]), (&json!(0.5), &json!(["m"])));
        let defects = DefectSet::default();
        defects.set(&["provider-keys-shown".parse().unwrap()]);
        assert_eq!(of("openai", &key("sk-upstream-openai-2"), &defects)["value"], "sk-upstream-openai-2");
    }

    #[test]
    fn what_was_told_of_a_credential_leaves_it_as_it_is() {
        let before = key("sk-upstream-openai-2");
        let sent = |value: Value| serde_json::from_value::<Sent>(value).unwrap().form(Some(&before));
        let same = sent(json!({ "id": "k1", "name": "two", "value": redacted(&before) }));
        assert_eq!((&*same.name, same.value), ("two", None));
        assert_eq!((same.id.as_deref(), &*same.models), (Some("k1"), &["m".to_owned()][..]));
        assert_eq!(sent(json!({ "value": "sk-new" })).value, Some(Secret::new("sk-new")));
        for told in [HIDDEN.to_owned(), redacted(&before)] {
            let unknown: Sent = serde_json::from_value(json!({ "id": "k2", "value": told })).unwrap();
            assert_eq!(unknown.form(None).value, None);
        }
    }

    #[test]
    fn names_stand_between_commas() {
        assert_eq!(names("providers=openai%2Canthropic,&x=y", &["providers"]), ["openai", "anthropic"]);
        assert!(names("x=y", &["providers"]).is_empty());
    }
}
