//! What of a request reaches the provider, and in which model's name. A sound gateway changes nothing here.

use std::borrow::Cow;
use std::sync::Arc;

use super::call::CallError;
use super::catalog::{Capability, Model};
use super::inference::{CompletionRequest, EmbeddingRequest, Message, ModelIdentity, Part, Role};
use super::world::World;
use crate::brain;
use crate::defect::{Defect, DefectSet};

/// So many texts are embedded by a gateway that forgets about batches.
const ONE_BATCH: usize = 96;

/// Takes out of a chat request what a defect loses.
///
/// # Errors
///
/// When a defect makes the gateway choke on it.
pub(crate) fn shape(defects: &DefectSet, request: &mut CompletionRequest) -> Result<(), CallError> {
    if !defects.any() {
        return Ok(());
    }
    choke(defects, request)?;
    shape_turns(defects, &mut request.messages);
    for message in &mut request.messages {
        shape_parts(defects, &mut message.parts);
    }
    if defects.has(Defect::MaxTokensIgnored) {
        request.max_tokens = None;
    }
    if defects.has(Defect::StopIgnored) {
        request.stop.clear();
    }
    Ok(())
}

fn choke(defects: &DefectSet, request: &CompletionRequest) -> Result<(), CallError> {
    let broken = |problem: &str| Err(CallError::Broken(problem.to_owned()));
    let hot = request.temperature.is_some_and(|temperature| temperature > 1.0);
    if hot && defects.has(Defect::TemperatureCappedAtOne) {
        return broken("the temperature is not within 0 and 1");
    }
    let mut parts = request.messages.iter().flat_map(|message| &message.parts);
    if parts.any(|part| matches!(part, Part::File(_))) && defects.has(Defect::FilesRefused) {
        return broken("the name of the document is empty");
    }
    Ok(())
}

fn shape_turns(defects: &DefectSet, messages: &mut Vec<Message>) {
    if defects.has(Defect::HistoryDropped) {
        let last_user = messages.iter().rposition(|message| message.role == Role::User);
        let mut index = 0;
        messages.retain(|message| {
            let keep = message.role == Role::System || Some(index) == last_user;
            index += 1;
            keep
        });
    }
    if defects.has(Defect::SystemPromptDropped) {
        messages.retain(|message| message.role != Role::System);
    }
    if defects.has(Defect::RolesSwapped) {
        for message in messages.iter_mut().filter(|message| message.role == Role::User) {
            let text = message.text();
            if text.starts_with("Assistant:") || text.starts_with("As an AI") {
                message.role = Role::Assistant;
            }
        }
    }
}

fn shape_parts(defects: &DefectSet, parts: &mut Vec<Part>) {
    if defects.has(Defect::ImagesDropped) {
        parts.retain(|part| !matches!(part, Part::Image(_)));
    }
    if defects.has(Defect::OnlyFirstAttachment) {
        let (mut images, mut files) = (0, 0);
        parts.retain(|part| match part {
            Part::Text(_) | Part::Audio(_) | Part::ToolCall(_) | Part::ToolResult(_) => true,
            Part::Image(_) => {
                images += 1;
                images == 1
            }
            Part::File(_) => {
                files += 1;
                files == 1
            }
        });
    }
    if defects.has(Defect::UnreadableContentAccepted) {
        parts.retain(brain::is_readable);
    }
    for part in parts {
        match part {
            Part::Text(text) => shape_text(defects, text),
            Part::Image(image) => {
                if defects.has(Defect::DetailDropped) {
                    image.detail = None;
                }
            }
            Part::File(_) | Part::Audio(_) | Part::ToolCall(_) | Part::ToolResult(_) => {}
        }
    }
}

fn shape_text(defects: &DefectSet, text: &mut String) {
    if defects.has(Defect::AstralTextLost) {
        *text = text.chars().map(|character| if character > '\u{ffff}' { '?' } else { character }).collect();
    }
    if defects.has(Defect::ControlsStripped) {
        text.retain(|character| !character.is_control() || matches!(character, '\t' | '\n' | '\r'));
    }
}

/// Takes out of an embedding request what a defect loses.
pub(crate) fn shape_embedding(defects: &DefectSet, request: &mut EmbeddingRequest) {
    if !defects.any() {
        return;
    }
    if defects.has(Defect::DimensionsIgnored) {
        request.dimensions = None;
    }
    if defects.has(Defect::EmbeddingBatchCut) {
        request.inputs.truncate(ONE_BATCH);
    }
}

/// Whether a text of nothing, and no text at all, is embedded as well.
pub(crate) fn embeds_nothing(defects: &DefectSet) -> bool {
    defects.has(Defect::EmptyEmbeddingAccepted)
}

/// The model as the provider is told of it.
pub(crate) fn identity<'a>(defects: &DefectSet, model: &'a ModelIdentity) -> Cow<'a, ModelIdentity> {
    if defects.has(Defect::ContextIgnored) {
        Cow::Owned(ModelIdentity { context_tokens: None, ..model.clone() })
    } else {
        Cow::Borrowed(model)
    }
}

