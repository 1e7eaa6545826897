//! Takes the body of a call in, and keeps the beginning of one that is not taken in: it tells whose call it is.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::dialect::common::{BodyError, body};
use crate::intake::{Intake, Share};

/// So much of a body is kept that is not taken in, in bytes.
const BEGINNING: usize = 8 * 1024;

/// What came of a body.
pub(super) enum Upload {
    Whole(Bytes, Share),
    /// Its beginning: its sender has left.
    Part(Bytes),
    /// Its beginning, as far as it came: there is too much of it, or no room for it.
    Unread(Bytes, BodyError),
}

/// Takes a body in.
pub(super) async fn upload(body: Body, intake: &Intake) -> Upload {
    if usize::try_from(body.size_hint().lower()).is_ok_and(|declared| declared > intake.limit) {
        return Upload::Unread(beginning(body, intake).await, BodyError::TooLarge);
    }
    let seen = Arc::new(Mutex::new(Seen::default()));
    let watched = Watched { body, seen: Arc::clone(&seen) };
    let taken_in = body::collect(Body::new(watched), intake, true).await;
    let mut seen = seen.lock();
    match taken_in {
        Ok((bytes, _)) if seen.breaks_off => Upload::Part(bytes),
        Ok((bytes, share)) => Upload::Whole(bytes, share),
        Err(error) => Upload::Unread(seen.beginning.text(), error),
    }
}

/// The beginning of a body that nobody reads, as far as it comes.
async fn beginning(mut body: Body, intake: &Intake) -> Bytes {
    let mut beginning = Beginning::default();
    let end = Instant::now() + intake.pause;
    while beginning.0.len() < BEGINNING
        && let Ok(Some(Ok(frame))) = timeout_at(end, body.frame()).await
    {
        beginning.add(&frame);
    }
    beginning.text()
}

/// As much of a body as is kept in any case.
#[derive(Debug, Default)]
struct Beginning(BytesMut);

impl Beginning {
    fn add(&mut self, frame: &Frame<Bytes>) {
        let Some(data) = frame.data_ref() else { return };
        let room = BEGINNING.saturating_sub(self.0.len());
        self.0.extend_from_slice(data.get(..room).unwrap_or(data));
    }

    /// What there is. What is cut within a letter is no text.
    fn text(&mut self) -> Bytes {
        if let Err(error) = str::from_utf8(&self.0)
            && error.error_len().is_none()
        {
            self.0.truncate(error.valid_up_to());
        }
        self.0.split().freeze()
    }
}

/// What is seen of a body while it is taken in.
#[derive(Debug, Default)]
struct Seen {
    beginning: Beginning,
    breaks_off: bool,
}

/// A body that is looked at on its way.
struct Watched {
    body: Body,
    seen: Arc<Mutex<Seen>>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => this.seen.lock().beginning.add(frame),
            Some(Err(_)) => this.seen.lock().breaks_off = true,
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
