use uuid::Uuid;

use super::testing::Tested;
use super::{
    Blocked, BudgetForm, ConfigForm, Governed, KeyForm, LimitForm, ModelConfigForm, Patch, RequestType,
    RuleForm, TargetForm, TeamForm, Told, VirtualKeyForm,
};

fn config(provider: &str, models: &[&str]) -> ConfigForm {
    let allowed_models = models.iter().map(|model| (*model).to_owned()).collect();
    ConfigForm { provider: provider.into(), allowed_models, ..ConfigForm::default() }
}

fn with(configs: Vec<ConfigForm>) -> VirtualKeyForm {
    VirtualKeyForm { configs: Some(configs), ..VirtualKeyForm::default() }
}

fn requests(max: i64) -> Patch<LimitForm> {
    let (request_max, request_reset) = (Some(max), Some("1m".to_owned()));
    Patch::Set(LimitForm { request_max, request_reset, ..LimitForm::default() })
}

fn dollars(max: &str) -> Patch<BudgetForm> {
    let max_limit = max.parse().unwrap();
    Patch::Set(BudgetForm { max_limit, reset_duration: "1h".into(), calendar_aligned: false })
}

/// The legs of a call, or the type of what keeps it out.
fn told(entered: &Result<Governed, Blocked>) -> String {
    match entered {
        Err(blocked) => blocked.kind().unwrap_or("unknown").to_owned(),
        Ok(governed) => {
            let legs = 1 + usize::from(governed.routed().has_fallbacks());
            (0..legs).map(|leg| governed.billed_name(leg).to_string()).collect::<Vec<_>>().join(" ")
        }
    }
}

#[tokio::test]
async fn a_key_may_do_what_its_configs_say() {
    for (defect, asked, expected) in [
        (None, "gpt-4o", "openai/gpt-4o"),
        (None, "openai/gpt-4o", "openai/gpt-4o"),
        (None, "openai/gpt-4o-mini", "model_blocked"),
        (None, "nonexistent-model", "model_blocked"),
        (None, "anthropic/claude-3-5-sonnet-20241022", "provider_blocked"),
        (Some("allow-list-ignored"), "openai/gpt-4o-mini", "openai/gpt-4o-mini"),
        (
            Some("provider-list-ignored"),
            "anthropic/claude-3-5-sonnet-20241022",
            "anthropic/claude-3-5-sonnet-20241022",
        ),
        (Some("prefixed-name-blocked"), "openai/gpt-4o", "model_blocked"),
        (Some("unprefixed-refused"), "gpt-4o", "unknown"),
    ] {
        let tested = Tested::new(defect);
        let (_, value) = tested.key("mine", with(vec![config("openai", &["gpt-4o"])])).await;
        let entered = tested.enter(&[("x-bf-vk", &value)], asked);
        assert_eq!(told(&entered), expected, "{defect:?} {asked}");
    }
}

#[test]
fn who_needs_no_key_may_do_everything_that_there_is() {
    let tested = Tested::new(None);
    for (asked, expected) in [
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("openai/no-such-model", "openai/no-such-model"),
        ("gpt-4o", "openai/gpt-4o"),
        ("no-such-model", "unknown"),
    ] {
        assert_eq!(told(&tested.enter(&[], asked)), expected, "{asked}");
    }
}

#[tokio::test]
async fn a_limit_counts_and_refuses_unless_a_defect_does_neither() {
    for (defect, expected) in
        [(None, "++--"), (Some("window-limit-ignored"), "++++"), (Some("window-limit-one-less"), "+---")]
    {
        let tested = Tested::new(defect);
        let limited = VirtualKeyForm { rate_limit: requests(2), ..VirtualKeyForm::default() };
        let (_, value) = tested.key("mine", limited).await;
        let entered = |_| tested.enter(&[("x-bf-vk", &value)], "openai/gpt-4o").is_ok();
        let seen: String = (0..4).map(entered).map(|is_in| if is_in { '+' } else { '-' }).collect();
        assert_eq!(seen, expected, "{defect:?}");
    }
}

