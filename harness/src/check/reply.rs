use std::sync::Arc;

use serde_json::Value;

/// A complete response, as checks see it.
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
}

impl Reply {
    /// A reply from its parts; the body is read as JSON whatever its content type says.
    pub fn new(status: u16, headers: Vec<(String, String)>, body: &[u8]) -> Self {
        let json = serde_json::from_slice(body).ok().map(Arc::new);
        Self { status, headers, text: String::from_utf8_lossy(body).into(), json }
    }

    /// The replies of a burst as one, whose body is their list.
    pub fn of_replies(replies: Vec<Value>) -> Self {
        Self { status: 0, headers: Vec::new(), text: "".into(), json: Some(Arc::new(replies.into())) }
    }

    /// Whether the status is not that of a success.
    pub fn is_refusal(&self) -> bool {
        !(200..300).contains(&self.status)
    }

    /// The first value of a header, by lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}
