use super::attachments::Attachments;
use super::budget::Budget;
use super::draft::Draft;
use super::echo::echo;
use super::gallery::Gallery;
use super::hints::Hints;
use super::rulebook::Rulebook;
use super::scene::Scene;
use super::schema::Schema;
use super::speech::Speech;
use super::style::Styles;
use super::{BrainError, Refusal, embedding, fixture, limit, prefill, prompt, tokens, tools};
use crate::domain::inference::{
    AnswerFormat, Completion, CompletionRequest, EmbeddingRequest, Embeddings, Message, ModelIdentity, Usage,
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
    /// in it that they could widen or narrow. Where the caller has begun the answer, it is the one to the turns before,
    /// and goes on from there; it calls a tool behind these words only where it has to.
    ///
    /// # Errors
    ///
    /// When something that is attached cannot be read, the prompt is too long for the model, or no value is valid
    /// against a schema that is to be met.
    pub fn answer(&self, model: &ModelIdentity, request: &CompletionRequest) -> Result<Completion, Refusal> {
        let attachments = Attachments::read(model, &request.messages, &self.gallery)?;
        let input_tokens = prompt::count(request, &attachments, model.context_tokens)?;
        let (turns, begun) = prefill::split(request);
        let scene = Scene::new(model, turns, &attachments);
        let draft = self.draft(&scene, turns, request)?;
        let draft = if let Some(begun) = begun { draft.after(&begun) } else { draft };
        if !request.expects(draft.size()) {
            return Err(Refusal::TooMuch);
        }
        let budget = request.thinking.filter(|_| model.thinks);
        let thought = budget.map(|budget| thought(&scene, &draft, budget));
        let mut usage = Usage { input_tokens, ..Usage::default() };
        let others = (1..=request.more_answers).map(|number| draft.other(number, request));
        let more = others.map(|other| limit::cut(other, thought.clone(), request, &mut usage)).collect();
        let answer = limit::cut(draft, thought, request, &mut usage);
        Ok(Completion { answer, more, usage })
    }

    /// The tokens of a conversation as a prompt, as its answer counts them.
    ///
    /// # Errors
    ///
    /// When something that is attached cannot be read, or the prompt is too long for the model.
    pub fn count(&self, model: &ModelIdentity, request: &CompletionRequest) -> Result<u64, Refusal> {
        let attachments = Attachments::read(model, &request.messages, &self.gallery)?;
        prompt::count(request, &attachments, model.context_tokens)
    }

    /// What there is to answer: calls of tools, a value of the form that is asked for, or a text.
    fn draft(
        &self,
        scene: &Scene<'_>,
        turns: &[Message],
        request: &CompletionRequest,
    ) -> Result<Draft, Refusal> {
        let mut budget = Budget::default();
        let calls = tools::calls(request, scene, &mut budget)?;
        if !calls.is_empty() {
            return Ok(Draft::Calls(calls));
        }
        match &request.format {
            AnswerFormat::Text => Ok(Draft::Text(self.text(scene, turns))),
            AnswerFormat::JsonObject => Ok(Draft::Object(self.text(scene, turns))),
            AnswerFormat::JsonSchema(schema) => {
                let schema = Schema::read(&schema.schema, &mut budget)?;
                let value = schema.value(&Hints::of(scene.question()), &mut budget)?;
                Ok(Draft::Fixed(value.to_string()))
            }
        }
    }

    fn text(&self, scene: &Scene<'_>, turns: &[Message]) -> String {
        let mut speech = tools::report(turns)
            .or_else(|| self.rulebook.answer(scene).map(Speech::spoken))
            .unwrap_or_else(|| echo(scene));
        self.styles.apply(scene, &mut speech);
        speech.into_text()
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
                ..Usage::default()
            },
        })
    }
}

/// What the model thinks before it answers, within a number of tokens.
fn thought(scene: &Scene<'_>, draft: &Draft, budget: u32) -> String {
    let intent =
        if matches!(draft, Draft::Calls(_)) { "I call a tool for it." } else { "I answer it plainly." };
    let thought = format!("The question is: \"{}\". {intent}", scene.question());
    tokens::take(&thought, usize::try_from(budget).unwrap_or(usize::MAX)).unwrap_or(thought)
}
