use super::echo::echo;
use super::gallery::Gallery;
use super::rulebook::Rulebook;
use super::scene::Scene;
use super::speech::Speech;
use super::style::Styles;
use super::{BrainError, embedding, fixture, limit, prompt, tokens};
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

    /// Answers a conversation in the name of a model.
    pub fn answer(&self, model: &ModelIdentity, request: &CompletionRequest) -> Completion {
        let scene = Scene::new(model, &request.messages, &self.gallery);
        let mut speech = self.rulebook.answer(&scene).map_or_else(|| echo(&scene), Speech::spoken);
        self.styles.apply(&scene, &mut speech);
        let (text, finish_reason) = limit::cut(speech.into_text(), &request.stop, request.max_tokens);
        let usage =
            Usage { input_tokens: prompt::count(&request.messages), output_tokens: tokens::count(&text) };
        Completion { text, finish_reason, usage }
    }

    /// Places texts in a model's space.
    pub fn embed(&self, model: &ModelIdentity, request: &EmbeddingRequest) -> Embeddings {
        let dimensions = request.dimensions.unwrap_or(model.dimensions);
        Embeddings {
            vectors: request.inputs.iter().map(|text| embedding::embed(model, text, dimensions)).collect(),
            usage: Usage {
                input_tokens: request.inputs.iter().map(|text| tokens::count(text)).sum(),
                output_tokens: 0,
            },
        }
    }
}
