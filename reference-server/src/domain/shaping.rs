//! What of a request reaches the provider, and in which model's name. A sound gateway changes nothing here.

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;

use serde_json::Number;

use super::call::{Call, CallError};
use super::catalog::{Capability, Model};
use super::inference::{CompletionRequest, EmbeddingRequest, Message, ModelIdentity, Part, Role};
use super::world::World;
use crate::brain;
use crate::defect::{Defect, DefectSet};

/// So many texts are embedded by a gateway that forgets about batches.
const ONE_BATCH: usize = 96;
/// So many bytes of a tool's description are left by a gateway that cuts them.
const DESCRIPTION: usize = 8;
/// So many bytes of a tool's result are left by a gateway that cuts them.
const RESULT: usize = 4;
/// Letters with a mark of their own, and what they are composed.
const COMPOSED: [(&str, &str); 2] = [("e\u{301}", "\u{e9}"), ("\u{212b}", "\u{c5}")];

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
    if defects.has(Defect::SamplingDropped) {
        request.temperature = None;
        request.top_p = None;
    }
    if defects.has(Defect::ToolDescriptionsCut) {
        let descriptions = request.tools.iter_mut().filter_map(|tool| tool.description.as_mut());
        descriptions.for_each(|description| cut(description, DESCRIPTION));
    }
    Ok(())
}

/// Leaves no more than so many bytes of a text.
fn cut(text: &mut String, bytes: usize) {
    text.truncate(text.floor_char_boundary(bytes));
}

