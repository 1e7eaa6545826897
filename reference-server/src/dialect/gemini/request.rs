//! The body of a request for content.

use serde_json::Value;

use super::content;
use super::members::Members;
use super::tools;
use crate::dialect::common::read::{self, Mistake, Read};
use crate::domain::inference::{AnswerFormat, CompletionRequest};

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
    let turns = members.required("contents", content::contents)?;
    content::answers_follow_calls(&turns)?;
    messages.extend(turns);
    let tools = members.optional("tools", tools::tools)?.unwrap_or_default();
    let tool_use =
        members.optional("toolConfig", |value| tools::tool_use(value, &tools))?.unwrap_or_default();
    members.optional("safetySettings", read::list(safety))?;
    let request = CompletionRequest { messages, tools, tool_use, ..CompletionRequest::default() };
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
    request.temperature = members.optional("temperature", read::number(0.0..=2.0))?;
    request.top_p = members.optional("topP", read::number(0.0..=1.0))?;
    members.optional("topK", read::number(0.0..=1_000_000.0))?;
    members.optional("seed", read::integer(i64::from(i32::MIN)..=i64::from(i32::MAX)))?;
    members.optional("presencePenalty", read::number(-2.0..=2.0))?;
    members.optional("frequencyPenalty", read::number(-2.0..=2.0))?;
    members.optional("responseModalities", read::list(read::one_of(&["TEXT"])))?;
    let alternatives = members.optional("logprobs", read::integer(0..=20))?;
    if members.optional("responseLogprobs", read::boolean)?.unwrap_or(false) {
        request.alternatives = Some(u8::try_from(alternatives.unwrap_or(0)).unwrap_or_default());
    } else if alternatives.is_some() {
        return Err(Mistake::other("logprobs needs responseLogprobs to be true").in_member("logprobs"));
    }
    request.format = format(&members)?;
    if let Some(config) = members.get("thinkingConfig") {
        let (budget, shown) = thinking(config).map_err(|mistake| mistake.in_member("thinkingConfig"))?;
        request.thinking = budget;
        wanted.shows_thoughts = shown;
    }
    Ok(wanted)
}

fn format(members: &Members<'_>) -> Read<AnswerFormat> {
    let types = read::one_of(&["text/plain", "application/json"]);
    let json = members.optional("responseMimeType", types)? == Some("application/json");
    for name in ["responseSchema", "responseJsonSchema"] {
        if let Some(schema) = members.optional(name, tools::schema)? {
            if json {
                return Ok(AnswerFormat::JsonSchema(schema.clone()));
            }
            let words = "a response schema needs the response mime type application/json";
            return Err(Mistake::other(words).in_member(name));
        }
    }
    Ok(if json { AnswerFormat::JsonObject } else { AnswerFormat::Text })
}

/// The budget, and whether thoughts are shown.
fn thinking(config: &Value) -> Read<(Option<u32>, bool)> {
    let members = Members::of(config, &["includeThoughts", "thinkingBudget", "thinkingLevel"])?;
    let shown = members.optional("includeThoughts", read::boolean)?.unwrap_or(false);
    let levels =
        read::one_of(&["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "low", "high"]);
    members.optional("thinkingLevel", levels)?;
    let budget = match members.optional("thinkingBudget", read::integer(-1..=MOST_THINKING))? {
        Some(0) => None,
        None | Some(-1) => Some(DYNAMIC_BUDGET),
        Some(budget) => u32::try_from(budget).ok(),
    };
    Ok((budget, shown))
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
            "stopSequences": ["END"], "candidateCount": 2, "max_output_tokens": 7, "temperature": 2, "topP": 0.5,
            "responseMimeType": "application/json", "responseSchema": { "type": "OBJECT" },
            "thinkingConfig": { "includeThoughts": true },
        }))
        .unwrap();
        let request = wanted.request;
        assert_eq!((request.stop, request.more_answers), (vec!["END".to_owned()], 1));
        assert_eq!((request.max_tokens, request.temperature, request.top_p), (Some(7), Some(2.0), Some(0.5)));
        assert_eq!(request.format, AnswerFormat::JsonSchema(json!({ "type": "OBJECT" })));
        assert_eq!((request.thinking, wanted.shows_thoughts), (Some(DYNAMIC_BUDGET), true));
        assert_eq!(request.messages[0].role, Role::User);
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
