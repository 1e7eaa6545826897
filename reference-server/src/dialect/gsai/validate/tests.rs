//! The words are those of the observed service, and of its validation library where the observation stops.

use serde_json::{Value, json};

use super::{Body, Deviations, chat, embedding};

fn sound() -> Deviations {
    Deviations::default()
}

fn chat_mistakes(body: Value) -> Vec<Value> {
    detail(chat(Body::Present(body), sound()))
}

fn embedding_mistakes(body: Value) -> Vec<Value> {
    detail(embedding(Body::Present(body), sound()))
}

fn detail<T: std::fmt::Debug>(outcome: Result<T, bytes::Bytes>) -> Vec<Value> {
    let body: Value = serde_json::from_slice(&outcome.unwrap_err()).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1);
    body["detail"].as_array().unwrap().clone()
}

/// A number as it is written.
fn number(digits: &str) -> Value {
    serde_json::from_str(digits).unwrap()
}

/// A chat body with one member more, or another in its place.
fn chat_with(name: &str, value: Value) -> Value {
    let mut body = json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }] });
    body[name] = value;
    body
}

fn embedding_with(name: &str, value: Value) -> Value {
    let mut body = json!({ "model": "m", "input": "x" });
    body[name] = value;
    body
}

fn own(mistakes: &[Value]) -> &Value {
    mistakes.last().unwrap()
}

#[test]
fn a_missing_model_is_told_three_times_and_once_more_in_plain() {
    let body = json!({ "messages": [{ "role": "user", "content": "x" }] });
    let missing =
        |loc: Value| json!({ "type": "missing", "loc": loc, "msg": "Field required", "input": body });
    assert_eq!(
        chat_mistakes(body.clone()),
        [
            missing(json!(["body", "ChatCompletionRequest", "model"])),
            missing(json!(["body", "EmbeddingRequest", "input"])),
            missing(json!(["body", "EmbeddingRequest", "model"])),
            missing(json!(["body", "model"])),
        ]
    );
}

#[test]
fn a_body_that_fits_the_other_endpoint_is_told_only_its_own_mistakes() {
    let mistakes = chat_mistakes(json!({ "model": "m", "input": "x" }));
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0]["loc"], json!(["body", "messages"]));
    let mistakes = embedding_mistakes(chat_with("user", json!("u")));
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0]["loc"], json!(["body", "input"]));
}

#[test]
fn an_absent_body_is_missing_twice() {
    let missing = json!({ "type": "missing", "loc": ["body"], "msg": "Field required", "input": null });
    assert_eq!(detail(chat(Body::Absent, sound())), [missing.clone(), missing.clone()]);
    assert_eq!(detail(embedding(Body::Absent, sound())), [missing.clone(), missing]);
}

#[test]
fn what_is_no_object_is_told_for_both_requests_and_the_endpoint() {
    for body in [json!([]), json!("a=b"), json!(5)] {
        let wrong = |loc: Value| {
            json!({
                "type": "model_attributes_type",
                "loc": loc,
                "msg": "Input should be a valid dictionary or object to extract fields from",
                "input": body,
            })
        };
        assert_eq!(
            embedding_mistakes(body.clone()),
            [
                wrong(json!(["body", "ChatCompletionRequest"])),
                wrong(json!(["body", "EmbeddingRequest"])),
                wrong(json!(["body"])),
            ]
        );
    }
}

#[test]
fn roles_are_tags() {
    let message = json!({ "role": "tool", "content": "x" });
    assert_eq!(
        *own(&chat_mistakes(chat_with("messages", json!([message])))),
        json!({
            "type": "union_tag_invalid",
            "loc": ["body", "messages", 0],
            "msg": "Input tag 'tool' found using 'role' does not match any of the expected tags: \
                'user', 'system', 'assistant'",
            "input": message,
            "ctx": {
                "discriminator": "'role'",
                "tag": "tool",
                "expected_tags": "'user', 'system', 'assistant'",
            },
        })
    );
    assert_eq!(
        *own(&chat_mistakes(chat_with("messages", json!([{ "content": "x" }])))),
        json!({
            "type": "union_tag_not_found",
            "loc": ["body", "messages", 0],
            "msg": "Unable to extract tag using discriminator 'role'",
            "input": { "content": "x" },
            "ctx": { "discriminator": "'role'" },
        })
    );
    assert_eq!(
        own(&chat_mistakes(chat_with("messages", json!([{ "role": "user" }]))))["loc"],
        json!(["body", "messages", 0, "user", "content"])
    );
}

