//! What the log says: structured, and turned into JSON only when somebody reads it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::clock::Moment;
use super::ledger::Charge;
use super::routing::{Server, Service};

/// Bytes of the longest text that a line has of what went wrong: providers may say much.
const LONGEST: usize = 1024;

/// What is known of a request from its head, which every line of the request carries; and who has served it, once
/// somebody has.
#[derive(Debug)]
pub(crate) struct RequestContext {
    /// Made per request.
    pub(crate) id: Uuid,
    /// The id as the log shows it.
    pub(crate) logged_id: Option<Uuid>,
    pub(crate) method: Cow<'static, str>,
    pub(crate) path: Cow<'static, str>,
    pub(crate) query: Box<str>,
    pub(crate) client_ip: IpAddr,
    pub(crate) user_agent: Option<Box<str>>,
    /// The world, where it is not the default one.
    pub(crate) world: Option<Arc<str>>,
    /// Who has served it, which its answer tells.
    pub(crate) service: Service,
    /// Whether it is billed, or about to be, whatever becomes of its caller.
    pub(crate) is_billed: AtomicBool,
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum LogEvent {
    Started,
    Completed { status: u16, duration: Duration },
    Failed { duration: Duration, exception: Arc<str> },
    Billing(Box<Charge>),
    Attempt(Box<Attempt>),
}

impl LogEvent {
    /// A request that went wrong inside, and how.
    pub(crate) fn failed(duration: Duration, exception: &str) -> Self {
        Self::Failed { duration, exception: bounded(exception).into() }
    }
}

/// As much of a text as a line has.
pub(crate) fn bounded(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST)).unwrap_or(text)
}

/// A provider was asked.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// Which of the request's attempts, from 1.
    pub(crate) number: u32,
    pub(crate) server: Server,
    /// `answered`, or what kind of failure it was.
    pub(crate) outcome: &'static str,
    /// What went wrong, with the provider's own words. Neither credentials nor addresses stand in it.
    pub(crate) error: Option<Box<str>>,
    /// Until the answer, or the first part of a stream.
    pub(crate) duration: Duration,
}

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct LogLine {
    pub(crate) at: Moment,
    pub(crate) context: Arc<RequestContext>,
    pub(crate) event: LogEvent,
}

impl Serialize for LogLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(None)?;
        let mut level = "info";
        match &self.event {
            LogEvent::Started => line.serialize_entry("event", "Request started")?,
            LogEvent::Completed { status, duration } => {
                line.serialize_entry("status_code", status)?;
                line.serialize_entry("duration_ms", &milliseconds(*duration))?;
                line.serialize_entry("event", "Request completed")?;
            }
            LogEvent::Failed { duration, exception } => {
                level = "error";
                line.serialize_entry("duration_ms", &milliseconds(*duration))?;
                line.serialize_entry("exception", &**exception)?;
                line.serialize_entry("event", "Request failed")?;
            }
            LogEvent::Billing(charge) => {
                line.serialize_entry("model", &*charge.model)?;
                line.serialize_entry("input_tokens", &charge.input_tokens)?;
                line.serialize_entry("output_tokens", &charge.output_tokens)?;
                line.serialize_entry("cost", &charge.cost.to_string())?;
                line.serialize_entry("key_id", &charge.key_id)?;
                line.serialize_entry("manager_id", &*charge.manager_id)?;
                line.serialize_entry("event", "billing")?;
            }
            LogEvent::Attempt(attempt) => {
                line.serialize_entry("provider", &*attempt.server.provider)?;
                line.serialize_entry("model", &*attempt.server.model)?;
                line.serialize_entry("attempt", &attempt.number)?;
                line.serialize_entry("outcome", attempt.outcome)?;
                if let Some(error) = &attempt.error {
                    line.serialize_entry("provider_error", &**error)?;
                }
                line.serialize_entry("duration_ms", &milliseconds(attempt.duration))?;
                line.serialize_entry("event", "attempt")?;
            }
        }
        let context = &*self.context;
        line.serialize_entry("query_params", &QueryParams(&context.query))?;
        line.serialize_entry("client_ip", &context.client_ip)?;
        line.serialize_entry("method", &*context.method)?;
        line.serialize_entry("path", &*context.path)?;
        line.serialize_entry("user_agent", &context.user_agent.as_deref())?;
        if let Some(world) = &context.world {
            line.serialize_entry("world", &**world)?;
        }
        if let Some(id) = &context.logged_id {
            line.serialize_entry("request_id", id)?;
        }
        line.serialize_entry("timestamp", &self.at)?;
        line.serialize_entry("level", level)?;
        line.end()
    }
}

