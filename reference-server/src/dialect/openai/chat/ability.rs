//! What is asked for that the reference, or a model, cannot do.

use serde_json::Value;

use super::request::ChatRequest;
use crate::dialect::openai::error::Refusal;
use crate::dialect::openai::{effort, format};
use crate::domain::catalog::Model;
use crate::domain::inference::{AnswerFormat, CompletionRequest, Message, Part};

/// What is wrong with a request as a whole, and what the reference cannot do.
pub(super) fn check(body: &Value, completion: &CompletionRequest) -> Result<(), Refusal> {
    let given = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    for (name, instead) in [("functions", "tools"), ("function_call", "tool_choice")] {
        if given(name) {
            let message =
                format!("Unsupported parameter: '{name}' is not supported here. Use '{instead}' instead.");
            return Err(Refusal::unsupported(name, message));
        }
    }
    if given("max_tokens") && given("max_completion_tokens") {
        let message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
        return Err(Refusal::invalid(message).at("max_tokens").coded("invalid_parameter_combination"));
    }
    let mut modalities = body.get("modalities").and_then(Value::as_array).into_iter().flatten();
    if given("audio") || modalities.any(|modality| modality == "audio") {
        let param = if given("audio") { "audio" } else { "modalities" };
        return Err(Refusal::unsupported(param, "Audio output is not supported: no model here speaks."));
    }
    if given("web_search_options") {
        let message = "Web search options not supported with this model.";
        return Err(Refusal::unsupported("web_search_options", message));
    }
    if let Some(Value::String(verbosity)) = body.get("verbosity")
        && verbosity != "medium"
    {
        let message = format!(
            "Unsupported value: 'verbosity' does not support '{verbosity}' with this model. Supported values are: \
             'medium'."
        );
        return Err(Refusal::invalid(message).at("verbosity").coded("unsupported_value"));
    }
    if completion.format == AnswerFormat::JsonObject && !format::speaks_of_json(&completion.messages) {
        let message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type \
                       'json_object'.";
        return Err(Refusal::invalid(message).at("messages"));
    }
    Ok(())
}

impl ChatRequest<'_> {
    /// The request as this model is asked, if it can do all of it.
    pub(super) fn for_model(mut self, model: &Model) -> Result<Self, Refusal> {
        if model.identity.thinks {
            self.fits_thinker()?;
        } else if self.completion.reasoning_effort.is_some() {
            return Err(Refusal::unsupported_by_model("reasoning_effort"));
        }
        if !model.identity.hears && self.completion.messages.iter().any(has_sound) {
            let message = "Invalid content type. input_audio is only supported by certain models.";
            return Err(Refusal::invalid(message).at("messages").coded("invalid_value"));
        }
        effort::think(model, &mut self.completion);
        Ok(self)
    }

    /// What a model that thinks leaves to nobody else.
    fn fits_thinker(&self) -> Result<(), Refusal> {
        if self.limited_as_of_old {
            let message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                           'max_completion_tokens' instead.";
            return Err(Refusal::unsupported("max_tokens", message));
        }
        if self.completion.alternatives.is_some() {
            return Err(Refusal::unsupported_by_model("logprobs"));
        }
        let CompletionRequest { temperature, top_p, presence_penalty, frequency_penalty, .. } =
            &self.completion;
        for (name, value, default) in [
            ("temperature", temperature, 1.0),
            ("top_p", top_p, 1.0),
            ("presence_penalty", presence_penalty, 0.0),
            ("frequency_penalty", frequency_penalty, 0.0),
        ] {
            let is_other = |value: f64| (value - default).abs() > f64::EPSILON;
            if let Some(value) = value
                && value.as_f64().is_none_or(is_other)
            {
                let message = format!(
                    "Unsupported value: '{name}' does not support {value} with this model. Only the default \
                     ({default}) value is supported."
                );
                return Err(Refusal::invalid(message).at(name).coded("unsupported_value"));
            }
        }
        Ok(())
    }
}

fn has_sound(message: &Message) -> bool {
    message.parts.iter().any(|part| matches!(part, Part::Audio(_)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::request::read;
    use super::*;
    use crate::domain::catalog::Catalog;

    fn asking(members: Value) -> Value {
        let mut body = json!({ "model": "m", "messages": [{ "role": "user", "content": "Hi" }] });
        if let Value::Object(members) = members {
            body.as_object_mut().unwrap().extend(members);
        }
        body
    }

    #[test]
    fn a_model_is_asked_for_what_it_can_do() {
        let catalog = Catalog::embedded().unwrap();
        let ask = |model: &str, members: Value| {
            let body = asking(members);
            let asked = read(&body).unwrap().for_model(catalog.find(model).unwrap());
            asked.map(|asked| asked.completion.thinking).map_err(|_| ())
        };
        let budget = |effort: &str| ask("o4-mini", json!({ "reasoning_effort": effort })).unwrap();
        assert!(budget("low") < budget("high"));
        assert_eq!(budget("none"), None);
        assert!(ask("o4-mini", json!({ "temperature": 1, "max_completion_tokens": 9 })).unwrap().is_some());
        assert_eq!(ask("gpt-4.1", json!({ "max_tokens": 9, "temperature": 0 })), Ok(None));
        for (model, members) in [
            ("gpt-4.1", json!({ "reasoning_effort": "low" })),
            ("o4-mini", json!({ "max_tokens": 9 })),
            ("o4-mini", json!({ "temperature": 0.5 })),
            ("o4-mini", json!({ "logprobs": true })),
        ] {
            assert_eq!(ask(model, members), Err(()), "{model}");
        }
        let heard = json!({ "messages": [{ "role": "user", "content": [
            { "type": "input_audio", "input_audio": { "data": "aGk=", "format": "wav" } }
        ] }] });
        assert_eq!(ask("gpt-4o-audio-preview", heard.clone()), Ok(None));
        assert_eq!(ask("gpt-4.1", heard), Err(()));
    }
}
