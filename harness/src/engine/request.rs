use bytes::Bytes;
use url::Url;

use super::client::{NoReply, Outgoing, Sending, method};
use super::service::fill_headers;
use super::stage::{Key, Stage};
use crate::scenario::{Body, Call, Credential, Encoding, Raw, TemplateError, Templates, Variables};

/// The request of a step, with its templates filled in and its own key, or that of its role.
pub(super) fn outgoing(
    call: &Call,
    own: Option<&Key>,
    stage: &Stage,
    url: &Url,
    templates: &Templates,
) -> Result<Outgoing, NoReply> {
    let variables = &stage.variables;
    let path = call.path.text(templates, variables).map_err(unfilled)?;
    let mut headers = fill_headers(&call.headers, templates, variables).map_err(unfilled)?;
    authorize(&mut headers, call.role.as_deref(), own, stage)?;
    add_own(&mut headers, stage);
    if matches!(call.body, Body::Json(_)) && !has(&headers, "content-type") {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    Ok(Outgoing {
        method: method(&call.method)?,
        url: join(url, &stage.base_path, &path)?,
        headers,
        body: body(&call.body, variables, templates)?,
        sending: if call.chunked { Sending::Chunked } else { Sending::Counted },
        leaves: call.leaves,
    })
}

/// The bytes of a step, with its templates filled in.
pub(super) fn bytes(raw: &Raw, stage: &Stage, url: &Url, templates: &Templates) -> Result<Outgoing, NoReply> {
    let line = raw.request_line.text(templates, &stage.variables).map_err(unfilled)?;
    let mut headers = fill_headers(&raw.headers, templates, &stage.variables).map_err(unfilled)?;
    authorize(&mut headers, raw.role.as_deref(), None, stage)?;
    add_own(&mut headers, stage);
    if !has(&headers, "host") {
        headers.insert(0, ("host".to_owned(), host(url)));
    }
    let body = body(&raw.body, &stage.variables, templates)?;
    let (word, line) = below(url, &stage.base_path, &line);
    let mut bytes = line.into_bytes();
    for (name, value) in &headers {
        bytes.extend_from_slice(format!("\r\n{name}: {value}").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n\r\n");
    bytes.extend_from_slice(body.as_deref().unwrap_or_default());
    let sending = Sending::Raw { bytes: bytes.into(), half_close: raw.half_close };
    let url = join(url, &stage.base_path, "")?;
    Ok(Outgoing { method: word, url, headers, body, sending, leaves: false })
}

/// A request line whose path goes below the target's, and its method as far as it is one.
fn below(url: &Url, base_path: &str, line: &str) -> (reqwest::Method, String) {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let method = reqwest::Method::from_bytes(word.as_bytes()).unwrap_or(reqwest::Method::GET);
    if !rest.starts_with('/') {
        return (method, line.to_owned());
    }
    let (own, base) = (url.path().trim_end_matches('/'), base_path.trim_end_matches('/'));
    (method, format!("{word} {own}{base}{rest}"))
}

fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

/// Adds the credential of a role, or that of a request of its own, unless the step says itself what to send.
fn authorize(
    headers: &mut Vec<(String, String)>,
    role: Option<&str>,
    own: Option<&Key>,
    stage: &Stage,
) -> Result<(), NoReply> {
    let Credential { header, prefix } = &stage.credential;
    let Some(role) = role.filter(|_| !has(headers, header)) else { return Ok(()) };
    let key = own
        .or_else(|| stage.keys.get(role))
        .ok_or_else(|| NoReply::Unsendable(format!("there is no key for `{role}`")))?;
    headers.push((header.clone(), format!("{prefix}{}", key.secret.expose())));
    Ok(())
}

/// Adds the headers that every request carries, unless the step, or its role, says what to send.
fn add_own(headers: &mut Vec<(String, String)>, stage: &Stage) {
    for (name, value) in &stage.headers {
        if !has(headers, name) {
            headers.push((name.clone(), value.clone()));
        }
    }
}

fn body(body: &Body, variables: &Variables, templates: &Templates) -> Result<Option<Bytes>, NoReply> {
    Ok(match body {
        Body::Empty => None,
        Body::Json(shape) => Some(shape.fill(templates, variables).map_err(unfilled)?.to_string().into()),
        Body::Text(template, encoding) => {
            Some(encoded(template.text(templates, variables).map_err(unfilled)?, *encoding))
        }
    })
}

fn encoded(text: String, encoding: Encoding) -> Bytes {
    match encoding {
        Encoding::Utf8 => text.into(),
        Encoding::Latin1 => text.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect(),
        Encoding::Utf16 => {
            std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        }
    }
}

fn unfilled(TemplateError { message }: TemplateError) -> NoReply {
    NoReply::Unsendable(message)
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
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

    #[test]
    fn a_request_line_goes_below_the_target_unless_it_is_none() {
        let url = Url::parse("http://h:8080/api/").unwrap();
        let line = |line: &str| below(&url, "/~w/1", line).1;
        assert_eq!(line("POST /a?b HTTP/1.1"), "POST /api/~w/1/a?b HTTP/1.1");
        assert_eq!(line("GARBAGE"), "GARBAGE");
        assert_eq!(line("GET * HTTP/1.1"), "GET * HTTP/1.1");
        assert_eq!(host(&url), "h:8080");
    }

    #[test]
    fn a_text_has_the_bytes_of_its_encoding() {
        assert_eq!(encoded("é€".to_owned(), Encoding::Utf8), "é€".as_bytes());
        assert_eq!(encoded("aé€".to_owned(), Encoding::Latin1), [b'a', 0xE9, b'?'].as_slice());
        assert_eq!(encoded("é".to_owned(), Encoding::Utf16), [0xFF, 0xFE, 0xE9, 0].as_slice());
    }
}
