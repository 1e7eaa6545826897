//! Passes over what nobody reads of a request's body, while the answer goes out: a client that sends all of it before it
//! reads would find the connection reset instead of the answer. After a long body the connection ends, and the answer
//! says so: left to itself the server might end it while the client already sends the next request on it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// A body up to this size in bytes is short: it comes with its head or right after it.
const SHORT: u64 = 8 * 1024;
/// How much of a body is passed over at most, in bytes.
const PASSED_OVER: usize = 256 * 1024 * 1024;
/// How long a body is passed over at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a body was read to its end; nothing where the connection goes on either way.
pub(crate) struct Unread(Option<Arc<AtomicBool>>);

struct Watched {
    /// Nothing once it is read to its end.
    body: Option<Incoming>,
    read: Option<Arc<AtomicBool>>,
    /// Whether its sender still waits to be told to go on.
    waits: bool,
}

/// Has a body tell how far it was read, and pass over the rest of itself when it is dropped.
pub(crate) fn watch(body: Incoming, headers: &HeaderMap) -> (Body, Unread) {
    if body.is_end_stream() {
        return (Body::empty(), Unread(None));
    }
    let expectation = headers.get(header::EXPECT).map(HeaderValue::as_bytes);
    let waits = expectation.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"));
    // Nobody knows whether a body that was announced so still comes, or the next request in its place.
    let is_short = !waits && body.size_hint().exact().is_some_and(|size| size <= SHORT);
    let read: Option<Arc<AtomicBool>> = (!is_short).then(Arc::default);
    (Body::new(Watched { body: Some(body), read: read.clone(), waits }), Unread(read))
}

impl Unread {
    /// Says that the connection ends, if it has to.
    pub(crate) fn close(self, response: &mut Response) {
        if self.0.is_some_and(|read| !read.load(Ordering::Relaxed)) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        // Whoever reads it has its sender go on.
        this.waits = false;
        let frame = Pin::new(&mut *body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || body.is_end_stream() {
            this.body = None;
            if let Some(read) = &this.read {
                read.store(true, Ordering::Relaxed);
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // Whoever waits has sent nothing, and reads the answer first.
        if let Some(rest) = self.body.take().filter(|_| !self.waits)
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(pass_over(rest));
        }
    }
}

/// Reads the rest of a body and keeps none of it. Where there is too much of it, or it is too slow, the connection ends.
async fn pass_over(mut body: Incoming) {
    let rest = async {
        let mut passed = 0;
        while let Some(Ok(frame)) = body.frame().await
            && passed <= PASSED_OVER
        {
            passed += frame.data_ref().map_or(0, Bytes::len);
        }
    };
    // Whether all of it came makes no difference.
    let _ = timeout(PATIENCE, rest).await;
}
