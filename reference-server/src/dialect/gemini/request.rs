//! The body of a request for content.

use serde_json::{Map, Value};

use super::members::Members;
use super::{content, pairing, tools};
use crate::dialect::common::read::{self, Mistake, Read};
use crate::domain::inference::{AnswerFormat, CompletionRequest, Effort, ServiceTier};

/// The tokens that a model thinks with where the caller leaves that to it.
const DYNAMIC_BUDGET: u32 = 8_192;
/// Most tokens to think with.
const MOST_THINKING: i64 = 32_768;

/// What is asked for.
#[derive(Debug)]
pub(in crate::dialect) struct ContentRequest {
    pub(in crate::dialect) request: CompletionRequest,
    /// Whether thoughts are shown.
    pub(in crate::dialect) shows_thoughts: bool,
}

/// Reads the body of a request for content.
pub(in crate::dialect) fn read(body: &Value) -> Read<ContentRequest> {
    const KNOWN: [&str; 11] = [
        "contents",
        "systemInstruction",
        "tools",
        "toolConfig",
        "safetySettings",
        "generationConfig",
        "cachedContent",
        "labels",
        "model",
        "serviceTier",
        "store",
    ];
    let members = Members::of(body, &KNOWN)?;
    if members.get("cachedContent").is_some() {
        return Err(Mistake::other("cached content is not supported").in_member("cachedContent"));
    }
    let mut messages: Vec<_> = members.optional("systemInstruction", content::system)?.into_iter().collect();
    let mut turns = members.required("contents", content::contents)?;
    pairing::pair(&mut turns)?;
    messages.extend(turns);
    let tools = members.optional("tools", tools::tools)?.unwrap_or_default();
    let tool_use =
        members.optional("toolConfig", |value| tools::tool_use(value, &tools))?.unwrap_or_default();
    members.optional("safetySettings", read::list(safety))?;
    let request = CompletionRequest {
        messages,
        tools,
        tool_use,
        metadata: members.optional("labels", labels)?.unwrap_or_default(),
        store: members.optional("store", read::boolean)?,
        service_tier: members.optional("serviceTier", read::string)?.and_then(tier),
        ..CompletionRequest::default()
    };
    let plain = ContentRequest { request, shows_thoughts: false };
    match members.get("generationConfig") {
        None => Ok(plain),
        Some(config) => configured(plain, config).map_err(|mistake| mistake.in_member("generationConfig")),
    }
}

fn safety(value: &Value) -> Read<()> {
    let members = Members::of(value, &["category", "threshold", "method"])?;
    members.required("category", read::string)?;
    members.required("threshold", read::string).map(drop)
}

fn labels(value: &Value) -> Read<Map<String, Value>> {
    let Value::Object(labels) = value else { return Err(read::kind("an object", value)) };
    for (name, label) in labels {
        read::string(label).map_err(|mistake| mistake.in_member(name))?;
    }
    Ok(labels.clone())
}

fn tier(name: &str) -> Option<ServiceTier> {
    match name.to_ascii_lowercase().as_str() {
        "standard" => Some(ServiceTier::Default),
        name => ServiceTier::from_name(name),
    }
}