#[test]
fn a_content_is_told_wrong_for_each_of_its_alternatives() {
    let mistakes = chat_mistakes(chat_with("messages", json!([{ "role": "user", "content": 5 }])));
    // Two against the union's chat request, one for the embedding request, two in plain.
    assert_eq!(mistakes.len(), 5);
    assert_eq!(
        mistakes[3],
        json!({
            "type": "string_type",
            "loc": ["body", "messages", 0, "user", "content", "constrained-str"],
            "msg": "Input should be a valid string",
            "input": 5,
        })
    );
    assert_eq!(mistakes[4]["type"], "is_instance_of");
    assert_eq!(
        mistakes[4]["loc"][5],
        "json-or-python[json=list[tagged-union[TextContentPart,ImageContentPart,FileContentPart]],\
        python=chain[is-instance[Sequence],function-wrap[sequence_validator()]]]"
    );
    let parts = json!([{ "role": "user", "content": [{ "type": "image_url", "image_url": 7 }] }]);
    let mistakes = chat_mistakes(chat_with("messages", parts));
    assert_eq!(own(&mistakes)["type"], "model_attributes_type");
    let loc = own(&mistakes)["loc"].as_array().unwrap();
    assert_eq!(loc[6..], [json!(0), json!("image_url"), json!("image_url")]);
    let parts = json!([{ "role": "system", "content": [{ "type": "image_url" }] }]);
    let mistakes = chat_mistakes(chat_with("messages", parts));
    assert_eq!(mistakes[mistakes.len() - 2]["type"], "literal_error");
    assert_eq!(own(&mistakes)["type"], "missing");
}

#[test]
fn messages_must_be_an_array_of_at_least_one() {
    for (messages, kind) in [
        (json!([]), "too_short"),
        (json!("abc"), "sequence_str"),
        (json!(5), "is_instance_of"),
        (json!({}), "is_instance_of"),
        (json!(null), "is_instance_of"),
        (json!([5]), "model_attributes_type"),
    ] {
        let mistakes = chat_mistakes(chat_with("messages", messages));
        assert_eq!(own(&mistakes)["type"], kind);
    }
}

#[test]
fn numbers_are_told_wrong_by_type_and_by_range() {
    for (name, value, kind, ctx) in [
        ("model", json!(5), "string_type", json!(null)),
        ("temperature", json!(2.1), "less_than_equal", json!({ "le": 2.0 })),
        ("temperature", json!(-0.1), "greater_than_equal", json!({ "ge": 0.0 })),
        ("temperature", json!("hot"), "float_parsing", json!(null)),
        ("temperature", json!("nan"), "less_than_equal", json!({ "le": 2.0 })),
        ("top_p", json!(1.1), "less_than_equal", json!({ "le": 1.0 })),
        ("n", json!(0), "greater_than_equal", json!({ "ge": 1 })),
        ("n", json!(129), "less_than_equal", json!({ "le": 128 })),
        ("temperature", number("1e400"), "less_than_equal", json!({ "le": 2.0 })),
        ("top_p", number("-1e400"), "greater_than_equal", json!({ "ge": 0.0 })),
        ("max_tokens", json!(2_147_483_648_i64), "less_than_equal", json!({ "le": i32::MAX })),
        ("max_tokens", number(&"9".repeat(31)), "less_than_equal", json!({ "le": i32::MAX })),
        ("max_tokens", number("1e400"), "int_parsing_size", json!(null)),
        ("max_tokens", json!(-1), "greater_than_equal", json!({ "ge": 1 })),
        ("max_tokens", json!("x"), "int_parsing", json!(null)),
        ("max_tokens", json!(1.5), "int_from_float", json!(null)),
        ("presence_penalty", json!(-2.5), "greater_than_equal", json!({ "ge": -2.0 })),
        ("frequency_penalty", json!(3), "less_than_equal", json!({ "le": 2.0 })),
        ("stream", json!("x"), "bool_parsing", json!(null)),
        ("logit_bias", json!(5), "dict_type", json!(null)),
        ("stop", json!(5), "list_type", json!(null)),
        (
            "stop",
            json!(vec!["a"; 65]),
            "too_long",
            json!({ "field_type": "List", "max_length": 64, "actual_length": 65 }),
        ),
    ] {
        let mistakes = chat_mistakes(chat_with(name, value));
        let mistake = own(&mistakes);
        assert_eq!(mistake["type"], kind, "{name}");
        assert_eq!(mistake["ctx"], ctx, "{name}");
        assert_eq!(mistake["loc"][1], name);
    }
}

