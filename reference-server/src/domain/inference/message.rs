use bytes::Bytes;

/// Who speaks in a turn of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions that stand above the conversation.
    System,
    /// The caller.
    User,
    /// The model.
    Assistant,
}

/// One turn.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What the speaker is called, where several have the same role.
    pub name: Option<String>,
    /// What is said and shown, in order.
    pub parts: Vec<Part>,
}

impl Message {
    /// A turn of a speaker without a name.
    pub const fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, name: None, parts }
    }

    /// The text parts, joined by line breaks.
    pub fn text(&self) -> String {
        let mut texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Image(_)
            | Part::File(_)
            | Part::Audio(_)
            | Part::Thinking(_)
            | Part::ToolCall(_)
            | Part::ToolResult(_) => None,
        });
        let mut joined = texts.next().unwrap_or_default().to_owned();
        for text in texts {
            joined.push('\n');
            joined.push_str(text);
        }
        joined
    }
}

/// A piece of a message.
#[derive(Clone, Debug)]
pub enum Part {
    /// Text.
    Text(String),
    /// A decoded, not yet understood image.
    Image(Image),
    /// An attached file.
    File(File),
    /// Speech or another sound.
    Audio(Audio),
    /// What the model has thought, in one of its own turns.
    Thinking(Thinking),
    /// A tool that the model has called, in one of its own turns.
    ToolCall(ToolCall),
    /// What a tool has answered.
    ToolResult(ToolResult),
}

/// An image as it was sent.
#[derive(Clone, Debug)]
pub struct Image {
    /// What the sender calls it, such as `image/png`.
    pub media_type: String,
    /// How closely it is to be looked at, where the sender says so.
    pub detail: Option<Detail>,
    /// The file's bytes.
    pub bytes: Bytes,
}

/// How closely an image is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// As the model thinks fit.
    Auto,
    /// A glance.
    Low,
    /// Every part of it.
    High,
}

impl Detail {
    /// The word for it, which every wire uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Low => "low",
            Self::High => "high",
        }
    }
}

/// A file as it was sent.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name, where one was given.
    pub name: Option<String>,
    /// The file's bytes.
    pub bytes: Bytes,
}

/// A sound as it was sent.
#[derive(Clone, Debug)]
pub struct Audio {
    /// What the sender calls it, such as `wav`.
    pub format: String,
    /// The file's bytes.
    pub bytes: Bytes,
}

/// What a model has thought before it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thinking {
    /// The thoughts.
    pub text: String,
    /// What proves to the model that they are its own, where it has said so. It is sent back as it came.
    pub signature: Option<String>,
}

impl Thinking {
    /// Thoughts that nothing proves.
    pub fn of_text(text: impl Into<String>) -> Self {
        Self { text: text.into(), signature: None }
    }
}

/// A call of a tool, which the caller is to make for the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Unique within an answer; the tool's result names it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What the tool is given, in JSON.
    pub arguments: String,
}

/// What a tool has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolResult {
    /// The id of the call.
    pub call_id: String,
    /// The answer.
    pub text: String,
    /// Whether the tool has failed.
    pub is_error: bool,
}
