//! From the events of a wire to the parts of an answer, one by one.

use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use tokio::time::timeout;

use super::concealed::Concealed;
use super::{Chunks, Parts, Reply, cut_short, events};
use crate::domain::inference::ProviderError;
use crate::provider::{CompletionStream, StreamPart};

/// How long the end of a body is awaited of which the last event has come.
const LINGER: Duration = Duration::from_secs(1);

/// Reads the events of a wire, one stream of them.
pub(crate) trait Decoder<E>: Send + 'static {
    /// Adds to the parts what an event brings; nothing is read behind the one that finishes them.
    fn read(&mut self, event: E, parts: &mut Parts) -> Result<(), ProviderError>;

    /// Finishes the parts at the end of the body. A wire that marks its last event needs none: its stream was cut.
    fn end(&mut self, _parts: &mut Parts) -> Result<(), ProviderError> {
        Err(cut_short())
    }
}

impl Reply {
    /// The parts of so many answers in server-sent events, whose data the decoder reads. They are there when the first
    /// of them is: what goes wrong before is this error, and what goes wrong later the stream's last item.
    pub(crate) async fn into_parts(
        self,
        decoder: impl Decoder<String>,
        answers: u32,
    ) -> Result<CompletionStream, ProviderError> {
        self.into_parts_of(events::MEDIA_TYPE, events::events, decoder, answers).await
    }

    /// The same of a body of another type, of which `framed` makes events.
    pub(crate) async fn into_parts_of<E: Send + 'static>(
        self,
        media_type: &str,
        framed: impl FnOnce(Chunks) -> BoxStream<'static, Result<E, ProviderError>>,
        decoder: impl Decoder<E>,
        answers: u32,
    ) -> Result<CompletionStream, ProviderError> {
        let concealed = self.concealed.clone();
        let events = framed(self.chunks_of(media_type)?);
        let mut reading = Reading { events, decoder, parts: Parts::of(answers), concealed };
        let first = reading.next().await?;
        let rest = stream::unfold(Some(reading), |reading| async move {
            let mut reading = reading?;
            let part = reading.next().await;
            let left = match part {
                Ok(StreamPart::Finished { .. }) => {
                    reading.hear_out();
                    None
                }
                Ok(_) => Some(reading),
                Err(_) => None,
            };
            Some((part, left))
        });
        Ok(stream::iter([Ok(first)]).chain(rest).boxed())
    }
}

struct Reading<E, D> {
    events: BoxStream<'static, Result<E, ProviderError>>,
    decoder: D,
    parts: Parts,
    concealed: Concealed,
}

impl<E: Send + 'static, D: Decoder<E>> Reading<E, D> {
    async fn next(&mut self) -> Result<StreamPart, ProviderError> {
        loop {
            if let Some(part) = self.parts.take() {
                return Ok(part);
            }
            let read = match self.events.next().await {
                Some(event) => event.and_then(|event| self.decoder.read(event, &mut self.parts)),
                None => self.end(),
            };
            read.map_err(|error| self.concealed.error(error))?;
        }
    }

    fn end(&mut self) -> Result<(), ProviderError> {
        self.decoder.end(&mut self.parts)?;
        if self.parts.is_finished() { Ok(()) } else { Err(cut_short()) }
    }

    /// Reads what is behind the last event, which is nothing but the end: then the connection can be used again, and
    /// the provider sees its answer read.
    fn hear_out(self) {
        let Self { mut events, .. } = self;
        tokio::spawn(timeout(LINGER, async move { while let Some(Ok(_)) = events.next().await {} }));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// All parts that a decoder makes of these events, which are all that come.
    pub(crate) fn decoded<E>(
        mut decoder: impl Decoder<E>,
        events: impl IntoIterator<Item = E>,
        answers: u32,
    ) -> Result<Vec<StreamPart>, ProviderError> {
        let mut parts = Parts::of(answers);
        let mut events = events.into_iter();
        while !parts.is_finished() {
            match events.next() {
                Some(event) => decoder.read(event, &mut parts)?,
                None => {
                    decoder.end(&mut parts)?;
                    break;
                }
            }
        }
        Ok(std::iter::from_fn(|| parts.take()).collect())
    }
}
