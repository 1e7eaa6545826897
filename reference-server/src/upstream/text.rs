//! What an event says, of the text of an answer.

use serde_json::Value;

use super::provider_kind::ProviderKind;
use super::units::Form;

/// The text that a part of an answer adds to it; nothing where it adds none.
pub(super) fn delta(provider: ProviderKind, form: Form, unit: &[u8]) -> Option<String> {
    let event: Value = serde_json::from_slice(form.json(unit)?).ok()?;
    let added = match provider {
        ProviderKind::Openai => openai(&event),
        ProviderKind::Anthropic => anthropic(&event),
        ProviderKind::Gemini | ProviderKind::Vertex => google(&event),
        ProviderKind::Bedrock => text(&event, "/delta/text").map(str::to_owned),
    };
    added.filter(|added| !added.is_empty())
}

/// Chat completions, completions of the old kind, responses.
fn openai(event: &Value) -> Option<String> {
    if text(event, "/type") == Some("response.output_text.delta") {
        return text(event, "/delta").map(str::to_owned);
    }
    let choices = event.get("choices")?.as_array()?.iter();
    Some(choices.filter_map(|choice| text(choice, "/delta/content").or(text(choice, "/text"))).collect())
}

fn anthropic(event: &Value) -> Option<String> {
    let is_text = text(event, "/delta/type") == Some("text_delta");
    text(event, "/delta/text").filter(|_| is_text).map(str::to_owned)
}

/// The parts that are no thoughts.
fn google(event: &Value) -> Option<String> {
    let candidates = event.get("candidates")?.as_array()?.iter();
    let parts = candidates.filter_map(|candidate| candidate.pointer("/content/parts")?.as_array()).flatten();
    let is_said = |part: &&Value| part.get("thought") != Some(&Value::Bool(true));
    Some(parts.filter(is_said).filter_map(|part| text(part, "/text")).collect())
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::super::frame;
    use super::*;

    #[test]
    fn the_text_of_an_event_is_found_on_every_wire() {
        use ProviderKind::{Anthropic, Gemini, Openai, Vertex};
        for (provider, event, text) in [
            (Openai, r#"data: {"choices":[{"delta":{"content":"Hi"}}]}"#, Some("Hi")),
            (Openai, r#"data: {"choices":[{"delta":{"role":"assistant","content":""}}]}"#, None),
            (Openai, r#"data: {"choices":[],"usage":{}}"#, None),
            (Openai, r#"data: {"choices":[{"text":"Hi"}]}"#, Some("Hi")),
            (Openai, r#"data: {"type":"response.output_text.delta","delta":"Hi"}"#, Some("Hi")),
            (Openai, r#"data: {"type":"response.function_call_arguments.delta","delta":"{"}"#, None),
            (Openai, "data: [DONE]", None),
            (
                Anthropic,
                "event: content_block_delta\ndata: {\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}",
                Some("Hi"),
            ),
            (Anthropic, r#"data: {"delta":{"type":"thinking_delta","thinking":"Hi"}}"#, None),
            (Gemini, r#"data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}"#, Some("Hi")),
            (Vertex, r#"data: {"candidates":[{"content":{"parts":[{"text":"Hm","thought":true}]}}]}"#, None),
            (Vertex, r#"data: {"candidates":[{"finishReason":"STOP"}]}"#, None),
        ] {
            assert_eq!(delta(provider, Form::Events, event.as_bytes()).as_deref(), text, "{event}");
        }
        let list = br#"[{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}"#;
        assert_eq!(delta(Gemini, Form::Elements, list).as_deref(), Some("Hi"));
    }

    #[test]
    fn the_text_of_a_frame_stands_in_its_payload() {
        let text = |payload: &str| {
            let frame = frame::event("contentBlockDelta", payload.as_bytes().to_vec());
            delta(ProviderKind::Bedrock, Form::Frames, &frame)
        };
        assert_eq!(text(r#"{"contentBlockIndex":0,"delta":{"text":"Hi"}}"#).as_deref(), Some("Hi"));
        assert_eq!(text(r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{}"}}}"#), None);
    }
}
