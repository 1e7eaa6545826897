//! Ends the connection of a request whose body nobody read to its end, and says so in the response. Left to
//! itself the server would end it unannounced, while the client already sends the next request on it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};

/// A body up to this size in bytes comes with its head, and the server passes over it if it must.
const PASSED_OVER: u64 = 8 * 1024;

/// Whether a body was read to its end; nothing where none can be left over.
pub(crate) struct Unread(Option<Arc<AtomicBool>>);

struct Watched {
    body: Incoming,
    read: Arc<AtomicBool>,
}

/// Has a body tell how far it was read.
pub(crate) fn watch(body: Incoming) -> (Body, Unread) {
    if body.size_hint().exact().is_some_and(|size| size <= PASSED_OVER) {
        return (Body::new(body), Unread(None));
    }
    let read = Arc::new(AtomicBool::new(false));
    (Body::new(Watched { body, read: Arc::clone(&read) }), Unread(Some(read)))
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
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.read.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
