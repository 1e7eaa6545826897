use super::{gallery, tokens};
use crate::domain::inference::{Image, Message, Part};

/// Tokens that frame a message: its delimiters and its role, as in OpenAI's recipe for chat models.
const FRAME: u64 = 4;
/// Tokens that prime the answer.
const PRIMING: u64 = 3;
/// Tokens of any image, and those that each tile of it adds.
const IMAGE: u64 = 85;
const TILE: u64 = 170;
/// Side of a tile, in pixels.
const TILE_SIDE: u32 = 512;
/// Bytes of a file that count as a token: the rule of thumb for text.
const BYTES_PER_TOKEN: u64 = 4;

/// How many tokens a conversation costs as a prompt, system messages included.
///
/// Text counts as it is; an image counts 85 and 170 for each tile of 512 pixels that it covers, or 85 when its size
/// cannot be read; a file counts its name and a token for every four bytes.
pub(super) fn count(messages: &[Message]) -> u64 {
    PRIMING
        + messages
            .iter()
            .map(|message| FRAME + message.parts.iter().map(count_part).sum::<u64>())
            .sum::<u64>()
}

fn count_part(part: &Part) -> u64 {
    match part {
        Part::Text(text) => tokens::count(text),
        Part::Image(image) => count_image(image),
        Part::File(file) => {
            file.name.as_deref().map_or(0, tokens::count)
                + (file.bytes.len() as u64).div_ceil(BYTES_PER_TOKEN)
        }
    }
}

fn count_image(image: &Image) -> u64 {
    let tiles = gallery::dimensions(image).map_or(0, |(width, height)| {
        u64::from(width.div_ceil(TILE_SIDE)) * u64::from(height.div_ceil(TILE_SIDE))
    });
    IMAGE + TILE * tiles
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use bytes::Bytes;

    use super::*;
    use crate::domain::inference::{File, Role};

    fn cost(parts: Vec<Part>) -> u64 {
        count(&[Message { role: Role::User, parts }])
    }

    #[test]
    fn a_short_question_costs_what_the_recipe_says() {
        assert_eq!(count(&[]), 3);
        assert_eq!(cost(vec![Part::Text("hello world".to_owned())]), 3 + 4 + 2);
    }

    #[test]
    fn an_image_costs_by_its_tiles() {
        let mut png = Cursor::new(Vec::new());
        image::GrayImage::new(513, 512).write_to(&mut png, image::ImageFormat::Png).unwrap();
        let part = |bytes| Part::Image(Image { media_type: "image/png".to_owned(), bytes });
        assert_eq!(cost(vec![part(Bytes::from(png.into_inner()))]), 7 + 85 + 2 * 170);
        assert_eq!(cost(vec![part(Bytes::from_static(b"junk"))]), 7 + 85);
    }

    #[test]
    fn a_file_costs_by_its_size() {
        let file = File { name: None, bytes: Bytes::from_static(b"%PDF-1.7\n") };
        assert_eq!(cost(vec![Part::File(file)]), 7 + 3);
    }
}
