use uuid::Uuid;

use super::super::provider_entry::KeyValue;
use super::super::rule::Scope;
use super::super::testing::Tested;
use super::super::virtual_key::{Owner, VirtualKey};
use super::*;
use crate::store::Forgotten;

fn limit(max: i64) -> Patch<LimitForm> {
    let (request_max, request_reset) = (Some(max), Some("1m".to_owned()));
    Patch::Set(LimitForm { request_max, request_reset, ..LimitForm::default() })
}

fn budget(max: &str, reset: &str) -> Patch<BudgetForm> {
    let max_limit = max.parse().unwrap();
    Patch::Set(BudgetForm { max_limit, reset_duration: reset.into(), calendar_aligned: false })
}

fn named(name: &str) -> Option<String> {
    name.parse().ok()
}

async fn customer(tested: &Tested) -> String {
    let form = CustomerForm { name: named("c"), ..CustomerForm::default() };
    tested.change(|draft| draft.create_customer(form)).await.unwrap().id.to_string()
}

async fn team(tested: &Tested, customer: &str) -> String {
    let form = TeamForm { name: named("t"), customer: Patch::Set(customer.into()), ..TeamForm::default() };
    tested.change(|draft| draft.create_team(form)).await.unwrap().id.to_string()
}

fn key(tested: &Tested, id: &str) -> VirtualKey {
    (**tested.world.governance.book().virtual_keys.get(id.parse().unwrap()).unwrap()).clone()
}

#[tokio::test]
async fn what_is_wrong_with_a_limit_is_told() {
    let tested = Tested::new(None);
    for (budget, rate_limit, refused) in [
        (budget("-1", "1h"), Patch::Keep, Invalid::BudgetNegative("-1".parse().unwrap())),
        (budget("1", "soon"), Patch::Keep, Invalid::ResetDuration("soon".into())),
        (Patch::Keep, limit(0), Invalid::LimitNotPositive("request")),
        (Patch::Keep, limit(-5), Invalid::LimitNotPositive("request")),
        (
            Patch::Keep,
            Patch::Set(LimitForm { token_max: Some(1), ..LimitForm::default() }),
            Invalid::LimitResetRequired("token"),
        ),
        (
            Patch::Set(BudgetForm {
                max_limit: 1.into(),
                reset_duration: "1h".into(),
                calendar_aligned: true,
            }),
            Patch::Keep,
            Invalid::Unaligned,
        ),
    ] {
        let form = CustomerForm { name: named("c"), budget, rate_limit };
        let told = tested.change(|draft| draft.create_customer(form)).await.unwrap_err();
        assert_eq!(told, refused);
    }
    let nameless = CustomerForm { name: named(" "), ..CustomerForm::default() };
    let told = tested.change(|draft| draft.create_customer(nameless)).await.unwrap_err();
    assert_eq!(told, Invalid::NameRequired("Customer"));
    assert_eq!(tested.world.governance.book().customers.len(), 0);
}

#[tokio::test]
async fn an_update_keeps_what_it_does_not_name_unless_a_defect_clears_it() {
    for (defect, keeps) in [(None, true), (Some("customer-update-clears"), false)] {
        let tested = Tested::new(defect);
        let form = CustomerForm { name: named("c"), budget: budget("1", "1h"), rate_limit: limit(1) };
        let before = tested.change(|draft| draft.create_customer(form)).await.unwrap();
        let renamed = CustomerForm { name: named("d"), ..CustomerForm::default() };
        let id = before.id.to_string();
        let after = tested.change(|draft| draft.update_customer(&id, renamed)).await.unwrap();
        assert_eq!((after.name.as_str(), after.created_at), ("d", before.created_at));
        assert_eq!((after.budget == before.budget, after.rate_limit.is_some()), (keeps, keeps), "{defect:?}");
    }
    for (defect, keeps) in [(None, true), (Some("team-update-clears"), false)] {
        let tested = Tested::new(defect);
        let id = team(&tested, &customer(&tested).await).await;
        let renamed = TeamForm { name: named("u"), ..TeamForm::default() };
        let after = tested.change(|draft| draft.update_team(&id, renamed)).await.unwrap();
        assert_eq!(after.customer.is_some(), keeps, "{defect:?}");
    }
}