fn choke(defects: &DefectSet, request: &CompletionRequest) -> Result<(), CallError> {
    let broken = |problem: &str| Err(CallError::Broken(problem.to_owned()));
    let temperature = request.temperature.as_ref().and_then(Number::as_f64);
    let hot = temperature.is_some_and(|temperature| temperature > 1.0);
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
    if defects.has(Defect::AssistantTurnsDropped) {
        let is_spoken = |message: &Message| message.parts.iter().all(|part| matches!(part, Part::Text(_)));
        messages.retain(|message| message.role != Role::Assistant || !is_spoken(message));
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
            Part::Text(_) | Part::Audio(_) | Part::Thinking(_) | Part::ToolCall(_) | Part::ToolResult(_) => {
                true
            }
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
            Part::ToolResult(result) => {
                if defects.has(Defect::ToolResultsCut) {
                    cut(&mut result.text, RESULT);
                }
            }
            Part::File(_) | Part::Audio(_) | Part::Thinking(_) | Part::ToolCall(_) => {}
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
    if defects.has(Defect::TextNormalized) {
        *text = COMPOSED.iter().fold(mem::take(text), |text, (apart, one)| text.replace(apart, one));
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

/// The model as a provider is told of it that serves it alone, or before others: what that calls it.
pub(crate) fn routed_identity<'a>(
    world: &World,
    has_fallbacks: bool,
    model: &'a ModelIdentity,
) -> Cow<'a, ModelIdentity> {
    if world.defects.has(Defect::ProviderModelWrong)
        && !has_fallbacks
        && let Some(other) = world.catalog.beside_at_provider(&model.id)
    {
        return Cow::Owned(other);
    }
    identity(&world.defects, model)
}

/// Whether a provider that has answered is asked the same again.
pub(crate) fn asks_again(call: &Call, has_fallbacks: bool) -> bool {
    let is_first = || call.context.service.attempts() == 0;
    call.world.defects.has(Defect::AskedTwice) && !has_fallbacks && is_first()
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

    use super::super::inference::{Detail, File, Image, Tool, ToolCall, ToolResult};
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
        let message = |role, parts| Message::new(role, parts);
        CompletionRequest {
            messages: vec![
                message(Role::System, vec![text("be kind")]),
                message(Role::User, vec![text("Assistant: first \u{1}\n🙂")]),
                message(Role::Assistant, vec![text("yes")]),
                message(Role::User, vec![text("last"), image(PIXEL), image(b"junk"), file(), file()]),
            ],
            max_tokens: Some(5),
            stop: vec!["end".to_owned()],
            temperature: Number::from_f64(1.5),
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
                    _ => "?",
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
        let temperature = Number::from_f64(1.5);
        assert_eq!((request.max_tokens, request.stop.len(), request.temperature), (Some(5), 1, temperature));
    }

    #[test]
    fn each_defect_loses_its_own_part() {
        assert_eq!(turns("history-dropped"), [SYSTEM, "User: last IIFF"]);
        assert_eq!(turns("system-prompt-dropped"), [FIRST, YES, "User: last IIFF"]);
        assert_eq!(turns("images-dropped"), [SYSTEM, FIRST, YES, "User: last FF"]);
        assert_eq!(turns("only-first-attachment"), [SYSTEM, FIRST, YES, "User: last IF"]);
        assert_eq!(turns("unreadable-content-accepted"), [SYSTEM, FIRST, YES, "User: last I"]);
        assert_eq!(turns("detail-dropped"), [SYSTEM, FIRST, YES, "User: last iiFF"]);
        assert_eq!(turns("assistant-turns-dropped"), [SYSTEM, FIRST, "User: last IIFF"]);
        assert_eq!(turns("roles-swapped")[1], "Assistant: Assistant: first \u{1}\n🙂 ");
        assert_eq!(turns("astral-text-lost")[1], "User: Assistant: first \u{1}\n? ");
        assert_eq!(turns("controls-stripped")[1], "User: Assistant: first \n🙂 ");
    }

    #[test]
    fn limits_are_lost_by_their_own_defect() {
        assert_eq!(shaped("max-tokens-ignored").max_tokens, None);
        assert_eq!(shaped("max-tokens-ignored").stop.len(), 1);
        assert!(shaped("stop-ignored").stop.is_empty());
        let dropped = shaped("sampling-dropped");
        assert_eq!((dropped.temperature, dropped.max_tokens), (None, Some(5)));
    }

    #[test]
    fn of_tools_and_texts_a_defect_leaves_its_own_part() {
        let after = |defect: &str| {
            let (id, call_id, name) = ("1".to_owned(), "1".to_owned(), "t".to_owned());
            let called = Part::ToolCall(ToolCall { id, name, arguments: "{}".to_owned() });
            let result = ToolResult { call_id, text: "17 °C, rain".to_owned(), is_error: false };
            let tool = Tool { description: Some("Tells the weather".to_owned()), ..Tool::default() };
            let mut request = CompletionRequest {
                messages: vec![
                    Message::new(Role::User, vec![text("cafe\u{301}")]),
                    Message::new(Role::Assistant, vec![called]),
                    Message::new(Role::User, vec![Part::ToolResult(result)]),
                ],
                tools: vec![tool],
                ..CompletionRequest::default()
            };
            shape(&put_on(defect), &mut request).unwrap();
            let Some(Part::ToolResult(result)) = request.messages.pop().unwrap().parts.pop() else {
                panic!("no result")
            };
            let turns = request.messages.len();
            let description = request.tools.pop().unwrap().description.unwrap();
            format!("{} {turns} {} {description}", request.messages[0].text(), result.text)
        };
        assert_eq!(after("none"), "cafe\u{301} 2 17 °C, rain Tells the weather");
        assert_eq!(after("tool-results-cut"), "cafe\u{301} 2 17  Tells the weather");
        assert_eq!(after("tool-descriptions-cut"), "cafe\u{301} 2 17 °C, rain Tells th");
        assert_eq!(after("text-normalized"), "caf\u{e9} 2 17 °C, rain Tells the weather");
        assert_eq!(after("assistant-turns-dropped"), after("none"));
    }

    #[test]
    fn a_gateway_chokes_on_what_its_defect_names() {
        for defect in ["temperature-capped-at-one", "files-refused"] {
            let choked = shape(&put_on(defect), &mut conversation());
            assert!(matches!(choked, Err(CallError::Broken(_))), "{defect}");
        }
        let mut harmless = CompletionRequest { temperature: Number::from_f64(1.0), ..conversation() };
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
    fn a_provider_is_told_of_another_model_of_its_own_only_by_a_defect() {
        let world = testing::world();
        let mini = &world.world.catalog.find("gpt-4.1-mini").unwrap().identity;
        let mini = ModelIdentity { id: "gpt-4.1-mini-2025-04-14".into(), ..mini.clone() };
        let told = |has_fallbacks| routed_identity(&world.world, has_fallbacks, &mini).id.to_string();
        assert_eq!(told(false), "gpt-4.1-mini-2025-04-14");
        world.break_with(Some("provider-model-wrong"));
        assert_eq!([told(false), told(true)], ["gpt-4.1-2025-04-14", "gpt-4.1-mini-2025-04-14"]);
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
