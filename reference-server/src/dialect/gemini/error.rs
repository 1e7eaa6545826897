//! Every way in which a request ends without success, in Google's model of errors.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::routes::Action;
use crate::dialect::common::read::{self, Mistake, Problem};
use crate::dialect::common::{BodyError, Unanswered, UnknownFault};
use crate::domain::authorization::Denial;
use crate::domain::call::CallError;
use crate::domain::idempotency::Repetition;
use crate::domain::inference::ProviderError;
use crate::domain::quota::Exceeded;

/// How it is told that a prompt is too long, before what is told of it besides.
const TOO_LONG: &str = "The input token count exceeds the maximum number of tokens allowed";

/// A refusal, or a failure.
#[derive(Debug)]
pub(in crate::dialect) enum Refusal {
    /// There is nothing at this path, or not for this method.
    NotFound,
    Denied(Denial),
    Exceeded(Exceeded),
    Body(BodyError),
    Mistake(Mistake),
    /// There is no such model, or it cannot do this.
    UnknownModel {
        /// The version of the API that was asked, as the path names it.
        version: String,
        model: String,
        action: Option<Action>,
    },
    /// It is not answered under its idempotency key.
    Repeated(Repetition),
    /// The provider does not take it.
    Rejected(String),
    /// The provider has not answered; how that came about is for the log.
    Unanswered {
        reason: Unanswered,
        exception: String,
    },
    /// Something broke; what exactly is for the log.
    Internal(String),
}

/// The body of an error.
#[derive(Debug, Serialize)]
pub(super) struct Envelope {
    error: Status,
}

/// What went wrong, as `google.rpc.Status` has it.
#[derive(Debug, Serialize)]
struct Status {
    code: u16,
    message: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Value>,
}

impl Envelope {
    fn of(code: StatusCode, status: &'static str, message: String, details: Vec<Value>) -> Self {
        Self { error: Status { code: code.as_u16(), message, status, details } }
    }
}

impl Refusal {
    /// What the log says of it, where something broke.
    pub(in crate::dialect) fn exception(&self) -> Option<&str> {
        match self {
            Self::Internal(exception) | Self::Unanswered { exception, .. } => Some(exception),
            _ => None,
        }
    }