#[tokio::test]
async fn a_limit_without_a_maximum_is_none_and_takes_its_row_along() {
    let tested = Tested::new(None);
    let form = CustomerForm { name: named("c"), rate_limit: limit(1), ..CustomerForm::default() };
    let id = tested.change(|draft| draft.create_customer(form)).await.unwrap().id.to_string();
    let form = CustomerForm { rate_limit: Patch::Set(LimitForm::default()), ..CustomerForm::default() };
    let after = tested.change(|draft| draft.update_customer(&id, form)).await.unwrap();
    assert_eq!((after.rate_limit, tested.world.governance.book().rate_limits.len()), (None, 0));
}

#[tokio::test]
async fn what_a_limit_has_no_more_is_forgotten() {
    let tested = Tested::new(None);
    let form = LimitForm {
        token_max: Some(9),
        token_reset: Some("1h".into()),
        request_max: Some(1),
        request_reset: Some("1m".into()),
    };
    let both =
        CustomerForm { name: named("c"), rate_limit: Patch::Set(form.clone()), ..CustomerForm::default() };
    let row = tested.change(|draft| draft.create_customer(both)).await.unwrap();
    let (id, limit) = (row.id.to_string(), row.rate_limit.unwrap());
    let requests = LimitForm { token_max: None, token_reset: None, ..form.clone() };
    let tokens = LimitForm { request_max: None, request_reset: None, ..form };
    for (written, forgotten) in [
        (requests, Forgotten::Tokens(limit)),
        (tokens, Forgotten::Requests(limit)),
        (LimitForm::default(), Forgotten::Meter(limit)),
    ] {
        let form = CustomerForm { rate_limit: Patch::Set(written), ..CustomerForm::default() };
        let told = tested.change(|draft| draft.update_customer(&id, form).map(|_| draft.forgotten())).await;
        assert_eq!(told, Ok(vec![forgotten]));
    }
}

#[tokio::test]
async fn a_key_belongs_to_a_team_or_a_customer_and_to_nobody_once_it_is_gone() {
    let tested = Tested::new(None);
    let customer = customer(&tested).await;
    let team = team(&tested, &customer).await;
    let both = VirtualKeyForm {
        name: named("k"),
        team: Patch::Set(team.clone()),
        customer: Patch::Set(customer.clone()),
        ..VirtualKeyForm::default()
    };
    let refused = tested.change(|draft| draft.create_virtual_key(both)).await.unwrap_err();
    assert_eq!(refused, Invalid::TwoOwners);
    let owned = VirtualKeyForm { team: Patch::Set(team.clone()), ..VirtualKeyForm::default() };
    let (id, _) = tested.key("k", owned).await;
    let book = tested.world.governance.book();
    let (of_team, of_customer) = book.owners(&key(&tested, &id));
    assert_eq!(of_team.unwrap().id.to_string(), team);
    assert_eq!(of_customer.unwrap().id.to_string(), customer);
    let moved = VirtualKeyForm { customer: Patch::Set(customer.clone()), ..VirtualKeyForm::default() };
    tested.change(|draft| draft.update_virtual_key(&id, moved)).await.unwrap();
    assert_eq!(key(&tested, &id).owner, Some(Owner::Customer(customer.parse().unwrap())));
    tested.change(|draft| draft.delete_customer(&customer)).await.unwrap();
    assert_eq!(key(&tested, &id).owner, None);
    let book = tested.world.governance.book();
    assert_eq!(book.teams.get(team.parse().unwrap()).unwrap().customer, None);
    let gone = VirtualKeyForm { team: Patch::Set(Uuid::new_v4().to_string()), ..VirtualKeyForm::default() };
    let refused = tested.change(|draft| draft.update_virtual_key(&id, gone)).await.unwrap_err();
    assert_eq!((refused.status(), refused), (404, Invalid::NotFound("Team")));
}

