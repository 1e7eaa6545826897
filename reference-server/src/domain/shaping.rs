//! What of a request reaches the provider, and in which model's name. A sound gateway changes nothing here.

use std::sync::Arc;

use super::catalog::{Capability, Model};
use super::inference::{CompletionRequest, Part, Role};
use super::world::World;
use crate::defect::{Defect, DefectSet};

/// Takes out of a conversation what a defect loses.
pub(crate) fn shape(defects: &DefectSet, request: &mut CompletionRequest) {
    if !defects.any() {
        return;
    }
    if defects.has(Defect::HistoryDropped) {
        let last_user = request.messages.iter().rposition(|message| message.role == Role::User);
        let mut index = 0;
        request.messages.retain(|message| {
            let keep = message.role == Role::System || Some(index) == last_user;
            index += 1;
            keep
        });
    }
    if defects.has(Defect::SystemPromptDropped) {
        request.messages.retain(|message| message.role != Role::System);
    }
    if defects.has(Defect::ImagesDropped) {
        for message in &mut request.messages {
            message.parts.retain(|part| !matches!(part, Part::Image(_)));
        }
    }
}

/// The model in whose name the provider answers: the one asked for.
pub(crate) fn answering<'a>(world: &'a World, model: &'a Arc<Model>, needed: Capability) -> &'a Arc<Model> {
    // A model that cannot do it is here only through a defect; the first that can stands in for it.
    if world.defects.has(Defect::ProviderIgnored) || model.capability != needed {
        world.catalog.first(needed).unwrap_or(model)
    } else {
        model
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::inference::{Image, Message};
    use super::super::testing;
    use super::*;

    fn conversation() -> CompletionRequest {
        let message = |role, text: &str| Message { role, parts: vec![Part::Text(text.to_owned())] };
        let mut last = message(Role::User, "last");
        last.parts.push(Part::Image(Image { media_type: "image/png".to_owned(), bytes: Bytes::new() }));
        CompletionRequest {
            messages: vec![
                message(Role::System, "be kind"),
                message(Role::User, "first"),
                message(Role::Assistant, "yes"),
                last,
            ],
            max_tokens: None,
            stop: Vec::new(),
        }
    }

    fn shaped(defect: &str) -> Vec<String> {
        let defects = DefectSet::default();
        defects.set(&defect.parse::<Defect>().into_iter().collect::<Vec<_>>());
        let mut request = conversation();
        shape(&defects, &mut request);
        request.messages.iter().map(|message| format!("{}/{}", message.text(), message.parts.len())).collect()
    }

    #[test]
    fn a_sound_gateway_passes_everything_on() {
        assert_eq!(shaped("none"), ["be kind/1", "first/1", "yes/1", "last/2"]);
    }

    #[test]
    fn each_defect_loses_its_own_part() {
        assert_eq!(shaped("history-dropped"), ["be kind/1", "last/2"]);
        assert_eq!(shaped("system-prompt-dropped"), ["first/1", "yes/1", "last/2"]);
        assert_eq!(shaped("images-dropped"), ["be kind/1", "first/1", "yes/1", "last/1"]);
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
