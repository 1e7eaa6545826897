use regex::Regex;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::BrainError;
use super::bindings::Bindings;
use super::couplet::{CoupletSource, Couplets};
use super::fixture::Fixture;
use super::pattern::{self, Fragments};
use super::scene::Scene;
use super::speech::Speech;
use super::template::Template;

/// What system prompts make of answers.
pub(super) struct Styles {
    styles: Vec<Style>,
    couplets: Couplets,
}

struct Style {
    system: Regex,
    effect: Effect,
    text: Template,
}

#[derive(Clone, Copy)]
enum Effect {
    OpenWith,
    CloseWith,
    EndSentencesWith,
    Rhyme,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StylesSource {
    styles: Vec<StyleSource>,
    couplets: Vec<CoupletSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StyleSource {
    name: Spanned<String>,
    system: String,
    effect: EffectSource,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum EffectSource {
    OpenWith(String),
    CloseWith(String),
    EndSentencesWith(String),
    Rhyme,
}

impl Styles {
    /// Reads the styles and their rhymes.
    pub(super) fn load(fixture: Fixture) -> Result<Self, BrainError> {
        let source: StylesSource = fixture.read()?;
        Ok(Self {
            styles: source
                .styles
                .iter()
                .map(|style| Style::load(style, fixture))
                .collect::<Result<_, _>>()?,
            couplets: Couplets::load(source.couplets, fixture)?,
        })
    }

    /// Applies every style that the system messages ask for.
    pub(super) fn apply(&self, scene: &Scene<'_>, speech: &mut Speech<'_>) {
        for style in &self.styles {
            let mut bindings = Bindings::default();
            if !scene.system().any(|text| bindings.capture(&style.system, text)) {
                continue;
            }
            let Some(text) = style.text.fill(|name| bindings.get(name)) else { continue };
            match style.effect {
                Effect::OpenWith => speech.open_with(&text),
                Effect::CloseWith => speech.close_with(&text),
                Effect::EndSentencesWith => speech.end_sentences_with(&text),
                Effect::Rhyme => self.couplets.rhyme(speech),
            }
        }
    }
}

impl Style {
    fn load(source: &StyleSource, fixture: Fixture) -> Result<Self, BrainError> {
        let wrong = |problem: String| fixture.wrong(&source.name, problem);
        let system = pattern::compile(&source.system, &Fragments::new()).map_err(wrong)?;
        let (effect, text) = match &source.effect {
            EffectSource::OpenWith(text) => (Effect::OpenWith, text.as_str()),
            EffectSource::CloseWith(text) => (Effect::CloseWith, text.as_str()),
            EffectSource::EndSentencesWith(text) => (Effect::EndSentencesWith, text.as_str()),
            EffectSource::Rhyme => (Effect::Rhyme, ""),
        };
        let text = Template::parse(text).map_err(wrong)?;
        for name in text.names() {
            if !system.capture_names().flatten().any(|known| known == name) {
                return Err(wrong(format!("its pattern captures no `{name}`")));
            }
        }
        Ok(Self { system, effect, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_that_names_an_unknown_value_is_refused_with_its_place() {
        let text = "couplets: []\nstyles:\n  - name: loud\n    system: loud\n    effect: { open_with: \"${shout}\" }\n";
        let error = Styles::load(Fixture { name: "test.yaml", text }).err().unwrap().to_string();
        assert!(error.contains("test.yaml, line 3") && error.contains("`shout`"), "{error}");
    }

    #[test]
    fn an_unknown_effect_is_refused() {
        let text = "couplets: []\nstyles:\n  - name: loud\n    system: loud\n    effect: shout\n";
        assert!(
            Styles::load(Fixture { name: "test.yaml", text }).err().unwrap().to_string().contains("shout")
        );
    }
}
