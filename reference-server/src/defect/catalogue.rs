//! The catalogue itself: which defects there are and what each breaks.

use std::sync::LazyLock;

use super::edits;
use super::info::DefectInfo;

/// Every defect: those in code, in the order of the contract's rooms, then those that are data.
pub fn catalogue() -> &'static [DefectInfo] {
    static CATALOGUE: LazyLock<Vec<DefectInfo>> = LazyLock::new(|| {
        let edits = edits::all().iter().enumerate().filter_map(|(index, edits)| {
            let defect = Defect::Edits(u16::try_from(index).ok()?);
            Some(DefectInfo {
                id: &edits.id,
                // The catalogue is made once.
                breaks: edits.breaks.iter().map(String::as_str).collect::<Vec<_>>().leak(),
                text: &edits.text,
                seen_in_the_wild: edits.wild,
                defect,
            })
        });
        IN_CODE.iter().copied().chain(edits).collect()
    });
    &CATALOGUE
}

macro_rules! defects {
    ($($variant:ident = $id:literal, breaks [$($requirement:literal),+], wild $wild:literal, $text:literal;)+) => {
        /// A deliberate defect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Defect {
            $(#[doc = $text] $variant,)+
            /// One that is data: what passes through the gateway is edited.
            Edits(u16),
        }

        const IN_CODE: &[DefectInfo] = &[$(DefectInfo {
            id: $id,
            breaks: &[$($requirement),+],
            text: $text,
            seen_in_the_wild: $wild,
            defect: Defect::$variant,
        },)+];

        impl Defect {
            /// The name in control calls and on the command line.
            pub fn id(self) -> &'static str {
                match self {
                    $(Self::$variant => $id,)+
                    Self::Edits(index) => edits::all().get(index as usize).map_or("", |edits| &edits.id),
                }
            }

            /// Its place in the catalogue.
            pub(super) const fn index(self) -> usize {
                match self {
                    $(Self::$variant => InCode::$variant as usize,)+
                    Self::Edits(index) => IN_CODE.len() + index as usize,
                }
            }
        }

        /// The defects in code, counted.
        enum InCode {
            $($variant,)+
        }
    };
}

