use std::sync::Arc;

/// Who a model is: what a provider needs to know to answer in its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelIdentity {
    /// The id that callers use.
    pub id: Arc<str>,
    /// The provider's family, as people write it: `Bedrock`, `Vertex AI`.
    pub family: Arc<str>,
    /// Length of its vectors when it embeds; 0 for a chat model.
    pub dimensions: usize,
    /// Most tokens that a prompt may have; nothing where there is no limit.
    pub context_tokens: Option<u64>,
    /// Whether it can think before it answers.
    pub thinks: bool,
    /// Whether it can hear.
    pub hears: bool,
}
