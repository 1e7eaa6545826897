use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::mistake::ConfigMistake;
use super::provider::{BedrockAccess, ProviderSettings};
use super::read::{Config, config_schema, world_plan};
use crate::domain::catalog::{Capability, Catalog};
use crate::domain::routing::testing::{Script, network};
use crate::domain::routing::{Backend, BreakerPolicy, Network, Plan, Policy, Retries, RoutePlan, Sticky};
use crate::provider::{Mock, Provider};

/// Everything that can be written.
const WHOLE: &str = r#"
providers:
  openai: { kind: openai, key: { env: OPENAI_API_KEY }, timeouts: { first_byte: 3s } }
  elsewhere: { kind: openai, url: "http://127.0.0.1:9090/openai/v1", key: { env: OPENAI_API_KEY } }
  claude: { kind: anthropic, key: { env: ANTHROPIC_API_KEY } }
  gemini: { kind: gemini, key: { env: GEMINI_API_KEY } }
  vertex:
    kind: vertex
    project: p
    location: us-central1
    service_account: { env: GOOGLE_SERVICE_ACCOUNT }
  east:
    kind: bedrock
    region: us-east-1
    credentials:
      access_key_id: { env: AWS_ACCESS_KEY_ID }
      secret_access_key: { env: AWS_SECRET_ACCESS_KEY }
      session_token: { env: AWS_SESSION_TOKEN }
  west: { kind: bedrock, region: us-west-2, key: { env: AWS_BEARER_TOKEN_BEDROCK } }
  local: { kind: mock }
models:
  gpt-4.1-mini:
    routes:
      - { provider: openai, model: gpt-4.1-mini-2025-04-14, weight: 3 }
      - { provider: local }
    fallbacks: [{ provider: claude, model: claude-sonnet-4-5 }]
    retries: { attempts: 3, most: 2s }
    timeout: 10s
    deadline: 20s
    breaker: { failures: 2 }
    sticky: { header: X-Session-Id, ttl: 1h }
  claude_3_haiku:
    routes: [{ provider: east }]
defaults:
  retries: { attempts: 2, backoff: 100ms }
  timeout: 1m
  breaker: { failures: 7, cooldown: 9s }
seed: 42
"#;

/// Every variable is set, to its own name.
#[expect(clippy::unnecessary_wraps, reason = "an environment may lack a variable")]
fn set(name: &str) -> Option<String> {
    let is_json = name == "GOOGLE_SERVICE_ACCOUNT";
    Some(if is_json { "{ \"client_email\": \"a@b\" }".to_owned() } else { name.to_lowercase() })
}

fn read(text: &str) -> Result<Config, Vec<ConfigMistake>> {
    Config::read(text, &set)
}

/// The only mistake in a text.
fn mistake(text: &str) -> ConfigMistake {
    let mut mistakes = read(text).unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    mistakes.remove(0)
}

#[test]
fn everything_that_is_written_is_taken_over() {
    let config = read(WHOLE).unwrap();
    let url = |name: &str| match &config.providers[name] {
        ProviderSettings::Mock => String::new(),
        ProviderSettings::OpenAi { endpoint, .. }
        | ProviderSettings::Anthropic { endpoint, .. }
        | ProviderSettings::Gemini { endpoint, .. }
        | ProviderSettings::Vertex { endpoint, .. }
        | ProviderSettings::Bedrock { endpoint, .. } => endpoint.url.to_string(),
    };
    assert_eq!(url("openai"), "https://api.openai.com/v1");
    assert_eq!(url("elsewhere"), "http://127.0.0.1:9090/openai/v1");
    assert_eq!(url("claude"), "https://api.anthropic.com/");
    assert_eq!(url("vertex"), "https://us-central1-aiplatform.googleapis.com/");
    assert_eq!(url("east"), "https://bedrock-runtime.us-east-1.amazonaws.com/");
    let ProviderSettings::OpenAi { endpoint, keys } = &config.providers["openai"] else { panic!() };
    assert_eq!(endpoint.timeouts.first_byte, Duration::from_secs(3));
    assert_eq!((keys.first.reveal(), keys.named.len()), ("openai_api_key", 0));
    let ProviderSettings::Bedrock { access, .. } = &config.providers["east"] else { panic!() };
    assert!(matches!(access, BedrockAccess::Signature { session_token: Some(_), .. }), "{access:?}");
    let ProviderSettings::Bedrock { access, .. } = &config.providers["west"] else { panic!() };
    assert!(matches!(access, BedrockAccess::Bearer(_)), "{access:?}");
    assert_eq!(config.seed, 42);
    assert!(!format!("{config:?}").contains("openai_api_key"));
}

