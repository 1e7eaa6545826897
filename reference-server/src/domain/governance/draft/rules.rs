//! Changes of routing rules.

use std::sync::{Arc, OnceLock};

use uuid::Uuid;

use super::super::predicate::Predicate;
use super::super::rule::{Rule, RuleTarget, Scope};
use super::super::weight::WHOLE;
use super::names::{called, described, entries, names};
use super::virtual_keys::weight;
use super::{Draft, Invalid, Patch, RuleForm, TargetForm};

impl Draft {
    /// Makes a rule. It is in force unless the write says otherwise.
    pub(crate) fn create_rule(&mut self, form: RuleForm) -> Result<Arc<Rule>, Invalid> {
        self.room::<Rule>("routing rules")?;
        let blank = Rule {
            id: Uuid::new_v4(),
            name: String::new(),
            description: String::new(),
            enabled: true,
            cel_expression: String::new(),
            targets: Vec::new(),
            fallbacks: Vec::new(),
            scope: Scope::Global,
            scope_id: None,
            priority: 0,
            created_at: self.now,
            updated_at: self.now,
            predicate: OnceLock::new(),
        };
        self.anticipate(|| Rule { name: form.name.clone().unwrap_or_default(), ..blank.clone() })?;
        let row = rewritten(blank, form, self.flaws.rule_weights_unchecked)?;
        self.put(row)
    }

    /// Changes what a write names of a rule.
    pub(crate) fn update_rule(&mut self, id: &str, form: RuleForm) -> Result<Arc<Rule>, Invalid> {
        let row: Rule = self.row("Routing rule", id)?;
        if let Some(name) = &form.name {
            self.begin(&Rule { name: name.clone(), ..row.clone() })?;
        }
        let row = Rule { updated_at: self.now, ..row };
        let row = rewritten(row, form, self.flaws.rule_weights_unchecked)?;
        self.put(row)
    }

    /// Deletes a rule.
    pub(crate) fn delete_rule(&mut self, id: &str) -> Result<(), Invalid> {
        let row: Rule = self.row("Routing rule", id)?;
        self.remove::<Rule>(row.id);
        Ok(())
    }

    /// Takes out the rules that are for one alone who goes.
    pub(super) fn forget_rules(&mut self, scope: Scope, id: &str) {
        let is_for_it = |rule: &&Arc<Rule>| rule.scope == scope && rule.scope_id.as_deref() == Some(id);
        let rules: Vec<_> = self.book.rules.iter().filter(is_for_it).map(|rule| rule.id).collect();
        for rule in rules {
            self.remove::<Rule>(rule);
        }
    }
}

/// A rule with what a write says of it, checked as a whole.
fn rewritten(mut row: Rule, form: RuleForm, weights_unchecked: bool) -> Result<Rule, Invalid> {
    if let Some(name) = form.name {
        row.name = called("name", name)?;
    }
    if row.name.trim().is_empty() {
        return Err(Invalid::RuleNameRequired);
    }
    if let Some(description) = form.description {
        row.description = described(description)?;
    }
    row.enabled = form.enabled.unwrap_or(row.enabled);
    row.priority = form.priority.unwrap_or(row.priority);
    if let Some(fallbacks) = form.fallbacks {
        row.fallbacks = names("fallbacks", fallbacks)?;
    }
    if let Some(scope) = form.scope.filter(|scope| !scope.is_empty()) {
        row.scope = Scope::from_name(&scope).ok_or(Invalid::Scope(scope))?;
    }
    row.scope_id = match form.scope_id {
        Patch::Keep => row.scope_id,
        Patch::Clear => None,
        Patch::Set(id) => Some(called("scope_id", id)?),
    };
    row.scope_id = row.scope_id.filter(|id| row.scope != Scope::Global && !id.is_empty());
    if row.scope != Scope::Global && row.scope_id.is_none() {
        return Err(Invalid::ScopeIdRequired);
    }
    if let Some(targets) = form.targets {
        let targets = entries("targets", targets)?;
        row.targets = targets.into_iter().map(target).collect::<Result<_, _>>()?;
    }
    if row.targets.is_empty() {
        return Err(Invalid::NoTargets);
    }
    let sum: u64 = row.targets.iter().map(|target| u64::from(target.weight.millionths())).sum();
    if sum != u64::from(WHOLE) && !weights_unchecked {
        return Err(Invalid::WeightsNotOne);
    }
    row.cel_expression = form.cel_expression.unwrap_or(row.cel_expression);
    let predicate = Predicate::compile(&row.cel_expression).map_err(Invalid::Expression)?;
    row.predicate = OnceLock::from(Some(Arc::new(predicate)));
    Ok(row)
}

fn target(form: TargetForm) -> Result<RuleTarget, Invalid> {
    let said = |what, text: Option<String>| {
        let text = text.filter(|text| !text.is_empty());
        text.map(|text| called(what, text).map(Arc::from)).transpose()
    };
    Ok(RuleTarget {
        weight: weight(&form.weight)?,
        provider: said("provider of a target", form.provider)?,
        model: said("model of a target", form.model)?,
        key_id: said("key_id of a target", form.key_id)?,
    })
}
