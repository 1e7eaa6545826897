use bytes::Bytes;
use url::Url;

use super::client::{NoReply, Outgoing, method};
use super::service::fill_headers;
use super::stage::Stage;
use crate::scenario::{Body, Call, TemplateError, Templates};

/// The request of a step, with its templates filled in.
pub(super) fn outgoing(
    call: &Call,
    stage: &Stage,
    url: &Url,
    templates: &Templates,
) -> Result<Outgoing, NoReply> {
    let unfilled = |error: TemplateError| NoReply::Unsendable(error.to_string());
    let variables = &stage.variables;
    let path = call.path.text(templates, variables).map_err(unfilled)?;
    let mut headers = fill_headers(&call.headers, templates, variables).map_err(unfilled)?;
    if let Some(role) = &call.role
        && !has(&headers, "authorization")
    {
        let key = stage
            .keys
            .get(role)
            .ok_or_else(|| NoReply::Unsendable(format!("there is no key for `{role}`")))?;
        headers.push(("authorization".to_owned(), format!("Bearer {}", key.secret.expose())));
    }
    let body = match &call.body {
        Body::Empty => None,
        Body::Json(shape) => {
            if !has(&headers, "content-type") {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            Some(Bytes::from(shape.fill(templates, variables).map_err(unfilled)?.to_string()))
        }
        Body::Text(template) => Some(Bytes::from(template.text(templates, variables).map_err(unfilled)?)),
    };
    Ok(Outgoing { method: method(&call.method)?, url: join(url, &stage.base_path, &path)?, headers, body })
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(other, _)| other == name)
}

/// An address with a path and query appended to its own path.
pub(super) fn join(url: &Url, base_path: &str, path: &str) -> Result<Url, NoReply> {
    let root = url.as_str().split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let whole = format!("{root}{}{path}", base_path.trim_end_matches('/'));
    Url::parse(&whole).map_err(|error| NoReply::Unsendable(format!("`{path}` is not a path: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_appended_and_not_resolved() {
        let join = |url: &str, base: &str, path: &str| {
            super::join(&Url::parse(url).unwrap(), base, path).unwrap().to_string()
        };
        assert_eq!(join("http://h", "", "/a?b=1"), "http://h/a?b=1");
        assert_eq!(join("http://h/api/", "/~w/1/", "/a"), "http://h/api/~w/1/a");
        assert_eq!(join("http://u:p@h:1/x?q", "", "/a"), "http://u:p@h:1/x/a");
    }
}
