//! How a model chooses its words and how often it answers, for wires that cannot say all of it that a caller can.

use std::borrow::Cow;

use serde_json::Number;

use super::incapable;
use crate::domain::inference::{CompletionRequest, ProviderError};

/// As freely as a model chooses its words on a wire that goes up to 1. Callers may know freer ones.
const FREEST: u8 = 1;

/// What changes an answer, and has a place on some wires only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameter {
    FrequencyPenalty,
    LogitBias,
    Logprobs,
    MoreAnswers,
    PresencePenalty,
    Seed,
    TopK,
}

impl Parameter {
    /// Whether a request asks for it. A penalty of nothing asks for nothing.
    fn is_in(self, request: &CompletionRequest) -> bool {
        match self {
            Self::FrequencyPenalty => weighs(request.frequency_penalty.as_ref()),
            Self::LogitBias => !request.logit_bias.is_empty(),
            Self::Logprobs => request.alternatives.is_some(),
            Self::MoreAnswers => request.more_answers > 0,
            Self::PresencePenalty => weighs(request.presence_penalty.as_ref()),
            Self::Seed => request.seed.is_some(),
            Self::TopK => request.top_k.is_some(),
        }
    }

    const fn told(self) -> &'static str {
        match self {
            Self::FrequencyPenalty => "the model takes no frequency penalty",
            Self::LogitBias => "the model takes no bias for single tokens",
            Self::Logprobs => "the model does not tell how probable its words were",
            Self::MoreAnswers => "the model gives one answer to a question",
            Self::PresencePenalty => "the model takes no presence penalty",
            Self::Seed => "the model takes no seed",
            Self::TopK => "the model cannot be told how many words to choose from",
        }
    }
}

fn weighs(penalty: Option<&Number>) -> bool {
    penalty.is_some_and(|penalty| penalty.as_f64().is_none_or(|penalty| penalty.abs() > 0.0))
}

/// That a request asks for none of these, for which a wire has no place.
pub(crate) fn refuse(request: &CompletionRequest, lacking: &[Parameter]) -> Result<(), ProviderError> {
    match lacking.iter().find(|parameter| parameter.is_in(request)) {
        Some(parameter) => Err(incapable(parameter.told())),
        None => Ok(()),
    }
}

/// A temperature for a wire on which none is above 1: a caller that wants more of it gets the most that there is.
pub(crate) fn mild(temperature: &Number) -> Cow<'_, Number> {
    if temperature.as_f64().is_some_and(|temperature| temperature > f64::from(FREEST)) {
        return Cow::Owned(FREEST.into());
    }
    Cow::Borrowed(temperature)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_has_no_place_is_refused_unless_it_asks_for_nothing() {
        use Parameter as P;
        let nothing = CompletionRequest {
            frequency_penalty: Some(number("0.0")),
            presence_penalty: Some(number("-0")),
            ..CompletionRequest::default()
        };
        let all = [
            P::FrequencyPenalty,
            P::LogitBias,
            P::Logprobs,
            P::MoreAnswers,
            P::PresencePenalty,
            P::Seed,
            P::TopK,
        ];
        assert_eq!(refuse(&nothing, &all), Ok(()));
        let logit_bias = json!({ "5": 1 }).as_object().unwrap().clone();
        for (lacking, asked) in [
            (
                P::FrequencyPenalty,
                CompletionRequest { frequency_penalty: Some(number("0.1")), ..nothing.clone() },
            ),
            (P::LogitBias, CompletionRequest { logit_bias, ..nothing.clone() }),
            (P::Logprobs, CompletionRequest { alternatives: Some(0), ..nothing.clone() }),
            (P::MoreAnswers, CompletionRequest { more_answers: 1, ..nothing.clone() }),
            (
                P::PresencePenalty,
                CompletionRequest { presence_penalty: Some(number("-1")), ..nothing.clone() },
            ),
            (P::Seed, CompletionRequest { seed: Some(0), ..nothing.clone() }),
            (P::TopK, CompletionRequest { top_k: Some(number("1")), ..nothing.clone() }),
        ] {
            assert_eq!(refuse(&asked, &all), Err(incapable(lacking.told())));
            let others: Vec<_> = all.into_iter().filter(|parameter| *parameter != lacking).collect();
            assert_eq!(refuse(&asked, &others), Ok(()));
        }
    }

    #[test]
    fn no_model_is_asked_to_be_freer_than_it_can_be() {
        for (asked, sent) in [("0", "0"), ("0.70", "0.70"), ("1.0", "1.0"), ("1.01", "1"), ("2", "1")] {
            assert_eq!(mild(&number(asked)).to_string(), sent);
        }
    }
}
