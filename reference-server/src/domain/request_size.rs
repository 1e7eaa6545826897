//! How much is asked in a request, and how much is answered to it: known before a model is asked, so that there is room
//! for it, or none of it is begun.

use serde_json::Value;

use super::inference::{AnswerFormat, CompletionRequest, Part, Role, Tool};

/// What a model says in words of its own, beside what it repeats, in bytes.
const WORDS: usize = 512;
/// What it says of something attached, and of what a tool has answered, in bytes.
const MENTION: usize = 128;
/// What it makes along a schema, beside what stands in the schema, in bytes.
const MADE: usize = 16 * 1024;
/// Bytes of a usual token.
const TOKEN: usize = 4;
/// What it takes to tell how probable a token is, in bytes: the token, its number, and what is written of both.
const TOLD: usize = 200;
/// What takes less than this need not be expected, in bytes.
const SMALL: usize = 1024 * 1024;

impl CompletionRequest {
    /// The bytes of everything that is asked: what is said and shown, the tools, the form of the answer, and the texts
    /// that end it.
    pub fn size(&self) -> usize {
        let parts: usize = self.messages.iter().flat_map(|message| &message.parts).map(part).sum();
        let tools: usize = self.tools.iter().map(tool).sum();
        let stop: usize = self.stop.iter().map(String::len).sum();
        parts + tools + stop + schema(&self.format).map_or(0, written)
    }

    /// The bytes that all answers take together until they are sent, estimated.
    ///
    /// A model repeats what it was told last, and says little more, or it makes a value along a schema; a limit of
    /// tokens cuts both. There are as many answers as are asked for, and with each token the others that are to be told.
    pub fn answer_size(&self) -> usize {
        self.answers_of(self.repeated() + self.made() + WORDS)
    }

    /// The bytes that are read and written for the request.
    pub fn work(&self) -> usize {
        self.size().saturating_add(self.answer_size())
    }

    /// Whether answers of so many bytes each are about as large as they were estimated, or small.
    pub fn expects(&self, length: usize) -> bool {
        self.answers_of(length) <= self.answer_size().saturating_mul(2).max(SMALL)
    }

    /// What all answers take together where each has so many bytes before it is cut.
    fn answers_of(&self, length: usize) -> usize {
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let tokens = length.div_ceil(TOKEN).min(self.max_tokens.map_or(usize::MAX, count));
        let told = self.alternatives.map_or(0, |others| TOLD * (1 + usize::from(others)));
        tokens.saturating_mul(TOKEN + told).saturating_mul(count(self.more_answers).saturating_add(1))
    }

    /// The bytes of the longest that was said to the model without a word of its own in between, and of the words that
    /// it is to go on from.
    fn repeated(&self) -> usize {
        let (mut longest, mut here) = (0, 0);
        for message in &self.messages {
            match message.role {
                Role::User => {
                    here += message.parts.iter().map(mention).sum::<usize>();
                    longest = longest.max(here);
                }
                Role::Assistant => here = 0,
                Role::System => {}
            }
        }
        let begun = self.messages.last().filter(|_| self.is_begun);
        longest + begun.map_or(0, |turn| turn.parts.iter().map(mention).sum::<usize>())
    }

    /// The bytes of a value that is made along the longest schema.
    fn made(&self) -> usize {
        let schemas = self.tools.iter().filter_map(|tool| tool.parameters.as_ref());
        let longest = schemas.chain(schema(&self.format)).map(written).max();
        longest.map_or(0, |length| length + MADE)
    }
}

fn schema(format: &AnswerFormat) -> Option<&Value> {
    match format {
        AnswerFormat::JsonSchema(format) => Some(&format.schema),
        AnswerFormat::Text | AnswerFormat::JsonObject => None,
    }
}

/// The bytes of a part.
fn part(part: &Part) -> usize {
    match part {
        Part::Text(text) => text.len(),
        Part::Image(image) => image.bytes.len(),
        Part::File(file) => file.name.as_ref().map_or(0, String::len) + file.bytes.len(),
        Part::Audio(audio) => audio.bytes.len(),
        Part::Thinking(thinking) => thinking.text.len() + thinking.signature.as_ref().map_or(0, String::len),
        Part::ToolCall(call) => call.id.len() + call.name.len() + call.arguments.len(),
        Part::ToolResult(result) => result.call_id.len() + result.text.len(),
    }
}

/// The bytes that a model says of a part.
fn mention(part: &Part) -> usize {
    match part {
        // A line break joins it to the one before.
        Part::Text(text) => text.len() + 1,
        Part::File(file) => file.name.as_ref().map_or(0, String::len) + MENTION,
        Part::ToolResult(result) => result.text.len() + MENTION,
        Part::Image(_) | Part::Audio(_) => MENTION,
        Part::Thinking(_) | Part::ToolCall(_) => 0,
    }
}

/// The bytes of a tool.
fn tool(tool: &Tool) -> usize {
    let description = tool.description.as_ref().map_or(0, String::len);
    tool.name.len() + description + tool.parameters.as_ref().map_or(0, written)
}

