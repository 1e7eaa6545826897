//! From a path to what is managed there.

use axum::body::Body;
use axum::response::Response;

use super::super::error::Refusal;
use super::super::exchange::Exchange;
use super::customers::Customers;
use super::model_configs::ModelConfigs;
use super::rules::Rules;
use super::teams::Teams;
use super::virtual_keys::VirtualKeys;
use super::{crud, guard, keys, meters, models, providers};
use crate::percent;

/// Answers a request to a path below `/api`.
pub(in super::super) async fn serve(
    exchange: &Exchange<'_>,
    path: &str,
    body: Body,
) -> Result<Response, Refusal> {
    guard::admit(exchange)?;
    let path = path.strip_prefix("/api").unwrap_or(path);
    let segments: Vec<_> = path.trim_matches('/').split('/').map(percent::decoded).collect();
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    match *segments {
        ["governance", "providers"] => providers::governed(exchange),
        ["governance", "providers", name] => providers::govern(exchange, name, body).await,
        ["governance", "budgets"] => meters::budgets(exchange),
        ["governance", "rate-limits"] => meters::rate_limits(exchange),
        ["governance", kind] => rows(exchange, kind, None, body).await,
        ["governance", kind, id] => rows(exchange, kind, Some(id), body).await,
        ["providers"] => providers::list(exchange),
        ["providers", name] => providers::one(exchange, name, body).await,
        ["providers", name, "keys"] => keys::of_provider(exchange, name, body).await,
        ["providers", name, "keys", id] => keys::one(exchange, name, id, body).await,
        ["keys"] => keys::list(exchange),
        ["models"] => models::list(exchange),
        _ => Err(Refusal::no_such_path(exchange.path)),
    }
}

async fn rows(
    exchange: &Exchange<'_>,
    kind: &str,
    id: Option<&str>,
    body: Body,
) -> Result<Response, Refusal> {
    match kind {
        "customers" => crud::serve::<Customers>(exchange, id, body).await,
        "teams" => crud::serve::<Teams>(exchange, id, body).await,
        "virtual-keys" => crud::serve::<VirtualKeys>(exchange, id, body).await,
        "routing-rules" => crud::serve::<Rules>(exchange, id, body).await,
        "model-configs" => crud::serve::<ModelConfigs>(exchange, id, body).await,
        _ => Err(Refusal::no_such_path(exchange.path)),
    }
}
