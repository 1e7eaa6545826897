//! The simulator as one function from request to response; what carries it is the server's business.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::around::{self, Intakes, Way};
use super::control;
use super::error_body::Failure;
use super::provider_kind::ProviderKind;
use super::token;
use super::worlds::UpstreamWorlds;
use crate::connection::Reset;
use crate::control::Control;
use crate::control::error::ControlError;
use crate::intake::Intake;
use crate::route::{Route, route, segment};

/// Every provider behind the port.
pub(crate) struct Simulator {
    worlds: Arc<UpstreamWorlds>,
    control: Control,
    intakes: Intakes,
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
enum Place<'p> {
    Control,
    /// To a provider in a world, whose own path begins at this byte.
    Provider {
        world: Option<&'p str>,
        provider: ProviderKind,
        mounted_at: usize,
    },
    /// To Google's token endpoint in a world.
    Token {
        world: Option<&'p str>,
    },
    Nowhere,
}

impl<'p> Place<'p> {
    fn at(path: &'p str) -> Self {
        let (world, prefixed_at) = match route(path) {
            Route::Control => return Self::Control,
            Route::Dialect { dialect: Some(_), .. } => return Self::Nowhere,
            Route::Dialect { world, dialect: None, mounted_at } => (world, mounted_at),
        };
        let Some((prefix, mounted_at)) = segment(path, prefixed_at, "/") else { return Self::Nowhere };
        match ProviderKind::from_name(prefix) {
            Some(provider) => Self::Provider { world, provider, mounted_at },
            None if path.get(prefixed_at..) == Some("/google/token") => Self::Token { world },
            None => Self::Nowhere,
        }
    }
}

impl Simulator {
    /// The providers in these worlds, which take bodies of up to so many bytes, and their control API.
    pub(super) fn new(worlds: Arc<UpstreamWorlds>, control_token: &str, body_limit: usize) -> Self {
        let control = Control::over(control::router(Arc::clone(&worlds)), control_token);
        let intakes = Intakes { noted: Intake::new(body_limit), answered: Arc::new(Intake::new(body_limit)) };
        Self { worlds, control, intakes }
    }

    /// From here on whatever ends before its answer is broken off by the simulator, and not left by its client.
    pub(crate) fn close(&self) {
        self.worlds.close();
    }

    /// Answers a request from this address; an error where the connection is to end instead.
    pub(crate) async fn handle(
        &self,
        request: Request,
        client_ip: IpAddr,
        reset: &Reset,
    ) -> io::Result<Response> {
        match Place::at(request.uri().path()) {
            Place::Control => Ok(self.control.handle(request, client_ip).await),
            Place::Provider { world, provider, mounted_at } => match self.worlds.get(world) {
                Some(world) => {
                    let way = Way { world: &world, provider, mounted_at, client_ip, reset };
                    Box::pin(around::answer(way, &self.intakes, request)).await
                }
                None => {
                    let message = Some("there is no such world of the simulator");
                    Ok(Failure { provider, status: 404, message, retry_after: None }.response())
                }
            },
            Place::Token { world } => match self.worlds.get(world) {
                Some(world) => Ok(token::answer(&world, request).await),
                None => Ok(nowhere()),
            },
            Place::Nowhere => Ok(nowhere()),
        }
    }
}

fn nowhere() -> Response {
    let providers = ProviderKind::ALL.map(|provider| format!("/{provider}")).join(", ");
    let message = format!(
        "there is nothing at this path; the providers are at {providers}, in a world below /~w/<id>, and Google's \
         token endpoint is at /google/token"
    );
    ControlError { status: StatusCode::NOT_FOUND, message }.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_a_provider_in_a_world() {
        let provider = |world, provider, mounted_at| Place::Provider { world, provider, mounted_at };
        for (path, place) in [
            ("/openai/v1/models", provider(None, ProviderKind::Openai, 7)),
            ("/~w/x/bedrock/model/a/converse", provider(Some("x"), ProviderKind::Bedrock, 13)),
            ("/vertex", provider(None, ProviderKind::Vertex, 7)),
            ("/google/token", Place::Token { world: None }),
            ("/~w/x/google/token", Place::Token { world: Some("x") }),
            ("/~control/worlds", Place::Control),
            ("/google/tokens", Place::Nowhere),
            ("/openais/v1", Place::Nowhere),
            ("/~openai/v1/models", Place::Nowhere),
            ("/~w/x/~openai/v1/models", Place::Nowhere),
            ("/~w/x", Place::Nowhere),
            ("/", Place::Nowhere),
            ("*", Place::Nowhere),
        ] {
            assert_eq!(Place::at(path), place, "{path}");
        }
    }
}
