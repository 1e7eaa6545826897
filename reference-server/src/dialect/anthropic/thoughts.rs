//! What a model has thought in earlier turns, as it is sent back.

use serde_json::Value;

use super::signature;
use crate::dialect::common::read::{Members, Mistake, Read, list, string};
use crate::domain::inference::Thinking;

/// Thoughts, with what proves to a model that they are its own.
pub(super) fn thinking(members: Members<'_>) -> Read<Thinking> {
    let text = members.required("thinking", string)?.to_owned();
    let signature = members.required("signature", string)?;
    members.only(&["type", "thinking", "signature"])?;
    // An empty one proves nothing.
    Ok(Thinking { text, signature: Some(signature.to_owned()).filter(|signature| !signature.is_empty()) })
}

/// That the thoughts in messages, which have been read, are those of a model in this process. What others have thought
/// only they can tell.
pub(super) fn are_own(messages: &Value) -> Read<()> {
    let block = |block: &Value| match ["type", "thinking", "signature"].map(|name| block.get(name)?.as_str())
    {
        [Some("thinking"), Some(thoughts), Some(signed)] if signed != signature::of(thoughts) => {
            Err(Mistake::other("Invalid `signature` in `thinking` block"))
        }
        _ => Ok(()),
    };
    let message = |message| {
        Members::of(message)?.required("content", |content| match content {
            Value::Array(_) => list(block)(content).map(drop),
            _ => Ok(()),
        })
    };
    list(message)(messages).map(drop)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn thoughts_are_those_of_a_model_here_or_of_another() {
        let proof = |thinking: &str, signature: &str| {
            let block = json!({ "type": "thinking", "thinking": thinking, "signature": signature });
            let text = json!({ "type": "text", "text": "Hi" });
            let answered = json!({ "role": "assistant", "content": [text, block] });
            are_own(&json!([{ "role": "user", "content": "Hi" }, answered]))
        };
        assert_eq!(proof("Hm.", &signature::of("Hm.")), Ok(()));
        let foreign = proof("Hm.", &signature::of("Well.")).unwrap_err();
        assert_eq!(foreign.dotted(), "1.content.1");
    }
}
