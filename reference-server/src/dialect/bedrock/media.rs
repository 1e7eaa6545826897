//! Images and documents.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::Value;

use super::union::union;
use super::words::CONSTRAINT;
use crate::dialect::anthropic;
use crate::dialect::common::read::{Members, Mistake, Read, boolean, list, one_of, string, string_of};
use crate::domain::inference::{File, Image, Part};

/// The longest name of a document, in characters.
const LONGEST_NAME: usize = 200;
/// Where something is read that is not sent along.
const NOT_FETCHED: &str = "s3Location is not supported: nothing is fetched here";

/// An image block.
pub(super) fn image(value: &Value) -> Read<Image> {
    let members = Members::of(value)?;
    let format = members.required("format", one_of(&["png", "jpeg", "gif", "webp"]))?;
    let media_type = format!("image/{format}");
    let bytes = members.required("source", |source| {
        let bytes = union(source, &["bytes", "s3Location"], |name, value| match name {
            "bytes" => blob(value),
            _ => Err(Mistake::other(NOT_FETCHED)),
        })?;
        anthropic::media::is_of(&media_type, &bytes)?;
        Ok(bytes)
    })?;
    Ok(Image { media_type, detail: None, bytes })
}

/// What is in a document block: a file, or text.
pub(super) fn document(value: &Value) -> Read<Vec<Part>> {
    const FORMATS: [&str; 9] = ["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"];
    let members = Members::of(value)?;
    let format = members.optional("format", one_of(&FORMATS))?.unwrap_or("txt");
    let name = members.required("name", name)?;
    let context = members.optional("context", string)?.filter(|context| !context.is_empty());
    members.optional("citations", |citations| Members::of(citations)?.required("enabled", boolean))?;
    let mut parts = members.required("source", |source| {
        union(source, &["bytes", "s3Location", "text", "content"], |kind, value| match kind {
            "bytes" => Ok(vec![read(format, name, blob(value)?)?]),
            "text" => Ok(vec![Part::Text(string(value)?.to_owned())]),
            "content" => {
                list(|block| union(block, &["text"], |_, text| Ok(Part::Text(string(text)?.to_owned()))))(
                    value,
                )
            }
            _ => Err(Mistake::other(NOT_FETCHED)),
        })
    })?;
    parts.extend(context.map(|context| Part::Text(context.to_owned())));
    Ok(parts)
}

/// The content of a document of this format.
fn read(format: &str, name: &str, bytes: Bytes) -> Read<Part> {
    match format {
        "pdf" => Ok(Part::File(File { name: Some(name.to_owned()), bytes })),
        "csv" | "html" | "txt" | "md" => match String::from_utf8(bytes.into()) {
            Ok(text) => Ok(Part::Text(text)),
            Err(_) => Err(Mistake::other("the text is not UTF-8")),
        },
        format => Err(Mistake::other(format!("documents of the format {format} are not supported"))),
    }
}

fn name(value: &Value) -> Read<&str> {
    let name = string_of(1..=LONGEST_NAME)(value)?;
    let fits = |letter: char| letter.is_alphanumeric() || letter.is_whitespace() || "-()[]".contains(letter);
    let is_loose =
        name.chars().zip(name.chars().skip(1)).any(|(one, next)| one.is_whitespace() && next.is_whitespace());
    if is_loose || !name.chars().all(fits) {
        return Err(Mistake::other(
            "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, \
             parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.",
        ));
    }
    Ok(name)
}

/// Bytes, of which there must be some.
pub(super) fn blob(value: &Value) -> Read<Bytes> {
    match BASE64_STANDARD.decode(string(value)?) {
        Ok(bytes) if bytes.is_empty() => {
            Err(Mistake::other(format!("{CONSTRAINT}have length greater than or equal to 1")))
        }
        Ok(bytes) => Ok(bytes.into()),
        Err(_) => Err(Mistake::other(format!("{CONSTRAINT}be encoded in Base64"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GIF: &str = "R0lGODlhAQABAAAAACw=";

    #[test]
    fn an_image_is_decoded_and_is_what_it_is_called() {
        let read = |format: &str| image(&json!({ "format": format, "source": { "bytes": GIF } }));
        let found = read("gif").unwrap();
        assert!(found.media_type == "image/gif" && found.bytes.starts_with(b"GIF89a"));
        let mistake = read("png").unwrap_err();
        assert_eq!(mistake.bracketed(), "source");
        assert!(format!("{mistake:?}").contains("appears to be a image/gif image"), "{mistake:?}");
        assert_eq!(read("bmp").unwrap_err().bracketed(), "format");
        let fetched = json!({ "format": "png", "source": { "s3Location": { "uri": "s3://bucket/a.png" } } });
        assert_eq!(image(&fetched).unwrap_err().bracketed(), "source.s3Location");
    }

    #[test]
    fn documents_are_files_or_texts() {
        let read = |format: &str, source: Value| {
            document(&json!({ "name": "a", "format": format, "context": "why", "source": source })).unwrap()
        };
        let file = read("pdf", json!({ "bytes": "JVBERg==" }));
        let [Part::File(File { name: Some(name), bytes }), Part::Text(context)] = &file[..] else {
            panic!("{file:?}");
        };
        assert_eq!((name.as_str(), &**bytes, context.as_str()), ("a", b"%PDF".as_slice(), "why"));
        for source in [
            json!({ "bytes": "d29yZHM=" }),
            json!({ "text": "words" }),
            json!({ "content": [{ "text": "words" }] }),
        ] {
            let text = read("md", source);
            assert!(matches!(&text[..], [Part::Text(text), _] if text == "words"), "{text:?}");
        }
    }

    #[test]
    fn a_document_has_a_harmless_name_and_something_in_it() {
        let refused = |name: &str, format: &str, bytes: &str| {
            document(&json!({ "name": name, "format": format, "source": { "bytes": bytes } }))
                .unwrap_err()
                .bracketed()
        };
        for name in ["", "a.pdf", "two  blanks"] {
            assert_eq!(refused(name, "pdf", "JVBERg=="), "name");
        }
        assert_eq!(refused("a (1) [b]-c", "docx", "JVBERg=="), "source.bytes");
        assert_eq!(refused("a", "pdf", ""), "source.bytes");
        assert_eq!(refused("a", "pdf", "?"), "source.bytes");
        assert_eq!(refused("a", "txt", "/w=="), "source.bytes");
    }
}
