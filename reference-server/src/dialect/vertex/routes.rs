//! From a path and a method to an endpoint.

use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Method;
use axum::response::Response;

use super::service::{VERTEX, credential};
use super::{embeddings, error};
use crate::dialect::common::read::excerpt;
use crate::dialect::common::{self, Answer, Arrival, Repeats, run};
use crate::dialect::gemini::error::Refusal;
use crate::dialect::gemini::exchange::Exchange;
use crate::dialect::gemini::generate;
use crate::dialect::gemini::routes::Action;
use crate::domain::call::Call;

/// The versions of the API, as they stand in paths.
const VERSIONS: [&str; 2] = ["/v1/", "/v1beta1/"];
/// What a model that is none of Gemini's is asked for.
const PREDICT: &str = "predict";

/// What is done with a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Act(Action),
    Predict,
}

/// A model of a project's, and what is done with it.
#[derive(Debug, PartialEq, Eq)]
struct Target<'p> {
    project: &'p str,
    location: &'p str,
    model: &'p str,
    endpoint: Endpoint,
}

impl<'p> Target<'p> {
    fn at(path: &'p str) -> Option<Self> {
        let rest = VERSIONS.into_iter().find_map(|version| path.strip_prefix(version))?;
        let segments: Vec<_> = rest.split('/').collect();
        let ["projects", project, "locations", location, "publishers", "google", "models", name] =
            segments[..]
        else {
            return None;
        };
        let (model, action) = name.split_once(':')?;
        let endpoint = if action == PREDICT {
            Endpoint::Predict
        } else {
            Endpoint::Act(Action::ALL.into_iter().find(|known| known.name() == action)?)
        };
        let is_whole = !project.is_empty() && !location.is_empty() && !model.is_empty();
        is_whole.then_some(Self { project, location, model, endpoint })
    }

    /// The name of the model with all that stands above it.
    fn resource(&self) -> String {
        format!(
            "projects/{}/locations/{}/publishers/google/models/{}",
            excerpt(self.project),
            excerpt(self.location),
            excerpt(self.model)
        )
    }
}

/// Answers a request.
pub(crate) async fn serve(arrival: &Arrival<'_>, body: Body) -> Response {
    let exchange = Exchange::start(arrival, &VERTEX);
    let target = Target::at(exchange.path);
    let refuse = |refusal: Refusal| {
        let exception = refusal.exception().map(Arc::from);
        let resource = target.as_ref().map(Target::resource).unwrap_or_default();
        (error::response(refusal, &resource), exception)
    };
    let answer = pin!(answer(&exchange, target.as_ref(), body));
    run(&exchange, answer, Refusal::Internal, Refusal::from, refuse).await
}

async fn answer(exchange: &Exchange<'_>, target: Option<&Target<'_>>, body: Body) -> Result<Answer, Refusal> {
    let Some(target) = target.filter(|_| exchange.head.method == Method::POST) else {
        return Err(Refusal::NotFound);
    };
    let credential = credential(&exchange.head.headers, exchange.parameter("key"));
    let call = common::Exchange::authenticate(exchange, credential)?;
    exchange.admit(&call)?;
    let (repeats, body) = Repeats::read(exchange, body).await?;
    repeats.once(exchange, &call, pin!(act(exchange, &call, target, body))).await
}

async fn act(
    exchange: &Exchange<'_>,
    call: &Call,
    target: &Target<'_>,
    body: Body,
) -> Result<Answer, Refusal> {
    let model = target.model;
    match target.endpoint {
        Endpoint::Act(action @ (Action::Generate | Action::Stream)) => {
            generate::answer(exchange, call, model, action, body).await
        }
        Endpoint::Act(Action::Count) => generate::count(exchange, call, model, body).await,
        Endpoint::Act(Action::Embed) => embeddings::one(exchange, call, model, body).await,
        Endpoint::Act(Action::EmbedBatch) => embeddings::batch(exchange, call, model, body).await,
        Endpoint::Predict => embeddings::predict(exchange, call, model, body).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_model_of_a_project_and_what_is_done_with_it() {
        let model = "projects/p/locations/us-central1/publishers/google/models/m";
        for (version, action, endpoint) in [
            ("v1", "predict", Endpoint::Predict),
            ("v1beta1", "streamGenerateContent", Endpoint::Act(Action::Stream)),
            ("v1", "embedContent", Endpoint::Act(Action::Embed)),
        ] {
            let path = format!("/{version}/{model}:{action}");
            let target = Target::at(&path).unwrap();
            assert_eq!(
                target,
                Target { project: "p", location: "us-central1", model: "m", endpoint },
                "{path}"
            );
            assert_eq!(target.resource(), model);
        }
        for nowhere in [
            "/v1/models/m:generateContent".to_owned(),
            format!("/v1beta/{model}:generateContent"),
            format!("/v1/{model}"),
            format!("/v1/{model}:think"),
            format!("/v1/{model}/more:predict"),
            "/v1/projects//locations/l/publishers/google/models/m:predict".to_owned(),
            "/v1/projects/p/locations/l/publishers/meta/models/m:predict".to_owned(),
        ] {
            assert_eq!(Target::at(&nowhere), None, "{nowhere}");
        }
    }
}
