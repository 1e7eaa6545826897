use super::attachments::Attachments;
use super::{Refusal, gallery, tokens};
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
/// Tokens of a page of a file, as Gemini counts them.
const PAGE: u64 = 258;

/// How many tokens a conversation costs as a prompt, system messages included.
///
/// Text counts as it is; an image counts 85 and 170 for each tile of 512 pixels that it covers; a file counts its name
/// and 258 tokens for each page.
///
/// # Errors
///
/// When there are more than `most`. Nothing is counted to its end for that.
pub(super) fn count(
    messages: &[Message],
    attachments: &Attachments,
    most: Option<u64>,
) -> Result<u64, Refusal> {
    let within = |tokens: u64| match most {
        Some(most) if tokens > most => Err(Refusal::TooLong { tokens, most }),
        _ => Ok(tokens),
    };
    within(texts(messages).map(tokens::at_least).sum())?;
    let framed = messages.len() as u64 * FRAME + PRIMING;
    let images: u64 = messages.iter().flat_map(|message| &message.parts).map(count_image).sum();
    let mut total = within(framed + images + attachments.pages() as u64 * PAGE)?;
    for slice in texts(messages).flat_map(tokens::slices) {
        total = within(total + tokens::count(slice))?;
    }
    Ok(total)
}

/// Everything in words: the text parts and the names of files.
fn texts(messages: &[Message]) -> impl Iterator<Item = &str> {
    messages.iter().flat_map(|message| &message.parts).filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Image(_) => None,
        Part::File(file) => file.name.as_deref(),
    })
}

fn count_image(part: &Part) -> u64 {
    let Part::Image(image) = part else { return 0 };
    IMAGE + TILE * tiles(image)
}

fn tiles(image: &Image) -> u64 {
    gallery::dimensions(image).map_or(0, |(width, height)| {
        u64::from(width.div_ceil(TILE_SIDE)) * u64::from(height.div_ceil(TILE_SIDE))
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use bytes::Bytes;

    use super::super::gallery::Gallery;
    use super::super::{fixture, pdf};
    use super::*;
    use crate::domain::inference::{File, Role};

    fn count(messages: &[Message], most: Option<u64>) -> Result<u64, Refusal> {
        let gallery = Gallery::load(fixture::IMAGES).unwrap();
        super::count(messages, &Attachments::read(messages, &gallery).unwrap(), most)
    }

    fn cost(parts: Vec<Part>) -> u64 {
        count(&[Message { role: Role::User, parts }], None).unwrap()
    }

    #[test]
    fn a_short_question_costs_what_the_recipe_says() {
        assert_eq!(count(&[], None), Ok(3));
        assert_eq!(cost(vec![Part::Text("hello world".to_owned())]), 3 + 4 + 2);
    }

    #[test]
    fn an_image_costs_by_its_tiles() {
        let mut png = Cursor::new(Vec::new());
        image::GrayImage::new(513, 512).write_to(&mut png, image::ImageFormat::Png).unwrap();
        let bytes = Bytes::from(png.into_inner());
        let image = Image { media_type: "image/png".to_owned(), detail: None, bytes };
        assert_eq!(cost(vec![Part::Image(image)]), 7 + 85 + 2 * 170);
    }

    #[test]
    fn a_file_costs_by_its_name_and_its_pages() {
        let file = |name: Option<&str>, pages| {
            let bytes = Bytes::from(pdf::tests::pdf(pages));
            Part::File(File { name: name.map(str::to_owned), bytes })
        };
        assert_eq!(cost(vec![file(None, 3), file(Some("hello world"), 1)]), 7 + 4 * 258 + 2);
    }

    #[test]
    fn a_prompt_may_fill_the_context_and_no_more() {
        let said = |text: &str| [Message { role: Role::User, parts: vec![Part::Text(text.to_owned())] }];
        assert_eq!(count(&said("hello world"), Some(9)), Ok(9));
        assert_eq!(count(&said("hello world"), Some(8)), Err(Refusal::TooLong { tokens: 9, most: 8 }));
        // A text that must be too long is not counted to its end.
        let long = count(&said(&"a ".repeat(1_000_000)), Some(8_192));
        assert_eq!(long, Err(Refusal::TooLong { tokens: 15_625, most: 8_192 }));
    }
}
