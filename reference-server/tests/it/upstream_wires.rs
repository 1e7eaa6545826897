//! The simulator's providers, each on its wire and with its credentials.

use plumbline_reference_server::upstream::{ProviderKind, access};
use serde_json::{Value, json};

use crate::support::{Gateway, request, with_header};
use crate::upstream_support::{
    PROVIDERS, claims, credentials, grant, in_world, question, simulator, token, token_for,
};

async fn world(simulator: &Gateway) -> Value {
    let made = simulator.control("POST", "/worlds", None).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

#[tokio::test]
async fn every_provider_answers_on_its_wire() {
    let simulator = simulator();
    let token = token(&simulator).await;
    for (provider, place) in [
        ("openai", "/choices/0/message/content"),
        ("anthropic", "/content/0/text"),
        ("gemini", "/candidates/0/content/parts/0/text"),
        ("bedrock", "/output/message/content/0/text"),
        ("vertex", "/candidates/0/content/parts/0/text"),
    ] {
        let reply = simulator.send(question(provider, false, &token)).await;
        assert_eq!(reply.status, 200, "{provider}: {}", reply.text());
        let answer = reply.json();
        let text = answer.pointer(place).and_then(Value::as_str).unwrap_or_default();
        assert!(text.contains("Paris"), "{provider}: {answer}");
    }
}

#[tokio::test]
async fn another_providers_credential_is_refused() {
    let simulator = simulator();
    for (provider, header, value, status) in [
        ("openai", "authorization", "Bearer sk-ant-upstream", 401),
        ("anthropic", "x-api-key", "sk-upstream-openai", 401),
        ("gemini", "x-goog-api-key", "sk-upstream-openai", 400),
        ("bedrock", "authorization", "Bearer sk-upstream-openai", 403),
        ("vertex", "authorization", "Bearer upstream-gemini-key", 401),
    ] {
        let reply = simulator.send(with_header(question(provider, false, "-"), header, value)).await;
        assert_eq!(reply.status, status, "{provider}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_model_is_known_to_its_own_provider_alone() {
    let simulator = simulator();
    let asked = |model: &str| {
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": "Hi" }] });
        request("POST", "/openai/v1/chat/completions", Some("sk-upstream-openai"), body.to_string())
    };
    for (model, status) in [
        ("gpt-4.1-mini-2025-04-14", 200),
        ("gpt-4.1-mini", 200),
        ("claude-haiku-4-5", 404),
        ("llama3211b", 404),
    ] {
        let reply = simulator.send(asked(model)).await;
        assert_eq!(reply.status, status, "{model}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_token_is_given_for_what_the_account_has_signed() {
    let simulator = simulator();
    let account = credentials(&simulator, "root").await["vertex"]["service_account"].clone();
    let form = grant(&account, &claims(&account));
    let given = token_for(&simulator, &account, form.clone()).await;
    assert_eq!((given.status, &given.json()["expires_in"]), (200, &json!(3_599)));
    let mut other = claims(&account);
    other["iss"] = json!("somebody@else.example");
    for form in [form.replace("assertion=", "assertion=x"), grant(&account, &other)] {
        let refused = token_for(&simulator, &account, form).await;
        assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
        assert!(refused.json()["error_description"].is_string());
    }
    // A token is one of its world's.
    let made = world(&simulator).await;
    let token = given.json()["access_token"].as_str().unwrap().to_owned();
    let base_path = made["base_path"].as_str().unwrap();
    let elsewhere = simulator.send(in_world(question("vertex", false, &token), base_path)).await;
    assert_eq!(elsewhere.status, 401, "{}", elsewhere.text());
    assert_eq!(simulator.send(question("vertex", false, &token)).await.status, 200);
}

#[tokio::test]
async fn worlds_are_made_told_apart_and_deleted() {
    let simulator = simulator();
    let made = world(&simulator).await;
    let (id, base_path) = (made["id"].as_str().unwrap(), made["base_path"].as_str().unwrap());
    assert_eq!(base_path, format!("/~w/{id}"));
    let url = format!("http://{}", simulator.address);
    assert_eq!(made["credentials"]["openai"]["base_url"], format!("{url}{base_path}/openai"));
    let token_uri = &made["credentials"]["vertex"]["service_account"]["token_uri"];
    assert_eq!(token_uri, &json!(format!("{url}{base_path}/google/token")));
    assert_eq!(simulator.send(in_world(question("openai", false, ""), base_path)).await.status, 200);
    let path = format!("/worlds/{id}/journal");
    assert_eq!(simulator.control("GET", &path, None).await.json()["last"], 1);
    assert_eq!(simulator.control("GET", "/worlds/root/journal", None).await.json()["last"], 0);

    assert_eq!(simulator.control("DELETE", &format!("/worlds/{id}"), None).await.status, 204);
    assert_eq!(simulator.control("GET", &path, None).await.status, 404);
    let gone = simulator.send(in_world(question("openai", false, ""), base_path)).await;
    assert_eq!((gone.status, &gone.json()["error"]["type"]), (404, &json!("invalid_request_error")));
    assert_eq!(simulator.control("DELETE", "/worlds/root", None).await.status, 409);
}

#[tokio::test]
async fn what_is_told_of_the_root_is_what_the_library_tells() {
    let simulator = simulator();
    let told = credentials(&simulator, "root").await;
    let known = access(&format!("http://{}", simulator.address));
    assert_eq!(known.iter().map(|access| access.provider.name()).collect::<Vec<_>>(), PROVIDERS);
    for access in known {
        assert_eq!(told[access.provider.name()]["base_url"], access.base_url);
        for (name, value) in access.credentials {
            assert_eq!(told[access.provider.name()][name], value);
        }
    }
    assert_eq!(ProviderKind::ALL.map(ProviderKind::name), PROVIDERS);
}

#[tokio::test]
async fn everything_else_is_told_what_there_is() {
    let simulator = simulator();
    for path in ["/", "/v1/models", "/~openai/v1/models", "/~w/nowhere", "/google/tokens"] {
        let reply = simulator.get(path, None).await;
        let told = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(reply.status == 404 && told.contains("/openai, /anthropic"), "{path}: {told}");
    }
    for (method, path, status) in [
        ("GET", "/~control/nothing", 404),
        ("PUT", "/~control/worlds", 405),
        ("GET", "/~control/worlds/nowhere/journal", 404),
        ("DELETE", "/~control/worlds/root/faults/7", 404),
        ("GET", "/~control/worlds/root/gates/7", 404),
    ] {
        let reply = simulator.send(request(method, path, Some(&simulator.token), "")).await;
        assert_eq!(reply.status, status, "{method} {path}");
        assert!(reply.json()["error"].is_string());
    }
    assert_eq!(simulator.get("/~control/worlds", Some("wrong")).await.status, 401);
}
