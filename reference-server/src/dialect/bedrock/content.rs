//! From the system prompt and the messages of a request to the domain's.

use serde_json::Value;

use super::media::{blob, document, image};
use super::tools::{identifier, name};
use super::union::union;
use crate::dialect::anthropic;
use crate::dialect::common::read::{Members, Mistake, Read, list, one_of, string, string_of};
use crate::domain::inference::{Message, Part, Role, Thinking, ToolCall, ToolResult};

/// What a block of a message can be.
const BLOCKS: [&str; 14] = [
    "text",
    "image",
    "document",
    "video",
    "audio",
    "toolUse",
    "toolResult",
    "guardContent",
    "cachePoint",
    "reasoningContent",
    "citationsContent",
    "searchResult",
    "toolAddition",
    "toolRemoval",
];

/// The system prompt.
pub(super) fn system(value: &Value) -> Read<Message> {
    let blocks = list(|block| {
        union(block, &["text", "guardContent", "cachePoint"], |name, value| match name {
            "text" => Ok(vec![Part::Text(string_of(1..=usize::MAX)(value)?.to_owned())]),
            "guardContent" => guarded(value),
            _ => cache_point(value),
        })
    })(value)?;
    Ok(Message::new(Role::System, blocks.into_iter().flatten().collect()))
}

/// The turns.
pub(super) fn messages(value: &Value) -> Read<Vec<Message>> {
    list(message)(value)
}

fn message(value: &Value) -> Read<Message> {
    let members = Members::of(value)?;
    let role = match members.required("role", one_of(&["user", "assistant"]))? {
        "user" => Role::User,
        _ => Role::Assistant,
    };
    let parts = members.required("content", |content| {
        let blocks = list(|value| block(value, role))(content)?;
        if blocks.is_empty() {
            return Err(Mistake::other("all messages must have non-empty content"));
        }
        let has = |kind: &str| blocks.iter().any(|(name, _)| *name == kind);
        if has("document") && !has("text") {
            return Err(Mistake::other("a message with a document block must have a text block as well"));
        }
        Ok(blocks.into_iter().flat_map(|(_, parts)| parts).collect())
    })?;
    Ok(Message::new(role, parts))
}

/// What a block is and says.
fn block(value: &Value, role: Role) -> Read<(&'static str, Vec<Part>)> {
    union(value, &BLOCKS, |kind, value| {
        let parts = match (kind, role) {
            ("text", _) => vec![Part::Text(anthropic::media::said(value)?.to_owned())],
            ("cachePoint", _) => cache_point(value)?,
            ("image", Role::User) => vec![Part::Image(image(value)?)],
            ("document", Role::User) => document(value)?,
            ("guardContent", Role::User) => guarded(value)?,
            ("toolResult", Role::User) => tool_result(value)?,
            ("toolUse", Role::Assistant) => vec![Part::ToolCall(tool_use(value)?)],
            ("reasoningContent", Role::Assistant) => reasoning(value)?,
            ("image" | "document" | "guardContent" | "toolResult", _) => {
                return Err(Mistake::other(format!("`{kind}` blocks can only be in `user` messages")));
            }
            ("toolUse" | "reasoningContent", _) => {
                return Err(Mistake::other(format!("`{kind}` blocks can only be in `assistant` messages")));
            }
            _ => return Err(unsupported(kind)),
        };
        Ok((kind, parts))
    })
}

/// A mark up to which a prompt is to be remembered. It says nothing to the model, and nothing is remembered here.
fn cache_point(value: &Value) -> Read<Vec<Part>> {
    let members = Members::of(value)?;
    members.required("type", one_of(&["default"]))?;
    members.optional("ttl", one_of(&["5m", "1h"]))?;
    Ok(Vec::new())
}

/// What guardrails look at, if there are any.
fn guarded(value: &Value) -> Read<Vec<Part>> {
    union(value, &["text", "image"], |name, value| match name {
        "text" => {
            let text = Members::of(value)?.required("text", string)?;
            Ok(vec![Part::Text(text.to_owned())])
        }
        _ => Ok(vec![Part::Image(image(value)?)]),
    })
}

