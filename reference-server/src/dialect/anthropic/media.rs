//! Images and documents, as blocks and within blocks.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::Value;

use super::caching;
use super::tools::object;
use super::words::unexpected_tag;
use crate::dialect::common::read::{Members, Mistake, Read, list, one_of, string};
use crate::domain::inference::{File, Image, Part};

/// The kinds of images that a model sees.
const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// The text of a text block: there must be some.
pub(super) fn text(members: Members<'_>) -> Read<String> {
    let text = members.required("text", said)?;
    members.optional("citations", list(object))?;
    members.only(&["type", "text", "cache_control", "citations"])?;
    Ok(text.to_owned())
}

/// A text that says something.
pub(in crate::dialect) fn said(value: &Value) -> Read<&str> {
    let text = string(value)?;
    if text.is_empty() {
        return Err(Mistake::other("text content blocks must be non-empty"));
    }
    if text.trim().is_empty() {
        return Err(Mistake::other("text content blocks must contain non-whitespace text"));
    }
    Ok(text)
}

/// The image of an image block.
pub(super) fn image(members: Members<'_>) -> Read<Image> {
    let image = members.required("source", |source| {
        let source = Members::of(source)?;
        match source.required("type", string)? {
            "base64" => {}
            kind => return Err(other_source(kind, &["base64"])),
        }
        let media_type = source.required("media_type", one_of(&IMAGES))?;
        let bytes = source.required("data", decoded)?;
        source.only(&["type", "media_type", "data"])?;
        is_of(media_type, &bytes)?;
        Ok(Image { media_type: media_type.to_owned(), detail: None, bytes })
    })?;
    members.only(&["type", "source", "cache_control"])?;
    Ok(image)
}

/// That an image is of the type that it is called, as far as its bytes tell.
pub(in crate::dialect) fn is_of(media_type: &str, bytes: &[u8]) -> Read<()> {
    match ::image::guess_format(bytes) {
        Ok(format) if format.to_mime_type() != media_type => Err(Mistake::other(format!(
            "The image was specified using the {media_type} media type, but the image appears to be a {} image",
            format.to_mime_type()
        ))),
        _ => Ok(()),
    }
}

/// What is in a document block: a file, or text and images.
pub(super) fn document(members: Members<'_>) -> Read<Vec<Part>> {
    let title = members.optional("title", string)?;
    let context = members.optional("context", string)?;
    let mut parts = members.required("source", |source| {
        let source = Members::of(source)?;
        match source.required("type", string)? {
            "base64" => {
                source.required("media_type", one_of(&["application/pdf"]))?;
                let bytes = source.required("data", decoded)?;
                source.only(&["type", "media_type", "data"])?;
                Ok(vec![Part::File(File { name: title.map(str::to_owned), bytes })])
            }
            "text" => {
                source.required("media_type", one_of(&["text/plain"]))?;
                let text = source.required("data", string)?;
                source.only(&["type", "media_type", "data"])?;
                Ok(vec![Part::Text(text.to_owned())])
            }
            "content" => {
                let parts = source.required("content", |content| match content {
                    Value::String(text) => Ok(vec![Part::Text(text.clone())]),
                    blocks => Ok(list(nested)(blocks)?.into_iter().flatten().collect()),
                })?;
                source.only(&["type", "content"])?;
                Ok(parts)
            }
            kind => Err(other_source(kind, &["base64", "text", "content"])),
        }
    })?;
    parts.extend(context.filter(|context| !context.is_empty()).map(|context| Part::Text(context.to_owned())));
    members.only(&["type", "source", "title", "context", "citations", "cache_control"])?;
    Ok(parts)
}

/// What is in a block within a block.
pub(super) fn nested(value: &Value) -> Read<Vec<Part>> {
    let members = Members::of(value)?;
    members.optional("cache_control", caching::control)?;
    match members.required("type", string)? {
        "text" => Ok(vec![Part::Text(text(members)?)]),
        "image" => Ok(vec![Part::Image(image(members)?)]),
        "document" => document(members),
        kind => Err(unexpected_tag(kind, &["document", "image", "text"])),
    }
}

/// A source that is not taken.
fn other_source(kind: &str, expected: &'static [&'static str]) -> Mistake {
    match kind {
        "url" => Mistake::other("url sources are not supported: this gateway fetches nothing"),
        "file" => Mistake::other("file sources are not supported: this gateway keeps no files"),
        kind => unexpected_tag(kind, expected),
    }
}

fn decoded(value: &Value) -> Read<Bytes> {
    match BASE64_STANDARD.decode(string(value)?) {
        Ok(bytes) => Ok(bytes.into()),
        Err(_) => Err(Mistake::other("Invalid base64 data")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::words::told;
    use super::*;

    const PNG: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==";

    fn refused(block: &Value) -> String {
        told(&nested(block).unwrap_err())
    }

    fn shown(source: &Value) -> Value {
        json!({ "type": "image", "source": source })
    }

    #[test]
    fn an_image_is_decoded() {
        let block = shown(&json!({ "type": "base64", "media_type": "image/png", "data": PNG }));
        let parts = nested(&block).unwrap();
        let [Part::Image(image)] = &parts[..] else { panic!("{parts:?}") };
        assert!(image.media_type == "image/png" && image.bytes.starts_with(b"\x89PNG"));
    }

    #[test]
    fn what_is_wrong_with_an_image_is_told_with_its_place() {
        for (source, words) in [
            (json!({ "type": "base64", "media_type": "image/png" }), "source.data: Field required"),
            (
                json!({ "type": "base64", "media_type": "image/png", "data": "?" }),
                "source.data: Invalid base64 data",
            ),
            (
                json!({ "type": "base64", "media_type": "image/bmp", "data": PNG }),
                "source.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
            ),
            (
                json!({ "type": "base64", "media_type": "image/gif", "data": PNG }),
                "source: The image was specified using the image/gif media type, but the image appears to be a \
                 image/png image",
            ),
            (
                json!({ "type": "url", "url": "https://example.com/a.png" }),
                "source: url sources are not supported: this gateway fetches nothing",
            ),
        ] {
            assert_eq!(refused(&shown(&source)), words);
        }
    }

    #[test]
    fn documents_are_files_texts_or_blocks() {
        let read = |source: Value| {
            nested(&json!({ "type": "document", "title": "A", "context": "B", "source": source })).unwrap()
        };
        let file = read(json!({ "type": "base64", "media_type": "application/pdf", "data": "JVBERg==" }));
        let [Part::File(File { name: Some(name), bytes }), Part::Text(context)] = &file[..] else {
            panic!("{file:?}");
        };
        assert_eq!((name.as_str(), &**bytes, context.as_str()), ("A", b"%PDF".as_slice(), "B"));
        let text = read(json!({ "type": "text", "media_type": "text/plain", "data": "words" }));
        assert!(matches!(&text[..], [Part::Text(text), _] if text == "words"));
        let blocks = read(json!({ "type": "content", "content": [{ "type": "text", "text": "inside" }] }));
        assert!(matches!(&blocks[..], [Part::Text(text), _] if text == "inside"));
    }
}
