//! The seam at which defects change what is made of a request. With no defect on, everything is taken as the
//! contract says.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::duplicates;
use super::error::{self, Refusal};
use super::exchange::Exchange;
use super::validate::Deviations;
use crate::defect::{Defect, DefectSet};
use crate::domain::call::Call;
use crate::domain::shaping;

/// The size in bytes from which on a body is too much for a gateway that cannot cope.
const LARGE: usize = 8 * 1024 * 1024;
/// The length in characters from which on a string is.
const LONG: usize = 20_000;
/// The number from which on a number is: the first one of more than 18 digits.
const HUGE: f64 = 1e18;
/// The call of a key from which on a call is.
const MANY: u64 = 10;

/// Whether a head is taken in however large it is.
pub(super) fn takes_any_head(defects: &DefectSet) -> bool {
    defects.has(Defect::HeadNotLimited)
}

/// Refuses ways of sending a body.
pub(super) fn framing(defects: &DefectSet, headers: &HeaderMap) -> Result<(), Refusal> {
    if defects.has(Defect::ChunkedRefused) && headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Refusal::Defective {
            status: StatusCode::LENGTH_REQUIRED,
            media_type: "application/json",
            body: "{\"detail\":\"Length Required\"}".into(),
        });
    }
    Ok(())
}

/// Whether a body that breaks off is taken for whole.
pub(super) fn takes_a_part(defects: &DefectSet) -> bool {
    defects.has(Defect::IncompleteBodyAccepted)
}

/// Fails on a body that is large.
pub(super) fn size(defects: &DefectSet, bytes: &Bytes) -> Result<(), Refusal> {
    if bytes.len() > LARGE && defects.has(Defect::LargeBodyCrashes) {
        return Err(Refusal::crash("MemoryError"));
    }
    Ok(())
}

/// Whether a body is read as JSON, which its content type claims or not.
pub(super) fn reads_json(defects: &DefectSet, content_type: Option<&HeaderValue>, claimed: bool) -> bool {
    if !defects.any() {
        return claimed;
    }
    let has_parameters = content_type.is_some_and(|value| value.as_bytes().contains(&b';'));
    let refused = has_parameters && defects.has(Defect::CharsetRefused);
    (claimed && !refused) || defects.has(Defect::ContentTypeIgnored)
}

/// The text of a body, which is only looked at where all bytes are made text.
pub(super) fn text(defects: &DefectSet, bytes: Bytes) -> Bytes {
    if defects.has(Defect::InvalidUtf8Accepted) {
        return String::from_utf8_lossy(&bytes).into_owned().into();
    }
    bytes
}

/// The JSON of a text.
pub(super) fn json(defects: &DefectSet, text: &[u8]) -> serde_json::Result<Value> {
    if defects.has(Defect::FirstDuplicateWins) {
        return duplicates::first_wins(text);
    }
    serde_json::from_slice(text)
}

/// What a text that is no JSON is answered.
pub(super) fn syntax_error(exchange: &Exchange<'_>, refusal: Refusal) -> Refusal {
    if matches!(refusal, Refusal::NotJson { .. }) && exchange.world.defects.has(Defect::MalformedJsonCrashes)
    {
        return exchange.internal("the body is no JSON".to_owned());
    }
    refusal
}

/// Fails on values that are too much.
pub(super) fn values(exchange: &Exchange<'_>, body: &Value) -> Result<(), Refusal> {
    let defects = &exchange.world.defects;
    let Value::Object(members) = body else { return Ok(()) };
    if defects.has(Defect::HugeNumbersCrash) && members.values().any(is_huge) {
        return Err(exchange.internal("a number does not fit its type".to_owned()));
    }
    if defects.has(Defect::LongStringsCrash) && short_strings(members).any(is_long) {
        return Err(Refusal::crash("internal error"));
    }
    Ok(())
}

fn is_huge(value: &Value) -> bool {
    value.as_number().is_some_and(|number| number.as_f64().is_none_or(|number| number.abs() >= HUGE))
}

fn is_long(text: &str) -> bool {
    text.chars().nth(LONG).is_some()
}

/// The strings of a request that are short in most requests.
fn short_strings(members: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let stop = members.get("stop");
    let plain = [members.get("user"), stop].into_iter().flatten().chain(items(stop));
    let messages = items(members.get("messages")).iter();
    let parts = messages.flat_map(|message| items(message.get("content")));
    let files = parts.filter_map(|part| part.get("file"));
    let names = files.flat_map(|file| ["file_name", "filename"].map(|name| file.get(name))).flatten();
    plain.chain(names).filter_map(Value::as_str)
}

/// The items of an array; none of anything else.
fn items(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        _ => &[],
    }
}

