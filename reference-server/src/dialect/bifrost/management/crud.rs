//! What can be done with rows of any kind: listed, made, read, changed, deleted.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::error::{Refusal, json};
use super::super::exchange::Exchange;
use super::change::change;
use super::forms;
use super::page::Page;
use super::rows::Views;
use crate::domain::governance::{Book, Draft, Invalid, Row, Table};
use crate::percent;

/// A kind of rows.
pub(super) trait Resource {
    type Row: Row + Send + Sync + 'static;
    /// A row as it is sent.
    type Sent: DeserializeOwned + Send;
    /// What it is to become.
    type Form: Send;

    /// What one of them is called on the wire, such as `virtual_key`.
    const ONE: &'static str;
    /// What many of them are called there.
    const MANY: &'static str;
    /// What people call one of them.
    const TITLE: &'static str;
    /// The parameters that say which are wanted.
    const FILTERS: &'static [&'static str];

    /// All of them.
    fn rows(book: &Book) -> &Table<Self::Row>;

    /// What they are searched by.
    fn name(row: &Self::Row) -> &str;

    /// The member that a filter is compared with.
    fn member(row: &Self::Row, filter: &str) -> Option<String>;

    /// What a row is to become; `before` is what it was, where it is there.
    fn form(book: &Book, before: Option<&Self::Row>, sent: Self::Sent) -> Result<Self::Form, Refusal>;

    /// Makes one.
    fn create(draft: &mut Draft, form: Self::Form) -> Result<Arc<Self::Row>, Invalid>;

    /// Changes what is said of one.
    fn update(draft: &mut Draft, id: &str, form: Self::Form) -> Result<Arc<Self::Row>, Invalid>;

    /// Deletes one.
    fn delete(draft: &mut Draft, id: &str) -> Result<(), Invalid>;

    /// One as it is told.
    fn told(views: &Views<'_>, row: &Self::Row) -> Value;
}

/// Answers a request for the rows of a kind, or for one of them.
pub(super) async fn serve<R: Resource>(
    exchange: &Exchange<'_>,
    id: Option<&str>,
    body: Body,
) -> Result<Response, Refusal> {
    match (&exchange.head.method, id) {
        (&Method::GET, None) => list::<R>(exchange),
        (&Method::POST, None) => create::<R>(exchange, body).await,
        (&Method::GET, Some(id)) => show::<R>(exchange, id),
        (&Method::PUT, Some(id)) => update::<R>(exchange, id, body).await,
        (&Method::DELETE, Some(id)) => delete::<R>(exchange, id).await,
        (_, None) => Err(Refusal::method_not_allowed("GET, POST")),
        (_, Some(_)) => Err(Refusal::method_not_allowed("GET, PUT, DELETE")),
    }
}

fn list<R: Resource>(exchange: &Exchange<'_>) -> Result<Response, Refusal> {
    let query = exchange.head.uri.query().unwrap_or_default();
    let page = Page::read(query, R::FILTERS, &exchange.world.defects)?;
    let filters: Vec<_> = R::FILTERS
        .iter()
        .filter_map(|filter| {
            Some((*filter, percent::field(query, filter).filter(|value| !value.is_empty())?))
        })
        .collect();
    let views = Views::of(exchange.world);
    let is_wanted = |row: &&Arc<R::Row>| {
        page.finds(R::name(row))
            && filters.iter().all(|(filter, value)| R::member(row, filter).as_ref() == Some(value))
    };
    let (rows, total) = page.of(R::rows(views.book()).iter().filter(is_wanted));
    let rows = rows.into_iter().map(|row| R::told(&views, row)).collect();
    Ok(json(StatusCode::OK, &page.told(R::MANY, rows, total)))
}

async fn create<R: Resource>(exchange: &Exchange<'_>, body: Body) -> Result<Response, Refusal> {
    let sent: R::Sent = forms::read(exchange, body).await?;
    let world = exchange.world;
    let edit = |draft: &mut Draft| {
        let form = R::form(draft.book(), None, sent)?;
        Ok(R::create(draft, form)?)
    };
    let row = change(world, edit).await?;
    Ok(told::<R>(exchange, Some("created"), &row))
}

fn show<R: Resource>(exchange: &Exchange<'_>, id: &str) -> Result<Response, Refusal> {
    let row = find::<R>(&exchange.world.governance.book(), id);
    let not_found = || Refusal::new(StatusCode::NOT_FOUND, format!("{} not found", R::TITLE));
    let row = row.ok_or_else(not_found)?;
    Ok(told::<R>(exchange, None, &row))
}

async fn update<R: Resource>(exchange: &Exchange<'_>, id: &str, body: Body) -> Result<Response, Refusal> {
    let sent: R::Sent = forms::read(exchange, body).await?;
    let world = exchange.world;
    let edit = |draft: &mut Draft| {
        let before = find::<R>(draft.book(), id);
        let form = R::form(draft.book(), before.as_deref(), sent)?;
        Ok(draft.updating(|draft| R::update(draft, id, form))?)
    };
    let row = change(world, edit).await?;
    Ok(told::<R>(exchange, Some("updated"), &row))
}

async fn delete<R: Resource>(exchange: &Exchange<'_>, id: &str) -> Result<Response, Refusal> {
    let world = exchange.world;
    change(world, |draft| Ok(draft.deleting(|draft| R::delete(draft, id))?)).await?;
    Ok(json(StatusCode::OK, &serde_json::json!({ "message": message::<R>("deleted") })))
}

fn find<R: Resource>(book: &Book, id: &str) -> Option<Arc<R::Row>> {
    // An id is told in one form only, and found in no other.
    let known = Uuid::try_parse(id).ok().filter(|known| known.to_string() == id)?;
    R::rows(book).get(known).cloned()
}

/// A row in its envelope, and what was done with it.
fn told<R: Resource>(exchange: &Exchange<'_>, done: Option<&str>, row: &R::Row) -> Response {
    let mut envelope = Map::new();
    if let Some(done) = done {
        envelope.insert("message".to_owned(), message::<R>(done).into());
    }
    envelope.insert(R::ONE.to_owned(), R::told(&Views::of(exchange.world), row));
    json(StatusCode::OK, &envelope)
}

fn message<R: Resource>(done: &str) -> String {
    format!("{} {done} successfully", R::TITLE)
}
