use serde_json::Value;

use super::attachments::Attachments;
use super::sound::Sound;
use super::{Refusal, gallery, pdf, tokens};
use crate::domain::inference::{CompletionRequest, Image, Part};

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

/// How many tokens a conversation costs as a prompt, system messages and the descriptions of tools included.
///
/// Text counts as it is, and so do the names, descriptions and schemas of tools, their calls and what they answered; an
/// image counts 85 and 170 for each tile of 512 pixels that it covers; a file counts its name and 258 tokens for each
/// page; a sound counts by its length.
///
/// # Errors
///
/// When there are more than `most`. Nothing is counted to its end for that.
pub(super) fn count(
    request: &CompletionRequest,
    attachments: &Attachments,
    most: Option<u64>,
) -> Result<u64, Refusal> {
    total(request, attachments.pages() as u64 * PAGE + attachments.sound_tokens(), most)
}

/// The same count for a model elsewhere, which looks at what is attached itself: what cannot be read counts nothing.
///
/// # Errors
///
/// When there are more than `most`.
pub(crate) fn count_for_another(request: &CompletionRequest, most: Option<u64>) -> Result<u64, Refusal> {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let attached = parts.map(|part| match part {
        Part::File(file) => pdf::pages(&file.bytes).map_or(0, |pages| pages as u64 * PAGE),
        Part::Audio(audio) => Sound::of(audio).map_or(0, Sound::tokens),
        Part::Text(_) | Part::Image(_) | Part::Thinking(_) | Part::ToolCall(_) | Part::ToolResult(_) => 0,
    });
    total(request, attached.sum(), most)
}

/// The tokens of a conversation of which files and sounds cost so many.
fn total(request: &CompletionRequest, attached: u64, most: Option<u64>) -> Result<u64, Refusal> {
    let messages = &request.messages;
    let schemas = request.tools.iter().filter_map(|tool| tool.parameters.as_ref()).map(Value::to_string);
    let schemas: Vec<_> = schemas.collect();
    let texts = || texts(request).chain(schemas.iter().map(String::as_str));
    let within = |tokens: u64| match most {
        Some(most) if tokens > most => Err(Refusal::TooLong { tokens, most }),
        _ => Ok(tokens),
    };
    within(texts().map(tokens::at_least).sum())?;
    let framed = messages.len() as u64 * FRAME + PRIMING;
    let images: u64 = messages.iter().flat_map(|message| &message.parts).map(count_image).sum();
    let mut total = within(framed + images + attached)?;
    for slice in texts().flat_map(tokens::slices) {
        total = within(total + tokens::count(slice))?;
    }
    Ok(total)
}

/// Everything in words: texts, the names of files, calls of tools and what they answered, and what the tools are.
fn texts(request: &CompletionRequest) -> impl Iterator<Item = &str> {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let said = parts.flat_map(|part| match part {
        Part::Text(text) => [Some(text.as_str()), None],
        // Earlier thoughts are nothing that a model is told again.
        Part::Image(_) | Part::Audio(_) | Part::Thinking(_) => [None, None],
        Part::File(file) => [file.name.as_deref(), None],
        Part::ToolCall(call) => [Some(&*call.name), Some(&*call.arguments)],
        Part::ToolResult(result) => [Some(&*result.text), None],
    });
    let tools = request.tools.iter();
    said.chain(tools.flat_map(|tool| [Some(&*tool.name), tool.description.as_deref()])).flatten()
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
    use super::super::{fixture, pdf, sound};
    use super::*;
    use crate::domain::inference::{Audio, File, Message, ModelIdentity, Role, Tool, ToolCall, ToolResult};

    fn count(request: &CompletionRequest, most: Option<u64>) -> Result<u64, Refusal> {
        let gallery = Gallery::load(fixture::IMAGES).unwrap();
        let model = ModelIdentity {
            id: "m".into(),
            family: "Bedrock".into(),
            dimensions: 0,
            context_tokens: None,
            thinks: false,
            hears: true,
        };
        super::count(request, &Attachments::read(&model, &request.messages, &gallery).unwrap(), most)
    }

    fn asking(parts: Vec<Part>) -> CompletionRequest {
        let messages = vec![Message::new(Role::User, parts)];
        CompletionRequest { messages, ..CompletionRequest::default() }
    }

    fn cost(parts: Vec<Part>) -> u64 {
        let request = asking(parts);
        let cost = count(&request, None).unwrap();
        assert_eq!(count_for_another(&request, None), Ok(cost));
        cost
    }

    #[test]
    fn a_short_question_costs_what_the_recipe_says() {
        assert_eq!(count(&CompletionRequest::default(), None), Ok(3));
        assert_eq!(cost(vec![Part::Text("hello world".to_owned())]), 3 + 4 + 2);
    }

    #[test]
    fn tools_their_calls_and_their_answers_cost_what_they_say() {
        let hello = || "hello world".to_owned();
        let call = ToolCall { id: "never counted".to_owned(), name: hello(), arguments: hello() };
        let result = ToolResult { call_id: "never counted".to_owned(), text: hello(), is_error: false };
        assert_eq!(cost(vec![Part::ToolCall(call), Part::ToolResult(result)]), 7 + 3 * 2);
        let schema = serde_json::json!({ "type": "object" });
        let parameters = tokens::count(&schema.to_string());
        let tool = Tool { name: hello(), description: Some(hello()), parameters: Some(schema), strict: None };
        let request = CompletionRequest { tools: vec![tool], ..asking(Vec::new()) };
        assert_eq!(count(&request, None), Ok(7 + 2 * 2 + parameters));
        assert!(parameters > 3);
    }

    #[test]
    fn a_sound_costs_ten_tokens_a_second() {
        let audio = Audio { format: "wav".to_owned(), bytes: sound::tests::silence(2_050).into() };
        assert_eq!(cost(vec![Part::Audio(audio)]), 7 + 21);
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
        let said = |text: &str| asking(vec![Part::Text(text.to_owned())]);
        assert_eq!(count(&said("hello world"), Some(9)), Ok(9));
        assert_eq!(count(&said("hello world"), Some(8)), Err(Refusal::TooLong { tokens: 9, most: 8 }));
        // A text that must be too long is not counted to its end.
        let long = count(&said(&"a ".repeat(1_000_000)), Some(8_192));
        assert_eq!(long, Err(Refusal::TooLong { tokens: 15_625, most: 8_192 }));
    }
}