#[tokio::test]
async fn another_key_is_concerned_by_a_defect_only() {
    for (defect, expected) in [(None, true), (Some("virtual-key-limits-shared"), false)] {
        let tested = Tested::new(defect);
        let limited = VirtualKeyForm { rate_limit: requests(1), ..VirtualKeyForm::default() };
        let (_, used_up) = tested.key("one", limited).await;
        let (_, other) = tested.key("two", VirtualKeyForm::default()).await;
        tested.enter(&[("x-bf-vk", &used_up)], "openai/gpt-4o").unwrap();
        let entered = tested.enter(&[("x-bf-vk", &other)], "openai/gpt-4o");
        assert_eq!(entered.is_ok(), expected, "{defect:?}");
    }
}

#[tokio::test]
async fn limits_and_budgets_of_a_team_bind_its_keys() {
    for (defect, limit, budget, expected) in [
        (None, requests(1), Patch::Keep, "request_limited"),
        (Some("owner-limits-ignored"), requests(1), Patch::Keep, "openai/gpt-4o"),
        (Some("owner-meters-copied"), requests(1), Patch::Keep, "openai/gpt-4o"),
        (None, Patch::Keep, dollars("0"), "budget_exceeded"),
        (Some("owner-budgets-ignored"), Patch::Keep, dollars("0"), "openai/gpt-4o"),
        (Some("virtual-budget-ignored"), Patch::Keep, dollars("0"), "openai/gpt-4o"),
    ] {
        let tested = Tested::new(defect);
        let form = TeamForm { name: Some("t".into()), budget, rate_limit: limit, ..TeamForm::default() };
        let team = tested.change(|draft| draft.create_team(form)).await.unwrap();
        let owned = || VirtualKeyForm { team: Patch::Set(team.id.to_string()), ..VirtualKeyForm::default() };
        let (_, one) = tested.key("one", owned()).await;
        let (_, two) = tested.key("two", owned()).await;
        drop(tested.enter(&[("x-bf-vk", &one)], "openai/gpt-4o"));
        let entered = tested.enter(&[("x-bf-vk", &two)], "openai/gpt-4o");
        assert_eq!(told(&entered), expected, "{defect:?}");
    }
}

#[tokio::test]
async fn limits_of_a_provider_of_a_key_and_of_a_model_bind_calls_to_it_alone() {
    let elsewhere = "anthropic/claude-3-5-sonnet-20241022";
    for (defect, expected) in [
        (None, "request_limited"),
        (Some("config-meters-ignored"), "openai/gpt-4o"),
        (Some("model-configs-ignored"), "request_limited"),
    ] {
        let tested = Tested::new(defect);
        let limited = ConfigForm { rate_limit: requests(1), ..config("openai", &[]) };
        let (_, value) = tested.key("mine", with(vec![limited, config("anthropic", &[])])).await;
        drop(tested.enter(&[("x-bf-vk", &value)], "openai/gpt-4o"));
        assert_eq!(told(&tested.enter(&[("x-bf-vk", &value)], "openai/gpt-4o")), expected, "{defect:?}");
        assert_eq!(told(&tested.enter(&[("x-bf-vk", &value)], elsewhere)), elsewhere, "{defect:?}");
    }
    for (defect, expected) in [
        (None, "request_limited"),
        (Some("config-meters-ignored"), "request_limited"),
        (Some("model-configs-ignored"), "openai/gpt-4o"),
    ] {
        let tested = Tested::new(defect);
        let form = ModelConfigForm {
            model: Some("gpt-4o".into()),
            provider: Patch::Set("openai".into()),
            rate_limit: requests(1),
            ..ModelConfigForm::default()
        };
        tested.change(|draft| draft.create_model_config(form)).await.unwrap();
        drop(tested.enter(&[], "openai/gpt-4o"));
        assert_eq!(told(&tested.enter(&[], "openai/gpt-4o")), expected, "{defect:?}");
        assert_eq!(told(&tested.enter(&[], "openai/gpt-4o-mini")), "openai/gpt-4o-mini", "{defect:?}");
    }
}