fn tool_use(value: &Value) -> Read<ToolCall> {
    let members = Members::of(value)?;
    let id = members.required("toolUseId", identifier)?.to_owned();
    let name = members.required("name", name)?.to_owned();
    let arguments = members.required("input", |input| match input {
        Value::Object(_) => Ok(input.to_string()),
        _ => Err(Mistake::other("Provide a json object for the field and try again")),
    })?;
    Ok(ToolCall { id, name, arguments })
}

/// What a tool shows comes behind what it says.
fn tool_result(value: &Value) -> Read<Vec<Part>> {
    const CONTENT: [&str; 6] = ["json", "text", "image", "document", "video", "searchResult"];
    let members = Members::of(value)?;
    let call_id = members.required("toolUseId", identifier)?.to_owned();
    let is_error = members.optional("status", one_of(&["success", "error"]))? == Some("error");
    let content = members.required(
        "content",
        list(|block| {
            union(block, &CONTENT, |kind, value| match kind {
                "json" => Ok(vec![Part::Text(value.to_string())]),
                "text" => Ok(vec![Part::Text(string(value)?.to_owned())]),
                "image" => Ok(vec![Part::Image(image(value)?)]),
                "document" => document(value),
                kind => Err(unsupported(kind)),
            })
        }),
    )?;
    let (mut texts, mut parts) = (Vec::new(), Vec::new());
    for part in content.into_iter().flatten() {
        match part {
            Part::Text(text) => texts.push(text),
            shown => parts.push(shown),
        }
    }
    parts.insert(0, Part::ToolResult(ToolResult { call_id, text: texts.join("\n"), is_error }));
    Ok(parts)
}

/// Thoughts, with what proves to a model that they are its own. Those that nobody may read are nothing to it here.
fn reasoning(value: &Value) -> Read<Vec<Part>> {
    union(value, &["reasoningText", "redactedContent"], |name, value| {
        if name == "redactedContent" {
            return blob(value).map(|_| Vec::new());
        }
        let members = Members::of(value)?;
        let text = members.required("text", string)?.to_owned();
        let signature = members.optional("signature", string)?.map(str::to_owned);
        Ok(vec![Part::Thinking(Thinking { text, signature })])
    })
}

/// That the thoughts in messages, which have been read, are those of a model in this process, where they are signed.
/// What others have thought only they can tell.
pub(super) fn are_own_thoughts(messages: &Value) -> Read<()> {
    let block = |block: &Value| {
        let thought = |name: &str| block.pointer("/reasoningContent/reasoningText")?.get(name)?.as_str();
        match (thought("text"), thought("signature")) {
            (Some(text), Some(signed)) if signed != anthropic::signature::of(text) => {
                let mistake = Mistake::other("Invalid `signature` in `thinking` block");
                Err(mistake.in_member("reasoningText").in_member("reasoningContent"))
            }
            _ => Ok(()),
        }
    };
    let message =
        |message| Members::of(message)?.required("content", |content| list(block)(content).map(drop));
    list(message)(messages).map(drop)
}

