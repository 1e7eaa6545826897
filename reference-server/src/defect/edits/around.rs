//! Applies edits around a dialect.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde_json::Value;

use super::document::{edit, finds};
use super::events;
use super::file::{Edit, Edits};
use super::matching::document;

/// Answers a request, whose path below the dialect's root is `path`, as `serve` does, with edits made to the one and
/// the other. A body past `limit` is not edited.
pub(crate) async fn around<F: Future<Output = Response>>(
    edits: &[&'static Edits],
    request: Request,
    path: &str,
    limit: usize,
    serve: impl FnOnce(Request) -> F,
) -> Response {
    let (mut head, body) = request.into_parts();
    let mut edits: Vec<_> =
        edits.iter().filter(|edits| edits.on.iter().any(|route| route.matches(&head, path))).collect();
    if edits.is_empty() {
        return serve(Request::from_parts(head, body)).await;
    }
    let Ok(mut body) = to_bytes(body, limit).await else {
        return serve(Request::from_parts(head, Body::empty())).await;
    };
    let mut json: Option<Value> = serde_json::from_slice(&body).ok();
    let seen = document(&head, json.as_ref().unwrap_or(&Value::Null));
    edits.retain(|edits| edits.condition.as_ref().is_none_or(|condition| finds(&seen, condition)));
    let changes: Vec<_> = edits.iter().flat_map(|edits| &edits.request).collect();
    for change in &changes {
        header(&mut head.headers, change);
        if let Some(json) = &mut json {
            edit(json, change);
        }
    }
    if let Some(json) = json.filter(|_| !changes.is_empty()) {
        body = json.to_string().into();
        head.headers.insert(CONTENT_LENGTH, body.len().into());
    }
    answered(&edits, serve(Request::from_parts(head, body.into())).await).await
}

async fn answered(edits: &[&&'static Edits], response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let streamed = head.headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(STREAM));
    let status = head.status.as_u16();
    let touched = edits.iter().filter(|edits| edits.only.is_empty() || edits.only.contains(&status));
    let changes: Vec<_> =
        touched.flat_map(|edits| if streamed { &edits.stream } else { &edits.answer }).collect();
    if changes.is_empty() {
        return Response::from_parts(head, body);
    }
    // What breaks off stays what has come of it: nothing.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    head.headers.remove(CONTENT_LENGTH);
    for change in &changes {
        header(&mut head.headers, change);
        if let Edit::Status(status) = change {
            head.status = StatusCode::from_u16(*status).unwrap_or(head.status);
        }
    }
    let bytes: Bytes = if streamed {
        events::edited(&String::from_utf8_lossy(&bytes), changes.into_iter()).into()
    } else {
        whole(bytes, &changes)
    };
    Response::from_parts(head, bytes.into())
}

/// The media type of a stream.
const STREAM: &[u8] = b"text/event-stream";

fn whole(bytes: Bytes, changes: &[&Edit]) -> Bytes {
    if let Some(text) = changes.iter().find_map(|change| match change {
        Edit::Body(text) => Some(text),
        _ => None,
    }) {
        return text.clone().into();
    }
    let Ok(mut json) = serde_json::from_slice::<Value>(&bytes) else { return bytes };
    for change in changes {
        edit(&mut json, change);
    }
    json.to_string().into()
}

fn header(headers: &mut HeaderMap, change: &Edit) {
    let Edit::Header { name, value } = change else { return };
    let Ok(name) = HeaderName::try_from(name) else { return };
    match value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
        Some(value) => drop(headers.insert(name, value)),
        None => drop(headers.remove(name)),
    }
}
