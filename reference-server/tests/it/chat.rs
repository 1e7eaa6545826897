//! Chat completions.

use axum::http::HeaderName;
use serde_json::{Value, json};

use crate::support::{CHAT, EMBEDDINGS, Gateway, PIXEL, file, hello, pdf, refused, request, with_header};

fn with_parts(parts: &Value) -> Value {
    json!({ "model": "claude_3_5_sonnet", "messages": [{ "role": "user", "content": parts }] })
}

#[tokio::test]
async fn an_answer_has_the_observed_form() {
    let gateway = Gateway::start();
    let reply = gateway.post(CHAT, &gateway.key("chat_only"), &hello("claude_3_5_sonnet")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let mut names: Vec<_> = reply.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "content-type"]);
    let body = reply.json();
    let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["object", "created", "model", "choices", "usage"]);
    assert_eq!(body["object"], "chat.completion");
    assert!(body["created"].as_i64().unwrap() > 1_700_000_000);
    assert_eq!(body["model"], "claude_3_5_sonnet");
    assert_eq!(body["choices"].as_array().unwrap().len(), 1);
    assert_eq!(body["choices"][0]["index"], 0);
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert_eq!(body["choices"][0]["message"]["role"], "assistant");
    assert!(!body["choices"][0]["message"]["content"].as_str().unwrap().is_empty());
    let usage = |name: &str| body["usage"][name].as_u64().unwrap();
    assert!(usage("prompt_tokens") > 0 && usage("completion_tokens") > 0);
    assert_eq!(usage("total_tokens"), usage("prompt_tokens") + usage("completion_tokens"));
}

#[tokio::test]
async fn history_and_system_prompt_reach_the_model() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    let say = async |messages: Value| {
        let body = json!({ "model": "claude_3_5_sonnet", "messages": messages });
        let reply = gateway.post(CHAT, &key, &body).await.json();
        reply["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    };
    let recalled = say(json!([
        { "role": "user", "content": "Hello, my name is Alex." },
        { "role": "assistant", "content": "Hello!" },
        { "role": "user", "content": "Remind me, what is my name?" },
    ]))
    .await;
    assert!(recalled.contains("Alex"), "{recalled}");
    let persona = say(json!([
        { "role": "system", "content": "You are a cheerful assistant who loves to talk about cats and ends every \
            sentence with 'meow'." },
        { "role": "user", "content": "Do you like dogs?" },
    ]))
    .await;
    assert!(persona.ends_with("meow."), "{persona}");
}

#[tokio::test]
async fn a_token_limit_cuts_with_reason_length() {
    let gateway = Gateway::start();
    let mut body = hello("claude_3_5_sonnet");
    body["max_tokens"] = json!(1);
    let reply = gateway.post(CHAT, &gateway.key("chat_only"), &body).await.json();
    assert_eq!(reply["choices"][0]["finish_reason"], "length");
    assert_eq!(reply["usage"]["completion_tokens"], 1);
}

#[tokio::test]
async fn model_and_capability_are_refused_in_the_observed_words() {
    let gateway = Gateway::start();
    let key = gateway.key("all_scopes");
    let long = "ä".repeat(256);
    let (longer, cut) = (format!("{long}ä"), format!("{long}…"));
    for (model, told) in [
        ("no-such", "no-such"),
        ("", ""),
        (" ", " "),
        (long.as_str(), long.as_str()),
        (longer.as_str(), cut.as_str()),
    ] {
        let reply = gateway.post(CHAT, &key, &hello(model)).await;
        let detail = format!("Model '{told}' is not supported by this API.");
        assert_eq!(reply.outcome(), refused(422, &detail));
    }
    assert_eq!(
        gateway.post(CHAT, &key, &hello("cohere_english_v3")).await.outcome(),
        refused(422, "This endpoint not does support chat with the model 'cohere_english_v3'.")
    );
}

#[tokio::test]
async fn images_must_be_data_uris_of_the_four_kinds() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    let send = async |url: &str| {
        let parts = json!([{ "type": "image_url", "image_url": { "url": url, "detail": "low" } }]);
        gateway.post(CHAT, &key, &with_parts(&parts)).await
    };
    let bad = |message: &str| (400, json!({ "detail": { "error": "Bad Request", "message": message } }));
    for url in ["https://example.com/a.png", "data:image/bmp;base64,Qk0=", "", "data:image/png,raw"] {
        assert_eq!(
            send(url).await.outcome(),
            bad(
                "Invalid or unsupported image data URI format. Must be data:image/[jpeg|png|gif|webp];base64,..."
            ),
            "{url}"
        );
    }
    assert_eq!(
        send("data:image/png;base64,iVBORw").await.outcome(),
        bad("Invalid Base64 data: Incorrect padding")
    );
    // What the URI claims is not compared with what it carries.
    for kind in ["png", "jpeg"] {
        let reply = send(&format!("data:image/{kind};base64,{PIXEL}")).await;
        let text = reply.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
        assert!(text.contains("1x1 pixels") && text.contains("at low detail"), "{kind}: {text}");
    }
}