#[test]
fn a_provider_has_one_key_or_several_with_names() {
    let config = read(
        "providers:\n  p:\n    kind: openai\n    keys:\n      - { name: one, key: { env: A }, weight: 0.7, models: [m] }\n      \
         - { name: two, key: { env: B } }\n",
    );
    let ProviderSettings::OpenAi { keys, .. } = &config.unwrap().providers["p"] else { panic!() };
    assert_eq!(keys.first.reveal(), "a");
    let named = keys.named.iter().map(|key| (&*key.name, key.key.reveal(), key.weight.millionths()));
    assert_eq!(named.collect::<Vec<_>>(), [("one", "a", 700_000), ("two", "b", 1_000_000)]);
    assert_eq!(keys.named[0].models, ["m"]);
    for (written, told) in [
        ("key: { env: A }, keys: [{ name: one, key: { env: A } }]", "either a `key` or `keys`"),
        ("keys: []", "there are 0 keys"),
        ("keys: [{ name: one, key: { env: A } }, { name: one, key: { env: B } }]", "a key `one` already"),
        ("keys: [{ name: one, key: { env: A }, weight: 1001 }]", "1001 is out of bounds"),
        ("keys: [{ name: one, key: { env: A }, weight: -1 }]", "-1 is out of bounds"),
        ("keys: [{ name: one two, key: { env: A } }]", "\"one two\" is no name"),
    ] {
        let mistake = mistake(&format!("providers:\n  p: {{ kind: openai, {written} }}\n"));
        assert!(mistake.message.contains(told), "{written}: {}", mistake.message);
    }
    let mistake = mistake("providers:\n  p: { kind: mock, keys: [{ name: one, key: { env: A } }] }\n");
    assert!(mistake.message.contains("the kind `mock` has no `keys`"), "{}", mistake.message);
}

#[test]
fn a_model_has_what_it_says_and_the_defaults_for_the_rest() {
    let config = read(WHOLE).unwrap();
    let seconds = Duration::from_secs;
    let mini = &config.plan["gpt-4.1-mini"];
    let route = |provider: &str, model: Option<&str>, weight: u32| RoutePlan {
        provider: provider.into(),
        model: model.map(Arc::from),
        weight,
    };
    assert_eq!(mini.routes, [route("openai", Some("gpt-4.1-mini-2025-04-14"), 3), route("local", None, 1)]);
    assert_eq!(mini.fallbacks, [route("claude", Some("claude-sonnet-4-5"), 1)]);
    let expected = Policy {
        retries: Retries { attempts: 3, backoff: Duration::from_millis(100), most: seconds(2) },
        timeout: seconds(10),
        deadline: seconds(20),
        breaker: Some(BreakerPolicy { failures: 2, cooldown: seconds(9) }),
        sticky: Some(Sticky { header: "x-session-id".into(), ttl: seconds(3_600) }),
        ..Policy::default()
    };
    assert_eq!(mini.policy, expected);
    let expected = Policy {
        retries: Retries { attempts: 2, backoff: Duration::from_millis(100), most: seconds(5) },
        timeout: seconds(60),
        breaker: Some(BreakerPolicy { failures: 7, cooldown: seconds(9) }),
        ..Policy::default()
    };
    assert_eq!((&config.plan["claude_3_haiku"].policy, &config.defaults), (&expected, &expected));
}

#[test]
fn nothing_written_is_nothing_configured() {
    for text in ["{}", "models: {}\n", "# nothing\nseed: 0\n"] {
        let config = read(text).unwrap();
        assert!(config.providers.is_empty() && config.plan.is_empty(), "{text}");
        assert_eq!(config.defaults, Policy::default());
    }
}