    /// The body that tells it.
    pub(super) fn envelope(&self) -> Envelope {
        let status = self.status();
        Envelope::of(status, name(status), self.message(), self.details())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::UnknownModel { .. } => StatusCode::NOT_FOUND,
            Self::Denied(Denial::Missing | Denial::Malformed | Denial::OtherScheme | Denial::LacksScope) => {
                StatusCode::FORBIDDEN
            }
            Self::Exceeded(_) => StatusCode::TOO_MANY_REQUESTS,
            // The error model has no status for what cannot be processed.
            Self::Repeated(Repetition::UnderWay | Repetition::OfAnother | Repetition::Abandoned) => {
                StatusCode::CONFLICT
            }
            Self::Unanswered { reason, .. } => reason.status(),
            Self::Body(BodyError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyError::TooSlow) => StatusCode::GATEWAY_TIMEOUT,
            Self::Body(BodyError::Full) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Denied(Denial::Unknown | Denial::Inactive | Denial::Expired)
            | Self::Body(_)
            | Self::Mistake(_)
            | Self::Repeated(Repetition::NoKey)
            | Self::Rejected(_) => StatusCode::BAD_REQUEST,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(&self) -> String {
        match self {
            // How the provider calls the model is not shown.
            Self::NotFound | Self::Unanswered { reason: Unanswered::UnknownModel, .. } => {
                "Requested entity was not found.".to_owned()
            }
            Self::Denied(Denial::Missing | Denial::Malformed | Denial::OtherScheme) => {
                "Method doesn't allow unregistered callers (callers without established identity). Please use API Key \
                 or other form of API consumer identity to call this API."
                    .to_owned()
            }
            Self::Denied(Denial::Unknown | Denial::Inactive) => {
                "API key not valid. Please pass a valid API key.".to_owned()
            }
            Self::Denied(Denial::Expired) => "API key expired. Please renew the API key.".to_owned(),
            Self::Denied(Denial::LacksScope) => "The caller does not have permission".to_owned(),
            Self::Exceeded(exceeded) => {
                format!("You exceeded your current quota: the limit of {} per minute is reached.", exceeded.what)
            }
            Self::Body(BodyError::TooLarge) => "Request payload size exceeds the limit.".to_owned(),
            Self::Body(BodyError::TooSlow) => "The request payload did not arrive in time.".to_owned(),
            Self::Body(BodyError::Full) => "The model is overloaded. Please try again later.".to_owned(),
            Self::Body(BodyError::NotJson) => {
                "Invalid JSON payload received. The content type is not that of JSON.".to_owned()
            }
            Self::Body(BodyError::Unreadable) => "Invalid JSON payload received. It is not text.".to_owned(),
            Self::Body(BodyError::Syntax { problem, line, column }) => {
                format!("Invalid JSON payload received. {problem} at line {line}, column {column}.")
            }
            Self::Mistake(mistake) => words(mistake),
            Self::UnknownModel { version, model, action } => {
                let model = read::excerpt(model);
                let action = action.map_or("this method", Action::name);
                format!(
                    "models/{model} is not found for API version {version}, or is not supported for {action}. \
                     Call ListModels to see the list of available models and their supported methods."
                )
            }
            Self::Repeated(repetition) => repetition.to_string(),
            Self::Rejected(message) => message.clone(),
            Self::Internal(_) | Self::Unanswered { reason: Unanswered::Broken, .. } => {
                "An internal error has occurred. Please retry.".to_owned()
            }
            Self::Unanswered { reason, .. } => reason.words().to_owned(),
        }
    }

    fn details(&self) -> Vec<Value> {
        match self {
            Self::Denied(Denial::Unknown | Denial::Inactive | Denial::Expired) => vec![json!({
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": { "service": "generativelanguage.googleapis.com" },
            })],
            Self::Mistake(mistake) => vec![json!({
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{ "field": mistake.bracketed(), "description": words(mistake) }],
            })],
            _ => self.retry_after().into_iter().map(retry_info).collect(),
        }
    }

    /// Seconds after which to come back.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Exceeded(exceeded) => u64::try_from(exceeded.retry_after.as_millis().div_ceil(1_000)).ok(),
            Self::Unanswered { reason, .. } => reason.retry_after().map(u64::from),
            _ => None,
        }
    }
}

fn retry_info(seconds: u64) -> Value {
    json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s") })
}

/// A mistake as the service tells it.
fn words(mistake: &Mistake) -> String {
    let place = mistake.bracketed();
    match &mistake.problem {
        Problem::Unknown => {
            let (at, name) = place.rsplit_once('.').unwrap_or(("", &place));
            let at = if at.is_empty() { String::new() } else { format!(" at '{at}'") };
            format!(
                "Invalid JSON payload received. Unknown name \"{}\"{at}: Cannot find field.",
                read::excerpt(name)
            )
        }
        Problem::Missing => format!("* {place}: {place} is required"),
        Problem::Kind { expected, found } => {
            format!("Invalid value at '{place}': expected {expected}, found {found}")
        }
        Problem::Below { least, found } => format!("* {place}: {found} is below the minimum of {least}"),
        Problem::Above { most, found } => format!("* {place}: {found} is above the maximum of {most}"),
        Problem::NotOneOf { allowed, found } => {
            format!("Invalid value at '{place}': \"{found}\" is none of {}", allowed.join(", "))
        }
        Problem::Shorter { least: 1, .. } => format!("* {place}: {place} must not be empty"),
        Problem::Shorter { least, found } => format!("* {place}: {found} is fewer than {least}"),
        Problem::Longer { most, found } => format!("* {place}: {found} is more than {most}"),
        Problem::Other(words) if place.is_empty() => words.clone(),
        Problem::Other(words) => format!("* {place}: {words}"),
    }
}

