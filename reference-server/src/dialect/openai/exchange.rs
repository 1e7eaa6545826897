//! One request at this dialect, and what its endpoints ask of it.

use std::iter::repeat_n;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use super::error::{Kind, Refusal};
use super::headers::{ORGANIZATION, span};
use crate::dialect::common::read::excerpt;
use crate::dialect::common::{self, Arrival, BodyError, Repeats, UnknownFault, body};
use crate::domain::admission;
use crate::domain::authorization::{Credential, Denial, Need};
use crate::domain::call::Call;
use crate::domain::catalog::{Model, ModelRefusal};
use crate::domain::ledger::Operation;
use crate::domain::quota::{Exceeded, Standing};
use crate::domain::scope::Scope;
use crate::intake::Share;
use crate::provider::Fault;

/// The name under which the catalog lists what is on offer here.
pub(super) const DIALECT: &str = "openai";

/// When to come back where large bodies have to wait, in seconds.
const COME_BACK: u32 = 1;
/// From so many characters on, the ends of a key are shown to whoever sent it.
const LONG_KEY: usize = 24;
/// Most characters of a key that are shown as stars.
const STARS: usize = 40;

const NO_KEY: &str = "You didn't provide an API key. You need to provide your API key in an Authorization header \
    using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if \
    you're accessing the API from your browser and are prompted for a username and password. You can obtain an \
    API key from https://platform.openai.com/account/api-keys.";
const NO_SCOPE: &str = "You have insufficient permissions for this operation. Missing scopes: model.request. Check \
    that you have the correct role in your organization (Reader, Writer, Owner) and project (Member, Owner), and \
    if you're using a restricted API key, that it has the necessary scopes.";
const NO_CHAT_MODEL: &str = "This is not a chat model and thus not supported in this endpoint.";
const NO_EMBEDDING_MODEL: &str = "You are not allowed to generate embeddings from this model";
const NOT_JSON: &str = "We could not parse the JSON body of your request. (HINT: This likely means you aren't using \
    your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If \
    you have trouble figuring out how to fix this, please contact us through our help center at help.openai.com.)";
const TOO_MUCH: &str = "This request asks for more than can be worked on at once. Ask for fewer answers or fewer log \
    probabilities, set a lower limit of tokens, or shorten the conversation.";

/// One request, with the words of this dialect for what goes wrong.
pub(super) struct Exchange<'a> {
    common: common::Exchange<'a>,
    /// Where the caller's key stands, once it is known.
    standing: OnceLock<Standing>,
}

impl<'a> Deref for Exchange<'a> {
    type Target = common::Exchange<'a>;

    fn deref(&self) -> &Self::Target {
        &self.common
    }
}

impl<'a> Exchange<'a> {
    /// Takes a request up and logs that it did.
    pub(super) fn start(arrival: &'a Arrival<'_>) -> Self {
        Self { common: common::Exchange::start(arrival, Some), standing: OnceLock::new() }
    }

    /// Finds out who calls.
    pub(super) fn authenticate(&self) -> Result<Call, Refusal> {
        let credential = credential(&self.head.headers);
        self.common.authenticate(credential).map_err(|denial| denied(denial, credential))
    }

    /// Counts the request against the limits of the caller's key.
    pub(super) fn admit(&self, call: &Call) -> Result<(), Refusal> {
        let (standing, admitted) = match admission::admit(call, self.world.clock.now()) {
            Ok(standing) => (standing, Ok(())),
            Err(exceeded) => (exceeded.standing, Err(rate_limited(&exceeded))),
        };
        // A request is counted once.
        let _ = self.standing.set(standing);
        admitted
    }

    /// Where the caller's key stands, once it is known.
    pub(super) fn standing(&self) -> Option<&Standing> {
        self.standing.get()
    }

    /// Whether the caller has a scope.
    pub(super) fn authorize(&self, call: &Call, scope: Scope) -> Result<(), Refusal> {
        self.common.authorize(call, Need::Scope(scope)).map_err(|denial| denied(denial, Credential::Missing))
    }