fn configured(mut wanted: ContentRequest, config: &Value) -> Read<ContentRequest> {
    const KNOWN: [&str; 20] = [
        "stopSequences",
        "responseMimeType",
        "responseSchema",
        "responseJsonSchema",
        "responseModalities",
        "candidateCount",
        "maxOutputTokens",
        "temperature",
        "topP",
        "topK",
        "seed",
        "presencePenalty",
        "frequencyPenalty",
        "responseLogprobs",
        "logprobs",
        "enableEnhancedCivicAnswers",
        "speechConfig",
        "thinkingConfig",
        "imageConfig",
        "mediaResolution",
    ];
    let members = Members::of(config, &KNOWN)?;
    let request = &mut wanted.request;
    let texts = |value| read::string_of(1..=1_000)(value).map(str::to_owned);
    request.stop = members.optional("stopSequences", read::list_of(0..=5, texts))?.unwrap_or_default();
    let candidates = members.optional("candidateCount", read::integer(1..=8))?.unwrap_or(1);
    request.more_answers = u32::try_from(candidates - 1).unwrap_or_default();
    let most = members.optional("maxOutputTokens", read::integer(1..=i64::from(i32::MAX)))?;
    request.max_tokens = most.and_then(|most| u32::try_from(most).ok());
    request.temperature = members.optional("temperature", read::exact(0.0..=2.0))?;
    request.top_p = members.optional("topP", read::exact(0.0..=1.0))?;
    request.top_k = members.optional("topK", read::exact(0.0..=1_000_000.0))?;
    request.seed = members.optional("seed", read::integer(i64::from(i32::MIN)..=i64::from(i32::MAX)))?;
    request.presence_penalty = members.optional("presencePenalty", read::exact(-2.0..=2.0))?;
    request.frequency_penalty = members.optional("frequencyPenalty", read::exact(-2.0..=2.0))?;
    members.optional("responseModalities", read::list(read::one_of(&["TEXT"])))?;
    let alternatives = members.optional("logprobs", read::integer(0..=20))?;
    if members.optional("responseLogprobs", read::boolean)?.unwrap_or(false) {
        request.alternatives = Some(u8::try_from(alternatives.unwrap_or(0)).unwrap_or_default());
    } else if alternatives.is_some() {
        return Err(Mistake::other("logprobs needs responseLogprobs to be true").in_member("logprobs"));
    }
    request.format = format(&members)?;
    if let Some(config) = members.get("thinkingConfig") {
        thinking(config, &mut wanted).map_err(|mistake| mistake.in_member("thinkingConfig"))?;
    }
    Ok(wanted)
}

fn format(members: &Members<'_>) -> Read<AnswerFormat> {
    let types = read::one_of(&["text/plain", "application/json"]);
    let json = members.optional("responseMimeType", types)? == Some("application/json");
    for name in ["responseSchema", "responseJsonSchema"] {
        if let Some(schema) = members.optional(name, tools::schema)? {
            if json {
                return Ok(AnswerFormat::JsonSchema(schema.clone().into()));
            }
            let words = "a response schema needs the response mime type application/json";
            return Err(Mistake::other(words).in_member(name));
        }
    }
    Ok(if json { AnswerFormat::JsonObject } else { AnswerFormat::Text })
}