#[test]
fn a_mistake_has_its_line_and_says_how_to_mend_it() {
    let provider = |entry: &str| format!("providers:\n  p: {entry}\n");
    let model = |entry: &str| {
        format!(
            "providers:\n  p: {{ kind: mock }}\nmodels:\n  gpt-4.1-mini:\n    routes: [{{ provider: p }}]\n    {entry}\n"
        )
    };
    for (text, line, message, hint) in [
        ("provider: {}\n".to_owned(), 1, "no field `provider`", "did you mean `providers`?"),
        (provider("{ kind: opnai }"), 2, "there is no `opnai` here", "did you mean `openai`?"),
        (provider("{ url: \"http://a\" }"), 2, "field `kind` is missing", "add `kind: …`"),
        (provider("{ kind: openai }"), 2, "needs `key`", "add `key: { env: … }`"),
        (provider("{ kind: mock, key: { env: A } }"), 2, "the kind `mock` has no `key`", ""),
        (
            provider("{ kind: openai, key: { env: A }, region: r }"),
            2,
            "has no `region`",
            "url, key, keys, timeouts",
        ),
        (
            provider("{ kind: openai, key: { env: A }, url: ftp://a }"),
            2,
            "neither http:// nor",
            "for example",
        ),
        (
            provider("{ kind: openai, key: { env: A }, url: \"http://u:p@a\" }"),
            2,
            "environment",
            "for example",
        ),
        (provider("{ kind: bedrock, region: r }"), 2, "either `credentials` or a `key`", "credentials: {"),
        (provider("{ kind: bedrock, region: \"a b\", key: { env: A } }"), 2, "is no name", "visible"),
        (provider("{ kind: vertex, project: p, location: l }"), 2, "needs `service_account`", "env"),
        (
            "providers:\n  ok: { kind: mock }\n  a b: { kind: mock }\n".to_owned(),
            3,
            "\"a b\" is no name",
            "letters",
        ),
        (
            "models:\n\n  gpt-4.1-mni:\n    routes: []\n".to_owned(),
            3,
            "no model `gpt-4.1-mni`",
            "did you mean `gpt-4.1-mini`?",
        ),
        ("models:\n  gpt-4.1-mini:\n    routes: []\n".to_owned(), 3, "a model needs a route", "the mock"),
        ("models:\n  gpt-4.1-mini: {}\n".to_owned(), 2, "field `routes` is missing", "add `routes: …`"),
        (
            "models:\n  gpt-4.1-mini:\n    routes: [{ provider: p }]\n".to_owned(),
            3,
            "no provider `p`",
            "under `providers`",
        ),
        (
            "providers:\n  claude: { kind: anthropic, key: { env: A } }\nmodels:\n  cohere_english_v3:\n    \
             routes: [{ provider: claude }]\n"
                .to_owned(),
            5,
            "`claude` has no embedding models, and `cohere_english_v3` is one",
            "another kind",
        ),
        (model("timeout: 30"), 6, "`30` is not a duration", "`1m 30s`"),
        (model("timeout: 0s"), 6, "`0s` is out of bounds", "from 1ms to 1h"),
        (model("retries: { attempts: 11 }"), 6, "11 is out of bounds", "from 1 to 10"),
        (model("breaker: { failures: 0 }"), 6, "0 is out of bounds", "from 1 to 1000"),
        (model("sticky: { header: \"a b\" }"), 6, "\"a b\" is no header", "x-session-id"),
        (model("sticky: { headr: a }"), 6, "no field `headr`", "did you mean `header`?"),
        (model("routes: []"), 6, "`routes` is given twice", ""),
    ] {
        let found = mistake(&text);
        assert_eq!(found.line, line, "{text}{found}");
        assert!(found.message.contains(message), "{text}{found}");
        assert!(found.hint.as_deref().unwrap_or_default().contains(hint), "{text}{found}");
        assert!(found.start <= text.len() && text.is_char_boundary(found.start), "{text}{found:?}");
    }
}

