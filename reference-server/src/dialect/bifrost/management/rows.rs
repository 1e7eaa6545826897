//! Rows as they are told.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::domain::clock::Moment;
use crate::domain::governance::{
    Allowed, Book, Budget, Customer, Governance, ModelConfig, Owner, ProviderConfig, RateLimit, Rule,
    RuleTarget, Team, Told, VirtualKey, dollars,
};
use crate::domain::world::World;

/// Makes rows into what is told of them, all as of one moment.
pub(super) struct Views<'w> {
    governance: &'w Governance,
    book: Arc<Book>,
    now: Moment,
}

impl<'w> Views<'w> {
    /// The rows of a world.
    pub(super) fn of(world: &'w World) -> Self {
        let governance = &*world.governance;
        Self { governance, book: governance.book(), now: world.clock.now() }
    }

    /// The rows themselves.
    pub(super) fn book(&self) -> &Book {
        &self.book
    }

    /// A customer.
    pub(super) fn customer(&self, customer: &Customer) -> Value {
        let mut told = named(customer.id, &customer.name);
        self.add_meters(&mut told, customer.budget, customer.rate_limit);
        add_times(&mut told, customer.created_at, customer.updated_at);
        Value::Object(told)
    }

    /// A team, and whom it belongs to.
    pub(super) fn team(&self, team: &Team) -> Value {
        let mut told = named(team.id, &team.name);
        self.add_customer(&mut told, team.customer);
        self.add_meters(&mut told, team.budget, team.rate_limit);
        add_times(&mut told, team.created_at, team.updated_at);
        Value::Object(told)
    }

    /// A virtual key with its value, and whom it belongs to.
    pub(super) fn virtual_key(&self, key: &VirtualKey) -> Value {
        let mut told = named(key.id, &key.name);
        add(&mut told, "description", key.description.clone());
        add(&mut told, "value", key.value.reveal());
        add(&mut told, "is_active", key.is_active);
        let configs = key.provider_configs.iter().map(|config| self.config(config));
        add(&mut told, "provider_configs", configs.collect::<Vec<_>>());
        add(&mut told, "mcp_configs", key.mcp_configs.clone());
        match key.owner {
            Some(Owner::Team(id)) => {
                add(&mut told, "team_id", id.to_string());
                if let Some(team) = self.book.teams.get(id) {
                    add(&mut told, "team", self.team(team));
                }
            }
            Some(Owner::Customer(id)) => self.add_customer(&mut told, Some(id)),
            None => {}
        }
        self.add_meters(&mut told, key.budget, key.rate_limit);
        add_times(&mut told, key.created_at, key.updated_at);
        Value::Object(told)
    }

    fn config(&self, config: &ProviderConfig) -> Value {
        let mut told = Map::new();
        add(&mut told, "id", config.id);
        add(&mut told, "provider", &*config.provider);
        add(&mut told, "weight", config.weight.as_ref().map(|weight| weight.written().clone()));
        add(&mut told, "allowed_models", texts(&config.allowed_models));
        add(&mut told, "key_ids", texts(&config.key_ids));
        self.add_meters(&mut told, config.budget, config.rate_limit);
        Value::Object(told)
    }

    /// What all callers together may ask of a model.
    pub(super) fn model_config(&self, config: &ModelConfig) -> Value {
        let mut told = Map::new();
        add(&mut told, "id", config.id.to_string());
        add(&mut told, "model_name", &*config.model);
        if let Some(provider) = &config.provider {
            add(&mut told, "provider", &**provider);
        }
        self.add_meters(&mut told, config.budget, config.rate_limit);
        add_times(&mut told, config.created_at, config.updated_at);
        Value::Object(told)
    }

    /// What a provider may be asked for.
    pub(super) fn governed_provider(
        &self,
        name: &str,
        budget: Option<Uuid>,
        rate_limit: Option<Uuid>,
    ) -> Value {
        let mut told = Map::new();
        add(&mut told, "provider", name);
        self.add_meters(&mut told, budget, rate_limit);
        Value::Object(told)
    }

