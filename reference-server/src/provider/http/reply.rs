use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt, try_unfold};
use reqwest::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};

use super::concealed::Concealed;
use super::gathered::gathered;
use super::{Failure, transport, unreadable};
use crate::aside::aside;
use crate::domain::inference::ProviderError;

/// Bytes of the longest answer that is read whole.
const LONGEST: usize = 64 * 1024 * 1024;
/// So many bytes are read of the body of a failure.
const LONGEST_FAILURE: usize = 64 * 1024;

/// A body as it comes. Whoever drops it ends the call.
pub(crate) type Chunks = BoxStream<'static, Result<Bytes, ProviderError>>;

/// What a provider answers: its head is there, its body is still to come. Whoever drops it ends the call.
pub(crate) struct Reply {
    pub(super) response: reqwest::Response,
    pub(super) concealed: Concealed,
    pub(super) idle: Duration,
    pub(super) total: Duration,
    /// When the call was begun.
    pub(super) begun: Instant,
}

impl Reply {
    /// The same answer if it is a success; else what `refused` makes of it, with nothing in it of credentials and
    /// addresses.
    pub(crate) async fn success(
        mut self,
        refused: impl FnOnce(&Failure) -> ProviderError,
    ) -> Result<Self, ProviderError> {
        if self.response.status().is_success() {
            return Ok(self);
        }
        let mut body = BytesMut::new();
        // A status means what it means even if the rest of the body never comes.
        while let Ok(Some(chunk)) = self.chunk().await {
            let room = LONGEST_FAILURE - body.len();
            body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            if body.len() == LONGEST_FAILURE {
                break;
            }
        }
        let failure = Failure {
            status: self.response.status(),
            headers: self.response.headers().clone(),
            body: body.freeze(),
        };
        Err(self.concealed.error(refused(&failure)))
    }

    /// The status.
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// A header, where it is there and text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The value that the body is, in JSON.
    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T, ProviderError> {
        let concealed = self.concealed.clone();
        let body = self.whole().await?;
        let read = aside(body.len(), || serde_json::from_slice(&body));
        read.map_err(|error| {
            unreadable::note(&body);
            concealed.error(ProviderError::Malformed(error.to_string()))
        })
    }

    /// The body as it comes, if it is of this media type.
    pub(super) fn chunks_of(self, media_type: &str) -> Result<Chunks, ProviderError> {
        let found = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = found.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(media_type) {
            let told = format!("the stream is not of the type {media_type}, but {found:?}");
            return Err(ProviderError::Malformed(told));
        }
        let next = |mut reply: Self| async move {
            let chunk = reply.chunk().await?;
            Ok::<_, ProviderError>(chunk.map(|chunk| (chunk, reply)))
        };
        Ok(gathered(try_unfold(self, next).boxed()))
    }

    async fn whole(mut self) -> Result<Bytes, ProviderError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if chunk.len() > LONGEST - body.len() {
                let told = format!("the answer is longer than {LONGEST} bytes");
                return Err(ProviderError::Malformed(told));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// The next piece of the body; nothing at its end.
    async fn chunk(&mut self) -> Result<Option<Bytes>, ProviderError> {
        let left = self.total.saturating_sub(self.begun.elapsed());
        match timeout(self.idle.min(left), self.response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| transport::broken_off(&error)),
            Err(_) if left <= self.idle => Err(transport::too_slow("the answer was not whole", self.total)),
            Err(_) => Err(transport::too_slow("nothing more of the answer came", self.idle)),
        }
    }
}