#[test]
fn a_text_that_is_no_yaml_is_one_mistake() {
    for text in ["providers: {\n  p: { kind: mock\n", "- a\n", "models: 5\n"] {
        let found = mistake(text);
        assert!(found.line > 0 && found.column > 0 && !found.message.contains(" at line "), "{found}");
    }
}

#[test]
fn all_mistakes_that_do_not_hide_another_are_told_at_once() {
    let text = "providers:\n  p: { kind: openai }\nmodels:\n  no-such:\n    routes: [{ provider: p }]\n  \
        gpt-4.1-mini:\n    routes: [{ provider: q, weight: 0 }]\n";
    let lines: Vec<_> = read(text).unwrap_err().iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!([2, 4, 7].iter().all(|line| lines.contains(line)), "{lines:?}");
}

#[test]
fn a_credential_comes_from_the_environment_and_is_never_shown() {
    let unset = Config::read("providers:\n  p: { kind: openai, key: { env: NO_SUCH } }\n", &|_| None);
    let [mistake]: [ConfigMistake; 1] = unset.unwrap_err().try_into().unwrap();
    let ConfigMistake { line, message, hint, .. } = mistake;
    assert_eq!((line, hint.as_deref()), (2, Some("export NO_SUCH=…")));
    assert_eq!(message, "the environment variable `NO_SUCH` is not set");
    let blank =
        Config::read("providers:\n  p: { kind: openai, key: { env: A } }\n", &|_| Some(" ".to_owned()));
    assert!(blank.is_err());
    for literal in ["sk-secret", "12345678", "\"sk-secret\""] {
        let text = format!("providers:\n  p: {{ kind: openai, key: {literal} }}\n");
        let told = self::mistake(&text);
        assert!(told.message.contains("does not stand in the file") && told.is_secret, "{told}");
        let value = literal.trim_matches('"');
        let at = text.find(value).unwrap();
        assert!(told.start <= at && at + value.len() <= told.start + told.length, "{told:?}");
        assert!(!told.to_string().contains("secret") && !told.to_string().contains("1234"), "{told}");
    }
}

#[test]
fn a_service_account_may_be_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("account.json");
    let text =
        "providers:\n  p: { kind: vertex, project: p, location: global, service_account: { env: A } }\n";
    let at = |path: &std::path::Path| {
        let path = path.display().to_string();
        Config::read(text, &move |_| Some(path.clone()))
    };
    let missing = at(&path).unwrap_err();
    assert!(missing[0].message.contains("neither JSON nor the path of a file"), "{missing:?}");
    std::fs::write(&path, "{ \"client_email\": \"a@b\" }\n").unwrap();
    let config = at(&path).unwrap();
    let ProviderSettings::Vertex { endpoint, service_account, .. } = &config.providers["p"] else { panic!() };
    assert_eq!(service_account.reveal(), "{ \"client_email\": \"a@b\" }");
    assert_eq!(endpoint.url.as_str(), "https://aiplatform.googleapis.com/");
}

#[test]
fn what_is_read_is_valid_against_the_schema_and_mistakes_are_not() {
    let schema = jsonschema::validator_for(config_schema().as_value()).unwrap();
    let value = |text: &str| serde_saphyr::from_str::<Value>(text).unwrap();
    let errors: Vec<_> = schema.iter_errors(&value(WHOLE)).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    for text in [
        "provider: {}",
        "providers: { p: { kind: opnai } }",
        "providers: { p: { url: \"http://a\" } }",
        "providers: { p: { kind: openai, key: sk-secret } }",
        "models: { m: {} }",
        "models: { m: { routes: [{ provider: p, weight: x }] } }",
    ] {
        assert!(!schema.is_valid(&value(text)), "{text}");
    }
}

/// A gateway with providers p0, in this process, and away and claude, elsewhere. The last of them cannot embed.
fn gateway() -> Network {
    let mut network = network("claude_3_haiku", Policy::default(), &[&Script::default()]);
    let mock: Arc<dyn Provider> = Arc::new(Mock::default());
    let remote = || {
        let mock = Arc::clone(&mock);
        Backend::remote(Arc::clone(&mock), move |_| Arc::clone(&mock))
    };
    network.backends.insert("away".into(), remote());
    network.backends.insert("claude".into(), remote().for_only(&[Capability::Chat]));
    network
}

