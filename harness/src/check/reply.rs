use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Json;

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
    pub json: Option<Json>,
    /// How much of the body, and of its text, comes before the first byte that is not UTF-8. A character whose end is
    /// missing at the end of the body is none.
    pub not_utf8: Option<usize>,
    /// Why only the beginning of the body is there; such a reply is judged as a stream of events or not at all.
    pub cut: Option<Cut>,
    /// From sending the request to the end of the first event, in a stream of events that has one.
    pub first_event: Option<Duration>,
}

/// Why the rest of a body is not there, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The connection ended.
    Closed(String),
    /// It had not come when the time was up.
    Late(String),
    /// It cannot be read: it is not HTTP, or there is too much of it.
    Unread(String),
    /// Whoever asked went away, as was wanted.
    Left(String),
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Closed(why) | Self::Late(why) | Self::Unread(why) | Self::Left(why)) = self;
        f.write_str(why)
    }
}

impl Reply {
    /// A reply from its parts; the body is read as JSON whatever its content type says.
    pub fn new(status: u16, headers: Vec<(String, String)>, body: &[u8]) -> Self {
        let json = serde_json::from_slice::<Value>(body).ok().map(Json::from);
        let (text, not_utf8) = match std::str::from_utf8(body) {
            Ok(text) => (text.into(), None),
            Err(error) => {
                let before = error.error_len().map(|_| error.valid_up_to());
                (String::from_utf8_lossy(body).into(), before)
            }
        };
        Self { status, headers, text, json, not_utf8, cut: None, first_event: None }
    }

    /// A value that is no response, so that checks can be decided on it.
    pub fn of_json(value: impl Into<Json>) -> Self {
        Self { json: Some(value.into()), ..Self::new(0, Vec::new(), b"") }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf_8_are_replaced_and_noticed() {
        for (body, text, before) in [
            (&b"Gr\xc3\xbc\xc3\x9fe"[..], "Grüße", None),
            (b"Gr\xc3", "Gr\u{fffd}", None),
            (b"Gr\xc3 ", "Gr\u{fffd} ", Some(2)),
            (b"\xc3\xbc\xffa\xfe", "ü\u{fffd}a\u{fffd}", Some(2)),
            (b"\xfc", "\u{fffd}", Some(0)),
            (b"", "", None),
        ] {
            let reply = Reply::new(200, Vec::new(), body);
            assert_eq!((&*reply.text, reply.not_utf8), (text, before), "{body:?}");
        }
    }
}
