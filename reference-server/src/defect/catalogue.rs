//! The catalogue itself: which defects there are and what each breaks.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// What is known of a defect.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DefectInfo {
    /// The name in control calls and on the command line.
    pub id: &'static str,
    /// The requirements that no longer hold.
    pub breaks: &'static [&'static str],
    /// What the gateway does wrong.
    pub text: &'static str,
    /// Whether a real product does it.
    pub seen_in_the_wild: bool,
    /// The defect.
    #[serde(skip)]
    pub defect: Defect,
}

/// An id that is no defect's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDefect {
    /// What was asked for.
    pub id: String,
    /// The id that looks most like it.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for UnknownDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no defect {:?}", self.id)?;
        self.nearest.map_or(Ok(()), |nearest| write!(f, "; did you mean {nearest:?}?"))
    }
}

impl std::error::Error for UnknownDefect {}

/// Every defect, in the order of the requirements that they break.
pub fn catalogue() -> &'static [DefectInfo] {
    CATALOGUE
}

macro_rules! defects {
    ($($variant:ident = $id:literal, breaks [$($requirement:literal),+], wild $wild:literal, $text:literal;)+) => {
        /// A deliberate defect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Defect {
            $(#[doc = $text] $variant,)+
        }

        static CATALOGUE: &[DefectInfo] = &[$(DefectInfo {
            id: $id,
            breaks: &[$($requirement),+],
            text: $text,
            seen_in_the_wild: $wild,
            defect: Defect::$variant,
        },)+];

        impl Defect {
            /// The name in control calls and on the command line.
            pub const fn id(self) -> &'static str {
                match self {
                    $(Self::$variant => $id,)+
                }
            }
        }
    };
}

defects! {
    ModelsWrapped = "models-wrapped", breaks ["models.array"], wild false,
        "the model listing is an object with the array inside";
    ModelNamesMissing = "model-names-missing", breaks ["models.item-shape"], wild false,
        "the items of the model listing have no name";
    ChatModelsHidden = "chat-models-hidden", breaks ["models.lists-chat"], wild false,
        "the model listing leaves out the chat models";
    EmbeddingModelsHidden = "embedding-models-hidden", breaks ["models.lists-embedding"], wild false,
        "the model listing leaves out the embedding models";
    ModelsRequireScope = "models-require-scope", breaks ["models.any-valid-key"], wild false,
        "the model listing is refused to a key that has no model scope";
    ChatUsageMissing = "chat-usage-missing", breaks ["chat.shape"], wild false,
        "a chat completion carries no usage";
    WrongModelEchoed = "wrong-model-echoed",
        breaks ["chat.model-echoed", "embeddings.model-echoed"], wild false,
        "an answer names another model than the one asked for";
    EmptyAnswer = "empty-answer", breaks ["chat.content-present"], wild false,
        "a chat completion has an empty content";
    UsageDoesNotAddUp = "usage-does-not-add-up", breaks ["chat.usage-adds-up"], wild false,
        "the total of a chat completion's usage is one more than its parts";
    EmbeddingUsageMissing = "embedding-usage-missing", breaks ["embeddings.shape"], wild false,
        "an embedding carries no usage";
    EmbeddingVectorsMissing = "embedding-vectors-missing", breaks ["embeddings.vector-present"], wild false,
        "an embedding has an empty list of vectors";
    ProviderModelLeaked = "provider-model-leaked", breaks ["embeddings.model-echoed"], wild true,
        "an embedding names the provider's own model instead of the one asked for";
    ChatModelEmbeds = "chat-model-embeds", breaks ["capability.chat-model-cannot-embed"], wild false,
        "a chat model is accepted for embeddings";
    EmbeddingModelChats = "embedding-model-chats",
        breaks ["capability.embedding-model-cannot-chat"], wild false,
        "an embedding model is accepted for chat";
    HistoryDropped = "history-dropped",
        breaks ["conversation.history-kept", "conversation.image-recalled"], wild false,
        "only the last user message and the system messages reach the provider";
    SystemPromptDropped = "system-prompt-dropped", breaks ["conversation.system-prompt-kept"], wild false,
        "system messages do not reach the provider";
    ImagesDropped = "images-dropped",
        breaks ["conversation.image-seen", "conversation.image-recalled"], wild false,
        "images do not reach the provider";
    CredentialNotRequired = "credential-not-required",
        breaks ["auth.missing-refused", "auth.malformed-refused"], wild false,
        "a request without a usable credential is served as if it had a valid key";
    UnknownKeyAccepted = "unknown-key-accepted", breaks ["auth.unknown-refused"], wild false,
        "a key that was never made is served as if it were valid";
    InactiveKeyAccepted = "inactive-key-accepted",
        breaks ["auth.inactive-refused", "auth.revoked-refused"], wild false,
        "a key that is not in force is served all the same";
    ExpiredKeyAccepted = "expired-key-accepted", breaks ["auth.expired-refused"], wild false,
        "a key whose time is over is served all the same";
    ScopeNotEnforced = "scope-not-enforced",
        breaks ["scope.chat-needs-inference", "scope.embeddings-need-embedding"], wild false,
        "a key's scopes are not looked at";
    ProviderIgnored = "provider-ignored",
        breaks ["routing.chat-by-model", "routing.embeddings-by-model"], wild false,
        "every call is answered by the first model of its kind, whichever was asked for";
    BillingEventMissing = "billing-event-missing", breaks ["billing.event-per-success"], wild true,
        "no billing event is written";
    BillingEventDoubled = "billing-event-doubled", breaks ["billing.event-per-success"], wild false,
        "every billing event is written twice";
    BillingEventOnFailure = "billing-event-on-failure", breaks ["billing.no-event-on-failure"], wild false,
        "a call that is refused after authentication writes a billing event of no tokens";
    BillingUsageWrong = "billing-usage-wrong", breaks ["billing.usage-matches"], wild false,
        "a billing event counts one input token more than the answer";
    BillingModelWrong = "billing-model-wrong", breaks ["billing.model-matches"], wild false,
        "a billing event names another model than the one asked for";
    BillingKeyWrong = "billing-key-wrong", breaks ["billing.key-matches"], wild false,
        "a billing event names another key than the one that called";
    BillingCostWrong = "billing-cost-wrong", breaks ["billing.cost-matches"], wild false,
        "a billing event costs a dollar more than its tokens";
    LastUsedNotMoved = "last-used-not-moved", breaks ["keys.last-used-moves"], wild true,
        "a key does not remember when it was last used";
    RequestIdMissing = "request-id-missing", breaks ["errors.request-id-on-500"], wild false,
        "the body of a 500 carries no request id";
    RequestIdNotLogged = "request-id-not-logged", breaks ["errors.request-id-logged"], wild false,
        "the log lines of a request do not carry its id";
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl FromStr for Defect {
    type Err = UnknownDefect;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        match CATALOGUE.iter().find(|info| info.id == id) {
            Some(info) => Ok(info.defect),
            None => Err(UnknownDefect { id: id.to_owned(), nearest: nearest(id) }),
        }
    }
}

/// The id that shares the most words with what was written.
fn nearest(written: &str) -> Option<&'static str> {
    let shared = |info: &&DefectInfo| {
        written.split(['-', '_', ' ']).filter(|word| info.id.split('-').any(|own| own == *word)).count()
    };
    CATALOGUE.iter().max_by_key(shared).filter(|info| shared(info) > 0).map(|info| info.id)
}
