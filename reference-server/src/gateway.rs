//! The gateway as one function from request to response; what carries it is the server's business.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;

use crate::control::Control;
use crate::defect::edits;
use crate::dialect::common::{Arrival, conceal_limits};
use crate::dialect::{Dialect, anthropic, bedrock, bifrost, gemini, gsai, openai, vertex};
use crate::domain::key::SecretDigest;
use crate::domain::world::World;
use crate::domain::worlds::Worlds;
use crate::intake::Intake;
use crate::route::{Route, route};

/// Everything behind the port.
pub(crate) struct Gateway {
    pub(crate) worlds: Arc<Worlds>,
    pub(crate) control: Control,
    /// What the root speaks.
    pub(crate) dialect: Dialect,
    /// What is taken in of bodies.
    pub(crate) intake: Arc<Intake>,
    /// Of the token of the control API.
    pub(crate) control_token: SecretDigest,
}

impl Gateway {
    /// Answers a request from this address.
    pub(crate) async fn handle(&self, request: Request, client_ip: IpAddr) -> Response {
        let (world, dialect, mounted_at) = match route(request.uri().path()) {
            Route::Control => return self.control.handle(request, client_ip).await,
            Route::Dialect { world, dialect, mounted_at } => {
                let world = match world {
                    None => Some(Arc::clone(self.worlds.root())),
                    Some(id) => self.worlds.get(id),
                };
                let dialect = match dialect {
                    Some(name) => name.parse().ok(),
                    None => Some(self.at_the_root(&request, mounted_at)),
                };
                (world, dialect, mounted_at)
            }
        };
        let (Some(world), Some(dialect)) = (&world, dialect) else {
            // No dialect has a path that begins with `/~`, and each says so in its own words.
            let world = world.as_ref().unwrap_or(self.worlds.root());
            return self.serve(dialect.unwrap_or(self.dialect), world, request, 0, client_ip).await;
        };
        let edits = world.defects.edits(dialect.name());
        if edits.is_empty() {
            return self.serve(dialect, world, request, mounted_at, client_ip).await;
        }
        let path = request.uri().path().get(mounted_at..).unwrap_or_default().to_owned();
        let serve = |request| self.serve(dialect, world, request, mounted_at, client_ip);
        edits::around(&edits, request, &path, self.intake.limit, serve).await
    }

    /// What a request to the root is answered in: beside OpenAI's wire stands the part of Anthropic's that is not
    /// taken for it.
    fn at_the_root(&self, request: &Request, mounted_at: usize) -> Dialect {
        let path = request.uri().path().get(mounted_at..).unwrap_or_default();
        let beside = |below: &str| {
            path.strip_prefix(below).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let versioned = request.headers().contains_key("anthropic-version");
        if self.dialect == Dialect::Openai && (beside("/v1/messages") || versioned && beside("/v1/models")) {
            Dialect::Anthropic
        } else {
            self.dialect
        }
    }

    async fn serve(
        &self,
        dialect: Dialect,
        world: &Arc<World>,
        request: Request,
        mounted_at: usize,
        client_ip: IpAddr,
    ) -> Response {
        let (head, body) = request.into_parts();
        let (intake, control_token) = (&self.intake, &self.control_token);
        let arrival = Arrival { world, head, mounted_at, client_ip, intake, control_token, pass: None };
        let mut response = match dialect {
            Dialect::Openai => openai::serve(&arrival, body).await,
            Dialect::Anthropic => anthropic::serve(&arrival, body).await,
            Dialect::Gemini => gemini::serve(&arrival, body).await,
            Dialect::Gsai => gsai::serve(&arrival, body).await,
            Dialect::Bedrock => bedrock::serve(&arrival, body).await,
            Dialect::Vertex => vertex::serve(&arrival, body).await,
            // It holds the work of the others, which are not to wait in as much room.
            Dialect::Bifrost => Box::pin(bifrost::serve(&arrival, body)).await,
        };
        conceal_limits(world, &mut response);
        response
    }
}