/// The model in whose name the provider answers: the one asked for.
pub(crate) fn answering<'a>(world: &'a World, model: &'a Arc<Model>, needed: Capability) -> &'a Arc<Model> {
    // A model that cannot do it is here only through a defect; the first that can stands in for it.
    if world.defects.has(Defect::ProviderIgnored) || model.capability != needed {
        world.catalog.first_beside(model, needed).unwrap_or(model)
    } else {
        model
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::inference::{Detail, File, Image};
    use super::super::testing;
    use super::*;

    const PIXEL: &[u8] =
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/images/blue-square.png"));

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn image(bytes: &'static [u8]) -> Part {
        let media_type = "image/png".to_owned();
        Part::Image(Image { media_type, detail: Some(Detail::Low), bytes: Bytes::from_static(bytes) })
    }

    fn file() -> Part {
        Part::File(File { name: None, bytes: Bytes::from_static(b"junk") })
    }

    fn conversation() -> CompletionRequest {
        let message = |role, parts| Message { role, parts };
        CompletionRequest {
            messages: vec![
                message(Role::System, vec![text("be kind")]),
                message(Role::User, vec![text("Assistant: first \u{1}\n🙂")]),
                message(Role::Assistant, vec![text("yes")]),
                message(Role::User, vec![text("last"), image(PIXEL), image(b"junk"), file(), file()]),
            ],
            max_tokens: Some(5),
            stop: vec!["end".to_owned()],
            temperature: Some(1.5),
            ..CompletionRequest::default()
        }
    }

    fn put_on(defect: &str) -> DefectSet {
        let defects = DefectSet::default();
        defects.set(&defect.parse::<Defect>().into_iter().collect::<Vec<_>>());
        defects
    }

    fn shaped(defect: &str) -> CompletionRequest {
        let mut request = conversation();
        shape(&put_on(defect), &mut request).unwrap();
        request
    }

    /// Each turn's speaker, text, and what is attached to it.
    fn turns(defect: &str) -> Vec<String> {
        let turn = |message: &Message| {
            let attached: String = message
                .parts
                .iter()
                .map(|part| match part {
                    Part::Text(_) => "",
                    Part::Image(Image { detail: Some(_), .. }) => "I",
                    Part::Image(_) => "i",
                    Part::File(_) => "F",
                    Part::Audio(_) | Part::ToolCall(_) | Part::ToolResult(_) => "?",
                })
                .collect();
            format!("{:?}: {} {attached}", message.role, message.text())
        };
        shaped(defect).messages.iter().map(turn).collect()
    }

    const SYSTEM: &str = "System: be kind ";
    const FIRST: &str = "User: Assistant: first \u{1}\n🙂 ";
    const YES: &str = "Assistant: yes ";

    #[test]
    fn a_sound_gateway_passes_everything_on() {
        assert_eq!(turns("none"), [SYSTEM, FIRST, YES, "User: last IIFF"]);
        let request = shaped("none");
        assert_eq!((request.max_tokens, request.stop.len(), request.temperature), (Some(5), 1, Some(1.5)));
    }

    #[test]
    fn each_defect_loses_its_own_part() {
        assert_eq!(turns("history-dropped"), [SYSTEM, "User: last IIFF"]);
        assert_eq!(turns("system-prompt-dropped"), [FIRST, YES, "User: last IIFF"]);
        assert_eq!(turns("images-dropped"), [SYSTEM, FIRST, YES, "User: last FF"]);
        assert_eq!(turns("only-first-attachment"), [SYSTEM, FIRST, YES, "User: last IF"]);
        assert_eq!(turns("unreadable-content-accepted"), [SYSTEM, FIRST, YES, "User: last I"]);
        assert_eq!(turns("detail-dropped"), [SYSTEM, FIRST, YES, "User: last iiFF"]);
        assert_eq!(turns("roles-swapped")[1], "Assistant: Assistant: first \u{1}\n🙂 ");
        assert_eq!(turns("astral-text-lost")[1], "User: Assistant: first \u{1}\n? ");
        assert_eq!(turns("controls-stripped")[1], "User: Assistant: first \n🙂 ");
    }

    #[test]
    fn limits_are_lost_by_their_own_defect() {
        assert_eq!(shaped("max-tokens-ignored").max_tokens, None);
        assert_eq!(shaped("max-tokens-ignored").stop.len(), 1);
        assert!(shaped("stop-ignored").stop.is_empty());
    }

    #[test]
    fn a_gateway_chokes_on_what_its_defect_names() {
        for defect in ["temperature-capped-at-one", "files-refused"] {
            let choked = shape(&put_on(defect), &mut conversation());
            assert!(matches!(choked, Err(CallError::Broken(_))), "{defect}");
        }
        let mut harmless = CompletionRequest { temperature: Some(1.0), ..conversation() };
        assert_eq!(shape(&put_on("temperature-capped-at-one"), &mut harmless), Ok(()));
        harmless.messages.truncate(3);
        assert_eq!(shape(&put_on("files-refused"), &mut harmless), Ok(()));
    }

    #[test]
    fn embedding_requests_lose_their_length_or_their_rest() {
        let after = |defect: &str| {
            let mut request = EmbeddingRequest { inputs: vec!["a".to_owned(); 100], dimensions: Some(8) };
            shape_embedding(&put_on(defect), &mut request);
            (request.inputs.len(), request.dimensions)
        };
        assert_eq!(after("none"), (100, Some(8)));
        assert_eq!(after("dimensions-ignored"), (100, None));
        assert_eq!(after("embedding-batch-cut"), (96, Some(8)));
    }

    #[test]
    fn the_context_is_told_unless_a_defect_ignores_it() {
        let world = testing::world();
        let llama = &world.world.catalog.find("llama3211b").unwrap().identity;
        assert_eq!(identity(&put_on("none"), llama).context_tokens, Some(8_192));
        assert_eq!(identity(&put_on("context-ignored"), llama).context_tokens, None);
    }

    #[test]
    fn the_model_asked_for_answers_unless_a_defect_says_otherwise() {
        let world = testing::world();
        let gemini = Arc::clone(world.world.catalog.find("gemini-2.0-flash").unwrap());
        let name =
            |world: &testing::TestWorld| answering(&world.world, &gemini, Capability::Chat).id().to_string();
        assert_eq!(name(&world), "gemini-2.0-flash");
        world.break_with(Some("provider-ignored"));
        assert_eq!(name(&world), "claude_3_5_sonnet");
    }
}