/// The bytes of a value in JSON, nearly.
fn written(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => TOKEN,
        Value::String(text) => text.len() + 2,
        Value::Array(elements) => elements.iter().map(|element| written(element) + 1).sum::<usize>() + 2,
        Value::Object(members) => {
            members.iter().map(|(name, value)| name.len() + written(value) + 4).sum::<usize>() + 2
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::super::inference::{Audio, File, Image, Message, ToolCall, ToolResult};
    use super::*;

    fn said(role: Role, length: usize) -> Message {
        Message::new(role, vec![Part::Text("x".repeat(length))])
    }

    fn asking(messages: Vec<Message>) -> CompletionRequest {
        CompletionRequest { messages, ..CompletionRequest::default() }
    }

    fn of_length(length: usize) -> CompletionRequest {
        asking(vec![said(Role::User, length)])
    }

    #[test]
    fn everything_that_is_asked_has_a_size() {
        let bytes = || Bytes::from_static(&[0; 1_000]);
        let long = || "x".repeat(1_000);
        let media_type = "image/png".to_owned();
        let alone = [
            Part::Text(long()),
            Part::Image(Image { media_type, detail: None, bytes: bytes() }),
            Part::File(File { name: None, bytes: bytes() }),
            Part::Audio(Audio { format: "wav".to_owned(), bytes: bytes() }),
            Part::ToolCall(ToolCall { id: String::new(), name: String::new(), arguments: long() }),
            Part::ToolResult(ToolResult { call_id: String::new(), text: long(), is_error: false }),
        ];
        let mut request = CompletionRequest::default();
        assert_eq!(request.size(), 0);
        request.messages = alone.map(|part| Message::new(Role::User, vec![part])).into();
        assert_eq!(request.size(), 6_000);
        request.stop = vec![long()];
        assert_eq!(request.size(), 7_000);
        let schema = json!({ "enum": [long()] });
        let tool = Tool {
            name: long(),
            description: Some(long()),
            parameters: Some(schema.clone()),
            ..Tool::default()
        };
        request.tools = vec![tool];
        let with_tools = request.size();
        assert!((10_000..10_100).contains(&with_tools), "{with_tools}");
        request.format = AnswerFormat::JsonSchema(schema.into());
        assert!((with_tools + 1_000..with_tools + 1_100).contains(&request.size()), "{}", request.size());
    }

    #[test]
    fn a_plain_answer_is_little_more_than_what_it_repeats() {
        assert_eq!(CompletionRequest::default().answer_size(), WORDS);
        let plain = of_length(10_000).answer_size();
        assert!((10_000..11_000).contains(&plain), "{plain}");
        // What was said before the model's last words is not repeated, and what was said after them is, all of it.
        let history = vec![said(Role::User, 50_000), said(Role::Assistant, 70_000), said(Role::User, 6_000)];
        let mut request = asking(history);
        let long_ago = request.answer_size();
        assert!((50_000..51_000).contains(&long_ago), "{long_ago}");
        request.messages.extend([said(Role::System, 90_000), said(Role::User, 60_000)]);
        let together = request.answer_size();
        assert!((66_000..67_000).contains(&together), "{together}");
        // What the model is to go on from may be answered with as much again.
        request.messages.push(said(Role::Assistant, 10_000));
        assert_eq!(request.answer_size(), together);
        request.is_begun = true;
        assert!((76_000..77_000).contains(&request.answer_size()), "{}", request.answer_size());
    }

    #[test]
    fn answers_and_alternatives_multiply_and_a_limit_cuts() {
        let one = of_length(100_000);
        let many = CompletionRequest { more_answers: 127, ..one.clone() };
        assert_eq!(many.answer_size(), 128 * one.answer_size());
        let told = CompletionRequest { alternatives: Some(0), ..one.clone() };
        assert_eq!(told.answer_size(), one.answer_size() / TOKEN * (TOKEN + TOLD));
        let others = CompletionRequest { alternatives: Some(20), ..told.clone() };
        assert!(others.answer_size() > 20 * told.answer_size());
        let cut = CompletionRequest { max_tokens: Some(1_000), ..others.clone() };
        assert!(cut.answer_size() < others.answer_size() / 20);
        let generous = CompletionRequest { max_tokens: Some(u32::MAX), ..others.clone() };
        assert_eq!(generous.answer_size(), others.answer_size());
        let endless = CompletionRequest { more_answers: u32::MAX, ..of_length(1 << 24) };
        assert!(endless.work() > 1 << 50);
    }

    #[test]
    fn nine_kilobytes_can_ask_for_a_gigabyte() {
        let request = CompletionRequest { more_answers: 127, alternatives: Some(20), ..of_length(9 * 1024) };
        assert!(request.answer_size() > 1_000_000_000, "{}", request.answer_size());
        // A short question may be asked as often, and with as many alternatives.
        let short = CompletionRequest { messages: vec![said(Role::User, 5)], ..request };
        assert!(short.answer_size() < 100 * SMALL, "{}", short.answer_size());
    }

    #[test]
    fn what_is_made_may_be_larger_than_expected_while_it_is_small() {
        let schema = json!({ "type": "array", "minItems": 10_000 });
        let one = CompletionRequest { format: AnswerFormat::JsonSchema(schema.into()), ..of_length(5) };
        assert!(one.expects(SMALL) && !one.expects(SMALL + TOKEN));
        let many = CompletionRequest { more_answers: 127, ..one };
        assert!(many.expects(2 * MADE) && !many.expects(3 * MADE));
        assert!(of_length(5 * SMALL).expects(6 * SMALL));
    }
}