fn of_world(models: Option<&Value>, upstream: Option<&str>) -> Result<(Plan, Option<url::Url>), String> {
    world_plan(&gateway(), &Catalog::embedded().unwrap(), models, upstream)
}

#[test]
fn a_world_is_given_routes_in_the_same_words() {
    assert_eq!(of_world(None, None), Ok((Plan::new(), None)));
    let models = json!({ "gpt-4.1-mini": {
        "routes": [{ "provider": "p0", "model": "mine", "weight": 2 }, { "provider": "away" }],
        "fallbacks": [{ "provider": "claude" }],
        "retries": { "attempts": 2, "backoff": "1ms", "most": "2s" },
        "timeout": "1s", "deadline": "3s",
        "breaker": { "failures": 2, "cooldown": "1m" },
        "sticky": { "header": "x-session", "ttl": "5m" },
    }});
    let (plan, upstream) = of_world(Some(&models), Some("http://127.0.0.1:9090/~w/x")).unwrap();
    assert_eq!(upstream.unwrap().as_str(), "http://127.0.0.1:9090/~w/x");
    let routes: BTreeMap<_, _> =
        plan["gpt-4.1-mini"].routes.iter().map(|route| (&*route.provider, route.weight)).collect();
    assert_eq!(routes, BTreeMap::from([("p0", 2), ("away", 1)]));
    assert_eq!(&*plan["gpt-4.1-mini"].fallbacks[0].provider, "claude");
    let (seconds, milliseconds) = (Duration::from_secs, Duration::from_millis);
    let expected = Policy {
        retries: Retries { attempts: 2, backoff: milliseconds(1), most: seconds(2) },
        timeout: seconds(1),
        deadline: seconds(3),
        breaker: Some(BreakerPolicy { failures: 2, cooldown: seconds(60) }),
        sticky: Some(Sticky { header: "x-session".into(), ttl: seconds(300) }),
        ..Policy::default()
    };
    assert_eq!(plan["gpt-4.1-mini"].policy, expected);
}

#[test]
fn what_is_wrong_with_the_routes_of_a_world_is_told() {
    let routes = |value: Value| json!({ "gpt-4.1-mini": { "routes": value } });
    for (models, upstream, told) in [
        (Some(routes(json!([{ "provider": "awy" }]))), None, "did you mean `away`?"),
        (Some(routes(json!([{ "provider": "p0", "weigth": 1 }]))), None, "did you mean `weight`?"),
        (Some(routes(json!([]))), None, "a model needs a route"),
        (
            Some(json!({ "cohere_english_v3": { "routes": [{ "provider": "claude" }] } })),
            None,
            "`claude` has no embedding models",
        ),
        (
            Some(json!({ "gpt-4.1-mini": { "routes": [{ "provider": "p0" }], "timeout": "30" } })),
            None,
            "`30` is not a duration",
        ),
        (Some(json!({ "no-such": { "routes": [{ "provider": "p0" }] } })), None, "no model `no-such`"),
        (Some(json!([])), None, "`routes` cannot be used"),
        (None, Some("127.0.0.1:9090"), "`upstream` is not an address"),
        (None, Some("http://127.0.0.1:9090/?a=b"), "more than a path"),
    ] {
        let error = of_world(models.as_ref(), upstream).unwrap_err();
        assert!(error.contains(told), "{error}");
    }
    let alone = world_plan(&Network::default(), &Catalog::embedded().unwrap(), None, Some("http://a"));
    assert!(alone.unwrap_err().contains("--config"));
}

#[test]
fn the_configuration_beside_the_descriptors_has_no_mistakes() {
    let text = include_str!("../../../targets/local-upstream.config.yaml");
    let config = read(text).unwrap();
    assert_eq!(config.plan["gpt-4.1"].fallbacks.len(), 1);
    assert_eq!(config.plan["gpt-3.5-turbo"].policy.retries.attempts, 2);
}