    /// A budget, and what is spent of it.
    pub(super) fn budget(&self, budget: &Budget) -> Value {
        let (used, since) = match self.governance.usage(budget.id, self.now) {
            Some(Told::Budget { used, since }) => (used, since),
            _ => (0.into(), budget.created_at),
        };
        json!({
            "id": budget.id,
            "max_limit": dollars(budget.max_limit),
            "reset_duration": budget.reset.to_string(),
            "calendar_aligned": budget.calendar_aligned,
            "current_usage": dollars(used),
            "last_reset": since,
            "created_at": budget.created_at,
        })
    }

    /// A rate limit, and what is used of it.
    pub(super) fn rate_limit(&self, limit: &RateLimit) -> Value {
        let (requests, tokens) = match self.governance.usage(limit.id, self.now) {
            Some(Told::Limit { requests, tokens }) => (requests, tokens),
            _ => (None, None),
        };
        let mut told = Map::new();
        add(&mut told, "id", limit.id.to_string());
        for (name, allowed, used) in
            [("token", &limit.tokens, tokens), ("request", &limit.requests, requests)]
        {
            if let Some(Allowed { max, reset }) = allowed {
                add(&mut told, &format!("{name}_max_limit"), *max);
                add(&mut told, &format!("{name}_reset_duration"), reset.to_string());
            }
            let (used, since) = used.unwrap_or((0, limit.created_at));
            add(&mut told, &format!("{name}_current_usage"), used);
            add(&mut told, &format!("{name}_last_reset"), since.to_string());
        }
        add(&mut told, "created_at", limit.created_at.to_string());
        Value::Object(told)
    }

    fn add_customer(&self, told: &mut Map<String, Value>, id: Option<Uuid>) {
        let Some(id) = id else { return };
        add(told, "customer_id", id.to_string());
        if let Some(customer) = self.book.customers.get(id) {
            add(told, "customer", self.customer(customer));
        }
    }

    fn add_meters(&self, told: &mut Map<String, Value>, budget: Option<Uuid>, limit: Option<Uuid>) {
        if let Some(budget) = budget.and_then(|id| self.book.budgets.get(id)) {
            add(told, "budget_id", budget.id.to_string());
            add(told, "budget", self.budget(budget));
        }
        if let Some(limit) = limit.and_then(|id| self.book.rate_limits.get(id)) {
            add(told, "rate_limit_id", limit.id.to_string());
            add(told, "rate_limit", self.rate_limit(limit));
        }
    }
}

/// A routing rule, which needs no more than itself.
pub(super) fn rule(rule: &Rule) -> Value {
    let mut told = named(rule.id, &rule.name);
    add(&mut told, "description", rule.description.clone());
    add(&mut told, "enabled", rule.enabled);
    add(&mut told, "cel_expression", rule.cel_expression.clone());
    add(&mut told, "targets", rule.targets.iter().map(target).collect::<Vec<_>>());
    add(&mut told, "fallbacks", rule.fallbacks.clone());
    add(&mut told, "scope", rule.scope.name());
    if let Some(id) = &rule.scope_id {
        add(&mut told, "scope_id", id.clone());
    }
    add(&mut told, "priority", rule.priority);
    add_times(&mut told, rule.created_at, rule.updated_at);
    Value::Object(told)
}

fn target(target: &RuleTarget) -> Value {
    let mut told = Map::new();
    let members = [("provider", &target.provider), ("model", &target.model), ("key_id", &target.key_id)];
    for (name, member) in members {
        if let Some(member) = member {
            add(&mut told, name, &**member);
        }
    }
    add(&mut told, "weight", target.weight.written().clone());
    Value::Object(told)
}

fn named(id: Uuid, name: &str) -> Map<String, Value> {
    let mut told = Map::new();
    add(&mut told, "id", id.to_string());
    add(&mut told, "name", name);
    told
}

/// Texts in a list.
pub(super) fn texts(texts: &[Arc<str>]) -> Vec<&str> {
    texts.iter().map(|text| &**text).collect()
}

fn add_times(told: &mut Map<String, Value>, created: Moment, updated: Moment) {
    add(told, "created_at", created.to_string());
    add(told, "updated_at", updated.to_string());
}

