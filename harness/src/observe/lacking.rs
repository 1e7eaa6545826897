//! Where a text stands in a call to a provider.

use serde_json::Value;
use url::form_urlencoded;

use crate::check::within;

/// The place of a call at which a text stands, in words; nothing where it stands nowhere.
pub(super) fn place(call: &Value, text: &str) -> Option<String> {
    let member = |name: &str| call.get(name).unwrap_or(&Value::Null);
    in_address(member("path"), member("query"), text)
        .or_else(|| in_headers(member("headers"), text))
        .or_else(|| Some(format!("body at ${}", within(member("body"), text)?)))
}

fn in_address(path: &Value, query: &Value, text: &str) -> Option<String> {
    if path.as_str().is_some_and(|path| path.contains(text)) {
        return Some("path".to_owned());
    }
    let query = query.as_str()?;
    let mut fields = form_urlencoded::parse(query.as_bytes());
    let is_there =
        query.contains(text) || fields.any(|(name, value)| name.contains(text) || value.contains(text));
    is_there.then(|| "query".to_owned())
}

/// In a header's name, or in one of its values.
fn in_headers(headers: &Value, text: &str) -> Option<String> {
    let (name, _) = headers
        .as_object()?
        .iter()
        .find(|(name, value)| name.contains(text) || within(value, text).is_some())?;
    Some(format!("header {name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_found_wherever_it_stands() {
        let call = |member: &str, value: Value| {
            let mut call = json!({
                "provider": "openai", "path": "/v1/chat", "query": "", "headers": { "host": "h" }, "body": { "a": [1] },
            });
            call[member] = value;
            call
        };
        for (member, value, found) in [
            ("path", json!("/v1/models/sk-7:generate"), "path"),
            ("query", json!("key=sk-7"), "query"),
            ("query", json!("key=sk%2D7"), "query"),
            ("headers", json!({ "authorization": "Bearer sk-7" }), "header authorization"),
            ("headers", json!({ "x-a": ["b", "sk-7"] }), "header x-a"),
            ("headers", json!({ "x-sk-7": "" }), "header x-sk-7"),
            ("body", json!({ "a": [{ "b": "the sk-7 key" }] }), "body at $['a'][0]['b']"),
            ("body", json!({ "sk-7": null }), "body at $['sk-7']"),
            ("body", json!("{ sk-7"), "body at $"),
        ] {
            assert_eq!(place(&call(member, value.clone()), "sk-7").as_deref(), Some(found), "{value}");
        }
        let other = call("body", json!({ "user": 4711 }));
        assert_eq!(place(&other, "sk-7"), None);
        // Who was asked is none of what it was sent.
        assert_eq!(place(&other, "openai"), None);
        assert_eq!(place(&other, "4711").as_deref(), Some("body at $['user']"));
        assert_eq!(place(&json!({}), "sk-7"), None);
    }
}
