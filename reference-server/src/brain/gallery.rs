use std::collections::HashMap;
use std::fmt::Write;
use std::io::Cursor;

use image::{DynamicImage, ImageError, ImageFormat, ImageReader, Limits};
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
/// Most pixels of all images of a request; the work that a small request can ask for stays bounded.
const MOST_PIXELS: u64 = 4 * LONGEST_SIDE as u64 * LONGEST_SIDE as u64;

/// Why an image is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadImage {
    /// Its bytes are junk, or not all of them came.
    #[error("it is not a JPEG, PNG, GIF or WebP picture, or a damaged one")]
    Damaged,
    /// It is beyond what is decoded.
    #[error("it has more than {} pixels a side, or all images together are too large", LONGEST_SIDE)]
    TooLarge,
}

/// What can be said of images: known ones by their bytes, others by what they look like.
pub(super) struct Gallery {
    known: HashMap<String, Sight>,
    subject: Template,
    caption: Template,
    detail: Template,
}

/// What the brain sees in an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    /// Sentences that describe it.
    pub(super) caption: String,
    /// What it shows, with an article.
    pub(super) subject: String,
    /// Its main color.
    pub(super) color: String,
}

impl Sight {
    /// Takes in what another image beside it shows; the first one stays the main subject.
    pub(super) fn join(&mut self, other: &Self) {
        self.caption.push(' ');
        self.caption.push_str(&other.caption);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Album {
    known: Vec<KnownImage>,
    unknown: Description,
    detail: Spanned<String>,
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
            known.insert(sha256, Sight { caption, subject, color });
        }
        let unknown = &["width", "height", "color"][..];
        Ok(Self {
            known,
            subject: template(fixture, &album.unknown.subject, unknown)?,
            caption: template(fixture, &album.unknown.caption, unknown)?,
            detail: template(fixture, &album.detail, &["detail"])?,
        })
    }

    /// What is seen in an image. Its pixels are added to those of the images before it.
    pub(super) fn see(&self, image: &Image, pixels: &mut u64) -> Result<Sight, BadImage> {
        let mut sight = match self.known.get(&sha256(&image.bytes)) {
            Some(sight) => sight.clone(),
            None => self.describe(&decode(&image.bytes, pixels)?),
        };
        if let Some(detail) = image.detail
            && let Some(text) = self.detail.fill(|_| Some(detail.name()))
        {
            sight.caption.push(' ');
            sight.caption.push_str(&text);
        }
        Ok(sight)
    }

    fn describe(&self, picture: &DynamicImage) -> Sight {
        let (width, height) = (picture.width().to_string(), picture.height().to_string());
        let color = palette::dominant(picture);
        let value = |name: &str| match name {
            "width" => Some(width.as_str()),
            "height" => Some(height.as_str()),
            "color" => Some(color),
            _ => None,
        };
        Sight {
            caption: self.caption.fill(value).unwrap_or_default(),
            subject: self.subject.fill(value).unwrap_or_default(),
            color: color.to_owned(),
        }
    }
}

/// Whether an image by itself can be decoded.
pub(super) fn is_readable(image: &Image) -> bool {
    decode(&image.bytes, &mut 0).is_ok()
}

/// Width and height of an image, where its header can be read and is within bounds.
pub(super) fn dimensions(image: &Image) -> Option<(u32, u32)> {
    reader(&image.bytes).ok()?.into_dimensions().ok()
}

fn decode(bytes: &[u8], pixels: &mut u64) -> Result<DynamicImage, BadImage> {
    let (width, height) = reader(bytes)?.into_dimensions()?;
    *pixels += u64::from(width) * u64::from(height);
    if *pixels > MOST_PIXELS {
        return Err(BadImage::TooLarge);
    }
    let reader = reader(bytes)?;
    if reader.format() == Some(ImageFormat::Jpeg) && !is_whole_jpeg(bytes) {
        return Err(BadImage::Damaged);
    }
    reader.decode().map_err(BadImage::from)
}

/// A reader that goes by the bytes, not by what the sender calls them, and keeps within bounds.
fn reader(bytes: &[u8]) -> Result<ImageReader<Cursor<&[u8]>>, BadImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let mut reader = reader.map_err(|_| BadImage::Damaged)?;
    reader.limits(limits);
    Ok(reader)
}

impl From<ImageError> for BadImage {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooLarge,
            _ => Self::Damaged,
        }
    }
}