fn add(told: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    told.insert(name.to_owned(), value.into());
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use serde_json::Number;

    use super::*;
    use crate::domain::governance::{
        BudgetForm, ChangeError, ConfigForm, CustomerForm, Draft, Invalid, LimitForm, Patch, RuleForm,
        TargetForm, TeamForm, VirtualKeyForm,
    };
    use crate::domain::testing;

    async fn made<T: Send>(world: &World, edit: impl FnOnce(&mut Draft) -> Result<T, Invalid> + Send) -> T {
        world.governance.change(world, |draft| edit(draft).map_err(ChangeError::from)).await.unwrap()
    }

    #[tokio::test]
    async fn a_virtual_key_tells_its_value_its_limits_and_whose_it_is() {
        let tested = testing::world();
        let world = &*tested.world;
        let budget = Patch::Set(BudgetForm {
            max_limit: Decimal::new(1250, 2),
            reset_duration: "1d".to_owned(),
            calendar_aligned: false,
        });
        let form = CustomerForm { name: Some("c".to_owned()), budget, ..CustomerForm::default() };
        let customer = made(world, |draft| draft.create_customer(form)).await;
        let form = TeamForm {
            name: Some("t".to_owned()),
            customer: Patch::Set(customer.id.to_string()),
            ..TeamForm::default()
        };
        let team = made(world, |draft| draft.create_team(form)).await;
        let limit =
            LimitForm { request_max: Some(2), request_reset: Some("1m".to_owned()), ..LimitForm::default() };
        let config = ConfigForm {
            provider: "openai".to_owned(),
            weight: Number::from_f64(0.5),
            allowed_models: vec!["gpt-4o".to_owned()],
            ..ConfigForm::default()
        };
        let form = VirtualKeyForm {
            name: Some("k".to_owned()),
            team: Patch::Set(team.id.to_string()),
            configs: Some(vec![config]),
            rate_limit: Patch::Set(limit),
            ..VirtualKeyForm::default()
        };
        let key = made(world, |draft| draft.create_virtual_key(form)).await;
        let told = Views::of(world).virtual_key(&key);
        assert!(told["value"].as_str().unwrap().starts_with("sk-bf-"), "{told}");
        assert_eq!((&told["is_active"], &told["team_id"]), (&json!(true), &json!(team.id)));
        assert_eq!(told["team"]["customer"]["name"], "c");
        let budget = &told["team"]["customer"]["budget"];
        assert_eq!(
            (budget["max_limit"].to_string(), &budget["current_usage"]),
            ("12.5".to_owned(), &json!(0))
        );
        assert_eq!(budget["reset_duration"], "1d");
        let limit = &told["rate_limit"];
        assert_eq!((&limit["request_max_limit"], &limit["request_current_usage"]), (&json!(2), &json!(0)));
        assert_eq!((limit.get("token_max_limit"), &limit["token_current_usage"]), (None, &json!(0)));
        let config = &told["provider_configs"][0];
        assert_eq!((&config["provider"], &config["weight"]), (&json!("openai"), &json!(0.5)));
        assert_eq!((&config["allowed_models"], &config["key_ids"]), (&json!(["gpt-4o"]), &json!([])));
        assert_eq!((told.get("customer_id"), told.get("budget")), (None, None));
    }

    #[tokio::test]
    async fn a_rule_tells_where_it_sends_calls() {
        let tested = testing::world();
        let world = &*tested.world;
        let target = TargetForm {
            provider: Some("openai".to_owned()),
            model: None,
            key_id: None,
            weight: Number::from(1),
        };
        let form = RuleForm {
            name: Some("r".to_owned()),
            cel_expression: Some("true".to_owned()),
            targets: Some(vec![target]),
            priority: Some(3),
            ..RuleForm::default()
        };
        let made = made(world, |draft| draft.create_rule(form)).await;
        let told = rule(&made);
        assert_eq!(told["targets"], json!([{ "provider": "openai", "weight": 1 }]));
        assert_eq!((&told["scope"], &told["priority"]), (&json!("global"), &json!(3)));
        assert_eq!((&told["enabled"], told.get("scope_id")), (&json!(true), None));
    }
}
