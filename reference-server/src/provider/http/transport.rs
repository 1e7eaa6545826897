//! What goes wrong between here and a provider, told without an address.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use crate::domain::inference::ProviderError;

/// Why there is no answer at all.
pub(super) fn no_answer(error: &reqwest::Error) -> ProviderError {
    let told = causes(error);
    match cause_in(error) {
        _ if error.is_connect() => ProviderError::Unreachable(told),
        Cause::Time => ProviderError::TimedOut(told),
        Cause::NotHttp => ProviderError::Malformed(told),
        Cause::Lost | Cause::Other => ProviderError::Unreachable(told),
    }
}

/// Why an answer that had begun did not come to its end.
pub(super) fn broken_off(error: &reqwest::Error) -> ProviderError {
    let told = format!("the answer broke off: {}", causes(error));
    match cause_in(error) {
        Cause::Time => ProviderError::TimedOut(told),
        Cause::Lost => ProviderError::Unreachable(told),
        Cause::NotHttp | Cause::Other => ProviderError::Malformed(told),
    }
}

/// That a provider took longer than it may.
pub(super) fn too_slow(what: &str, limit: Duration) -> ProviderError {
    ProviderError::TimedOut(format!("{what} within {limit:?}"))
}

/// That a stream ended without what marks its end.
pub(crate) fn cut_short() -> ProviderError {
    ProviderError::Malformed("the stream ended before its last event".to_owned())
}

/// What is behind an error, without the error itself, which tells the address.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = chain(error).skip(1).map(ToString::to_string).collect();
    texts.dedup();
    if texts.is_empty() { "the request failed".to_owned() } else { texts.join(": ") }
}

/// What kind of failure an error is at its root.
enum Cause {
    Time,
    /// The connection is gone.
    Lost,
    /// What came is no HTTP.
    NotHttp,
    Other,
}

fn cause_in(error: &reqwest::Error) -> Cause {
    for error in chain(error) {
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && error.is_parse()
        {
            return Cause::NotHttp;
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            match error.kind() {
                ErrorKind::TimedOut => return Cause::Time,
                ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset => {
                    return Cause::Lost;
                }
                _ => {}
            }
        }
    }
    if error.is_timeout() { Cause::Time } else { Cause::Other }
}

/// An error and what is behind it.
fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |&error| error.source())
}