#[tokio::test]
async fn what_the_model_cannot_read_is_its_refusal_and_nobody_pays() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    let image = |data: &str| {
        let url = format!("data:image/png;base64,{data}");
        json!([{ "type": "image_url", "image_url": { "url": url } }])
    };
    let file = |data: &str| json!([{ "type": "file", "file": { "file_data": data, "file_name": "a.pdf" } }]);
    for (parts, told) in [
        (image(&PIXEL[..48]), "image 1"),
        (image("@@@@"), "image 1"),
        (image(""), "image 1"),
        (file("JVBERi0xLjQK"), "file 1"),
        (file("aGVsbG8="), "file 1"),
    ] {
        let reply = gateway.post(CHAT, &key, &with_parts(&parts)).await;
        assert_eq!(reply.status, 400, "{parts}: {}", reply.text());
        assert_eq!(reply.json()["detail"]["error"], "Bad Request");
        let message = reply.json()["detail"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(told) && message.contains("cannot be read"), "{parts}: {message}");
        assert_eq!(gateway.post(CHAT, &key, &hello("claude_3_5_sonnet")).await.status, 200);
    }
    assert_eq!(gateway.ledger("root").await.len(), 5);
}

#[tokio::test]
async fn a_pdf_is_told_by_its_name_its_pages_and_its_size() {
    let gateway = Gateway::start();
    let bytes = pdf(2);
    let parts = json!([{ "type": "text", "text": "Zebra" }, file("a.pdf", &bytes)]);
    let reply = gateway.post(CHAT, &gateway.key("chat_only"), &with_parts(&parts)).await;
    let text = reply.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    let told = format!("I was given the file \"a.pdf\", 2 pages, {} bytes long.", bytes.len());
    assert!(text.contains(&told), "{text}");
}

#[tokio::test]
async fn a_conversation_beyond_the_context_is_refused_and_one_within_is_not() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    let long = |model: &str, words: usize| {
        let content = "word ".repeat(words);
        json!({ "model": model, "messages": [{ "role": "user", "content": content }] })
    };
    let reply = gateway.post(CHAT, &key, &long("llama3211b", 9_000)).await;
    assert_eq!(reply.status, 400);
    let message = reply.json()["detail"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("too long") && message.contains("8192"), "{message}");
    assert_eq!(gateway.post(CHAT, &key, &long("llama3211b", 8_000)).await.status, 200);
    assert_eq!(gateway.post(CHAT, &key, &long("gemini-2.0-flash", 300_000)).await.status, 200);
    assert_eq!(gateway.post(CHAT, &key, &long("llama3211b", 1_000_000)).await.status, 400);
}

