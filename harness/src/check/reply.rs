use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

/// A response, as checks see it.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Header names in lower case with their values, in order.
    pub headers: Vec<(String, String)>,
    /// The body; bytes that are not UTF-8 are replaced.
    pub text: Arc<str>,
    /// The body as JSON, where it is.
    pub json: Option<Arc<Value>>,
    /// Why only the beginning of the body is there; such a reply is judged as a stream of events or not at all.
    pub cut: Option<String>,
    /// From sending the request to the end of the first event, in a stream of events that has one.
    pub first_event: Option<Duration>,
}

impl Reply {
    /// A reply from its parts; the body is read as JSON whatever its content type says.
    pub fn new(status: u16, headers: Vec<(String, String)>, body: &[u8]) -> Self {
        let json = serde_json::from_slice(body).ok().map(Arc::new);
        let text = String::from_utf8_lossy(body).into();
        Self { status, headers, text, json, cut: None, first_event: None }
    }

    /// A value that is no response, so that checks can be decided on it.
    pub fn of_json(value: impl Into<Arc<Value>>) -> Self {
        let (text, json) = ("".into(), Some(value.into()));
        Self { status: 0, headers: Vec::new(), text, json, cut: None, first_event: None }
    }

    /// The replies of a burst as one, whose body is their list.
    pub fn of_replies(replies: Vec<Value>) -> Self {
        Self::of_json(Value::Array(replies))
    }

    /// Whether it says that it is a stream of events.
    pub fn is_event_stream(&self) -> bool {
        is_event_stream(&self.headers)
    }

    /// Whether the status is not that of a success.
    pub fn is_refusal(&self) -> bool {
        !(200..300).contains(&self.status)
    }

    /// The first value of a header, by lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// Whether a response with these headers says that it is a stream of events.
pub(crate) fn is_event_stream(headers: &[(String, String)]) -> bool {
    let media_type = header(headers, "content-type").and_then(|value| value.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("text/event-stream"))
}

fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}