fn unsupported(kind: &str) -> Mistake {
    Mistake::other(format!("This model doesn't support the {kind} field. Remove {kind} and try again"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(role: &str, block: &Value) -> Read<Vec<Message>> {
        messages(&json!([{ "role": role, "content": [{ "text": "Hi" }, block] }]))
    }

    #[test]
    fn turns_are_read_with_all_their_blocks() {
        let turns = messages(&json!([
            { "role": "user", "content": [{ "text": "look" }, { "cachePoint": { "type": "default" } }] },
            { "role": "assistant", "content": [
                { "reasoningContent": { "reasoningText": {
                    "text": "Hm.", "signature": anthropic::signature::of("Hm."),
                } } },
                { "toolUse": { "toolUseId": "tooluse_1", "name": "f", "input": { "a": 1 } } },
            ] },
            { "role": "user", "content": [
                { "toolResult": { "toolUseId": "tooluse_1", "status": "error", "content": [
                    { "text": "no" }, { "json": { "code": 7 } },
                    { "document": { "name": "a", "source": { "bytes": "JVBERg==" }, "format": "pdf" } },
                ] } },
            ] },
        ]))
        .unwrap();
        assert_eq!(
            turns.iter().map(|turn| turn.role).collect::<Vec<_>>(),
            [Role::User, Role::Assistant, Role::User]
        );
        assert_eq!((turns[0].parts.len(), turns[0].text()), (1, "look".to_owned()));
        let [Part::Thinking(thought), Part::ToolCall(call)] = &turns[1].parts[..] else {
            panic!("{:?}", turns[1])
        };
        let proof = anthropic::signature::of("Hm.");
        assert_eq!((thought.text.as_str(), thought.signature.as_ref()), ("Hm.", Some(&proof)));
        assert_eq!((call.id.as_str(), call.arguments.as_str()), ("tooluse_1", "{\"a\":1}"));
        let [Part::ToolResult(result), Part::File(_)] = &turns[2].parts[..] else { panic!("{:?}", turns[2]) };
        assert_eq!((result.text.as_str(), result.is_error), ("no\n{\"code\":7}", true));
    }

    #[test]
    fn mistakes_have_their_place() {
        let document = json!({ "document": { "name": "a", "source": { "text": "words" } } });
        let call = json!({ "toolUse": { "toolUseId": "a", "name": "f", "input": {} } });
        for (turns, place) in [
            (json!([{ "role": "user" }]), "[0].content"),
            (json!([{ "role": "system", "content": [{ "text": "Hi" }] }]), "[0].role"),
            (json!([{ "role": "user", "content": "Hi" }]), "[0].content"),
            (json!([{ "role": "user", "content": [] }]), "[0].content"),
            (json!([{ "role": "user", "content": [{ "text": " " }] }]), "[0].content[0].text"),
            (json!([{ "role": "user", "content": [{ "type": "text" }] }]), "[0].content[0]"),
            (json!([{ "role": "user", "content": [document] }]), "[0].content"),
            (json!([{ "role": "user", "content": [call] }]), "[0].content[0].toolUse"),
        ] {
            assert_eq!(messages(&turns).unwrap_err().bracketed(), place, "{turns}");
        }
        for (role, block, place) in [
            ("assistant", document.clone(), "document"),
            ("user", json!({ "video": { "format": "mp4" } }), "video"),
            ("user", json!({ "cachePoint": { "type": "other" } }), "cachePoint.type"),
            (
                "assistant",
                json!({ "toolUse": { "toolUseId": "a", "name": "f", "input": [] } }),
                "toolUse.input",
            ),
            (
                "assistant",
                json!({ "toolUse": { "toolUseId": "a b", "name": "f", "input": {} } }),
                "toolUse.toolUseId",
            ),
            (
                "user",
                json!({ "toolResult": { "toolUseId": "a", "content": [{ "json": 1, "text": "b" }] } }),
                "toolResult.content[0]",
            ),
        ] {
            let found = said(role, &block).unwrap_err().bracketed();
            assert_eq!(found, format!("[0].content[1].{place}"), "{block}");
        }
        assert!(said("user", &document).is_ok());
    }

    #[test]
    fn thoughts_are_those_of_a_model_here_or_of_another() {
        let proof = |signature: &str| {
            let block =
                json!({ "reasoningContent": { "reasoningText": { "text": "a", "signature": signature } } });
            let answered = json!({ "role": "assistant", "content": [{ "text": "Hi" }, block] });
            are_own_thoughts(&json!([{ "role": "user", "content": [{ "text": "Hi" }] }, answered]))
        };
        assert_eq!(proof(&anthropic::signature::of("a")), Ok(()));
        let place = "[1].content[1].reasoningContent.reasoningText";
        assert_eq!(proof("b").unwrap_err().bracketed(), place);
    }

    #[test]
    fn a_system_prompt_is_blocks_of_text() {
        let read = |value: &Value| system(value).map(|message| message.text());
        let blocks = json!([{ "text": "be" }, { "cachePoint": { "type": "default" } }, { "text": "kind" }]);
        assert_eq!(read(&blocks), Ok("be\nkind".to_owned()));
        assert!(read(&json!("be kind")).is_err());
        assert!(read(&json!([{ "text": "" }])).is_err());
        assert!(read(&json!([{ "guardContent": { "text": { "text": "be kind" } } }])).is_ok());
    }
}
