//! The control API of the simulator that plays the gateway's providers.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::client::{Client, NoReply, Outgoing, Sending, whole};
use super::request::join;
use super::service::{ServiceError, Services};
use crate::check::Reply;
use crate::target::{Secret, SimulatorPlace};

/// Time for an answer, besides what the simulator is asked to wait.
const TIME: Duration = Duration::from_secs(10);
/// The longest that one request has the simulator wait.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of an answer: a journal may hold many large requests.
const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// Most calls of one look; the simulator keeps no more.
const MOST_CALLS: u32 = 10_000;

/// A simulator that can be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Simulator<'s> {
    client: &'s Client,
    url: &'s Url,
    token: &'s Secret,
}

/// A world of the simulator, as it is made.
#[derive(Debug, Deserialize)]
pub(crate) struct MadeWorld {
    pub(crate) id: String,
    pub(crate) base_path: String,
}

/// Calls of a world.
#[derive(Debug, Deserialize)]
pub(crate) struct Journal {
    /// The calls that were asked for, in the order of their arrival.
    pub(crate) calls: Vec<Value>,
    /// The number of the last call of all, whether it was asked for or not.
    pub(crate) last: u64,
}

/// Which calls are looked at, and whether they are waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'w> {
    /// Those with a greater number.
    pub(crate) after: u64,
    /// Those that hold this text, where others come to the world too.
    pub(crate) mark: Option<&'w str>,
    /// What is waited for.
    pub(crate) until: Until,
}

/// What is waited for, and for how long at most.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// Nothing.
    Now,
    /// That there is such a call.
    Arrived(Duration),
    /// That there is such a call, and all of them have ended.
    Ended(Duration),
}

/// What has come of a gate.
#[derive(Debug, Deserialize)]
pub(crate) struct GateState {
    /// Whether an answer has met it.
    pub(crate) met: bool,
    /// How many pieces of text were sent.
    pub(crate) sent: u64,
    /// What the last of them says.
    pub(crate) text: Option<String>,
    outcome: String,
}

impl GateState {
    /// Whether the answer that met it has come to an end.
    pub(crate) fn is_over(&self) -> bool {
        self.outcome != "open"
    }

    /// Whether the provider broke it off.
    pub(crate) fn is_cut(&self) -> bool {
        self.outcome == "cut"
    }
}

/// What the simulator calls something that it has made.
#[derive(Deserialize)]
struct Made {
    id: u64,
}

impl<'s> Simulator<'s> {
    /// The simulator behind a target, where there is one that runs.
    pub(crate) fn of(services: Services<'s>) -> Option<Self> {
        let Services { client, target } = services;
        match &target.upstream.as_ref()?.simulator {
            SimulatorPlace::At { url, token } => Some(Self { client, url, token }),
            SimulatorPlace::Start(_) => None,
        }
    }

