//! The two requests, as data.
//!
//! The order of the members is the order of the mistakes. Ranges and the least number of messages are the
//! test plan's; the other upper bounds keep one request from asking for more than anybody needs.

use super::shape::{Field, Least, Shape, optional, required};

/// Most texts in one embedding request; OpenAI's own limit.
const MOST_INPUTS: usize = 2_048;
/// Longest vector that can be asked for.
pub(in super::super) const MOST_DIMENSIONS: i64 = 4_096;
/// Most stop sequences. Four are documented, and more are let through.
const MOST_STOPS: usize = 64;
/// Most completions that can be asked for.
const MOST_CHOICES: i64 = 128;
/// Most tokens that can be asked for: as many as their type holds.
const MOST_TOKENS: i64 = i32::MAX as i64;

// The names that the service generates for the alternatives of a content.
const USER_PARTS: &str = "json-or-python[\
    json=list[tagged-union[TextContentPart,ImageContentPart,FileContentPart]],\
    python=chain[is-instance[Sequence],function-wrap[sequence_validator()]]]";
const TEXT_PARTS: &str = "json-or-python[json=list[TextContentPart],\
    python=chain[is-instance[Sequence],function-wrap[sequence_validator()]]]";

const TEXT_PART: &[Field] = &[required("text", Shape::UserText)];
/// A text part where there is no other kind, so that its tag is an ordinary member.
const ONLY_TEXT_PART: &[Field] = &[required("type", Shape::Word(&["text"])), required("text", Shape::Text)];

const IMAGE_URL: &[Field] =
    &[required("url", Shape::Text), optional("detail", Shape::Word(&["auto", "low", "high"]))];
const IMAGE_PART: &[Field] = &[required("image_url", Shape::Record(IMAGE_URL))];

const FILE: &[Field] = &[
    required("file_data", Shape::Text),
    optional("file_name", Shape::Text),
    optional("filename", Shape::Text),
];
const FILE_PART: &[Field] = &[required("file", Shape::Record(FILE))];

const USER_PART: Shape = Shape::Tagged {
    by: "type",
    tags: &[("text", TEXT_PART), ("image_url", IMAGE_PART), ("file", FILE_PART)],
};
const PLAIN_PART: Shape = Shape::Record(ONLY_TEXT_PART);

const USER_CONTENT: &[(&str, Shape)] =
    &[("constrained-str", Shape::UserText), (USER_PARTS, Shape::Sequence { of: &USER_PART, least: 0 })];
const PLAIN_CONTENT: &[(&str, Shape)] =
    &[("str", Shape::Text), (TEXT_PARTS, Shape::Sequence { of: &PLAIN_PART, least: 0 })];

const USER_MESSAGE: &[Field] = &[required("content", Shape::Either(USER_CONTENT))];
const PLAIN_MESSAGE: &[Field] = &[required("content", Shape::Either(PLAIN_CONTENT))];

const MESSAGE: Shape = Shape::Tagged {
    by: "role",
    tags: &[("user", USER_MESSAGE), ("system", PLAIN_MESSAGE), ("assistant", PLAIN_MESSAGE)],
};

const STOP: &[(&str, Shape)] =
    &[("str", Shape::Text), ("list[str]", Shape::List { of: &Shape::Text, least: 0, most: MOST_STOPS })];
const INPUT: &[(&str, Shape)] =
    &[("str", Shape::Text), ("list[str]", Shape::List { of: &Shape::Text, least: 1, most: MOST_INPUTS })];
const INPUT_TYPES: &[&str] =
    &["search_document", "search_query", "classification", "clustering", "semantic_similarity"];

const PENALTY: Shape = Shape::Number { at_least: -2.0, at_most: 2.0 };
const CHOICES: Shape = Shape::Whole { least: Least::AtLeast(1), at_most: MOST_CHOICES };
const TOKENS: Shape = Shape::Whole { least: Least::AtLeast(1), at_most: MOST_TOKENS };
const DIMENSIONS: Shape = Shape::Whole { least: Least::Above(0), at_most: MOST_DIMENSIONS };

const CHAT_FIELDS: &[Field] = &[
    required("model", Shape::Text),
    required("messages", Shape::Sequence { of: &MESSAGE, least: 1 }),
    optional("temperature", Shape::Number { at_least: 0.0, at_most: 2.0 }),
    optional("top_p", Shape::Number { at_least: 0.0, at_most: 1.0 }),
    optional("n", CHOICES),
    optional("stream", Shape::Flag),
    optional("stop", Shape::Either(STOP)),
    optional("max_tokens", TOKENS),
    optional("presence_penalty", PENALTY),
    optional("frequency_penalty", PENALTY),
    optional("logit_bias", Shape::Numbers),
    optional("user", Shape::Text),
];

const EMBEDDING_FIELDS: &[Field] = &[
    required("input", Shape::Either(INPUT)),
    required("model", Shape::Text),
    optional("encodingFormat", Shape::Word(&["float"])),
    optional("encoding_format", Shape::Word(&["float"])),
    optional("dimensions", DIMENSIONS),
    optional("user", Shape::Text),
    optional("input_type", Shape::Word(INPUT_TYPES)),
];

/// What a chat completion is asked for with.
pub(super) const CHAT: Shape = Shape::Record(CHAT_FIELDS);
/// What an embedding is asked for with.
pub(super) const EMBEDDING: Shape = Shape::Record(EMBEDDING_FIELDS);
