use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use thiserror::Error;

use super::client::{Client, NoReply, Outgoing, Sending, method, whole};
use super::request::join;
use crate::check::{Reply, shorten};
use crate::scenario::{Template, TemplateError, Templates, Variables};
use crate::target::{Secrets, ServiceCall, Target};

/// Time for a request that the runner makes on its own behalf.
const TIME: Duration = Duration::from_secs(10);

/// Why a request on the runner's own behalf came to nothing. What people read of it is what [`ServiceError::told`] says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ServiceError {
    /// A template in the descriptor cannot be filled in.
    #[error("{0}")]
    Template(#[from] TemplateError),
    /// There was no answer.
    #[error("{call}: {message}")]
    NoAnswer { call: String, message: String },
    /// The answer was not a success.
    #[error("{call} answered {status}")]
    Refused { call: String, status: u16, body: String },
    /// The answer does not hold what the descriptor says.
    #[error("{call}: {message}")]
    Unexpected { call: String, message: String },
    /// The target's providers are not played here.
    #[error("no simulator plays the target's providers")]
    NoSimulator,
    /// A fault would strike others' calls too.
    #[error("the simulator has others' calls too: a fault's `contains` must hold the nonce")]
    Unmarked,
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// It came to nothing, and what it had made by then could not be taken down.
    #[error("{why}{}{left}", LEFT)]
    Left { why: Box<Self>, left: Box<Self> },
}

/// Stands before what has kept from being taken down what was made.
pub(super) const LEFT: &str = "; and what was made is still there: ";

impl ServiceError {
    /// What went wrong, without credentials. They are taken out of an answer before it is shortened, and only here, where
    /// those are known that the answer itself has brought.
    pub(crate) fn told(&self, secrets: &Secrets) -> String {
        match self {
            Self::Refused { body, .. } => format!("{self}: {}", shorten(body, secrets)),
            Self::Left { why, left } => format!("{}{LEFT}{}", why.told(secrets), left.told(secrets)),
            _ => secrets.redact(&self.to_string()).into_owned(),
        }
    }
}

/// Makes the requests of a target's descriptor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Services<'s> {
    pub(crate) client: &'s Client,
    pub(crate) target: &'s Target,
}

impl Services<'_> {
    /// Makes a request that must succeed.
    pub(crate) async fn call(
        &self,
        call: &ServiceCall,
        variables: &Variables,
    ) -> Result<Reply, ServiceError> {
        let reply = self.attempt(call, variables, None).await?;
        if (200..300).contains(&reply.status) {
            return Ok(reply);
        }
        Err(ServiceError::Refused { call: name(call), status: reply.status, body: reply.text.to_string() })
    }

    /// Makes a request with a credential, whatever its answer.
    pub(crate) async fn call_as(
        &self,
        call: &ServiceCall,
        variables: &Variables,
        credential: &str,
    ) -> Result<Reply, ServiceError> {
        self.attempt(call, variables, Some(credential)).await
    }

    async fn attempt(
        &self,
        call: &ServiceCall,
        variables: &Variables,
        credential: Option<&str>,
    ) -> Result<Reply, ServiceError> {
        let templates = &self.target.templates;
        let no_answer =
            |why: NoReply| ServiceError::NoAnswer { call: name(call), message: why.why().to_owned() };
        let path = call.path.text(templates, variables)?;
        let url = join(&self.target.url, "", &path).map_err(no_answer)?;
        let mut headers = fill_headers(&call.headers, templates, variables)?;
        if let Some(credential) = credential {
            headers.push(("authorization".to_owned(), format!("Bearer {credential}")));
        }
        let body = match &call.json {
            None => None,
            Some(shape) => {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
                Some(Bytes::from(shape.fill(templates, variables)?.to_string()))
            }
        };
        let method = method(&call.method).map_err(no_answer)?;
        let outgoing = Outgoing { method, url, headers, body, sending: Sending::Counted, leaves: false };
        let send = || self.client.send(&outgoing, TIME, self.target.limits.response_bytes);
        let reply = match send().await {
            // A kept connection may end just when it is used again.
            Err(NoReply::Closed(_)) if outgoing.method.is_idempotent() => send().await,
            reply => reply,
        };
        reply.and_then(whole).map_err(no_answer)
    }

    /// The one text that a path finds in an answer.
    pub(crate) fn text(
        &self,
        call: &ServiceCall,
        reply: &Reply,
        path: &crate::scenario::Path,
        variables: &Variables,
    ) -> Result<Arc<str>, ServiceError> {
        let unexpected = |message: String| ServiceError::Unexpected { call: name(call), message };
        let compiled =
            path.fill(&self.target.templates, variables).map_err(|error| unexpected(error.to_string()))?;
        let json = reply.json.as_deref().ok_or_else(|| unexpected("the answer is not JSON".to_owned()))?;
        match compiled.find(json).as_slice() {
            [Value::String(text)] => Ok(text.as_str().into()),
            [Value::Number(number)] => Ok(number.to_string().into()),
            [_] => Err(unexpected(format!("{} is not a text", path.source()))),
            found => Err(unexpected(format!("{} finds {} values, not one", path.source(), found.len()))),
        }
    }
}

/// A call as errors name it: as it is written, so that no secret is in it.
pub(crate) fn name(call: &ServiceCall) -> String {
    format!("{} {}", call.method, call.path.source())
}

pub(super) fn fill_headers(
    headers: &[(String, Template)],
    templates: &Templates,
    variables: &Variables,
) -> Result<Vec<(String, String)>, TemplateError> {
    headers.iter().map(|(name, value)| Ok((name.clone(), value.text(templates, variables)?))).collect()
}