#[tokio::test]
async fn values_at_the_edges_are_answered() {
    let gateway = Gateway::start();
    let key = gateway.key("chat_only");
    let all_at_once = json!({
        "model": "claude_3_5_sonnet",
        "messages": [{ "role": "user", "content": "Generate" }],
        "temperature": 0.0, "top_p": 0.0, "max_tokens": 1, "stop": ["a", "b", "c", "d"],
        "presence_penalty": 2.0, "frequency_penalty": -2.0, "n": 2, "user": "u".repeat(10_000),
        "logit_bias": { "1": 1 }, "response_format": { "type": "text" },
    });
    assert_eq!(gateway.post(CHAT, &key, &all_at_once).await.status, 200);
    for messages in [
        json!([{ "role": "user", "content": "" }]),
        json!([{ "role": "user", "content": [] }]),
        json!([{ "role": "system", "content": "" }]),
        json!([{ "role": "assistant", "content": "I start." }, { "role": "user", "content": "Okay?" }]),
        json!([{ "role": "user", "content": [file("a.pdf", &pdf(1))] }]),
        json!([{ "role": "user", "content": "\u{0}\u{1}\u{7f} مرحبا 🙂 {\"quotes\"}" }]),
    ] {
        let body = json!({ "model": "claude_3_5_sonnet", "messages": messages });
        let reply = gateway.post(CHAT, &key, &body).await;
        assert_eq!(reply.status, 200, "{messages}: {}", reply.text());
    }
    let nulls = json!({
        "model": "claude_3_5_sonnet", "messages": [{ "role": "user", "content": "x" }],
        "temperature": null, "top_p": null, "n": null, "stream": null, "stop": null, "max_tokens": null,
        "presence_penalty": null, "frequency_penalty": null, "logit_bias": null, "user": null,
    });
    assert_eq!(gateway.post(CHAT, &key, &nulls).await.status, 200);
}

#[tokio::test]
async fn errors_that_providers_are_known_to_have_are_relayed() {
    let gateway = Gateway::start();
    let key = gateway.key("all_scopes");
    let embedding = json!({ "model": "cohere_english_v3", "input": "x" });
    for (fault, status, error) in [
        ("rejected", 400, "Bad Request"),
        ("rate-limited", 429, "Too Many Requests"),
        ("unavailable", 503, "Service Unavailable"),
    ] {
        for (path, body) in [(CHAT, &hello("claude_3_haiku")), (EMBEDDINGS, &embedding)] {
            let request = request("POST", path, Some(&key), body.to_string());
            let reply = gateway.send(with_header(request, "x-plumbline-fault", fault)).await;
            let detail = &reply.json()["detail"];
            assert_eq!((reply.status, &detail["error"]), (status, &json!(error)), "{path} {fault}");
            assert_eq!(detail.as_object().unwrap().len(), 2, "{path} {fault}");
            assert!(!detail["message"].as_str().unwrap().is_empty());
            assert_eq!(reply.header("retry-after"), None);
        }
    }
    assert!(gateway.ledger("root").await.is_empty());
    assert_eq!(gateway.post(CHAT, &key, &hello("claude_3_haiku")).await.status, 200);
}

#[tokio::test]
async fn a_provider_that_refuses_is_a_bad_request() {
    let gateway = Gateway::start();
    let post = |fault: &str| {
        let request =
            request("POST", CHAT, Some(&gateway.key("chat_only")), hello("claude_3_haiku").to_string());
        with_header(request, "x-plumbline-fault", fault)
    };
    let reply = gateway.send(post("rejected")).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["detail"]["error"], "Bad Request");
    assert!(reply.json()["detail"]["message"].is_string());
    let reply = gateway.send(post("gremlins")).await;
    assert_eq!(reply.outcome(), refused(400, "unknown fault \"gremlins\" in x-plumbline-fault"));
    assert!(gateway.ledger("root").await.is_empty());
}

#[tokio::test]
async fn a_provider_that_answers_nonsense_is_an_internal_error() {
    let gateway = Gateway::start();
    let request = request("POST", CHAT, Some(&gateway.key("chat_only")), hello("claude_3_haiku").to_string());
    let reply = gateway.send(with_header(request, "x-plumbline-fault", "malformed-body")).await;
    assert_eq!(reply.status, 500);
    assert_eq!(reply.header("connection"), Some("close"));
    let body = reply.json();
    assert_eq!(body.as_object().unwrap().len(), 2);
    assert_eq!(body["detail"], "Internal Server Error");
    let lines = gateway.lines(body["request_id"].as_str().unwrap()).await;
    assert_eq!(lines.last().unwrap()["event"], "Request failed");
    assert_eq!(lines.last().unwrap()["level"], "error");
    assert!(lines.last().unwrap()["exception"].as_str().unwrap().contains("malformed"));
}
