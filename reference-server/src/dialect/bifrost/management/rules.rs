//! `/api/governance/routing-rules`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Number, Value};

use super::super::error::Refusal;
use super::crud::Resource;
use super::forms;
use super::rows::{self, Views};
use crate::domain::governance::{Book, Draft, Invalid, Patch, Rule, RuleForm, Table, TargetForm};

/// What sends calls elsewhere.
pub(super) struct Rules;

/// A routing rule as it is sent.
#[derive(Deserialize)]
pub(super) struct Sent {
    name: Option<String>,
    description: Option<String>,
    enabled: Option<bool>,
    cel_expression: Option<String>,
    targets: Option<Vec<SentTarget>>,
    fallbacks: Option<Vec<String>>,
    scope: Option<String>,
    #[serde(default = "forms::keep", deserialize_with = "forms::patch")]
    scope_id: Patch<String>,
    priority: Option<i64>,
}

/// Where a rule sends a call, as it is sent.
#[derive(Deserialize)]
struct SentTarget {
    provider: Option<String>,
    model: Option<String>,
    key_id: Option<String>,
    /// All of them, where it says nothing.
    weight: Option<Number>,
}

impl Resource for Rules {
    type Row = Rule;
    type Sent = Sent;
    type Form = RuleForm;

    const ONE: &'static str = "rule";
    const MANY: &'static str = "rules";
    const TITLE: &'static str = "Routing rule";
    const FILTERS: &'static [&'static str] = &["scope", "scope_id"];

    fn rows(book: &Book) -> &Table<Rule> {
        &book.rules
    }

    fn name(row: &Rule) -> &str {
        &row.name
    }

    fn member(row: &Rule, filter: &str) -> Option<String> {
        match filter {
            "scope" => Some(row.scope.name().to_owned()),
            _ => row.scope_id.clone(),
        }
    }

    fn form(_: &Book, _: Option<&Rule>, sent: Sent) -> Result<RuleForm, Refusal> {
        let targets = sent.targets.map(|targets| targets.into_iter().map(target).collect());
        Ok(RuleForm {
            name: sent.name,
            description: sent.description,
            enabled: sent.enabled,
            cel_expression: sent.cel_expression,
            targets,
            fallbacks: sent.fallbacks,
            scope: sent.scope,
            scope_id: forms::id(sent.scope_id),
            priority: sent.priority,
        })
    }

    fn create(draft: &mut Draft, form: RuleForm) -> Result<Arc<Rule>, Invalid> {
        draft.create_rule(form)
    }

    fn update(draft: &mut Draft, id: &str, form: RuleForm) -> Result<Arc<Rule>, Invalid> {
        draft.update_rule(id, form)
    }

    fn delete(draft: &mut Draft, id: &str) -> Result<(), Invalid> {
        draft.delete_rule(id)
    }

    fn told(_: &Views<'_>, row: &Rule) -> Value {
        rows::rule(row)
    }
}

fn target(sent: SentTarget) -> TargetForm {
    let named = |name: Option<String>| name.filter(|name| !name.is_empty());
    TargetForm {
        provider: named(sent.provider),
        model: named(sent.model),
        key_id: named(sent.key_id),
        weight: sent.weight.unwrap_or_else(|| 1.into()),
    }
}