#[test]
fn an_embedding_is_told_wrong_in_its_own_members() {
    for (name, value, kind) in [
        ("input", json!(5), "list_type"),
        ("input", json!(null), "list_type"),
        ("input", json!([]), "too_short"),
        ("input", json!([1, 2]), "string_type"),
        ("input", json!([["a"]]), "string_type"),
        ("input", json!(vec!["a"; 2_049]), "too_long"),
        ("dimensions", json!(0), "greater_than"),
        ("dimensions", json!(-1), "greater_than"),
        ("dimensions", json!(4_097), "less_than_equal"),
        ("encoding_format", json!("base64"), "literal_error"),
        ("encodingFormat", json!("base64"), "literal_error"),
        ("input_type", json!("poem"), "literal_error"),
    ] {
        let mistakes = embedding_mistakes(embedding_with(name, value));
        assert_eq!(own(&mistakes)["type"], kind, "{name}");
        assert!(
            mistakes
                .iter()
                .any(|mistake| mistake["loc"] == json!(["body", "ChatCompletionRequest", "messages"]))
        );
    }
    let mistakes = embedding_mistakes(embedding_with("dimensions", json!(0)));
    assert_eq!(own(&mistakes)["ctx"], json!({ "gt": 0 }));
    let mistakes = embedding_mistakes(embedding_with("encoding_format", json!("base64")));
    assert_eq!(own(&mistakes)["ctx"], json!({ "expected": "'float'" }));
}

#[test]
fn what_the_service_accepts_is_accepted() {
    for (name, value) in [
        ("temperature", json!(0.0)),
        ("temperature", json!(2.0)),
        ("temperature", json!("0.5")),
        ("temperature", json!(null)),
        ("top_p", json!(0)),
        ("n", json!(128)),
        ("max_tokens", json!(1)),
        ("max_tokens", json!(i32::MAX)),
        ("max_tokens", json!("10")),
        ("stop", json!("a")),
        ("stop", json!([])),
        ("stop", json!(["a", "b", "c", "d", "e"])),
        ("stream", json!("yes")),
        ("logit_bias", json!({ "50256": -100 })),
        ("user", json!("")),
        ("response_format", json!({ "type": "json_object" })),
        ("messages", json!([{ "role": "user", "content": "" }])),
        ("messages", json!([{ "role": "user", "content": [] }])),
        ("messages", json!([{ "role": "user", "content": [{ "type": "text", "text": "" }] }])),
        ("messages", json!([{ "role": "system", "content": [{ "type": "text", "text": "x" }] }])),
        ("messages", json!([{ "role": "assistant", "content": "x" }])),
        (
            "messages",
            json!([{ "role": "user", "content": [
                { "type": "image_url", "image_url": { "url": "data:", "detail": "low" } },
                { "type": "file", "file": { "file_data": "", "file_name": "a.pdf" } },
            ] }]),
        ),
    ] {
        let outcome = chat(Body::Present(chat_with(name, value.clone())), sound());
        assert!(outcome.is_ok(), "{name}: {value}");
    }
    for (name, value) in [
        ("input", json!("")),
        ("input", json!([""])),
        ("input", json!(vec!["a"; 2_048])),
        ("dimensions", json!(128)),
        ("dimensions", json!(null)),
        ("encodingFormat", json!("float")),
        ("input_type", json!("clustering")),
    ] {
        let outcome = embedding(Body::Present(embedding_with(name, value.clone())), sound());
        assert!(outcome.is_ok(), "{name}: {value}");
    }
}