#[tokio::test]
async fn fallbacks_that_the_key_may_not_use_are_left_out() {
    let fallback = "anthropic/claude-3-5-sonnet-20241022";
    for (defect, expected) in [(None, false), (Some("blocked-fallback-asked"), true)] {
        let tested = Tested::new(defect);
        let (_, value) = tested.key("mine", with(vec![config("openai", &[])])).await;
        let entered = tested.enter_with(&[("x-bf-vk", &value)], "openai/gpt-4o", &[fallback]);
        assert_eq!(entered.unwrap().routed().has_fallbacks(), expected, "{defect:?}");
    }
    let tested = Tested::new(None);
    let governed = tested.enter_with(&[], "openai/nothing", &[fallback, "nobody/nothing"]).unwrap();
    assert_eq!((&*governed.billed_name(0), &*governed.billed_name(1)), ("openai/nothing", fallback));
    assert_eq!(governed.requested(), ("openai", "nothing"));
}

#[tokio::test]
async fn the_last_call_of_a_window_has_its_fallbacks_too() {
    let tested = Tested::new(None);
    let limited = VirtualKeyForm { rate_limit: requests(1), ..VirtualKeyForm::default() };
    let (_, value) = tested.key("mine", limited).await;
    let sent = [("x-bf-vk", value.as_str())];
    let entered = tested.enter_with(&sent, "openai/gpt-4o", &["openai/gpt-4o-mini"]);
    assert!(entered.unwrap().routed().has_fallbacks());
}

/// How many requests are counted on the limit that a virtual key has at its second provider.
fn counted(tested: &Tested, id: &str) -> u64 {
    let (book, now) = (tested.world.governance.book(), tested.world.clock.now());
    let limit = book.virtual_keys.get(id.parse().unwrap()).unwrap().provider_configs[1].rate_limit.unwrap();
    let Some(Told::Limit { requests: Some((used, _)), .. }) = tested.world.governance.usage(limit, now)
    else {
        panic!()
    };
    used
}

#[tokio::test]
async fn a_fallback_counts_when_it_is_its_turn_and_is_passed_over_where_nothing_is_left() {
    for (defect, admitted, used) in [
        (None, [true, false], [1, 1]),
        (Some("blocked-fallback-asked"), [true, true], [2, 2]),
        (Some("limit-races"), [true, true], [0, 2]),
    ] {
        let tested = Tested::new(defect);
        let limited = ConfigForm { rate_limit: requests(1), ..config("anthropic", &[]) };
        let (id, value) = tested.key("mine", with(vec![config("openai", &[]), limited])).await;
        let enter = || {
            let fallbacks = ["anthropic/claude-3-5-sonnet-20241022"; 2];
            tested.enter_with(&[("x-bf-vk", &value)], "openai/gpt-4o", &fallbacks).unwrap()
        };
        // Both are let in while there is one left.
        let calls = [enter(), enter()];
        assert_eq!(calls.each_ref().map(|call| call.admit(0) && call.admit(1)), admitted, "{defect:?}");
        // A call counts once, however many of its legs are asked.
        assert_eq!(calls.each_ref().map(|call| call.admit(2)), admitted, "{defect:?}");
        assert_eq!(counted(&tested, &id), used[0], "{defect:?}");
        drop(calls);
        assert_eq!(counted(&tested, &id), used[1], "{defect:?}");
    }
}

fn rule(expression: &str, model: &str, priority: i64) -> RuleForm {
    let weight = 1.into();
    let target = TargetForm { provider: None, model: Some(model.into()), key_id: None, weight };
    RuleForm {
        name: Some("r".into()),
        cel_expression: Some(expression.into()),
        targets: Some(vec![target]),
        priority: Some(priority),
        ..RuleForm::default()
    }
}

