//! The gateway as one function from request to response; what carries it is the server's business.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;

use crate::control::Control;
use crate::dialect::{Dialect, gsai};
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
    pub(crate) intake: Intake,
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
                let dialect = dialect.map_or(Some(self.dialect), |name| name.parse().ok());
                (world, dialect, mounted_at)
            }
        };
        match (world, dialect) {
            (Some(world), Some(Dialect::Gsai)) => {
                gsai::serve(&world, request, mounted_at, client_ip, &self.intake).await
            }
            (None, _) | (_, None) => gsai::not_found(),
        }
    }
}