/// Whether a JPEG has an end mark behind the beginning of its picture. The decoder paints gray what is missing of one
/// that breaks off.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    loop {
        rest = match rest {
            [0xff, 0xda, picture @ ..] => return picture.windows(2).any(|mark| mark == [0xff, 0xd9]),
            // Behind any other mark stands the length of its segment; between segments may be filling.
            [0xff, 0x01..=0xfe, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest.get(2 + length..).unwrap_or_default()
            }
            [_, rest @ ..] => rest,
            [] => return false,
        };
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn template(fixture: Fixture, text: &Spanned<String>, known: &[&str]) -> Result<Template, BrainError> {
    let template = Template::parse(&text.value).map_err(|problem| fixture.wrong(text, problem))?;
    let stranger = template.names().find(|name| !known.contains(name));
    match stranger {
        Some(name) => Err(fixture.wrong(text, format!("there is no value `{name}` here"))),
        None => Ok(template),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::fixture;
    use super::*;
    use crate::domain::inference::Detail;

    fn shown(bytes: &[u8], detail: Option<Detail>) -> Image {
        Image { media_type: "image/png".to_owned(), detail, bytes: Bytes::copy_from_slice(bytes) }
    }

    fn see(bytes: &[u8]) -> Result<Sight, BadImage> {
        Gallery::load(fixture::IMAGES).unwrap().see(&shown(bytes, None), &mut 0)
    }

    fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, format).unwrap();
        file.into_inner()
    }

    fn blue_square(side: u32) -> DynamicImage {
        image::RgbImage::from_pixel(side, side, image::Rgb([38, 84, 204])).into()
    }

    /// A picture that no format can make small.
    fn noise() -> DynamicImage {
        let pixel = |x: u32, y: u32| {
            let [x, y] = [x, y].map(|side| u8::try_from(side).unwrap());
            image::Rgb([x.wrapping_mul(97), y.wrapping_mul(61), x.wrapping_mul(y)])
        };
        image::RgbImage::from_fn(40, 40, pixel).into()
    }

    const APPLE: &[u8] =
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/images/red-apple.jpg"));
    const BLUE: &[u8] =
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/images/blue-square.png"));
    const KINDS: [ImageFormat; 4] =
        [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP];

    #[test]
    fn a_known_image_is_known_by_its_bytes() {
        let sight = see(APPLE).unwrap();
        assert_eq!(sight.caption, "This is a red apple with a green leaf.");
        assert_eq!(sight.color, "red");
    }

    #[test]
    fn an_unknown_image_is_described_by_size_and_color() {
        let sight = see(BLUE).unwrap();
        assert_eq!(sight.caption, "This is an image of 64x64 pixels, mostly blue.");
        assert_eq!((sight.subject.as_str(), sight.color.as_str()), ("a mostly blue picture", "blue"));
    }

    #[test]
    fn every_kind_is_read_down_to_one_pixel_and_by_its_bytes() {
        for kind in KINDS {
            for side in [1, 40] {
                let caption = see(&written(&blue_square(side), kind)).unwrap().caption;
                let expected = format!("This is an image of {side}x{side} pixels, mostly blue.");
                assert_eq!(caption, expected, "{kind:?}");
            }
        }
    }

    #[test]
    fn junk_and_what_breaks_off_is_damaged_in_every_kind() {
        for bytes in [&b""[..], b"not an image", b"%PDF-1.7\n", &APPLE[..30]] {
            assert_eq!(see(bytes), Err(BadImage::Damaged));
        }
        for kind in KINDS {
            let whole = written(&noise(), kind);
            assert!(see(&whole).is_ok(), "{kind:?}");
            assert_eq!(see(&whole[..whole.len() * 2 / 3]), Err(BadImage::Damaged), "{kind:?}");
        }
    }

    #[test]
    fn what_stands_behind_the_end_of_an_image_does_no_harm() {
        for kind in KINDS {
            let mut filled = written(&blue_square(40), kind);
            filled.resize(filled.len() + 100_000, 0);
            assert!(see(&filled).is_ok(), "{kind:?}");
        }
    }

    #[test]
    fn an_image_beyond_the_bounds_is_not_decoded() {
        let wide = written(&image::GrayImage::new(LONGEST_SIDE + 1, 1).into(), ImageFormat::Png);
        assert_eq!(see(&wide), Err(BadImage::TooLarge));
        assert_eq!(dimensions(&shown(&wide, None)), None);
    }

    #[test]
    fn all_images_together_have_a_bound() {
        let gallery = Gallery::load(fixture::IMAGES).unwrap();
        let image = shown(BLUE, None);
        let mut pixels = MOST_PIXELS - 2 * 64 * 64;
        assert!(gallery.see(&image, &mut pixels).is_ok());
        assert!(gallery.see(&image, &mut pixels).is_ok());
        assert_eq!(gallery.see(&image, &mut pixels), Err(BadImage::TooLarge));
    }

    #[test]
    fn the_detail_that_is_asked_for_is_told() {
        let gallery = Gallery::load(fixture::IMAGES).unwrap();
        for detail in [Detail::Auto, Detail::Low, Detail::High] {
            for bytes in [APPLE, BLUE] {
                let caption = gallery.see(&shown(bytes, Some(detail)), &mut 0).unwrap().caption;
                let told = format!(" I looked at it at {} detail.", detail.name());
                assert!(caption.ends_with(&told), "{caption}");
            }
        }
    }
}