defects! {
    ModelsWrapped = "models-wrapped", breaks ["models.array"], wild false,
        "the model listing is an object with the array inside";
    ModelNamesMissing = "model-names-missing", breaks ["models.item-shape"], wild false,
        "the items of the model listing have no name";
    ChatModelsHidden = "chat-models-hidden",
        breaks [
            "models.lists-chat", "anthropic.models.lists-models", "anthropic.models.pagination",
            "anthropic.models.retrieved", "gemini.models.list", "openai.models.listed"
        ], wild false,
        "the model listing leaves out the chat models";
    EmbeddingModelsHidden = "embedding-models-hidden",
        breaks ["models.lists-embedding", "gemini.models.list", "openai.models.listed"], wild false,
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
    ChatModelEmbeds = "chat-model-embeds",
        breaks [
            "capability.chat-model-cannot-embed", "gemini.errors.unsupported-method",
            "openai.errors.incapable-model"
        ], wild false,
        "a chat model is accepted for embeddings";
    EmbeddingModelChats = "embedding-model-chats",
        breaks [
            "capability.embedding-model-cannot-chat", "gemini.errors.unsupported-method",
            "openai.errors.incapable-model"
        ], wild false,
        "an embedding model is accepted for chat";
    HistoryDropped = "history-dropped",
        breaks [
            "conversation.history-kept", "conversation.image-recalled", "anthropic.conversation.history",
            "anthropic.prefill.continued", "anthropic.prefill.counted", "gemini.generate.history",
            "openai.chat.history-kept", "openai.responses.continued"
        ], wild false,
        "only the last user message and the system messages reach the provider";
    SystemPromptDropped = "system-prompt-dropped",
        breaks [
            "conversation.system-prompt-kept", "anthropic.conversation.system",
            "anthropic.conversation.system-blocks", "anthropic.caching.usage-split",
            "gemini.generate.system-instruction", "openai.chat.instructions-kept",
            "openai.responses.instructions-kept", "gateway.request.system"
        ], wild false,
        "system messages do not reach the provider";
    ImagesDropped = "images-dropped",
        breaks [
            "conversation.image-seen", "conversation.image-recalled", "anthropic.images.seen",
            "anthropic.images.unreadable-refused", "gemini.content.image", "openai.chat.attachments-seen",
            "gateway.request.images"
        ], wild false,
        "images do not reach the provider";
    CredentialNotRequired = "credential-not-required",
        breaks [
            "auth.missing-refused", "auth.malformed-refused", "anthropic.auth.missing-refused",
            "gemini.auth.missing", "openai.auth.missing-refused", "gateway.auth.missing"
        ], wild false,
        "a request without a usable credential is served as if it had a valid key";
    UnknownKeyAccepted = "unknown-key-accepted",
        breaks [
            "auth.unknown-refused", "anthropic.auth.unknown-refused", "gemini.auth.unknown",
            "gemini.auth.query", "openai.auth.unknown-refused", "gateway.auth.unknown"
        ], wild false,
        "a key that was never made is served as if it were valid";
    InactiveKeyAccepted = "inactive-key-accepted",
        breaks [
            "auth.inactive-refused", "auth.revoked-refused", "anthropic.auth.inactive-refused",
            "gemini.auth.inactive", "openai.auth.inactive-refused", "gateway.auth.revoked"
        ], wild false,
        "a key that is not in force is served all the same";
    ExpiredKeyAccepted = "expired-key-accepted",
        breaks [
            "auth.expired-refused", "anthropic.auth.expired-refused", "gemini.auth.expired",
            "openai.auth.expired-refused", "gateway.auth.expired"
        ], wild false,
        "a key whose time is over is served all the same";
    ScopeNotEnforced = "scope-not-enforced",
        breaks [
            "scope.chat-needs-inference", "scope.embeddings-need-embedding",
            "anthropic.auth.permission-enforced", "gemini.auth.scope", "openai.auth.permission-enforced",
            "gateway.scope.refused"
        ], wild false,
        "a key's scopes are not looked at";
    ProviderIgnored = "provider-ignored",
        breaks [
            "routing.chat-by-model", "routing.embeddings-by-model", "openai.errors.context-exceeded",
            "openai.chat.attachments-seen"
        ], wild false,
        "every call is answered by the first model of its kind, whichever was asked for";
    BillingEventMissing = "billing-event-missing",
        breaks ["billing.event-per-success", "gateway.billing.one", "bifrost.billing.one"], wild true,
        "no billing event is written";
    BillingEventDoubled = "billing-event-doubled",
        breaks ["billing.event-per-success", "gateway.billing.one", "bifrost.billing.one"], wild false,
        "every billing event is written twice";
    BillingEventOnFailure = "billing-event-on-failure",
        breaks ["billing.no-event-on-failure", "gateway.billing.none", "bifrost.billing.none"], wild false,
        "a call that is refused after authentication writes a billing event of no tokens";
    BillingUsageWrong = "billing-usage-wrong",
        breaks ["billing.usage-matches", "gateway.billing.usage", "bifrost.billing.usage"], wild false,
        "a billing event counts one input token more than the answer";
    BillingModelWrong = "billing-model-wrong",
        breaks ["billing.model-matches", "gateway.billing.model", "bifrost.billing.model"], wild false,
        "a billing event names another model than the one asked for";
    BillingKeyWrong = "billing-key-wrong",
        breaks ["billing.key-matches", "gateway.billing.key", "bifrost.billing.key"], wild false,
        "a billing event names another key than the one that called";
    BillsMixedUp = "bills-mixed-up", breaks ["gateway.billing.key"], wild false,
        "of the keys of a role each two are billed for one another";
    BillingCostWrong = "billing-cost-wrong",
        breaks ["billing.cost-matches", "gateway.billing.cost", "bifrost.billing.cost"], wild false,
        "a billing event costs a dollar more than its tokens";
    LastUsedNotMoved = "last-used-not-moved", breaks ["keys.last-used-moves"], wild true,
        "a key does not remember when it was last used";
    RequestIdMissing = "request-id-missing", breaks ["errors.request-id-on-500"], wild false,
        "the body of a 500 carries no request id";
    RequestIdNotLogged = "request-id-not-logged", breaks ["errors.request-id-logged"], wild false,
        "the log lines of a request do not carry its id";

    // Numbers
    TemperatureCappedAtOne = "temperature-capped-at-one",
        breaks [
            "input.bounds-accepted", "gemini.parameters.bounds-accepted", "openai.parameters.accepted"
        ], wild true,
        "a chat with a temperature above 1 fails inside";
    RangesNotEnforced = "ranges-not-enforced", breaks ["input.range-enforced"], wild true,
        "numbers outside their documented ranges are accepted";
    MaxTokensIgnored = "max-tokens-ignored",
        breaks [
            "chat.max-tokens-honored", "anthropic.parameters.max-tokens",
            "gemini.parameters.max-output-tokens", "gemini.parameters.max-tokens-reason",
            "openai.parameters.max-tokens", "openai.completions.max-tokens",
            "openai.responses.max-output-tokens"
        ], wild false,
        "a completion is as long as it likes, whatever `max_tokens` says";
    FinishReasonAlwaysStop = "finish-reason-always-stop", breaks ["chat.finish-reason-length"], wild true,
        "a completion that `max_tokens` has cut says that it is done";
    StopIgnored = "stop-ignored",
        breaks [
            "chat.stop-honored", "anthropic.parameters.stop-sequences", "gemini.parameters.stop-sequences",
            "openai.parameters.stop"
        ], wild false,
        "a completion goes on past the stop sequences";
    DimensionsIgnored = "dimensions-ignored",
        breaks [
            "embeddings.dimensions-honored", "gemini.embed.dimensions", "openai.embeddings.dimensions"
        ], wild true,
        "vectors have the model's own length, whatever dimensions says";
    TemperatureZeroVaries = "temperature-zero-varies",
        breaks ["chat.deterministic-at-zero", "openai.chat.seed"], wild false,
        "identical requests at temperature 0 get different answers";

    // Optional fields, strings, lists
    NullRefused = "null-refused", breaks ["input.null-is-absent"], wild false,
        "an optional field that is null is refused as a value of the wrong type";
    UnknownModelAccepted = "unknown-model-accepted",
        breaks [
            "input.unknown-model-refused", "anthropic.errors.unknown-model", "gemini.errors.unknown-model",
            "openai.errors.unknown-model", "gateway.models.unknown-refused"
        ], wild false,
        "the first capable model answers for a model that does not exist";
    EmptyTextRefused = "empty-text-refused", breaks ["input.empty-text-accepted"], wild true,
        "an empty or blank text of a user is refused as too short";
    EmptyMessagesAccepted = "empty-messages-accepted", breaks ["input.messages-required"], wild false,
        "a request without any message is answered";
    EmptyEmbeddingAccepted = "empty-embedding-accepted", breaks ["input.empty-embedding-refused"], wild true,
        "nothing to embed is embedded";
    LongStringsCrash = "long-strings-crash", breaks ["input.lengths-handled"], wild false,
        "a user, a stop sequence or a file name of more than 20,000 characters fails inside, in plain text";
    ContextIgnored = "context-ignored",
        breaks ["input.context-enforced", "openai.errors.context-exceeded"], wild false,
        "a conversation longer than the model's context is answered all the same";
    EmbeddingBatchCut = "embedding-batch-cut",
        breaks ["embeddings.batch-kept", "openai.embeddings.one-each"], wild false,
        "only the first 96 texts of a request are embedded";

    // Conversation
    LeadingAssistantRefused = "leading-assistant-refused", breaks ["conversation.order-accepted"], wild false,
        "a conversation that begins with the assistant is refused";
    RolesSwapped = "roles-swapped", breaks ["conversation.roles-kept"], wild false,
        "a user's message that reads like an assistant's is taken for one";

    // Content
    WebpRefused = "webp-refused", breaks ["content.image-formats"], wild false,
        "an image declared as WebP is refused";
    DetailDropped = "detail-dropped", breaks ["content.detail-passed"], wild false,
        "the detail of an image does not reach the provider";
    OnlyFirstAttachment = "only-first-attachment", breaks ["content.several-kept"], wild false,
        "only the first image and the first file of a message reach the provider";
    FilesRefused = "files-refused",
        breaks [
            "content.file-read", "anthropic.documents.pdf", "anthropic.documents.unreadable-refused",
            "gemini.content.file", "openai.chat.attachments-seen"
        ], wild true,
        "a request with a file fails inside";
    UnreadableContentAccepted = "unreadable-content-accepted",
        breaks [
            "content.unreadable-refused", "anthropic.images.unreadable-refused",
            "anthropic.documents.unreadable-refused"
        ], wild false,
        "a file or an image that cannot be read is answered as if it had been";
    MismatchCrashes = "mismatch-crashes", breaks ["content.mismatch-handled"], wild false,
        "an image of another type than it is declared as fails inside, in plain text";
    LargeBodyCrashes = "large-body-crashes", breaks ["content.large-handled"], wild false,
        "a body of more than 8 MiB fails inside, in plain text";

    // Text
    AstralTextLost = "astral-text-lost",
        breaks [
            "text.unharmed", "anthropic.text.unharmed", "gemini.text.unharmed", "openai.chat.text-unharmed",
            "gateway.request.unicode"
        ], wild false,
        "characters beyond U+FFFF reach the provider as question marks";
    ControlsStripped = "controls-stripped", breaks ["text.controls-unharmed"], wild false,
        "control characters other than tabs and line breaks do not reach the provider";
    LongAnswersCut = "long-answers-cut", breaks ["chat.long-answer-whole"], wild false,
        "answers are cut after 64 KiB";

    // Protocol
    MalformedJsonCrashes = "malformed-json-crashes", breaks ["protocol.malformed-json-refused"], wild true,
        "a body that is no JSON fails inside";
    FirstDuplicateWins = "first-duplicate-wins", breaks ["protocol.last-duplicate-wins"], wild false,
        "of two members of one name the first counts";
    InvalidUtf8Accepted = "invalid-utf8-accepted", breaks ["protocol.invalid-utf8-refused"], wild false,
        "bytes that are not UTF-8 are read as replacement characters";
    ContentTypeIgnored = "content-type-ignored", breaks ["protocol.content-type-enforced"], wild false,
        "a body is read as JSON whatever it is declared as";
    CharsetRefused = "charset-refused", breaks ["protocol.content-type-variants"], wild false,
        "a content type with parameters is not taken for JSON's";
    ChunkedRefused = "chunked-refused", breaks ["protocol.chunked-accepted"], wild false,
        "a chunked body is refused for its missing length";
    IncompleteBodyAccepted = "incomplete-body-accepted",
        breaks ["protocol.incomplete-body-refused"], wild false,
        "a body that ends early is taken for whole";
    HeadNotLimited = "head-not-limited", breaks ["protocol.head-limited"], wild false,
        "a head of more than 64 KiB is accepted";
    HugeNumbersCrash = "huge-numbers-crash", breaks ["protocol.number-range"], wild false,
        "a number of more than 18 digits fails inside";

    // Errors
    ErrorsInHtml = "errors-in-html", breaks ["errors.contract-shape"], wild false,
        "unknown paths and wrong methods are answered with a page of HTML";
    StackTraceShown = "stack-trace-shown", breaks ["errors.no-internals"], wild false,
        "the body of a 500 carries a stack trace with a file's path";
    InputEchoedInFull = "input-echoed-in-full", breaks ["errors.input-not-echoed"], wild true,
        "a validation error repeats all of the input";

    // Provider
    PartialAnswerRelayed = "partial-answer-relayed",
        breaks [
            "provider.malformed-success-hidden", "openai.errors.provider-failure",
            "gateway.failure.malformed-told"
        ], wild false,
        "a provider's answer that makes no sense is relayed as an empty one";
    ParseFailureNotLogged = "parse-failure-not-logged", breaks ["provider.failure-logged"], wild false,
        "the log does not tell that a provider's answer could not be read";
    ProviderBodyShown = "provider-body-shown", breaks ["provider.unmapped-error-hidden"], wild false,
        "the body of a provider's unknown error is shown to the caller";
    RateLimitSwallowed = "rate-limit-swallowed",
        breaks [
            "provider.rate-limit-relayed", "openai.errors.provider-failure", "gateway.failure.limited"
        ], wild false,
        "a provider's rate limit is answered as if it were a completion";
    RateLimitAs400 = "rate-limit-as-400", breaks ["provider.rate-limit-as-429"], wild true,
        "a provider's rate limit is answered with 400 and without its retry-after";

    // Behaviour
    TenthCallCrashes = "tenth-call-crashes", breaks ["burst.answered"], wild false,
        "the tenth chat of a key and every later one are answered with a 503 page of HTML";
    AnswersCached = "answers-cached",
        breaks ["calls.processed-separately", "billing.event-per-success"], wild false,
        "a chat identical to an earlier one is answered from memory, with no usage and no billing event";
    EveryThirdEventLost = "every-third-event-lost", breaks ["billing.event-per-success"], wild false,
        "every third billing event of a key is not written";

    // Between clients and providers: what is refused
    RefusedCallerAsks = "refused-caller-asks", breaks ["gateway.auth.nothing-asked"], wild false,
        "a provider is asked before a credential is refused";
    RefusedScopeAsks = "refused-scope-asks", breaks ["gateway.scope.nothing-asked"], wild false,
        "a provider is asked before a key without the scope is refused";
    UnknownModelAsks = "unknown-model-asks", breaks ["gateway.models.unknown-nothing-asked"], wild false,
        "a provider is asked before a model that does not exist is refused";
    RefusedInputAsks = "refused-input-asks",
        breaks [
            "gateway.input.nothing-asked", "gateway.input.invalid-nothing-asked",
            "gateway.input.oversized-refused"
        ], wild false,
        "a provider is asked before a request that makes no sense is refused";
    RefusedLimitAsks = "refused-limit-asks", breaks ["gateway.limits.nothing-asked"], wild false,
        "a provider is asked before a request beyond the limit is refused";
    InvalidInputFails = "invalid-input-fails", breaks ["gateway.input.invalid-refused"], wild false,
        "a request with something wrong in it is told as a failure of the server";
    MalformedInputFails = "malformed-input-fails", breaks ["gateway.input.malformed-refused"], wild false,
        "a body that cannot be read is told as a failure of the server";
    OversizedInputFails = "oversized-input-fails", breaks ["gateway.input.oversized-refused"], wild false,
        "a body that is too large is told as a failure of the server";

    // What reaches the provider
    ProviderModelWrong = "provider-model-wrong", breaks ["gateway.request.model"], wild false,
        "where one provider serves a model, another model of that provider is asked";
    AskedTwice = "asked-twice", breaks ["gateway.request.once"], wild false,
        "where one provider serves a model, it is asked again after it has answered";
    AssistantTurnsDropped = "assistant-turns-dropped", breaks ["gateway.request.messages"], wild false,
        "what the assistant has said in words does not reach the provider";
    ToolDescriptionsCut = "tool-descriptions-cut", breaks ["gateway.request.tools"], wild false,
        "of the description of a tool only the first eight bytes reach the provider";
    ToolResultsCut = "tool-results-cut", breaks ["gateway.request.tool-results"], wild false,
        "of the result of a tool only the first four bytes reach the provider";
    SamplingDropped = "sampling-dropped", breaks ["gateway.request.parameters"], wild false,
        "neither the temperature nor its like, top-p, reaches the provider";
    TextNormalized = "text-normalized", breaks ["gateway.request.unicode"], wild false,
        "letters with marks of their own reach the provider composed";

    // What reaches the client
    CutAnswerWrapped = "cut-answer-wrapped", breaks ["gateway.answer.shape"], wild false,
        "an answer that the limit of tokens has cut comes within a warning";
    AnswerMarked = "answer-marked", breaks ["gateway.answer.text"], wild false,
        "the text of a whole answer ends with a mark of the gateway's";
    ToolArgumentsEmptied = "tool-arguments-emptied", breaks ["gateway.answer.tool-calls"], wild false,
        "a call of a tool in a whole answer has no arguments";
    EndsSwapped = "ends-swapped", breaks ["gateway.answer.finish", "gateway.stream.finish"], wild false,
        "an answer that is done is told as cut, and one that is cut as done";
    UsageGuessed = "usage-guessed", breaks ["gateway.answer.usage", "gateway.stream.usage"], wild false,
        "the usage is the gateway's guess, a little more than the provider's";
    StreamGoesOn = "stream-goes-on", breaks ["gateway.stream.shape"], wild false,
        "an event that no wire has follows the end of a stream";
    StreamMarked = "stream-marked", breaks ["gateway.stream.text"], wild false,
        "the text of a stream ends with a mark of the gateway's";
    StreamPieceLost = "stream-piece-lost",
        breaks ["gateway.stream.text", "gateway.stream.unbuffered"], wild false,
        "the second piece of a streamed text is lost";
    StreamHeldBack = "stream-held-back", breaks ["gateway.stream.unbuffered"], wild false,
        "what follows the first piece of a streamed text is held back until the answer is whole";
    LeavingNotNoticed = "leaving-not-noticed", breaks ["gateway.stream.cancelled"], wild false,
        "a stream whose caller has left is read on to its end";

    // When providers fail
    RejectionTakenForFailure = "rejection-taken-for-failure",
        breaks ["gateway.failure.rejected-told"], wild false,
        "a request that the provider finds wrong is told as a failure of the server";
    RejectedFailedOver = "rejected-failed-over",
        breaks ["gateway.failure.rejected-not-failed-over"], wild true,
        "a request that one provider finds wrong is put to the next, who answers it";
    RejectedRetried = "rejected-retried", breaks ["gateway.failure.rejected-asked-once"], wild false,
        "a request that the provider finds wrong is put to it again";
    NotAskedAgain = "not-asked-again", breaks ["gateway.failure.retried"], wild false,
        "a provider that is unavailable or gone is not asked again, though it may be";
    MissingModelTold = "missing-model-told",
        breaks ["gateway.failure.model-missing-failed-over"], wild false,
        "where a provider does not have its model, nobody else is asked";
    UnavailableTold = "unavailable-told",
        breaks ["gateway.failure.unavailable-failed-over", "gateway.failure.in-order"], wild false,
        "where a provider is unavailable or gone, nobody else is asked";
    TimeoutTold = "timeout-told",
        breaks ["gateway.failure.timeout-failed-over", "gateway.failure.in-order"], wild false,
        "where a provider does not answer in time, nobody else is asked";
    FailedAskedLast = "failed-asked-last", breaks ["gateway.failure.in-order"], wild false,
        "a provider that has failed is asked after the others from then on";
    FailedAskedAgain = "failed-asked-again", breaks ["gateway.failure.in-order"], wild false,
        "a provider that has failed is asked once more before the next";
    FailureTakenForAnswer = "failure-taken-for-answer", breaks ["gateway.failure.told"], wild false,
        "a provider that is unavailable is answered with an empty text";
    FailuresInHtml = "failures-in-html",
        breaks ["gateway.failure.told", "gateway.failure.malformed-told"], wild false,
        "the failure of a provider is told in a page of HTML";
    KeyRefusalTakenForRejection = "key-refusal-taken-for-rejection",
        breaks ["gateway.failure.own-key-told"], wild false,
        "where a provider refuses the gateway's own key, the caller is told that the request is wrong";
    RetryAfterIgnored = "retry-after-ignored", breaks ["gateway.failure.retry-after-kept"], wild false,
        "a provider that has reached its limit is asked again at once, whenever it wants to be";
    MalformedQuoted = "malformed-quoted", breaks ["gateway.failure.malformed-hidden"], wild false,
        "what a provider has answered and nobody can read stands in a header of the answer";
    CutStreamFinished = "cut-stream-finished",
        breaks ["gateway.failure.cut-told", "gateway.failure.garbled-told"], wild false,
        "a stream that breaks off, or cannot be read any further, ends as if it were whole";
    CutStreamRestarted = "cut-stream-restarted", breaks ["gateway.failure.cut-not-restarted"], wild false,
        "where a stream breaks off, the next provider is asked, and the beginning of its answer passed on";

    // Secrets and tenants
    ProviderWordsShown = "provider-words-shown", breaks ["gateway.secrets.provider-words"], wild false,
        "what a provider says of its failure stands in a header of the answer";
    CallerKeyForwarded = "caller-key-forwarded", breaks ["gateway.secrets.key-kept"], wild false,
        "the caller's credential goes along to the provider";
    AnswersMixedUp = "answers-mixed-up", breaks ["gateway.tenants.apart"], wild false,
        "of calls that are under way together each gets the answer of another";
    KeysMixedUp = "keys-mixed-up", breaks ["gateway.tenants.apart"], wild false,
        "of calls of several keys that are under way together each gets the answer of another key's";

    // Limits and idempotency
    LimitNotEnforced = "limit-not-enforced", breaks ["gateway.limits.enforced"], wild false,
        "a key that has used up its limit is served all the same";
    LimitsShared = "limits-shared", breaks ["gateway.limits.per-key"], wild false,
        "once a key has used up its limit, no other key is served";
    LimitsUntold = "limits-untold", breaks ["gateway.limits.told"], wild false,
        "no header tells where a key stands against its limits, or when it may come back";
    IdempotencyIgnored = "idempotency-ignored",
        breaks [
            "gateway.idempotency.replayed", "gateway.idempotency.once", "gateway.idempotency.conflict"
        ], wild false,
        "a request that comes again under its idempotency key is answered anew";
    ConflictOverlooked = "conflict-overlooked", breaks ["gateway.idempotency.conflict"], wild false,
        "another request under the same idempotency key gets the answer of the first";
    IdempotencyShared = "idempotency-shared", breaks ["gateway.idempotency.per-key"], wild false,
        "the idempotency keys of one caller are those of every other";

    // Many tenants: who calls
    VirtualKeysUnknown = "virtual-keys-unknown",
        breaks ["bifrost.access.accepted", "bifrost.routing.by-config"], wild false,
        "a virtual key that was made through the API is not known";
    OnlyOwnHeaderRead = "only-own-header-read", breaks ["bifrost.access.headers"], wild false,
        "a virtual key is read from `x-bf-vk` only";
    InactiveAccepted = "inactive-accepted", breaks ["bifrost.access.inactive-refused"], wild false,
        "a virtual key that is switched off is served as before";
    DeletedAccepted = "deleted-accepted", breaks ["bifrost.access.deleted-refused"], wild false,
        "a virtual key that is deleted is served as before";
    UnknownVirtualKeyAnonymous = "unknown-virtual-key-anonymous",
        breaks ["bifrost.access.unknown-refused", "bifrost.access.nothing-asked"], wild true,
        "a call with a virtual key that nobody knows is served as one without any";
    RequirementIgnored = "requirement-ignored", breaks ["bifrost.access.required"], wild false,
        "a call without a virtual key is served though the settings demand one";

    // Many tenants: what a key may do
    AllowListIgnored = "allow-list-ignored", breaks ["bifrost.access.model-blocked"], wild false,
        "a virtual key may use every model of its providers";
    ProviderListIgnored = "provider-list-ignored", breaks ["bifrost.access.provider-blocked"], wild false,
        "a virtual key may use every provider";
    DropinModelsUnfiltered = "dropin-models-unfiltered", breaks ["bifrost.dropin.models"], wild false,
        "under the prefixes every model is listed, whatever the virtual key may use";
    PrefixedNameBlocked = "prefixed-name-blocked", breaks ["bifrost.routing.prefixed"], wild false,
        "a model that is named with its provider is looked for in the list of allowed models by that whole name";
    OwnerLimitsIgnored = "owner-limits-ignored", breaks ["bifrost.limits.inherited"], wild false,
        "the rate limits of teams and customers do not bind their virtual keys";
    OwnerBudgetsIgnored = "owner-budgets-ignored", breaks ["bifrost.budgets.inherited"], wild false,
        "the budgets of teams and customers do not bind their virtual keys";
    OwnerMetersCopied = "owner-meters-copied",
        breaks ["bifrost.limits.inherited", "bifrost.budgets.inherited"], wild false,
        "each virtual key has the limits and budgets of its team or customer to itself";
    ConfigMetersIgnored = "config-meters-ignored",
        breaks ["bifrost.limits.provider-config", "bifrost.budgets.provider-config"], wild false,
        "what a virtual key may ask of one provider is counted and never enforced";
    ModelConfigsIgnored = "model-configs-ignored", breaks ["bifrost.model-configs.enforced"], wild false,
        "what all callers together may ask of a model is counted and never enforced";
    OnlyChatsCounted = "only-chats-counted",
        breaks ["bifrost.limits.requests", "bifrost.limits.tokens", "bifrost.budgets.enforced"], wild false,
        "limits and budgets count nothing but chat completions that are not streamed";
    StreamsUncharged = "streams-uncharged",
        breaks ["bifrost.limits.tokens", "bifrost.budgets.enforced"], wild false,
        "what is streamed uses up no tokens and no dollars";
    ModelsListedToAll = "models-listed-to-all", breaks ["bifrost.models.by-key"], wild false,
        "every virtual key is told all models";
    WindowLimitIgnored = "window-limit-ignored",
        breaks ["bifrost.limits.requests", "bifrost.limits.tokens"], wild false,
        "the limits of a virtual key are counted and never enforced";
    WindowLimitOneLess = "window-limit-one-less", breaks ["bifrost.limits.requests"], wild false,
        "a virtual key's limit of requests refuses the last of them";
    VirtualBudgetIgnored = "virtual-budget-ignored", breaks ["bifrost.budgets.enforced"], wild false,
        "a virtual key's budget is counted and never enforced";
    VirtualKeyLimitsShared = "virtual-key-limits-shared", breaks ["bifrost.limits.per-key"], wild false,
        "once a virtual key has used up its limit, no other key is served";
    BlockedFallbackAsked = "blocked-fallback-asked", breaks ["bifrost.fallbacks.blocked-skipped"], wild false,
        "a fallback is asked though the virtual key may not use it";
    LimitRaces = "limit-races", breaks ["bifrost.limits.burst-exact"], wild false,
        "a limit of requests is looked at first and counted a moment later, so that a rush overruns it";
    WindowNeverTurns = "window-never-turns", breaks ["bifrost.limits.window"], wild false,
        "a limit that is used up stays so when its window is over";
    WindowsTurnEachMinute = "windows-turn-each-minute",
        breaks ["bifrost.limits.requests", "bifrost.limits.tokens", "bifrost.budgets.enforced"], wild false,
        "limits and budgets begin anew each minute, however long their windows are";
    BudgetNeverResets = "budget-never-resets", breaks ["bifrost.budgets.window"], wild false,
        "a budget that is used up stays so when its window is over";
    TokensUncounted = "tokens-uncounted", breaks ["bifrost.limits.tokens"], wild false,
        "no token is counted against a limit of tokens";
    TokensOfLastCall = "tokens-of-last-call", breaks ["bifrost.limits.tokens"], wild false,
        "of a limit of tokens no more is used than the last call has";
    BudgetOfLastCall = "budget-of-last-call", breaks ["bifrost.budgets.usage-told"], wild false,
        "of a budget no more is used than the last call has cost";
    BudgetUsageRounded = "budget-usage-rounded",
        breaks ["bifrost.budgets.usage-told", "bifrost.budgets.cost"], wild false,
        "the use of a budget is told in whole cents";
    CostsTenfold = "costs-tenfold", breaks ["bifrost.budgets.cost"], wild false,
        "a call costs ten times its price, in budgets and in the log alike";
    BlockedCallAsks = "blocked-call-asks",
        breaks ["bifrost.access.nothing-asked", "bifrost.limits.nothing-asked"], wild false,
        "a provider is asked before a virtual key is refused";

    // Many tenants: where a call goes
    UnprefixedRefused = "unprefixed-refused", breaks ["bifrost.routing.by-config"], wild false,
        "a model without its provider's name is refused, whatever the virtual key's providers";
    ZeroWeightChosen = "zero-weight-chosen", breaks ["bifrost.routing.zero-weight"], wild false,
        "a provider whose weight is zero is chosen before the others";
    KeyWeightIgnored = "key-weight-ignored", breaks ["bifrost.sessions.unnamed"], wild false,
        "without a session the key of a provider that weighs least is taken";
    RulesIgnored = "rules-ignored", breaks ["bifrost.routing.rule-applied"], wild false,
        "routing rules are kept and never applied";
    RulePriorityReversed = "rule-priority-reversed", breaks ["bifrost.routing.rule-order"], wild false,
        "of several routing rules that match the one of the highest number is applied";
    RuleScopeIgnored = "rule-scope-ignored", breaks ["bifrost.routing.rule-scope"], wild false,
        "a routing rule of one virtual key is applied to every call";
    FallbackAskedFirst = "fallback-asked-first",
        breaks [
            "bifrost.fallbacks.primary-first", "bifrost.fallbacks.in-order", "bifrost.fallbacks.original-error"
        ], wild false,
        "the first fallback is asked before the model that was asked for";
    FallbacksIgnored = "fallbacks-ignored", breaks ["bifrost.fallbacks.used"], wild false,
        "where the model that was asked for fails, no fallback is asked";
    FallbacksForChatsOnly = "fallbacks-for-chats-only", breaks ["bifrost.fallbacks.used"], wild false,
        "no fallback is asked but for a chat completion that is not streamed";
    FallbacksReordered = "fallbacks-reordered", breaks ["bifrost.fallbacks.in-order"], wild false,
        "fallbacks are asked from the last to the first";
    LastErrorTold = "last-error-told", breaks ["bifrost.fallbacks.original-error"], wild true,
        "where everything fails, the error of the last fallback is told";
    PrefixForwarded = "prefix-forwarded",
        breaks ["bifrost.models.prefixed", "bifrost.jobs.completed", "bifrost.jobs.result"], wild false,
        "the name of the provider stands in an embedding model's name when the provider is asked";
    VirtualKeyForwarded = "virtual-key-forwarded", breaks ["bifrost.secrets.not-forwarded"], wild false,
        "the virtual key goes along to the provider";
    SessionsForgotten = "sessions-forgotten",
        breaks ["bifrost.sessions.kept", "bifrost.sessions.renewed"], wild false,
        "each call of a session is given a provider key of its own";
    SessionsShared = "sessions-shared", breaks ["bifrost.sessions.apart"], wild false,
        "all sessions of a model share one provider key";
    SessionsNeverExpire = "sessions-never-expire", breaks ["bifrost.sessions.expires"], wild false,
        "a session keeps its provider key for ever";
    SessionsNotRenewed = "sessions-not-renewed", breaks ["bifrost.sessions.renewed"], wild false,
        "a session ends its time after it has begun, however much it is used";

    // Many tenants: what is kept of them
    RefusedWriteKept = "refused-write-kept", breaks ["bifrost.governance.refused-write-kept"], wild false,
        "the name in a write is kept though the write is refused";
    RefusedCreateKept = "refused-create-kept", breaks ["bifrost.governance.refused-write-kept"], wild false,
        "what is to be made is there though its making is refused";
    UpdateForgotten = "update-forgotten",
        breaks [
            "bifrost.customers.updated", "bifrost.teams.updated", "bifrost.virtual-keys.updated",
            "bifrost.routing-rules.updated", "bifrost.model-configs.updated", "bifrost.access.inactive-refused"
        ], wild false,
        "a change of what is managed is told and forgotten";
    DeletionForgotten = "deletion-forgotten",
        breaks [
            "bifrost.customers.deleted", "bifrost.teams.deleted", "bifrost.virtual-keys.deleted",
            "bifrost.routing-rules.deleted", "bifrost.model-configs.deleted", "bifrost.access.deleted-refused"
        ], wild false,
        "what is managed is said to be deleted and stays";
    CustomerUpdateClears = "customer-update-clears", breaks ["bifrost.customers.update-keeps"], wild false,
        "an update of a customer takes away the budget that it does not name";
    TeamUpdateClears = "team-update-clears", breaks ["bifrost.teams.update-keeps"], wild false,
        "an update of a team takes away the budget that it does not name";
    RenameSwitchesOff = "rename-switches-off", breaks ["bifrost.virtual-keys.update-keeps"], wild false,
        "a virtual key that is given another name is switched off";
    RenameDetaches = "rename-detaches", breaks ["bifrost.virtual-keys.update-keeps-owner"], wild true,
        "a virtual key that is given another name loses its team or customer";
    UpdateLifts = "update-lifts", breaks ["bifrost.virtual-keys.updated"], wild false,
        "a virtual key whose limit or providers are changed is bound by none any more";
    TwoOwnersAccepted = "two-owners-accepted", breaks ["bifrost.virtual-keys.one-owner"], wild false,
        "a virtual key may belong to a team and a customer at once";
    RuleWeightsUnchecked = "rule-weights-unchecked", breaks ["bifrost.routing-rules.validated"], wild false,
        "the weights of a routing rule's targets may add up to anything";
    DuplicateModelConfigTaken = "duplicate-model-config-taken",
        breaks ["bifrost.model-configs.duplicate"], wild false,
        "a model may be configured twice for the same provider";
    ConfigForgotten = "config-forgotten", breaks ["bifrost.service.config-kept"], wild false,
        "a change of the settings is accepted and forgotten";
    PaginationIgnored = "pagination-ignored", breaks ["bifrost.governance.pagination"], wild false,
        "a listing holds everything, whatever limit and offset say";
    ProviderKeysShown = "provider-keys-shown", breaks ["bifrost.keys.secret-hidden"], wild false,
        "the listings of keys show the credentials of providers";
    StatsOfLastCall = "stats-of-last-call", breaks ["bifrost.logs.stats"], wild false,
        "the statistics tell the tokens and the cost of the last call";
    LogFiltersIgnored = "log-filters-ignored", breaks ["bifrost.logs.filtered"], wild false,
        "the log of calls holds every call, whatever the filters";
    LogsTellContents = "logs-tell-contents", breaks ["bifrost.logs.no-keys"], wild false,
        "the log of calls shows the virtual keys of callers";
    LogsTellQuestions = "logs-tell-questions", breaks ["bifrost.logs.no-content"], wild false,
        "the log of calls quotes what was asked";

    // Many tenants: jobs and bills
    JobNeverCompletes = "job-never-completes",
        breaks ["bifrost.jobs.completed", "bifrost.jobs.failed"], wild false,
        "a job whose answer is there is processed for ever";
    JobFailureCompletes = "job-failure-completes", breaks ["bifrost.jobs.failed"], wild false,
        "a job that has failed says that it is completed";
    JobProgressForgotten = "job-progress-forgotten", breaks ["bifrost.jobs.in-progress"], wild false,
        "from the second poll on a job that is not done is answered 200";
    JobNeverExpires = "job-never-expires", breaks ["bifrost.jobs.expires", "bifrost.jobs.ttl-usual"], wild false,
        "a job is kept beyond its time";
    JobUsualTtlShort = "job-usual-ttl-short", breaks ["bifrost.jobs.ttl-usual"], wild false,
        "a job for which no time is asked is kept for a few minutes";
    JobUsualTtlEndless = "job-usual-ttl-endless", breaks ["bifrost.jobs.ttl-usual"], wild false,
        "a job for which no time is asked is kept for ever";
    JobTtlFromSubmission = "job-ttl-from-submission",
        breaks ["bifrost.jobs.ttl-from-end", "bifrost.jobs.ttl-told"], wild false,
        "the time for which a job is kept begins when it is submitted";
    JobTtlZeroTaken = "job-ttl-zero-taken", breaks ["bifrost.jobs.ttl-default"], wild true,
        "a time to live of zero is taken as it is, and the job is gone at once";
    JobStreamAccepted = "job-stream-accepted", breaks ["bifrost.jobs.stream-refused"], wild false,
        "a job is accepted though it asks for a stream";
    JobShownToOthers = "job-shown-to-others", breaks ["bifrost.jobs.of-its-key"], wild false,
        "a job is shown to whoever knows its id";
    JobShownToOtherOperation = "job-shown-to-other-operation",
        breaks ["bifrost.jobs.of-its-operation"], wild false,
        "a job is shown at the path of another operation";
    JobMissesToldApart = "job-misses-told-apart", breaks ["bifrost.jobs.misses-alike"], wild true,
        "a job that may not be seen is told from one that there is not";
    JobInvalidAccepted = "job-invalid-accepted", breaks ["bifrost.jobs.invalid-refused"], wild false,
        "a job is accepted whose request makes no sense, and fails later";
    JobAskedTwice = "job-asked-twice", breaks ["bifrost.jobs.asked-once"], wild false,
        "a chat that is a job is put to the provider twice";
    JobsUnlimited = "jobs-unlimited", breaks ["bifrost.jobs.limited"], wild false,
        "jobs do not count against the limits of their virtual key";
    FailureCharged = "failure-charged", breaks ["bifrost.budgets.failure-free"], wild false,
        "a call that fails is charged to its virtual key's budget";
}