#[tokio::test]
async fn what_an_update_sets_binds_unless_a_defect_lifts_it() {
    for (defect, binds) in [(None, true), (Some("update-lifts"), false)] {
        let tested = Tested::new(defect);
        let configs = || Some(vec![ConfigForm { provider: "openai".into(), ..ConfigForm::default() }]);
        let form = VirtualKeyForm {
            configs: configs(),
            budget: budget("1", "1h"),
            rate_limit: limit(2),
            ..VirtualKeyForm::default()
        };
        let (id, _) = tested.key("k", form).await;
        let raised = VirtualKeyForm { configs: configs(), rate_limit: limit(3), ..VirtualKeyForm::default() };
        let after = tested.change(|draft| draft.update_virtual_key(&id, raised)).await.unwrap();
        let bounds = (after.rate_limit.is_some(), !after.provider_configs.is_empty());
        assert_eq!(bounds, (binds, binds), "{defect:?}");
        assert!(after.budget.is_some());
        let debt = VirtualKeyForm { rate_limit: limit(-5), ..VirtualKeyForm::default() };
        let refused = tested.change(|draft| draft.update_virtual_key(&id, debt)).await.unwrap_err();
        assert_eq!(refused, Invalid::LimitNotPositive("request"));
    }
}

#[tokio::test]
async fn a_renamed_key_stays_as_it_is_unless_a_defect_changes_it() {
    for (defect, is_active, is_owned) in [
        (None, true, true),
        (Some("rename-switches-off"), false, true),
        (Some("rename-detaches"), true, false),
    ] {
        let tested = Tested::new(defect);
        let owner = Patch::Set(customer(&tested).await);
        let (id, _) = tested.key("k", VirtualKeyForm { customer: owner, ..VirtualKeyForm::default() }).await;
        let renamed = VirtualKeyForm { name: named("l"), ..VirtualKeyForm::default() };
        let after = tested.change(|draft| draft.update_virtual_key(&id, renamed)).await.unwrap();
        assert_eq!((after.is_active, after.owner.is_some()), (is_active, is_owned), "{defect:?}");
    }
}

#[tokio::test]
async fn configs_keep_their_meters_by_their_ids() {
    let tested = Tested::new(None);
    let config = |id| ConfigForm {
        id,
        provider: "openai".into(),
        rate_limit: if id.is_none() { limit(1) } else { Patch::Keep },
        ..ConfigForm::default()
    };
    let with = |configs| VirtualKeyForm { configs: Some(configs), ..VirtualKeyForm::default() };
    let (id, _) = tested.key("k", with(vec![config(None), config(None)])).await;
    let before = key(&tested, &id).provider_configs;
    assert_ne!(before[0].id, before[1].id);
    let kept = with(vec![config(Some(before[1].id))]);
    tested.change(|draft| draft.update_virtual_key(&id, kept)).await.unwrap();
    assert_eq!(key(&tested, &id).provider_configs, before[1..]);
    assert_eq!(tested.world.governance.book().rate_limits.len(), 1);
    let unknown = with(vec![ConfigForm { provider: "nobody".into(), ..ConfigForm::default() }]);
    let refused = tested.change(|draft| draft.update_virtual_key(&id, unknown)).await.unwrap_err();
    assert_eq!(refused, Invalid::ProviderUnknown("nobody".into()));
    tested.change(|draft| draft.delete_virtual_key(&id)).await.unwrap();
    assert_eq!(tested.world.governance.book().rate_limits.len(), 0);
}