#[tokio::test]
async fn the_first_rule_that_holds_chooses_the_target() {
    for (defect, expected) in [
        (None, "openai/gpt-4o-mini"),
        (Some("rules-ignored"), "openai/gpt-4o"),
        (Some("rule-priority-reversed"), "openai/late"),
        (Some("rule-scope-ignored"), "openai/theirs"),
    ] {
        let tested = Tested::new(defect);
        let other = RuleForm {
            scope: Some("virtual_key".into()),
            scope_id: Patch::Set(Uuid::new_v4().to_string()),
            ..rule("", "theirs", 0)
        };
        let never = rule("model == 'another'", "never", -1);
        for form in [rule("", "late", 2), rule("model == 'gpt-4o'", "gpt-4o-mini", 1), never, other] {
            tested.change(|draft| draft.create_rule(form)).await.unwrap();
        }
        let entered = tested.enter(&[], "openai/gpt-4o");
        assert_eq!(told(&entered), expected, "{defect:?}");
        assert_eq!(entered.unwrap().requested().1, "gpt-4o");
    }
}

#[tokio::test]
async fn who_is_kept_out_or_asks_nobody_takes_no_seat() {
    let tested = Tested::new(None);
    let limited = |max| VirtualKeyForm { rate_limit: requests(max), ..VirtualKeyForm::default() };
    let (id, value) = tested.key("mine", limited(1)).await;
    let enter = |session: &str| {
        let entered = tested.enter(&[("x-bf-vk", &value), ("x-bf-session-id", session)], "openai/gpt-4o");
        entered.map(|call| call.primary().key.id.clone())
    };
    let only = async |chosen: &str| {
        let secret = crate::provider::http::Secret::new("sk-upstream");
        let key = |name: &str| KeyForm {
            id: Some(name.into()),
            name: name.into(),
            value: Some(secret.clone()),
            weight: Some(u32::from(name == chosen).into()),
            ..KeyForm::default()
        };
        let keys = vec![key("one"), key("two")];
        tested.change(|draft| draft.set_provider_keys("openai", keys)).await.unwrap();
    };
    only("two").await;
    let counted = [("x-bf-vk", &*value), ("x-bf-session-id", "first")];
    drop(tested.enter_as(RequestType::TokenCount, &counted, "openai/gpt-4o", &[]).unwrap());
    only("one").await;
    assert_eq!(enter("first").as_deref(), Ok("one"));
    assert!(enter("second").is_err());
    only("two").await;
    tested.change(|draft| draft.update_virtual_key(&id, limited(9))).await.unwrap();
    assert_eq!(enter("first").as_deref(), Ok("one"));
    assert_eq!(enter("second").as_deref(), Ok("two"));
}

#[tokio::test]
async fn keys_are_named_or_stay_with_their_session() {
    let tested = Tested::new(None);
    let key = |name: &str, weight: u32| KeyForm {
        id: Some(name.into()),
        name: name.into(),
        value: Some(crate::provider::http::Secret::new("sk-upstream")),
        weight: Some(weight.into()),
        ..KeyForm::default()
    };
    let weighed = async |one, two| {
        let keys = vec![key("one", one), key("two", two)];
        tested.change(|draft| draft.set_provider_keys("openai", keys)).await.unwrap();
    };
    let asked =
        |sent: &[(&str, &str)]| tested.enter(sent, "openai/gpt-4o").map(|call| call.primary().key.id.clone());
    weighed(1, 0).await;
    let session = [("x-bf-session-id", "mine")];
    assert_eq!(asked(&session).as_deref(), Ok("one"));
    weighed(0, 1).await;
    assert_eq!(asked(&session).as_deref(), Ok("one"));
    assert_eq!(asked(&[("x-bf-session-id", "other")]).as_deref(), Ok("two"));
    assert_eq!(asked(&[]).as_deref(), Ok("two"));
    assert_eq!(asked(&[("x-bf-api-key-id", "one")]).as_deref(), Ok("one"));
    assert_eq!(asked(&[("x-bf-api-key-id", "three")]), Err(Blocked::KeyIdUnknown("three".into())));
}
