//! The versions of the wire, and what the latest takes no more.
//!
//! These are all the changes that the reference's version history names for messages and their token counts. One of
//! them goes further: within a `search_result` block citations are refused as well. No version has such blocks here.
//! What the history names besides belongs to the interfaces for administration and analytics, which are not on offer.

use serde_json::Value;

use super::content::misplaced;
use crate::dialect::common::read::{Members, Mistake, Problem, Read};

/// The latest version, which takes less than those before it.
pub(super) const LATEST: &str = "2026-10-21";
/// The versions that there are.
pub(super) const ALL: [&str; 3] = [LATEST, "2023-06-01", "2023-01-01"];

/// How a model chooses its words, which nobody tells it any more.
const SAMPLING: [&str; 3] = ["temperature", "top_p", "top_k"];

/// That a body has nothing that the latest version no longer takes. What else is wrong with it is left to others.
pub(super) fn is_of_latest(body: &Value) -> Read<()> {
    let members = Members::of(body)?;
    if let Some(name) = SAMPLING.into_iter().find(|name| members.get(name).is_some()) {
        return Err(Mistake::new(Problem::Unknown).in_member(name));
    }
    let messages = members.get("messages").and_then(Value::as_array);
    for (index, message) in messages.into_iter().flatten().enumerate() {
        turn(message).map_err(|mistake| mistake.in_element(index).in_member("messages"))?;
    }
    Ok(())
}

/// That a turn of the assistant's has no document, and a text of the user's no citations. What stands within other
/// blocks may be anything.
fn turn(message: &Value) -> Read<()> {
    let role = message.get("role").and_then(Value::as_str);
    let blocks = message.get("content").and_then(Value::as_array);
    for (index, block) in blocks.into_iter().flatten().enumerate() {
        let mistake = match (role, block.get("type").and_then(Value::as_str)) {
            (Some("assistant"), Some("document")) => misplaced("document", "user"),
            (Some("user"), Some("text")) if cites(block) => {
                let words = "text blocks with citations can only be in `assistant` messages";
                Mistake::other(words).in_member("citations")
            }
            _ => continue,
        };
        return Err(mistake.in_element(index).in_member("content"));
    }
    Ok(())
}

fn cites(block: &Value) -> bool {
    block.get("citations").and_then(Value::as_array).is_some_and(|citations| !citations.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::words::told;
    use super::*;

    fn refused(body: &Value) -> String {
        told(&is_of_latest(body).unwrap_err())
    }

    fn saying(role: &str, block: &Value) -> Value {
        json!({ "messages": [
            { "role": "user", "content": "Hi" },
            { "role": role, "content": [{ "type": "text", "text": "Hi" }, block] },
        ] })
    }

    fn cited(citations: &Value) -> Value {
        json!({ "type": "text", "text": "Hi", "citations": citations })
    }

    #[test]
    fn what_the_latest_version_has_dropped_is_told_with_its_place() {
        for name in SAMPLING {
            assert_eq!(refused(&json!({ name: 1 })), format!("{name}: Extra inputs are not permitted"));
        }
        assert_eq!(
            refused(&saying("assistant", &json!({ "type": "document" }))),
            "messages.1.content.1: `document` blocks can only be in `user` messages"
        );
        assert_eq!(
            refused(&saying("user", &cited(&json!([{ "type": "char_location" }])))),
            "messages.1.content.1.citations: text blocks with citations can only be in `assistant` messages"
        );
    }

    #[test]
    fn everything_else_is_taken_as_before() {
        let document = json!({ "type": "document", "citations": { "enabled": true } });
        for body in [
            json!({ "temperature": null, "messages": "Hi" }),
            saying("user", &document),
            saying("assistant", &cited(&json!([{ "type": "char_location" }]))),
            saying("user", &cited(&json!([]))),
            saying("user", &cited(&Value::Null)),
            saying("user", &json!({ "type": "tool_result", "content": [document] })),
        ] {
            assert_eq!(is_of_latest(&body), Ok(()), "{body}");
        }
    }
}
