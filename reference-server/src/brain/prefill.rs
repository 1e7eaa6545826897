//! An answer that the caller has begun.

use serde_json::Value;

use crate::domain::inference::{CompletionRequest, Message, Part, Role};

/// What is open behind these has no blank after it.
const OPENINGS: [char; 5] = ['(', '[', '{', '<', '“'];

/// The turns that are to be answered, and how the answer begins where the caller has begun it.
pub(super) fn split(request: &CompletionRequest) -> (&[Message], Option<String>) {
    match request.messages.split_last() {
        Some((last, turns)) if request.is_begun && last.role == Role::Assistant => (turns, Some(words(last))),
        _ => (request.messages.as_slice(), None),
    }
}

/// The words of a turn. They are one text, however many blocks they come in.
fn words(message: &Message) -> String {
    let texts = message.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// What is left to say of an answer that was begun: what follows, where it begins in these very words; where JSON was
/// opened, the answer as its next value and what closes it; elsewhere all of it.
pub(super) fn rest(answer: &str, begun: &str) -> String {
    if let Some(rest) = answer.strip_prefix(begun) {
        return rest.to_owned();
    }
    if let Some(json) = Json::opened_in(begun) {
        return json.closed_with(answer);
    }
    let blank = if begun.ends_with(OPENINGS) { "" } else { " " };
    format!("{blank}{answer}")
}

/// JSON that was begun.
#[derive(Default)]
struct Json {
    /// What closes the lists and objects that are open, the outermost first.
    closers: String,
    is_in_text: bool,
    is_escaped: bool,
    /// Whether the last text is the name of a member.
    is_name: bool,
    /// The last sign that is no blank; of a text its first quotation mark.
    last: Option<char>,
}

impl Json {
    /// What is open at the end of a text that begins like JSON; nothing where nothing is.
    fn opened_in(begun: &str) -> Option<Self> {
        if !begun.trim_start().starts_with(['{', '[']) {
            return None;
        }
        let mut json = Self::default();
        for sign in begun.chars() {
            json.read(sign);
        }
        (!json.closers.is_empty()).then_some(json)
    }

    fn read(&mut self, sign: char) {
        if self.is_in_text {
            match sign {
                _ if self.is_escaped => self.is_escaped = false,
                '\\' => self.is_escaped = true,
                '"' => self.is_in_text = false,
                _ => {}
            }
            return;
        }
        match sign {
            '"' => {
                self.is_in_text = true;
                self.is_name = self.is_in_object() && self.last != Some(':');
            }
            '{' => self.closers.push('}'),
            '[' => self.closers.push(']'),
            '}' | ']' => {
                self.closers.pop();
            }
            _ => {}
        }
        if !sign.is_whitespace() {
            self.last = Some(sign);
        }
    }

    fn is_in_object(&self) -> bool {
        self.closers.ends_with('}')
    }

    /// The rest of it, with a text as the next value where one can follow.
    fn closed_with(&self, text: &str) -> String {
        let value = Value::from(text).to_string();
        let member = format!("\"answer\": {value}");
        let escape = if self.is_escaped { "\\" } else { "" };
        let mut rest = match self.last {
            _ if self.is_in_text && self.is_name => format!("{escape}\": {value}"),
            _ if self.is_in_text => format!("{escape}{}", value.strip_prefix('"').unwrap_or(&value)),
            Some('{') => member,
            Some(',') if self.is_in_object() => format!(" {member}"),
            Some('[') => value,
            Some(',' | ':') => format!(" {value}"),
            Some('"') if self.is_name => format!(": {value}"),
            _ => String::new(),
        };
        rest.extend(self.closers.chars().rev());
        rest
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::super::{Brain, tokens};
    use super::*;
    use crate::domain::inference::{Completion, ModelIdentity, ToolCall, ToolResult};

    static BRAIN: LazyLock<Brain> = LazyLock::new(|| Brain::embedded().unwrap());

    const CAPITAL: &str = "The capital of France is Paris.";

    fn said(role: Role, text: &str) -> Message {
        Message::new(role, vec![Part::Text(text.to_owned())])
    }

    fn answer(messages: Vec<Message>, is_begun: bool) -> Completion {
        let model = ModelIdentity {
            id: "m".into(),
            family: "Anthropic".into(),
            dimensions: 0,
            context_tokens: None,
            thinks: false,
            hears: false,
        };
        let request = CompletionRequest { messages, is_begun, ..CompletionRequest::default() };
        BRAIN.answer(&model, &request).unwrap()
    }

    #[test]
    fn what_was_begun_goes_on_and_is_part_of_the_prompt() {
        let question = || said(Role::User, "What is the capital of France?");
        let begun = || said(Role::Assistant, "The capital of France is");
        let whole = answer(vec![question()], false);
        assert_eq!(whole.answer.text, CAPITAL);
        let rest = answer(vec![question(), begun()], true);
        assert_eq!(rest.answer.text, " Paris.");
        let turn = 4 + tokens::count("The capital of France is");
        assert_eq!(rest.usage.input_tokens, whole.usage.input_tokens + turn);
        assert_eq!(rest.usage.output_tokens, tokens::count(" Paris."));
        assert_eq!(answer(vec![question(), begun()], false).answer.text, CAPITAL);
        assert_eq!(answer(vec![begun(), question()], true).answer.text, CAPITAL);
        let mut blocks = said(Role::Assistant, "The capital of");
        blocks.parts.push(Part::Text(" France".to_owned()));
        assert_eq!(answer(vec![question(), blocks], true).answer.text, " is Paris.");
    }

    #[test]
    fn what_a_tool_has_answered_is_told_behind_it() {
        let call = ToolCall { id: "a".to_owned(), name: "look".to_owned(), arguments: "{}".to_owned() };
        let result = ToolResult { call_id: "a".to_owned(), text: "18 degrees".to_owned(), is_error: false };
        let turn = |role, part| Message::new(role, vec![part]);
        let told = answer(
            vec![
                said(Role::User, "Look!"),
                turn(Role::Assistant, Part::ToolCall(call)),
                turn(Role::User, Part::ToolResult(result)),
                said(Role::Assistant, "The tool"),
            ],
            true,
        );
        assert_eq!(told.answer.text, " look answered: 18 degrees.");
    }

    #[test]
    fn an_answer_that_begins_otherwise_follows_in_whole() {
        for (begun, expected) in [
            ("", CAPITAL.to_owned()),
            (CAPITAL, String::new()),
            ("Well:", format!(" {CAPITAL}")),
            ("<answer>", format!(" {CAPITAL}")),
            ("The best answer is (", CAPITAL.to_owned()),
            ("[Holmes]", format!(" {CAPITAL}")),
        ] {
            assert_eq!(rest(CAPITAL, begun), expected, "{begun}");
        }
    }

    #[test]
    fn json_that_was_opened_is_closed() {
        let text = "She said: \"Paris\".";
        for (begun, has_room) in [
            ("{", true),
            ("[", true),
            (" {\n  \"a\": 1,", true),
            ("{\"a", true),
            ("{\"a\"", true),
            ("{\"a\":", true),
            ("{\"a\": \"b: ", true),
            ("{\"a\\", true),
            ("[\"a\\", true),
            ("[{\"a\": [1, \"}\"], \"b\":", true),
            ("[[1], [2,", true),
            ("{\"a\": [1, 2", false),
            ("{\"a\": \"b\"", false),
            ("[{\"a\": {}}", false),
        ] {
            let whole = format!("{begun}{}", rest(text, begun));
            let value: Value = serde_json::from_str(&whole).unwrap();
            assert_eq!(value.to_string().contains("She said: \\\"Paris\\\"."), has_room, "{whole}");
        }
    }
}