/// The canonical name of a status.
fn name(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => "PERMISSION_DENIED",
        StatusCode::NOT_FOUND => "NOT_FOUND",
        StatusCode::CONFLICT => "ABORTED",
        StatusCode::TOO_MANY_REQUESTS => "RESOURCE_EXHAUSTED",
        StatusCode::INTERNAL_SERVER_ERROR => "INTERNAL",
        StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
        StatusCode::GATEWAY_TIMEOUT => "DEADLINE_EXCEEDED",
        _ => "INVALID_ARGUMENT",
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

impl From<Mistake> for Refusal {
    fn from(mistake: Mistake) -> Self {
        Self::Mistake(mistake)
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<Repetition> for Refusal {
    fn from(repetition: Repetition) -> Self {
        Self::Repeated(repetition)
    }
}

impl From<UnknownFault> for Refusal {
    fn from(fault: UnknownFault) -> Self {
        Self::Rejected(fault.to_string())
    }
}

impl From<ProviderError> for Refusal {
    fn from(error: ProviderError) -> Self {
        CallError::from(error).into()
    }
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        match Unanswered::of(error) {
            (Unanswered::Refused(message), _) => Self::Rejected(message),
            (Unanswered::TooLong(message), _) => Self::Rejected(format!("{TOO_LONG}: {message}")),
            (reason, exception) => Self::Unanswered { reason, exception: exception.unwrap_or_default() },
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = error_response(status, name(status), self.message(), self.details());
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A refusal of a dialect that stands in front of this one, in the words of this wire. What kind it is stands in its
/// details.
pub(crate) fn refused(
    status: StatusCode,
    kind: Option<&str>,
    message: &str,
    retry_after: Option<u32>,
) -> Response {
    let canonical = match status {
        StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
        StatusCode::PAYMENT_REQUIRED => "FAILED_PRECONDITION",
        status => name(status),
    };
    let reason = kind.map(|kind| {
        json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": kind.to_ascii_uppercase(),
            "domain": "bifrost",
        })
    });
    let details = reason.into_iter().chain(retry_after.map(|seconds| retry_info(seconds.into()))).collect();
    let mut response = error_response(status, canonical, message.to_owned(), details);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// The response that tells an error.
pub(in crate::dialect) fn error_response(
    code: StatusCode,
    status: &'static str,
    message: String,
    details: Vec<Value>,
) -> Response {
    let envelope = Envelope::of(code, status, message, details);
    let mut response = json_response(serde_json::to_vec(&envelope).unwrap_or_default());
    *response.status_mut() = code;
    response
}

/// A response with a JSON body.
pub(in crate::dialect) fn json_response(body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    let json = HeaderValue::from_static("application/json; charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::common::{SECRET, failures};

    #[test]
    fn an_error_tells_its_status_in_three_ways() {
        let refusal =
            Refusal::Mistake(Mistake::new(Problem::Unknown).in_member("foo").in_member("generationConfig"));
        let body = serde_json::to_value(refusal.envelope()).unwrap();
        assert_eq!(body["error"]["code"], 400);
        assert_eq!(body["error"]["status"], "INVALID_ARGUMENT");
        assert_eq!(
            body["error"]["message"],
            "Invalid JSON payload received. Unknown name \"foo\" at 'generationConfig': Cannot find field."
        );
        assert_eq!(body["error"]["details"][0]["fieldViolations"][0]["field"], "generationConfig.foo");
        assert_eq!(refusal.into_response().status(), 400);
    }

    #[test]
    fn what_broke_is_for_the_log_only() {
        let mut waits = Vec::new();
        for (error, status) in failures() {
            let refusal = Refusal::from(error);
            assert!(refusal.exception().unwrap().contains(SECRET));
            assert!(!serde_json::to_string(&refusal.envelope()).unwrap().contains(SECRET), "{refusal:?}");
            waits.extend(refusal.retry_after());
            assert_eq!(refusal.into_response().status(), status);
        }
        assert_eq!(waits, [7, 7]);
    }
}
