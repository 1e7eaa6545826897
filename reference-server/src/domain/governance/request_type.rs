//! What kind of request a call is, as answers and rules call it.

/// The kinds of requests that are governed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestType {
    Chat,
    ChatStream,
    Text,
    TextStream,
    Responses,
    ResponsesStream,
    Embedding,
    /// Asks how many tokens a prompt has, which the gateway knows by itself.
    TokenCount,
}

impl RequestType {
    /// The word on the wire.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat_completion",
            Self::ChatStream => "chat_completion_stream",
            Self::Text => "text_completion",
            Self::TextStream => "text_completion_stream",
            Self::Responses => "responses",
            Self::ResponsesStream => "responses_stream",
            Self::Embedding => "embedding",
            Self::TokenCount => "count_tokens",
        }
    }

    /// Whether a provider is asked, so that it counts and is logged.
    pub(crate) const fn asks_provider(self) -> bool {
        !matches!(self, Self::TokenCount)
    }

    /// Whether it is answered in parts, which goes on after the answer has begun.
    pub(crate) const fn is_streamed(self) -> bool {
        matches!(self, Self::ChatStream | Self::TextStream | Self::ResponsesStream)
    }

    /// What kind of answer it gets, as the log of calls tells it.
    pub(crate) const fn object(self) -> &'static str {
        match self {
            Self::Chat => "chat.completion",
            Self::ChatStream => "chat.completion.chunk",
            Self::Text => "text.completion",
            Self::TextStream => "text.completion.chunk",
            Self::Responses => "response",
            Self::ResponsesStream => "response.completion.chunk",
            Self::Embedding => "list",
            Self::TokenCount => "count_tokens",
        }
    }
}