    /// The model to use.
    pub(super) fn model(&self, name: &str, operation: Operation) -> Result<&'a Arc<Model>, Refusal> {
        self.common.model(DIALECT, name, operation).map_err(|refusal| match refusal {
            ModelRefusal::Unknown => Refusal::not_found(format!(
                "The model `{}` does not exist or you do not have access to it.",
                excerpt(name)
            ))
            .coded("model_not_found"),
            ModelRefusal::Incapable => {
                let (status, message) = match operation {
                    Operation::Chat => (StatusCode::NOT_FOUND, NO_CHAT_MODEL),
                    Operation::Embedding => (StatusCode::FORBIDDEN, NO_EMBEDDING_MODEL),
                };
                Refusal::new(status, Kind::InvalidRequest, message).at("model")
            }
        })
    }

    /// The fault that the provider is to have, if any.
    pub(super) fn fault(&self) -> Result<Option<Fault>, Refusal> {
        self.common.fault().map_err(|UnknownFault(name)| {
            Refusal::invalid(format!("unknown fault {:?} in x-plumbline-fault", excerpt(&name)))
        })
    }

    /// Whether the request may come again, and its body.
    pub(super) async fn repeats(&self, body: Body) -> Result<(Repeats, Body), Refusal> {
        Repeats::read(self, body).await.map_err(|error| self.unread(&error))
    }

    /// The JSON of the body; an object without members where there is no body. Its share is to be held until the
    /// answer is sent.
    pub(super) async fn json(&self, body: Body) -> Result<(Value, Share), Refusal> {
        let (value, share) = body::json(self, body).await.map_err(|error| self.unread(&error))?;
        Ok((value.unwrap_or_else(|| Value::Object(Map::new())), share))
    }

    /// Makes room for answers of so many bytes. Who asks for more than there can be is told 400, as the service tells
    /// those whose numbers do not go together, and not 413: the body is small enough.
    pub(super) async fn make_room(&self, share: &mut Share, bytes: usize) -> Result<(), Refusal> {
        self.common.make_room(share, bytes).await.map_err(|error| match error {
            BodyError::TooLarge => Refusal::invalid(TOO_MUCH).coded("invalid_parameter_combination"),
            error => self.unread(&error),
        })
    }

    fn unread(&self, error: &BodyError) -> Refusal {
        let refused = |status, message: String| Refusal::new(status, Kind::InvalidRequest, message);
        match error {
            BodyError::TooLarge => refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("Maximum content size limit ({}) exceeded", self.intake.limit),
            )
            .coded("content_size_limit_exceeded"),
            BodyError::TooSlow => refused(
                StatusCode::REQUEST_TIMEOUT,
                "Timed out while the body of the request was being read.".to_owned(),
            ),
            BodyError::Full => Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                Kind::Server,
                "The server is currently overloaded with other requests. Please try again later.",
            )
            .after(Some(COME_BACK)),
            BodyError::NotJson => {
                let sent = self.head.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
                let sent = excerpt(&String::from_utf8_lossy(sent.unwrap_or_default()));
                refused(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    format!(
                        "Unsupported content type: '{sent}'. This API method only accepts 'application/json' \
                         requests, but you specified the header 'Content-Type: {sent}'. Please try again with a \
                         supported content type."
                    ),
                )
                .coded("unsupported_content_type")
            }
            BodyError::Unreadable | BodyError::Syntax { .. } => Refusal::invalid(NOT_JSON),
        }
    }
}

/// The key in the Authorization header.
fn credential(headers: &HeaderMap) -> Credential<'_> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Credential::Missing };
    let value = value.as_bytes();
    let Some(space) = value.iter().position(|byte| *byte == b' ') else { return Credential::Malformed };
    let (scheme, rest) = value.split_at(space);
    match rest.trim_ascii() {
        [] => Credential::Malformed,
        secret if scheme.eq_ignore_ascii_case(b"bearer") => Credential::Secret(secret),
        _ => Credential::OtherScheme,
    }
}

fn denied(denial: Denial, credential: Credential<'_>) -> Refusal {
    let unauthorized = |message| Refusal::new(StatusCode::UNAUTHORIZED, Kind::InvalidRequest, message);
    match (denial, credential) {
        (Denial::LacksScope, _) => {
            let refusal = Refusal::new(StatusCode::FORBIDDEN, Kind::InvalidRequest, NO_SCOPE);
            refusal.coded("insufficient_permissions")
        }
        (Denial::Unknown | Denial::Inactive | Denial::Expired, Credential::Secret(secret)) => {
            unauthorized(format!(
                "Incorrect API key provided: {}. You can find your API key at \
                 https://platform.openai.com/account/api-keys.",
                masked(secret)
            ))
            .coded("invalid_api_key")
        }
        _ => unauthorized(NO_KEY.to_owned()),
    }
}

/// So much of a key as its sender is shown.
fn masked(secret: &[u8]) -> String {
    let text = String::from_utf8_lossy(secret);
    let length = text.chars().count();
    let (head, tail) = if length < LONG_KEY { (length / 4, 0) } else { (8, 4) };
    let stars = repeat_n('*', (length - head - tail).min(STARS));
    text.chars().take(head).chain(stars).chain(text.chars().skip(length - tail)).collect()
}

fn rate_limited(exceeded: &Exceeded) -> Refusal {
    let (kind, allowance, unit) = match exceeded.what {
        "tokens" => (Kind::Tokens, exceeded.standing.tokens, "TPM"),
        _ => (Kind::Requests, exceeded.standing.requests, "RPM"),
    };
    let message = format!(
        "Rate limit reached in organization {ORGANIZATION} on {what} per min ({unit}): Limit {limit}, Used {used}, \
         Requested 1. Please try again in {wait}. Visit https://platform.openai.com/account/rate-limits to learn \
         more.",
        what = exceeded.what,
        limit = allowance.limit,
        used = allowance.limit.saturating_sub(allowance.remaining),
        wait = span(exceeded.retry_after),
    );
    let seconds = exceeded.retry_after.as_millis().div_ceil(1_000);
    Refusal::rate_limited(kind, message, Some(u32::try_from(seconds).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &'static str) -> (bool, Option<String>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
        match credential(&headers) {
            Credential::Secret(secret) => (true, Some(String::from_utf8(secret.to_vec()).unwrap())),
            Credential::OtherScheme => (true, None),
            Credential::Missing | Credential::Malformed => (false, None),
        }
    }

    #[test]
    fn only_a_bearer_has_a_key() {
        assert_eq!(read("Bearer sk-1"), (true, Some("sk-1".to_owned())));
        assert_eq!(read("bearer  sk-1 "), (true, Some("sk-1".to_owned())));
        assert_eq!(read("Basic c2s6"), (true, None));
        assert_eq!(read("Bearer "), (false, None));
        assert_eq!(read("sk-1"), (false, None));
        assert_eq!(credential(&HeaderMap::new()), Credential::Missing);
    }

    #[test]
    fn the_middle_of_a_key_is_not_shown() {
        assert_eq!(masked(b"sk-proj-0123456789abcdefghij"), "sk-proj-****************ghij");
        assert_eq!(masked(b"sk-nobody"), "sk*******");
        assert_eq!(masked(b"x"), "*");
        assert_eq!(masked(&[b'x'; 5_000]).len(), 8 + STARS + 4);
    }
}
