use std::fmt::Write;

use reqwest::header::HeaderValue;

use super::percent_encoded;
use crate::provider::Fault;

/// The header in which a fault that somebody asked for is passed on. Only the simulator heeds it.
pub(super) const NAME: &str = "x-plumbline-fault";

/// The kind of a fault and what else is said of it: `rate-limited; status=429; retry-after=7; message=slow%20down`.
pub(super) fn value(fault: &Fault) -> Option<HeaderValue> {
    let Fault { kind, status, retry_after, message } = fault;
    let mut text = kind.name().to_owned();
    // Writing to a string cannot fail.
    if let Some(status) = status {
        let _ = write!(text, "; status={status}");
    }
    if let Some(seconds) = retry_after {
        let _ = write!(text, "; retry-after={seconds}");
    }
    if let Some(message) = message {
        let _ = write!(text, "; message={}", percent_encoded(message));
    }
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::FaultKind;

    #[test]
    fn a_fault_is_told_with_all_that_was_said_of_it() {
        assert_eq!(value(&FaultKind::Html.into()).unwrap(), "html");
        let fault = Fault {
            status: Some(429),
            retry_after: Some(7),
            message: Some("slow; down\nä".to_owned()),
            ..FaultKind::RateLimited.into()
        };
        let expected = "rate-limited; status=429; retry-after=7; message=slow%3B%20down%0A%C3%A4";
        assert_eq!(value(&fault).unwrap(), expected);
    }
}
