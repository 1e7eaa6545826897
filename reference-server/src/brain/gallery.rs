use std::collections::HashMap;
use std::fmt::Write;
use std::io::Cursor;

use image::{DynamicImage, ImageReader, Limits};
use serde::Deserialize;
use serde_saphyr::Spanned;
use sha2::{Digest, Sha256};

use super::fixture::Fixture;
use super::template::Template;
use super::{BrainError, palette};
use crate::domain::inference::Image;

/// Longest side of an image that is decoded, in pixels.
const LONGEST_SIDE: u32 = 4096;
/// Most memory that decoding one image may take, in bytes.
const MOST_MEMORY: u64 = 96 * 1024 * 1024;
/// Most images of a message that are looked at; the work a small request can ask for stays bounded.
const MOST_IMAGES: usize = 4;

/// What can be said of images: known ones by their bytes, others by what they look like.
pub(super) struct Gallery {
    known: HashMap<String, Sight>,
    subject: Template,
    caption: Template,
    unreadable: String,
}

/// What the brain sees in an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sight {
    /// Sentences that describe it, or say that it cannot be read.
    pub(super) caption: String,
    /// What it shows, with an article; nothing where it cannot be read.
    pub(super) subject: Option<String>,
    /// Its main color; nothing where it cannot be read.
    pub(super) color: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Album {
    known: Vec<KnownImage>,
    unknown: Description,
    unreadable: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownImage {
    file: Spanned<String>,
    sha256: String,
    subject: String,
    color: String,
    caption: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    subject: Spanned<String>,
    caption: Spanned<String>,
}

impl Gallery {
    /// Reads the known images and the words for the others.
    pub(super) fn load(fixture: Fixture) -> Result<Self, BrainError> {
        let album: Album = fixture.read()?;
        let mut known = HashMap::new();
        for KnownImage { file, sha256, subject, color, caption } in album.known {
            if sha256.len() != 64 || !sha256.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(fixture.wrong(&file, "`sha256` is not 64 lower-case hexadecimal digits"));
            }
            known.insert(sha256, Sight { caption, subject: Some(subject), color: Some(color) });
        }
        Ok(Self {
            known,
            subject: description(fixture, &album.unknown.subject)?,
            caption: description(fixture, &album.unknown.caption)?,
            unreadable: album.unreadable,
        })
    }

    /// What is seen in images that are shown together; nothing in none.
    pub(super) fn look_at<'i>(&self, images: impl Iterator<Item = &'i Image>) -> Sight {
        let mut sights = images.take(MOST_IMAGES).map(|image| self.see(image));
        let mut together = sights.next().unwrap_or_default();
        for sight in sights {
            together.caption.push(' ');
            together.caption.push_str(&sight.caption);
            together.subject = together.subject.or(sight.subject);
            together.color = together.color.or(sight.color);
        }
        together
    }

    fn see(&self, image: &Image) -> Sight {
        if let Some(sight) = self.known.get(&sha256(&image.bytes)) {
            return sight.clone();
        }
        let Some(picture) = decode(&image.bytes) else {
            return Sight { caption: self.unreadable.clone(), ..Sight::default() };
        };
        let (width, height) = (picture.width().to_string(), picture.height().to_string());
        let color = palette::dominant(&picture);
        let value = |name: &str| match name {
            "width" => Some(width.as_str()),
            "height" => Some(height.as_str()),
            "color" => Some(color),
            _ => None,
        };
        Sight {
            caption: self.caption.fill(value).unwrap_or_default(),
            subject: self.subject.fill(value),
            color: Some(color.to_owned()),
        }
    }
}

/// Width and height of an image, where its header can be read and is within bounds.
pub(super) fn dimensions(image: &Image) -> Option<(u32, u32)> {
    reader(&image.bytes)?.into_dimensions().ok()
}

fn decode(bytes: &[u8]) -> Option<DynamicImage> {
    reader(bytes)?.decode().ok()
}

/// A reader that goes by the bytes, not by what the sender calls them, and keeps within bounds.
fn reader(bytes: &[u8]) -> Option<ImageReader<Cursor<&[u8]>>> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    reader.limits(limits);
    Some(reader)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn description(fixture: Fixture, text: &Spanned<String>) -> Result<Template, BrainError> {
    let template = Template::parse(&text.value).map_err(|problem| fixture.wrong(text, problem))?;
    for name in template.names() {
        if !["width", "height", "color"].contains(&name) {
            return Err(fixture.wrong(text, format!("there is no value `{name}` of an unknown image")));
        }
    }
    Ok(template)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::fixture;
    use super::*;

    fn see(bytes: &'static [u8]) -> Sight {
        let image = Image { media_type: "image/png".to_owned(), bytes: Bytes::from_static(bytes) };
        Gallery::load(fixture::IMAGES).unwrap().look_at([&image].into_iter())
    }

    const APPLE: &[u8] =
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/images/red-apple.jpg"));
    const BLUE: &[u8] =
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/images/blue-square.png"));

    #[test]
    fn a_known_image_is_known_by_its_bytes() {
        let sight = see(APPLE);
        assert_eq!(sight.caption, "This is a red apple with a green leaf.");
        assert_eq!(sight.color.as_deref(), Some("red"));
    }

    #[test]
    fn an_unknown_image_is_described_by_size_and_color() {
        let sight = see(BLUE);
        assert_eq!(sight.caption, "This is an image of 64x64 pixels, mostly blue.");
        assert_eq!(sight.color.as_deref(), Some("blue"));
    }

    #[test]
    fn broken_bytes_are_said_to_be_unreadable() {
        for bytes in [&b""[..], b"not an image", BLUE.get(..40).unwrap(), APPLE.get(..30).unwrap()] {
            let sight = see(bytes);
            assert!(sight.caption.starts_with("I cannot read this image"), "{}", sight.caption);
            assert_eq!(sight.color, None);
        }
    }

    #[test]
    fn an_image_beyond_the_bounds_is_not_decoded() {
        let mut huge = Cursor::new(Vec::new());
        image::GrayImage::new(LONGEST_SIDE + 1, 1).write_to(&mut huge, image::ImageFormat::Png).unwrap();
        let bytes = Bytes::from(huge.into_inner());
        assert_eq!(dimensions(&Image { media_type: String::new(), bytes }), None);
    }

    #[test]
    fn several_images_are_described_together() {
        let [apple, blue] =
            [APPLE, BLUE].map(|bytes| Image { media_type: String::new(), bytes: Bytes::from_static(bytes) });
        let sight = Gallery::load(fixture::IMAGES).unwrap().look_at([&apple, &blue].into_iter());
        assert_eq!(
            sight.caption,
            "This is a red apple with a green leaf. This is an image of 64x64 pixels, mostly blue."
        );
    }
}
