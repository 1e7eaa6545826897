//! Images, sounds and files in a body. All of them stand in it themselves: nothing is fetched.

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine};
use bytes::Bytes;

use crate::aside::aside;
use crate::dialect::common::read::{Mistake, Read, excerpt};
use crate::domain::inference::{Detail, File, Image};

const NOT_FETCHED: &str = "failed to download the image: this gateway fetches nothing. Give the image itself as a \
    base64-encoded data URL (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU=')";
const NO_IMAGE: &str = "expected a base64-encoded data URL with an image MIME type (e.g. \
    'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU=')";

/// Padding may be left out.
static BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The words for how closely an image is to be looked at.
pub(super) const DETAILS: &[&str] = &["auto", "low", "high"];

/// The image in a data URL.
pub(super) fn image(url: &str, detail: Option<&str>) -> Read<Image> {
    if url.starts_with("http://") || url.starts_with("https://") {
        return Err(Mistake::other(NOT_FETCHED));
    }
    let Some((media_type, data)) = data_url(url) else { return Err(Mistake::other(NO_IMAGE)) };
    if !matches!(media_type, "image/png" | "image/jpeg" | "image/jpg" | "image/gif" | "image/webp") {
        let words = format!("{NO_IMAGE}, but got unsupported MIME type '{}'", excerpt(media_type));
        return Err(Mistake::other(words));
    }
    let detail = detail
        .and_then(|word| [Detail::Auto, Detail::Low, Detail::High].into_iter().find(|d| d.name() == word));
    Ok(Image { media_type: media_type.to_owned(), detail, bytes: decode(data)? })
}

/// The file in a data URL, or in plain base64.
pub(super) fn file(name: Option<&str>, data: &str) -> Read<File> {
    let data = data_url(data).map_or(data, |(_, data)| data);
    Ok(File { name: name.filter(|name| !name.is_empty()).map(str::to_owned), bytes: decode(data)? })
}

/// The bytes behind base64.
pub(super) fn decode(data: &str) -> Read<Bytes> {
    let decoded = aside(data.len(), || BASE64.decode(data));
    decoded.map(Bytes::from).map_err(|error| Mistake::other(format!("expected base64-encoded data: {error}")))
}

/// What a data URL says that it holds, and its base64.
fn data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(";base64,")?;
    // Parameters stand behind the media type.
    Some((head.split(';').next().unwrap_or_default(), data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::common::read::Problem;

    fn words<T: std::fmt::Debug>(read: Read<T>) -> String {
        match read.unwrap_err().problem {
            Problem::Other(words) => words,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_image_is_read_from_its_data_url_only() {
        let read = image("data:image/png;base64,aGk=", Some("low")).unwrap();
        assert_eq!((read.media_type.as_str(), &*read.bytes), ("image/png", b"hi".as_slice()));
        assert_eq!(read.detail, Some(Detail::Low));
        assert!(words(image("https://example.com/a.png", None)).contains("fetches nothing"));
        assert!(words(image("data:text/plain;base64,aGk=", None)).ends_with("MIME type 'text/plain'"));
        assert!(words(image("aGk=", None)).starts_with("expected a base64-encoded data URL"));
        assert!(words(image("data:image/png;base64,a*", None)).starts_with("expected base64-encoded data"));
    }

    #[test]
    fn a_file_may_stand_in_a_data_url_or_not() {
        for data in ["data:application/pdf;name=a.pdf;base64,aGk=", "aGk=", "aGk"] {
            let read = file(Some("a.pdf"), data).unwrap();
            assert_eq!((read.name.as_deref(), &*read.bytes), (Some("a.pdf"), b"hi".as_slice()));
        }
        assert_eq!(file(Some(""), "").unwrap().name, None);
    }
}