/// How large the 422 is, of which the last mistake has to be the endpoint's own.
fn told_size(outcome: Result<serde_json::Map<String, Value>, bytes::Bytes>, place: &str) -> usize {
    let body = outcome.unwrap_err();
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(own(told["detail"].as_array().unwrap())["loc"][1], place);
    body.len()
}

#[test]
fn a_422_is_small_whatever_was_sent() {
    let long = "\u{1}\u{1f642}\\".repeat(400_000);
    for (name, value) in [
        ("messages", json!(vec![5; 100_000])),
        ("messages", json!(vec![json!({ "role": long }); 3])),
        ("messages", json!(vec![json!({ "role": [long], "content": long }); 3])),
        ("messages", json!(vec![json!({ "role": "user", "content": ["x".repeat(1_000)] }); 1_000])),
        ("logit_bias", json!({ &long: long, "b": long })),
        ("temperature", json!(long)),
        ("stop", json!([long, 5])),
        ("model", json!({ "a": { &long: [long, { "b": long }] } })),
    ] {
        let size = told_size(chat(Body::Present(chat_with(name, value)), sound()), name);
        assert!(size < 16 * 1024, "{name}: {size}");
    }
    let values: Vec<_> = (0..2_048).map(Value::from).collect();
    let size = told_size(embedding(Body::Present(embedding_with("input", json!(values))), sound()), "input");
    assert!(size < 16 * 1024, "{size}");
    // Nor is there less than there is room for.
    assert!(size > 8 * 1024, "{size}");
}

#[test]
fn input_is_shown_whole_up_to_a_kibibyte_and_then_its_beginning() {
    let shown = |length: usize| {
        let mistakes = chat_mistakes(chat_with("temperature", json!("x".repeat(length))));
        own(&mistakes)["input"].as_str().unwrap().to_owned()
    };
    assert_eq!(shown(1_022), "x".repeat(1_022));
    assert_eq!(shown(1_023), format!("\"{}…", "x".repeat(255)));
}

#[test]
fn deviations_change_one_rule_each() {
    let part = json!([{ "role": "user", "content": [{ "type": "text", "text": " " }] }]);
    let told = |body: Value, deviations| match chat(Body::Present(body), deviations) {
        Ok(_) => "accepted".to_owned(),
        Err(body) => {
            let detail: Value = serde_json::from_slice(&body).unwrap();
            own(detail["detail"].as_array().unwrap())["type"].as_str().unwrap().to_owned()
        }
    };
    let bounds = Deviations { bounds_ignored: true, ..sound() };
    for (name, value) in [("temperature", json!(2.1)), ("max_tokens", json!(0)), ("n", json!(-1))] {
        assert_eq!(told(chat_with(name, value), bounds), "accepted", "{name}");
    }
    // What no type holds is refused all the same.
    assert_eq!(told(chat_with("max_tokens", number(&"9".repeat(31))), bounds), "less_than_equal");
    assert_eq!(told(chat_with("temperature", number("1e400")), bounds), "less_than_equal");
    let nulls = Deviations { null_refused: true, ..sound() };
    assert_eq!(told(chat_with("max_tokens", json!(null)), nulls), "int_type");
    assert_eq!(told(chat_with("stop", json!(null)), nulls), "list_type");
    let blanks = Deviations { blank_refused: true, ..sound() };
    assert_eq!(told(chat_with("messages", part), blanks), "string_too_short");
    let said = json!([{ "role": "user", "content": "" }]);
    let mistakes = detail(chat(Body::Present(chat_with("messages", said)), blanks));
    assert!(mistakes.iter().any(|mistake| mistake["ctx"] == json!({ "min_length": 1 })));
    let silent = json!([{ "role": "system", "content": "" }]);
    assert_eq!(told(chat_with("messages", silent), blanks), "accepted");
    let none = Deviations { no_message_accepted: true, ..sound() };
    assert_eq!(told(chat_with("messages", json!([])), none), "accepted");
    let none = Deviations { no_input_accepted: true, ..sound() };
    assert!(embedding(Body::Present(embedding_with("input", json!([]))), none).is_ok());
    let full = Deviations { input_in_full: true, ..sound() };
    let long = json!("x".repeat(100_000));
    let mistakes = detail(chat(Body::Present(chat_with("temperature", long.clone())), full));
    assert_eq!(own(&mistakes)["input"], long);
}