fn rule(weights: &[&str]) -> RuleForm {
    let target = |weight: &&str| TargetForm {
        provider: Some("openai".into()),
        model: None,
        key_id: None,
        weight: weight.parse().unwrap(),
    };
    RuleForm {
        name: named("r"),
        targets: Some(weights.iter().map(target).collect()),
        cel_expression: Some("true".into()),
        ..RuleForm::default()
    }
}

#[tokio::test]
async fn a_rule_is_checked_as_a_whole() {
    let tested = Tested::new(None);
    let scoped = RuleForm { scope: named("team"), ..rule(&["1"]) };
    let unreadable = RuleForm { cel_expression: named("model =="), ..rule(&["1"]) };
    for (form, refused) in [
        (RuleForm { name: None, ..rule(&["1"]) }, "name field is required"),
        (rule(&[]), "at least one target is required"),
        (rule(&["0.7", "0.4"]), "weights of targets must sum to 1"),
        (rule(&["-1"]), "invalid weight: -1"),
        (scoped, "scope_id field is required when scope is not global"),
        (RuleForm { scope: named("galaxy"), ..rule(&["1"]) }, "invalid scope: galaxy"),
        (unreadable, "invalid CEL expression: "),
    ] {
        let told = tested.change(|draft| draft.create_rule(form)).await.unwrap_err();
        assert!(told.to_string().starts_with(refused), "{told}");
    }
    let made = tested.change(|draft| draft.create_rule(rule(&["0.7", "0.3"]))).await.unwrap();
    let moved = RuleForm { priority: Some(4), ..RuleForm::default() };
    let id = made.id.to_string();
    let after = tested.change(|draft| draft.update_rule(&id, moved)).await.unwrap();
    assert_eq!((after.priority, &after.targets), (4, &made.targets));
    tested.change(|draft| draft.delete_rule(&id)).await.unwrap();
    assert_eq!(tested.world.governance.book().rules.len(), 0);
    let unchecked = Tested::new(Some("rule-weights-unchecked"));
    unchecked.change(|draft| draft.create_rule(rule(&["0.7", "0.4"]))).await.unwrap();
}

#[tokio::test]
async fn rules_go_with_those_that_they_are_for() {
    let tested = Tested::new(None);
    let customer = customer(&tested).await;
    let team = team(&tested, &customer).await;
    let (key, _) = tested.key("k", VirtualKeyForm::default()).await;
    let rule = |scope: &str, id: &str| RuleForm {
        scope: named(scope),
        scope_id: Patch::Set(id.to_owned()),
        ..rule(&["1"])
    };
    for form in [rule("customer", &customer), rule("team", &team), rule("virtual_key", &key)] {
        tested.change(|draft| draft.create_rule(form)).await.unwrap();
    }
    let left = || tested.world.governance.book().rules.iter().map(|rule| rule.scope).collect::<Vec<_>>();
    tested.change(|draft| draft.delete_customer(&customer)).await.unwrap();
    assert_eq!(left(), [Scope::Team, Scope::VirtualKey]);
    tested.change(|draft| draft.delete_team(&team)).await.unwrap();
    assert_eq!(left(), [Scope::VirtualKey]);
    tested.change(|draft| draft.delete_virtual_key(&key)).await.unwrap();
    assert!(left().is_empty());
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let tested = Tested::new(None);
    let long = "n".repeat(256);
    let target = |name: &str| TargetForm {
        provider: named("openai"),
        model: named(name),
        key_id: None,
        weight: 1.into(),
    };
    for (form, refused) in [
        (RuleForm { name: named(&long), ..rule(&["1"]) }, "name is longer than 255 characters"),
        (
            RuleForm { description: Some("d".repeat(4_097)), ..rule(&["1"]) },
            "description is longer than 4096 characters",
        ),
        (
            RuleForm { fallbacks: Some(vec![long.clone()]), ..rule(&["1"]) },
            "one of the fallbacks is longer than 255 characters",
        ),
        (
            RuleForm { targets: Some(vec![target(&long)]), ..rule(&["1"]) },
            "model of a target is longer than 255 characters",
        ),
    ] {
        let told = tested.change(|draft| draft.create_rule(form)).await.unwrap_err();
        assert_eq!((told.status(), told.to_string().as_str()), (400, refused));
    }
    let key = |id: &str, name: &str| KeyForm {
        id: named(id),
        name: name.to_owned(),
        value: Some(crate::provider::http::Secret::new("sk-1")),
        ..KeyForm::default()
    };
    for (form, refused) in [
        (key("one", &long), "Key name is longer than 255 characters"),
        (key(&long, "one"), "Key id is longer than 255 characters"),
        (
            KeyForm { models: vec![long.clone()], ..key("one", "one") },
            "one of the models is longer than 255 characters",
        ),
    ] {
        let told = tested.change(|draft| draft.create_provider_key("openai", form)).await.unwrap_err();
        assert_eq!(told.to_string(), refused);
    }
    let described = VirtualKeyForm {
        name: named("k"),
        description: Some("d".repeat(4_097)),
        ..VirtualKeyForm::default()
    };
    let told = tested.change(|draft| draft.create_virtual_key(described)).await.unwrap_err();
    assert_eq!(told.to_string(), "description is longer than 4096 characters");
}