/// How the shape of a body is judged.
pub(super) fn deviations(defects: &DefectSet) -> Deviations {
    if !defects.any() {
        return Deviations::default();
    }
    Deviations {
        bounds_ignored: defects.has(Defect::RangesNotEnforced),
        null_refused: defects.has(Defect::NullRefused),
        blank_refused: defects.has(Defect::EmptyTextRefused),
        no_message_accepted: defects.has(Defect::EmptyMessagesAccepted),
        no_input_accepted: shaping::embeds_nothing(defects),
        input_in_full: defects.has(Defect::InputEchoedInFull),
    }
}

/// Refuses, or fails on, a chat that is about to be asked.
pub(super) fn chat(call: &Call, members: &Map<String, Value>) -> Result<(), Refusal> {
    let defects = &call.world.defects;
    if defects.has(Defect::LeadingAssistantRefused) {
        let first = items(members.get("messages")).first();
        if first.and_then(|message| message.get("role")).is_some_and(|role| role == "assistant") {
            return Err(Refusal::Defective {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                media_type: "application/json",
                body: "{\"detail\":\"The first message must not be the assistant's.\"}".into(),
            });
        }
    }
    if defects.has(Defect::TenthCallCrashes) && defects.chats.count(call.key.id) >= MANY {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Refusal::Defective { status, media_type: error::PAGE, body: error::page(status).into() });
    }
    Ok(())
}

/// Whether images of a kind are refused that the contract has.
pub(super) fn refuses_images(defects: &DefectSet, media_type: &str) -> bool {
    media_type == "image/webp" && defects.has(Defect::WebpRefused)
}

/// Fails on an image that is another one than it is declared as.
pub(super) fn declared(defects: &DefectSet, media_type: &str, bytes: &[u8]) -> Result<(), Refusal> {
    let is_another = || image::guess_format(bytes).is_ok_and(|format| format.to_mime_type() != media_type);
    if defects.has(Defect::MismatchCrashes) && is_another() {
        return Err(Refusal::crash("internal error"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn defects(id: &str) -> DefectSet {
        let defects = DefectSet::default();
        defects.set(&id.parse::<Defect>().into_iter().collect::<Vec<_>>());
        defects
    }

    #[test]
    fn content_types_are_believed_unless_a_defect_says_otherwise() {
        let reads = |id: &str, value: &'static str, claimed| {
            reads_json(&defects(id), Some(&HeaderValue::from_static(value)), claimed)
        };
        for (value, claimed) in [("application/json; charset=utf-8", true), ("text/plain; x=y", false)] {
            assert_eq!(reads("none", value, claimed), claimed);
            assert!(!reads("charset-refused", value, claimed));
            assert!(reads("content-type-ignored", value, claimed));
        }
        assert!(reads("charset-refused", "application/json", true));
        assert!(reads_json(&defects("charset-refused"), None, true));
    }

    #[test]
    fn huge_numbers_have_more_than_18_digits() {
        let number = |digits: &str| serde_json::from_str::<Value>(digits).unwrap();
        for huge in ["1000000000000000000", "-1e18", "1e400", "999999999999999999999.5"] {
            assert!(is_huge(&number(huge)), "{huge}");
        }
        for small in ["4000", "-2.0", "1e17", "\"1000000000000000000\"", "0.00000000000000000001"] {
            assert!(!is_huge(&number(small)), "{small}");
        }
    }

    #[test]
    fn strings_are_long_in_a_user_a_stop_and_a_file_name() {
        let long = "ü".repeat(LONG + 1);
        let has_long = |value: Value| short_strings(value.as_object().unwrap()).any(is_long);
        let file = |name: &str| {
            let parts = json!([{ "type": "text", "text": long }, { "file": { "file_name": name } }]);
            json!({ "messages": [{ "content": long }, { "content": parts }] })
        };
        assert!(has_long(json!({ "user": long })));
        assert!(has_long(json!({ "stop": long })));
        assert!(has_long(json!({ "stop": ["a", long] })));
        assert!(has_long(file(&long)));
        assert!(!has_long(file("a.pdf")));
        assert!(!has_long(json!({ "user": "ü".repeat(LONG), "model": long, "stop": 5 })));
    }

    #[test]
    fn an_image_is_compared_with_what_it_is_declared_as_through_a_defect_only() {
        let png = b"\x89PNG\r\n\x1a\n";
        assert!(declared(&defects("none"), "image/jpeg", png).is_ok());
        let crashing = defects("mismatch-crashes");
        assert!(declared(&crashing, "image/jpeg", png).is_err());
        assert!(declared(&crashing, "image/png", png).is_ok());
        assert!(declared(&crashing, "image/png", b"no image").is_ok());
    }
}