/// Milliseconds with two digits behind the point.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

/// The names of a query's parameters. No endpoint takes any, so what stands in one may be a stray secret.
struct QueryParams<'a>(&'a str);

impl Serialize for QueryParams<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.0.split('&').filter(|pair| !pair.is_empty());
        serializer.collect_map(names.map(|pair| (pair.split_once('=').map_or(pair, |(name, _)| name), "***")))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn context(query: &str) -> Arc<RequestContext> {
        let id = Uuid::from_u128(7);
        Arc::new(RequestContext {
            id,
            logged_id: Some(id),
            method: "GET".into(),
            path: "/health".into(),
            query: query.into(),
            client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: Some("curl/7.88.1".into()),
            world: None,
            service: Service::default(),
            is_billed: AtomicBool::default(),
        })
    }

    fn json(event: LogEvent, query: &str) -> String {
        let at = Moment::parse("2026-11-21T02:16:51.211505Z").unwrap();
        serde_json::to_string(&LogLine { at, context: context(query), event }).unwrap()
    }

    const CONTEXT: &str = "\"query_params\":{},\"client_ip\":\"127.0.0.1\",\"method\":\"GET\",\
        \"path\":\"/health\",\"user_agent\":\"curl/7.88.1\",\"request_id\":\"00000000-0000-0000-0000-000000000007\",\
        \"timestamp\":\"2026-11-21T02:16:51.211505Z\"";

    #[test]
    fn a_start_has_the_observed_members_in_the_observed_order() {
        assert_eq!(
            json(LogEvent::Started, ""),
            format!("{{\"event\":\"Request started\",{CONTEXT},\"level\":\"info\"}}")
        );
    }

    #[test]
    fn an_end_tells_status_and_duration() {
        let event = LogEvent::Completed { status: 200, duration: Duration::from_micros(43_961) };
        assert_eq!(
            json(event, ""),
            format!(
                "{{\"status_code\":200,\"duration_ms\":43.96,\"event\":\"Request completed\",{CONTEXT},\
                 \"level\":\"info\"}}"
            )
        );
    }

    #[test]
    fn a_failure_is_an_error_with_its_exception() {
        let text = json(LogEvent::failed(Duration::ZERO, "boom"), "");
        assert!(text.contains("\"exception\":\"boom\",\"event\":\"Request failed\""), "{text}");
        assert!(text.ends_with("\"level\":\"error\"}"), "{text}");
    }

    #[test]
    fn of_a_long_exception_the_beginning_is_told() {
        let LogEvent::Failed { exception, .. } = LogEvent::failed(Duration::ZERO, &"ä".repeat(LONGEST))
        else {
            panic!("no failure")
        };
        assert_eq!(&*exception, "ä".repeat(LONGEST / 2));
    }

    #[test]
    fn an_attempt_tells_whom_it_asked_and_what_came_of_it() {
        let attempt = Attempt {
            number: 2,
            server: Server { provider: "openai".into(), model: "gpt-4.1-mini".into() },
            outcome: "unavailable",
            error: Some("busy".into()),
            duration: Duration::from_micros(1_500),
        };
        let text = json(LogEvent::Attempt(Box::new(attempt)), "");
        let told = "{\"provider\":\"openai\",\"model\":\"gpt-4.1-mini\",\"attempt\":2,\
            \"outcome\":\"unavailable\",\"provider_error\":\"busy\",\"duration_ms\":1.5,\"event\":\"attempt\",";
        assert!(text.starts_with(told), "{text}");
        assert!(text.ends_with("\"level\":\"info\"}"), "{text}");
    }

    #[test]
    fn values_of_a_query_are_not_logged() {
        let text = json(LogEvent::Started, "api_key=sk-secret&flag");
        assert!(text.contains("\"query_params\":{\"api_key\":\"***\",\"flag\":\"***\"}"), "{text}");
    }
}
