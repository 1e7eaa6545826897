use super::attachments::Attachments;
use super::echo::echo;
use super::gallery::Gallery;
use super::rulebook::Rulebook;
use super::scene::Scene;
use super::speech::Speech;
use super::style::Styles;
use super::{BrainError, Refusal, embedding, fixture, limit, prompt, tokens};
use crate::domain::inference::{
    Completion, CompletionRequest, EmbeddingRequest, Embeddings, ModelIdentity, Usage,
};

/// A model that answers the same to the same, always: by rules where one holds, by a faithful echo elsewhere.
pub struct Brain {
    rulebook: Rulebook,
    styles: Styles,
    gallery: Gallery,
}

impl Brain {
    /// The brain of the data in `fixtures/brain`.
    ///
    /// # Errors
    ///
    /// Names the file and the place of the first mistake in the data.
    pub fn embedded() -> Result<Self, BrainError> {
        Ok(Self {
            rulebook: Rulebook::load(fixture::RULES, fixture::FACTS)?,
            styles: Styles::load(fixture::STYLES)?,
            gallery: Gallery::load(fixture::IMAGES)?,
        })
    }

    /// Answers a conversation in the name of a model. Temperature and the like change nothing: there is no chance
    /// in it that they could widen or narrow.
    ///
    /// # Errors
    ///
    /// When an image or a file cannot be read, or the prompt is too long for the model.
    pub fn answer(&self, model: &ModelIdentity, request: &CompletionRequest) -> Result<Completion, Refusal> {
        let attachments = Attachments::read(&request.messages, &self.gallery)?;
        let input_tokens = prompt::count(&request.messages, &attachments, model.context_tokens)?;
        let scene = Scene::new(model, &request.messages, &attachments);
        let mut speech = self.rulebook.answer(&scene).map_or_else(|| echo(&scene), Speech::spoken);
        self.styles.apply(&scene, &mut speech);
        let (text, finish_reason) = limit::cut(speech.into_text(), &request.stop, request.max_tokens);
        let usage = Usage { input_tokens, output_tokens: tokens::count(&text) };
        Ok(Completion { text, finish_reason, usage })
    }

    /// Places texts in a model's space.
    ///
    /// # Errors
    ///
    /// When there is nothing in a text.
    pub fn embed(&self, model: &ModelIdentity, request: &EmbeddingRequest) -> Result<Embeddings, Refusal> {
        if let Some(blank) = request.inputs.iter().position(|text| text.trim().is_empty()) {
            return Err(Refusal::Blank { number: blank + 1 });
        }
        let dimensions = request.dimensions.unwrap_or(model.dimensions);
        Ok(Embeddings {
            vectors: request.inputs.iter().map(|text| embedding::embed(model, text, dimensions)).collect(),
            usage: Usage {
                input_tokens: request.inputs.iter().map(|text| tokens::count(text)).sum(),
                output_tokens: 0,
            },
        })
    }
}
