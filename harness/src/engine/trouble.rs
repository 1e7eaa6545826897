//! What went wrong with a connection, in words for people who do not know the HTTP library.

use std::error::Error;
use std::{io, iter};

/// How far an exchange had come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stretch {
    /// Nothing of the answer had to be there yet.
    Request,
    /// The head of the answer had come.
    Answer,
}

/// Why an exchange did not come to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The gateway closed the connection.
    Closed,
    /// The gateway reset the connection.
    Reset,
    /// The gateway sent something that is not HTTP.
    NotHttp(String),
    /// Something else, in the words of whoever noticed.
    Other(String),
}

impl Trouble {
    /// What is behind an error.
    pub(super) fn behind(error: &(dyn Error + 'static)) -> Self {
        if let Some(error) = chain(error).find_map(|cause| cause.downcast_ref::<io::Error>()) {
            use io::ErrorKind::{
                BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData, InvalidInput, UnexpectedEof,
            };
            return match error.kind() {
                BrokenPipe | UnexpectedEof => Self::Closed,
                ConnectionAborted | ConnectionReset => Self::Reset,
                InvalidData | InvalidInput => Self::NotHttp(error.to_string()),
                _ => Self::Other(error.to_string()),
            };
        }
        match chain(error).find_map(|cause| cause.downcast_ref::<hyper::Error>()) {
            Some(error) if error.is_incomplete_message() => Self::Closed,
            Some(error) if error.is_parse() => Self::NotHttp(error.to_string()),
            _ => Self::Other(root(error)),
        }
    }

    /// Whether the connection ended.
    pub(super) fn is_end(&self) -> bool {
        matches!(self, Self::Closed | Self::Reset)
    }

    /// What is said of it.
    pub(super) fn words(&self, stretch: Stretch) -> String {
        let when = match stretch {
            Stretch::Request => "before it answered",
            Stretch::Answer => "before its answer was whole",
        };
        match self {
            Self::Closed => format!("the gateway closed the connection {when}"),
            Self::Reset => format!("the gateway reset the connection {when}"),
            Self::NotHttp(detail) => format!("what the gateway sent is not HTTP: {detail}"),
            Self::Other(detail) => format!("the connection to the gateway failed {when}: {detail}"),
        }
    }
}

/// What is at the root of an error.
pub(super) fn root(error: &(dyn Error + 'static)) -> String {
    // What reqwest says of itself names the address, which may hold a secret.
    let told = chain(error).filter(|cause| !cause.is::<reqwest::Error>()).last();
    told.map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}

/// An error and what is behind it.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error of some library around another one.
    #[derive(Debug, thiserror::Error)]
    #[error("client error (SendRequest)")]
    struct Wrapped(#[source] io::Error);

    #[test]
    fn an_ended_connection_is_told_without_the_words_of_a_library() {
        for (kind, trouble, said) in [
            (
                io::ErrorKind::ConnectionReset,
                Trouble::Reset,
                "the gateway reset the connection before it answered",
            ),
            (
                io::ErrorKind::UnexpectedEof,
                Trouble::Closed,
                "the gateway closed the connection before it answered",
            ),
        ] {
            let found = Trouble::behind(&Wrapped(kind.into()));
            assert_eq!((found.words(Stretch::Request).as_str(), found.is_end()), (said, true));
            assert_eq!(found, trouble);
        }
        let within = Trouble::Closed.words(Stretch::Answer);
        assert_eq!(within, "the gateway closed the connection before its answer was whole");
    }

    #[test]
    fn what_has_no_words_of_its_own_is_told_as_it_is() {
        let odd = Wrapped(io::Error::other("no route"));
        let found = Trouble::behind(&odd);
        assert!(!found.is_end());
        assert_eq!(
            found.words(Stretch::Request),
            "the connection to the gateway failed before it answered: no route"
        );
        assert_eq!(root(&odd), "no route");
        let chunk = Wrapped(io::Error::new(io::ErrorKind::InvalidInput, "Invalid chunk size line"));
        let found = Trouble::behind(&chunk).words(Stretch::Answer);
        assert_eq!(found, "what the gateway sent is not HTTP: Invalid chunk size line");
    }
}