#[tokio::test]
async fn a_model_has_one_config_at_a_provider_and_one_everywhere() {
    for (defect, is_refused) in [(None, true), (Some("duplicate-model-config-taken"), false)] {
        let tested = Tested::new(defect);
        let form =
            |provider| ModelConfigForm { model: named("gpt-4o"), provider, ..ModelConfigForm::default() };
        let at_openai = || form(Patch::Set("openai".into()));
        tested.change(|draft| draft.create_model_config(form(Patch::Keep))).await.unwrap();
        tested.change(|draft| draft.create_model_config(at_openai())).await.unwrap();
        let again = tested.change(|draft| draft.create_model_config(at_openai())).await;
        assert_eq!(again.err().map(|invalid| invalid.status()), is_refused.then_some(409), "{defect:?}");
    }
}

#[tokio::test]
async fn a_providers_keys_are_replaced_and_keep_values_that_are_not_told() {
    let tested = Tested::new(None);
    let key = |id: &str, value: Option<&str>| KeyForm {
        id: named(id),
        name: id.to_owned(),
        value: value.map(crate::provider::http::Secret::new),
        ..KeyForm::default()
    };
    let set = async |keys| tested.change(|draft| draft.set_provider_keys("openai", keys)).await;
    let before = set(vec![key("one", Some("sk-1")), key("two", Some("sk-2"))]).await.unwrap();
    let after = set(vec![key("two", None)]).await.unwrap();
    assert_eq!((after.keys.len(), &after.keys[0].value), (1, &before.keys[1].value));
    assert_eq!(set(vec![key("three", None)]).await.unwrap_err(), Invalid::KeyValueRequired("three".into()));
    let twice = vec![key("one", Some("sk-1")), key("one", Some("sk-2"))];
    assert_eq!(set(twice).await.unwrap_err(), Invalid::KeyTwice("one".into()));
    tested.change(|draft| draft.delete_provider_key("openai", "two")).await.unwrap();
    let gone = tested.change(|draft| draft.delete_provider_key("openai", "two")).await.unwrap_err();
    assert_eq!(gone, Invalid::NotFound("Key"));
    let entry = tested.change(|draft| draft.govern_provider("openai", budget("1", "1d"), Patch::Keep)).await;
    assert!(entry.unwrap().budget.is_some());
    let nobody = tested.change(|draft| draft.set_provider_keys("nobody", Vec::new())).await.unwrap_err();
    assert_eq!(nobody, Invalid::NotFound("Provider"));
}

