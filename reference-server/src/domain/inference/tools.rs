use serde_json::Value;

/// A tool that the model may call.
#[derive(Clone, Debug, Default)]
pub struct Tool {
    /// Unique among the tools of a request.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The JSON Schema of what it is given; nothing for a tool that is given nothing.
    pub parameters: Option<Value>,
    /// Whether what it is given keeps to the schema to the letter, where the caller says so.
    pub strict: Option<bool>,
}

/// Whether and how tools are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolUse {
    /// Whether one is to be called.
    pub mode: ToolMode,
    /// The only ones that may be called; none stands for all.
    pub only: Vec<String>,
    /// Whether no more than one may be called in an answer.
    pub one_at_a_time: bool,
}

/// Whether a tool is to be called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToolMode {
    /// As the model thinks fit.
    #[default]
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
}
