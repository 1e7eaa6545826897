//! Cross-origin requests: allowed from everywhere.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;

/// The answer to a browser's question before the request itself.
pub(super) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Response> {
    let origin = headers.get(header::ORIGIN)?;
    if *method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = Response::new(Body::from("OK"));
    let answer = response.headers_mut();
    let fixed = HeaderValue::from_static;
    answer.insert(header::CONTENT_TYPE, fixed("text/plain; charset=utf-8"));
    answer.insert(header::VARY, fixed("Origin"));
    answer
        .insert(header::ACCESS_CONTROL_ALLOW_METHODS, fixed("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"));
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, fixed("600"));
    answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, fixed("true"));
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    if let Some(wanted) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    Some(response)
}

/// Lets a browser show the response to the page that asked.
pub(super) fn allow(request: &HeaderMap, response: &mut Response) {
    if request.contains_key(header::ORIGIN) {
        let headers = response.headers_mut();
        // The answer to a preflight names the origin already.
        headers.entry(header::ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(HeaderValue::from_static("*"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}