    /// Its address with a path behind it, without a slash at the end.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url.as_str().trim_end_matches('/'))
    }

    /// Makes a world.
    pub(crate) async fn make_world(&self) -> Result<MadeWorld, ServiceError> {
        self.ask(Method::POST, "/~control/worlds", None, Duration::ZERO).await
    }

    /// Takes a world down. Calls under way in it come to their end.
    pub(crate) async fn delete_world(&self, world: &str) -> Result<(), ServiceError> {
        self.tell(Method::DELETE, &format!("/~control/worlds/{world}"), None).await
    }

    /// Looks at calls.
    pub(crate) async fn journal(&self, world: &str, wanted: Wanted<'_>) -> Result<Journal, ServiceError> {
        let Wanted { after, mark, until } = wanted;
        let (moment, wait) = match until {
            Until::Now => ("arrived", Duration::ZERO),
            Until::Arrived(wait) => ("arrived", wait.min(PATIENCE)),
            Until::Ended(wait) => ("ended", wait.min(PATIENCE)),
        };
        let contains = mark.map_or_else(String::new, |mark| format!("&contains={mark}"));
        let wait_ms = wait.as_millis();
        let path = format!(
            "/~control/worlds/{world}/journal?after={after}&limit={MOST_CALLS}&until={moment}&wait_ms={wait_ms}{contains}"
        );
        self.ask(Method::GET, &path, None, wait).await
    }

    /// Arms a fault and gives its id.
    pub(crate) async fn arm(&self, world: &str, rule: &Value) -> Result<u64, ServiceError> {
        let path = format!("/~control/worlds/{world}/faults");
        let made: Made = self.ask(Method::POST, &path, Some(rule), Duration::ZERO).await?;
        Ok(made.id)
    }

    /// Takes a fault away.
    pub(crate) async fn disarm(&self, world: &str, fault: u64) -> Result<(), ServiceError> {
        self.tell(Method::DELETE, &format!("/~control/worlds/{world}/faults/{fault}"), None).await
    }

    /// Puts up a gate for the first streamed answer to a call with this text, and gives its id.
    pub(crate) async fn put_up_gate(&self, world: &str, mark: Option<&str>) -> Result<u64, ServiceError> {
        let filter = mark.map_or_else(|| json!({}), |mark| json!({ "contains": mark }));
        let path = format!("/~control/worlds/{world}/gates");
        let made: Made = self.ask(Method::POST, &path, Some(&filter), Duration::ZERO).await?;
        Ok(made.id)
    }

    /// Lets so many pieces of text through a gate.
    pub(crate) async fn release(&self, world: &str, gate: u64, through: u64) -> Result<(), ServiceError> {
        let path = format!("/~control/worlds/{world}/gates/{gate}/release");
        self.tell(Method::POST, &path, Some(&json!({ "through": through }))).await
    }

    /// What has come of a gate, once more pieces than so many were sent or the answer is over; as it is, where that takes
    /// too long or nothing is `awaited`.
    pub(crate) async fn gate(
        &self,
        world: &str,
        gate: u64,
        after: u64,
        awaited: bool,
    ) -> Result<GateState, ServiceError> {
        let wait = if awaited { PATIENCE } else { Duration::ZERO };
        let wait_ms = wait.as_millis();
        let path = format!("/~control/worlds/{world}/gates/{gate}?after={after}&wait_ms={wait_ms}");
        self.ask(Method::GET, &path, None, wait).await
    }

    /// Opens a gate for good.
    pub(crate) async fn open_gate(&self, world: &str, gate: u64) -> Result<(), ServiceError> {
        self.tell(Method::DELETE, &format!("/~control/worlds/{world}/gates/{gate}"), None).await
    }

    /// Makes a request whose answer says something.
    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        wait: Duration,
    ) -> Result<T, ServiceError> {
        let call = name(&method, path);
        let reply = self.request(method, path, body, wait).await?;
        serde_json::from_str(&reply.text).map_err(|error| {
            let message = format!("the answer is not that of a simulator: {error}");
            ServiceError::Unexpected { call, message }
        })
    }

    /// Makes a request that only has to succeed.
    async fn tell(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(), ServiceError> {
        self.request(method, path, body, Duration::ZERO).await.map(drop)
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        wait: Duration,
    ) -> Result<Reply, ServiceError> {
        let call = name(&method, path);
        let no_answer =
            |why: NoReply| ServiceError::NoAnswer { call: call.clone(), message: why.why().to_owned() };
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {}", self.token.expose()))];
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let url = join(self.url, "", path).map_err(no_answer)?;
        let body = body.map(|body| Bytes::from(body.to_string()));
        let outgoing = Outgoing { method, url, headers, body, sending: Sending::Counted, leaves: false };
        let send = || self.client.send(&outgoing, TIME + wait, MOST_BYTES);
        let reply = match send().await {
            // A kept connection may end just when it is used again.
            Err(NoReply::Closed(_)) if outgoing.method.is_idempotent() => send().await,
            reply => reply,
        };
        let reply = reply.and_then(whole).map_err(no_answer)?;
        if (200..300).contains(&reply.status) {
            return Ok(reply);
        }
        Err(ServiceError::Refused { call, status: reply.status, body: reply.text.to_string() })
    }
}

/// A request as errors name it, without its query.
fn name(method: &Method, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    format!("{method} {path} of the simulator")
}