/// How much is thought, and whether thoughts are shown.
fn thinking(config: &Value, wanted: &mut ContentRequest) -> Read<()> {
    let members = Members::of(config, &["includeThoughts", "thinkingBudget", "thinkingLevel"])?;
    wanted.shows_thoughts = members.optional("includeThoughts", read::boolean)?.unwrap_or(false);
    let levels =
        read::one_of(&["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "low", "high"]);
    let level = members.optional("thinkingLevel", levels)?;
    let effort = level.and_then(|level| Effort::from_name(&level.to_ascii_lowercase()));
    let budget = members.optional("thinkingBudget", read::integer(-1..=MOST_THINKING))?;
    let request = &mut wanted.request;
    (request.reasoning_effort, request.thinking) = match budget {
        Some(0) => (Some(Effort::None), None),
        None | Some(-1) => (effort, Some(effort.map_or(DYNAMIC_BUDGET, most_thinking))),
        Some(budget) => (effort, u32::try_from(budget).ok()),
    };
    Ok(())
}

/// Most tokens to think with at an effort.
const fn most_thinking(effort: Effort) -> u32 {
    match effort {
        Effort::None | Effort::Minimal | Effort::Low => 1_024,
        Effort::Medium => DYNAMIC_BUDGET,
        Effort::High | Effort::XHigh | Effort::Max => 24_576,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inference::Role;

    fn with(config: &Value) -> Read<ContentRequest> {
        read(&json!({ "contents": [{ "parts": [{ "text": "Hi" }] }], "generationConfig": config }))
    }

    #[test]
    fn a_request_is_read_with_its_configuration() {
        let wanted = with(&json!({
            "stopSequences": ["END"], "candidateCount": 2, "max_output_tokens": 7, "temperature": 2, "topP": 0.50,
            "topK": 40.0, "seed": -7, "presencePenalty": 0.1, "frequency_penalty": -2,
            "responseMimeType": "application/json", "responseSchema": { "type": "OBJECT" },
            "thinkingConfig": { "includeThoughts": true },
        }))
        .unwrap();
        let request = wanted.request;
        assert_eq!((request.stop, request.more_answers), (vec!["END".to_owned()], 1));
        assert_eq!((request.max_tokens, request.seed), (Some(7), Some(-7)));
        let numbers = json!([request.temperature, request.top_p, request.top_k]);
        assert_eq!(numbers, json!([2, 0.50, 40.0]));
        assert_eq!(json!([request.presence_penalty, request.frequency_penalty]), json!([0.1, -2]));
        assert_eq!(request.format, AnswerFormat::JsonSchema(json!({ "type": "OBJECT" }).into()));
        assert_eq!((request.thinking, wanted.shows_thoughts), (Some(DYNAMIC_BUDGET), true));
        assert_eq!(request.messages[0].role, Role::User);
    }

    #[test]
    fn so_much_is_thought_as_is_said_in_either_way() {
        for (config, thought) in [
            (json!({}), (None, Some(DYNAMIC_BUDGET))),
            (json!({ "thinkingBudget": -1 }), (None, Some(DYNAMIC_BUDGET))),
            (json!({ "thinkingBudget": 512 }), (None, Some(512))),
            (json!({ "thinkingBudget": 0 }), (Some(Effort::None), None)),
            (json!({ "thinkingLevel": "low" }), (Some(Effort::Low), Some(1_024))),
            (json!({ "thinkingLevel": "HIGH" }), (Some(Effort::High), Some(24_576))),
        ] {
            let request = with(&json!({ "thinkingConfig": config })).unwrap().request;
            assert_eq!((request.reasoning_effort, request.thinking), thought, "{config}");
        }
    }

    #[test]
    fn what_is_attached_to_a_request_is_taken_over() {
        let body = |tier: &str| {
            json!({
                "contents": [{ "parts": [{ "text": "Hi" }] }],
                "labels": { "team": "a" }, "store": false, "service_tier": tier,
            })
        };
        let request = read(&body("flex")).unwrap().request;
        assert_eq!(Value::Object(request.metadata), json!({ "team": "a" }));
        assert_eq!((request.store, request.service_tier), (Some(false), Some(ServiceTier::Flex)));
        let usual = read(&body("STANDARD")).unwrap().request;
        assert_eq!(usual.service_tier, Some(ServiceTier::Default));
        let mut wrong = body("flex");
        wrong["labels"]["team"] = json!(1);
        assert_eq!(read(&wrong).unwrap_err().bracketed(), "labels.team");
    }

    #[test]
    fn what_is_out_of_bounds_or_unknown_has_its_place() {
        for (config, place) in [
            (json!({ "temperature": 2.1 }), "temperature"),
            (json!({ "candidateCount": 0 }), "candidateCount"),
            (json!({ "maxOutputTokens": 0 }), "maxOutputTokens"),
            (json!({ "stopSequences": ["a", "b", "c", "d", "e", "f"] }), "stopSequences"),
            (json!({ "responseSchema": {} }), "responseSchema"),
            (json!({ "foo": 1 }), "foo"),
        ] {
            let mistake = with(&config).unwrap_err();
            assert_eq!(mistake.bracketed(), format!("generationConfig.{place}"), "{config}");
        }
        assert_eq!(read(&json!({})).unwrap_err().bracketed(), "contents");
    }
}