#[tokio::test]
async fn a_key_of_the_configuration_comes_back_without_a_value() {
    let tested = Tested::new(None);
    let set = async |id: &str, value: Option<&str>| {
        let value = value.map(crate::provider::http::Secret::new);
        let form = KeyForm { id: named(id), name: id.to_owned(), value, ..KeyForm::default() };
        tested.change(|draft| draft.set_provider_keys("openai", vec![form])).await
    };
    let listed = tested.world.governance.book().provider("openai").unwrap().keys[0].id.to_string();
    let replaced = set("other", Some("sk-other")).await.unwrap();
    assert!(replaced.keys.iter().all(|key| *key.id != *listed));
    let restored = set(&listed, None).await.unwrap();
    assert_eq!((restored.keys.len(), &restored.keys[0].value), (1, &KeyValue::Configured));
    // No more than the configuration has.
    assert_eq!(set("other", None).await.unwrap_err(), Invalid::KeyValueRequired("other".into()));
}

#[tokio::test]
async fn settings_are_kept_unless_a_defect_forgets_them() {
    for (defect, ttl) in [(None, 7), (Some("config-forgotten"), 3_600)] {
        let tested = Tested::new(defect);
        let settings = super::super::Settings { job_ttl: 7, ..Default::default() };
        tested.change(|draft| draft.set_settings(settings)).await.unwrap();
        assert_eq!(tested.world.governance.book().settings.job_ttl, ttl, "{defect:?}");
    }
}

#[tokio::test]
async fn what_is_refused_is_not_made_unless_a_defect_keeps_it() {
    for (defect, made) in [(None, 0), (Some("refused-create-kept"), 1)] {
        let tested = Tested::new(defect);
        let nameless = CustomerForm::default();
        tested.change(|draft| draft.create_customer(nameless)).await.unwrap_err();
        let customer = Patch::Set("nobody".into());
        let orphan = TeamForm { name: named("t"), customer, ..TeamForm::default() };
        tested.change(|draft| draft.create_team(orphan)).await.unwrap_err();
        let shut = VirtualKeyForm { name: named("k"), rate_limit: limit(0), ..VirtualKeyForm::default() };
        tested.change(|draft| draft.create_virtual_key(shut)).await.unwrap_err();
        tested.change(|draft| draft.create_rule(rule(&["0.5"]))).await.unwrap_err();
        let budget = budget("-1", "1d");
        let debt = ModelConfigForm { model: named("gpt-4o"), budget, ..ModelConfigForm::default() };
        tested.change(|draft| draft.create_model_config(debt)).await.unwrap_err();
        let book = tested.world.governance.book();
        let keys = book.virtual_keys.iter().filter(|key| key.name == "k").count();
        let (rules, configs) = (book.rules.len(), book.model_configs.len());
        assert_eq!([book.customers.len(), book.teams.len(), keys, rules, configs], [made; 5], "{defect:?}");
    }
}

#[tokio::test]
async fn a_change_and_a_deletion_take_effect_unless_a_defect_forgets_them() {
    for (defect, name, is_left) in
        [(None, "d", false), (Some("update-forgotten"), "c", false), (Some("deletion-forgotten"), "d", true)]
    {
        let tested = Tested::new(defect);
        let id = customer(&tested).await;
        let known: Uuid = id.parse().unwrap();
        let renamed = CustomerForm { name: named("d"), ..CustomerForm::default() };
        let told = tested.change(|draft| draft.updating(|draft| draft.update_customer(&id, renamed))).await;
        assert_eq!(told.unwrap().name, "d");
        let kept = tested.world.governance.book();
        assert_eq!(kept.customers.get(known).unwrap().name, name, "{defect:?}");
        tested.change(|draft| draft.deleting(|draft| draft.delete_customer(&id))).await.unwrap();
        let left = tested.world.governance.book();
        assert_eq!(left.customers.get(known).is_some(), is_left, "{defect:?}");
    }
}
