//! From the messages of a valid body to the domain's: data URIs and base64 decoded, nothing copied that can
//! be moved.

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::error::Refusal;
use super::lenience;
use crate::defect::DefectSet;
use crate::domain::inference::{Detail, File, Image, Message, Part, Role};

const NOT_AN_IMAGE: &str = "Invalid or unsupported image data URI format. \
    Must be data:image/[jpeg|png|gif|webp];base64,...";

/// Padding is looked at before; bits that stick out at the end are dropped.
static LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The conversation.
pub(super) fn messages(messages: Option<Value>, defects: &DefectSet) -> Result<Vec<Message>, Refusal> {
    let Some(Value::Array(messages)) = messages else { return Ok(Vec::new()) };
    messages.into_iter().map(|value| message(value, defects)).collect()
}

fn message(value: Value, defects: &DefectSet) -> Result<Message, Refusal> {
    let mut members = members(value);
    let role = match text(members.remove("role")).as_str() {
        "system" => Role::System,
        "assistant" => Role::Assistant,
        _ => Role::User,
    };
    let parts = match members.remove("content") {
        Some(Value::Array(parts)) => {
            parts.into_iter().map(|value| part(value, defects)).collect::<Result<_, _>>()?
        }
        content => vec![Part::Text(text(content))],
    };
    Ok(Message::new(role, parts))
}

fn part(value: Value, defects: &DefectSet) -> Result<Part, Refusal> {
    let mut part = members(value);
    match text(part.remove("type")).as_str() {
        "image_url" => {
            let mut url = part.remove("image_url").map(members).unwrap_or_default();
            let detail = url.remove("detail");
            image(&text(url.remove("url")), detail.as_ref(), defects).map(Part::Image)
        }
        "file" => {
            let mut file = part.remove("file").map(members).unwrap_or_default();
            let name = file.remove("file_name").or_else(|| file.remove("filename"));
            let data = text(file.remove("file_data"));
            let data = data.split_once(";base64,").map_or(data.as_str(), |(_, data)| data);
            let name = name.map(|name| text(Some(name))).filter(|name| !name.is_empty());
            Ok(Part::File(File { name, bytes: decode(data)? }))
        }
        _ => Ok(Part::Text(text(part.remove("text")))),
    }
}

fn image(url: &str, detail: Option<&Value>, defects: &DefectSet) -> Result<Image, Refusal> {
    let parsed = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    match parsed {
        Some((media_type @ ("image/jpeg" | "image/png" | "image/gif" | "image/webp"), data))
            if !lenience::refuses_images(defects, media_type) =>
        {
            let bytes = decode(data)?;
            lenience::declared(defects, media_type, &bytes)?;
            Ok(Image { media_type: media_type.to_owned(), detail: detail.and_then(read_detail), bytes })
        }
        _ => Err(Refusal::BadRequest(NOT_AN_IMAGE.to_owned())),
    }
}

fn read_detail(value: &Value) -> Option<Detail> {
    [Detail::Auto, Detail::Low, Detail::High].into_iter().find(|detail| value == detail.name())
}

/// Decodes base64 as leniently as the service: what is not of the alphabet is passed over, and what follows a
/// finished padding is not read.
fn decode(data: &str) -> Result<Bytes, Refusal> {
    if data.len().is_multiple_of(4)
        && let Ok(bytes) = LENIENT.decode(data)
    {
        return Ok(bytes.into());
    }
    let digits = digits(data)?;
    match LENIENT.decode(digits) {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(bad_base64(&error.to_string())),
    }
}

/// The digits of a base64 text without its padding, which must be there.
fn digits(data: &str) -> Result<Vec<u8>, Refusal> {
    let mut digits = Vec::with_capacity(data.len());
    let mut padding = 0;
    for byte in data.bytes() {
        match byte {
            b'=' => {
                padding += 1;
                if digits.len() % 4 >= 2 && digits.len() % 4 + padding >= 4 {
                    return Ok(digits);
                }
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => {
                padding = 0;
                digits.push(byte);
            }
            _ => {}
        }
    }
    match digits.len() % 4 {
        0 => Ok(digits),
        1 => Err(bad_base64(&format!(
            "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple \
             of 4",
            digits.len()
        ))),
        _ => Err(bad_base64("Incorrect padding")),
    }
}

fn bad_base64(problem: &str) -> Refusal {
    Refusal::BadRequest(format!("Invalid Base64 data: {problem}"))
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// A string; the empty one where there is none.
pub(super) fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::String(text)) => text,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sound() -> DefectSet {
        DefectSet::default()
    }

    fn refused<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> String {
        match outcome.unwrap_err() {
            Refusal::BadRequest(message) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn turns_are_taken_over_one_for_one() {
        let conversation = json!([
            { "role": "system", "content": "be kind" },
            { "role": "user", "content": [
                { "type": "text", "text": "look" },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw==", "detail": "low" } },
                { "type": "file", "file": { "file_data": "JVBERg==", "file_name": "a.pdf" } },
            ] },
            { "role": "assistant", "content": "yes" },
        ]);
        let turns = messages(Some(conversation), &sound()).unwrap();
        let roles: Vec<_> = turns.iter().map(|turn| turn.role).collect();
        assert_eq!(roles, [Role::System, Role::User, Role::Assistant]);
        assert_eq!(turns[0].text(), "be kind");
        let [Part::Text(text), Part::Image(image), Part::File(file)] = &turns[1].parts[..] else {
            panic!("{:?}", turns[1]);
        };
        assert_eq!(text, "look");
        assert_eq!((&*image.media_type, &*image.bytes), ("image/png", b"\x89PNG".as_slice()));
        assert_eq!(image.detail, Some(Detail::Low));
        assert_eq!((file.name.as_deref(), &*file.bytes), (Some("a.pdf"), b"%PDF".as_slice()));
    }

    #[test]
    fn what_is_no_image_data_uri_is_refused_in_the_observed_words() {
        for url in [
            "https://example.com/a.png",
            "data:image/bmp;base64,Qk0=",
            "",
            "data:image/png,raw",
            "data:text/plain;base64,aGk=",
        ] {
            assert_eq!(
                refused(image(url, None, &sound())),
                "Invalid or unsupported image data URI format. \
                Must be data:image/[jpeg|png|gif|webp];base64,..."
            );
        }
    }

    #[test]
    fn webp_is_an_image_unless_a_defect_says_otherwise() {
        let url = "data:image/webp;base64,UklGRg==";
        assert_eq!(image(url, None, &sound()).unwrap().bytes, "RIFF");
        let defects = sound();
        defects.set(&["webp-refused".parse().unwrap()]);
        assert!(image(url, None, &defects).is_err());
        assert!(image("data:image/gif;base64,UklGRg==", None, &defects).is_ok());
    }

    #[test]
    fn base64_is_read_as_the_service_reads_it() {
        assert_eq!(decode("aGVsbG8=").unwrap(), "hello");
        assert_eq!(decode("aGVs\nbG8=").unwrap(), "hello");
        assert_eq!(decode("aGVsbG8=ignored").unwrap(), "hello");
        assert_eq!(decode("@@@@").unwrap(), "");
        assert_eq!(decode("").unwrap(), "");
        assert_eq!(refused(decode("aGVsbG8")), "Invalid Base64 data: Incorrect padding");
        assert!(refused(decode("aGVsb")).contains("cannot be 1 more than a multiple of 4"));
    }
}
