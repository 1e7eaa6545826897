//! What the runner does besides waiting: reading scenarios, filling templates, finding values, deciding checks.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use plumbline_harness::check::{Context, Reply, Schemas, decide};
use plumbline_harness::scenario::{
    Check, CheckLevel, Matcher, Path, Quantifier, Shape, ShapeNode, Subject, Templates, Variables,
};
use plumbline_harness::source::{Files, load, written, yaml};
use plumbline_harness::target::Secrets;
use plumbline_record::{Level, Location};
use serde_json::json;

const CONTRACT: &str = include_str!("../../scenarios/gsai/contract.yaml");
const CONVERSATION: &str = include_str!("../../scenarios/gsai/conversation.yaml");
const SCHEMAS: [&str; 5] =
    ["gsai/models", "gsai/chat-completion", "gsai/embeddings", "gsai/error-detail", "gsai/server-error"];

fn templates() -> Templates {
    Templates::new(Arc::new(|_| Some(Vec::new())))
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Bytes(CONVERSATION.len() as u64));
    group.bench_function("decode a scenario file", |bencher| {
        bencher.iter(|| yaml::decode::<written::file::ScenarioFile>(black_box(CONVERSATION)));
    });
    group.bench_function("lint a scenario file and its contract", |bencher| {
        bencher.iter(|| {
            let files = Files::in_memory([
                ("gsai/contract.yaml", CONTRACT),
                ("gsai/conversation.yaml", CONVERSATION),
            ]);
            let (suite, mistakes) = load(files, &SCHEMAS, templates());
            assert!(mistakes.is_empty());
            suite
        });
    });
    group.finish();
}

fn evaluating(criterion: &mut Criterion) {
    let mut templates = templates();
    let lookup = templates.parse("{{ chat.json.usage }}").unwrap();
    let text = templates.parse("does not support chat with the model '{{ chat_model }}'.").unwrap();
    let sum =
        templates.parse("{{ chat.json.usage.prompt_tokens + chat.json.usage.completion_tokens }}").unwrap();
    let fixed = Path::parse("$.choices[0].message.content", &mut templates).unwrap();
    let filled = Path::parse("$[?@.id == {{ chat_model }}].capability", &mut templates).unwrap();
    let answer = json!({
        "object": "chat.completion", "created": 1, "model": "claude_3_5_sonnet",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hello" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18 }
    });
    let models: Vec<_> = (0..9).map(|n| json!({ "id": format!("m{n}"), "capability": "chat" })).collect();
    let models = json!(models);
    let mut variables = Variables::default();
    variables.set("chat_model", json!("m7"));
    variables.set("chat", json!({ "status": 200, "json": answer }));

    let mut group = criterion.benchmark_group("evaluate");
    group.bench_function("template: a value", |bencher| {
        bencher.iter(|| lookup.value(&templates, &variables).unwrap());
    });
    group.bench_function("template: inside a text", |bencher| {
        bencher.iter(|| text.value(&templates, &variables).unwrap());
    });
    group.bench_function("template: a sum", |bencher| {
        bencher.iter(|| sum.value(&templates, &variables).unwrap());
    });
    group.bench_function("path: fixed", |bencher| {
        bencher.iter(|| fixed.fill(&templates, &variables).unwrap().find(black_box(&answer)).len());
    });
    group.bench_function("path: with a template", |bencher| {
        bencher.iter(|| filled.fill(&templates, &variables).unwrap().find(black_box(&models)).len());
    });
    group.finish();
    checking(criterion, &mut templates, &variables, &answer);
}

fn checking(
    criterion: &mut Criterion,
    templates: &mut Templates,
    variables: &Variables,
    answer: &serde_json::Value,
) {
    let check = |subject, matcher| Check {
        subject,
        matcher,
        level: CheckLevel::Fixed(Level::Must),
        verifies: None,
        location: Location::default(),
    };
    let path = Path::parse("$.usage.total_tokens", templates).unwrap();
    let sum =
        templates.parse("{{ chat.json.usage.prompt_tokens + chat.json.usage.completion_tokens }}").unwrap();
    let equals =
        check(Subject::Body(path, Quantifier::One), Matcher::Equals(Shape::new(ShapeNode::Filled(sum))));
    let status = check(Subject::Status, Matcher::OneOf(vec![Shape::fixed(json!(200))]));
    let schema = include_str!("../../fixtures/schemas/gsai/chat-completion.json");
    let schemas = Schemas::new([("gsai/chat-completion", schema)]).unwrap();
    let valid = check(Subject::Json, Matcher::Schema("gsai/chat-completion".into()));
    let reply = Reply::new(200, Vec::new(), answer.to_string().as_bytes());
    let secrets = Secrets::default();
    let context = Context { templates, variables, schemas: &schemas, scripted: true, secrets: &secrets };

    let mut group = criterion.benchmark_group("check");
    for (name, check) in [("status", &status), ("equals a sum", &equals), ("JSON Schema", &valid)] {
        assert!(decide(check, &reply, &context, "step").is_none(), "{name}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| decide(check, black_box(&reply), &context, "step"));
        });
    }
    group.finish();
}

criterion_group!(benches, reading, evaluating);
criterion_main!(benches);
