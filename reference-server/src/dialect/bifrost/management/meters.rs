//! `/api/governance/budgets` and `/api/governance/rate-limits`: all that there are, whosever they are.

use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::super::error::{Refusal, json as told};
use super::super::exchange::Exchange;
use super::rows::Views;

/// Every budget, with what is spent of it.
pub(super) fn budgets(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    exchange.only(&Method::GET, "GET")?;
    let views = Views::of(exchange.world);
    let budgets: Vec<Value> = views.book().budgets.iter().map(|budget| views.budget(budget)).collect();
    Ok(told(StatusCode::OK, &json!({ "budgets": budgets, "count": budgets.len() })))
}

/// Every rate limit, with what is used of it.
pub(super) fn rate_limits(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    exchange.only(&Method::GET, "GET")?;
    let views = Views::of(exchange.world);
    let limits: Vec<Value> = views.book().rate_limits.iter().map(|limit| views.rate_limit(limit)).collect();
    Ok(told(StatusCode::OK, &json!({ "rate_limits": limits, "count": limits.len() })))
}
