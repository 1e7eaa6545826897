//! Follows a call to its end, whichever it is, and notes it in the journal.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::asked::Asked;
use super::call::{Call, Outcome};
use super::recorder::Meaning;
use super::world::UpstreamWorld;

/// A call on its way. Dropped before its end, it was left by its client, unless the simulator itself comes to its end.
pub(super) struct Following {
    world: Arc<UpstreamWorld>,
    call: Call,
}

impl Following {
    /// Notes in a world that a call has come, of which no more is known than its head.
    pub(super) fn begin(world: &Arc<UpstreamWorld>, asked: Asked) -> Self {
        Self { call: world.journal.begin(asked), world: Arc::clone(world) }
    }

    /// What is asked, as far as it has come.
    pub(super) fn asked(&self) -> Arc<Asked> {
        Arc::clone(&self.call.asked)
    }

    /// Adds the body, or as much of it as came, to what is noted next.
    pub(super) fn reads(&mut self, body: Bytes) {
        self.call.asked = Arc::new(self.call.asked.with_body(body));
    }

    /// Notes what the call means, and the kind of the fault that it meets.
    pub(super) fn takes_up(&mut self, meaning: Meaning, fault: Option<&'static str>) {
        let progress = self.call.progress();
        progress.meaning = meaning;
        progress.fault = fault;
        progress.is_taken_up = true;
        self.world.journal.update(&self.call);
    }

    /// Notes the status, and what a provider says that refuses the request.
    pub(super) fn answered(&mut self, status: u16, refused: Option<String>) {
        let progress = self.call.progress();
        progress.status = Some(status);
        progress.refused = refused;
        self.world.journal.update(&self.call);
    }

    /// Notes the end, once.
    pub(super) fn end(&mut self, outcome: Outcome) {
        if !self.call.has_ended() {
            let ended_us = self.world.age_us();
            let progress = self.call.progress();
            progress.outcome = outcome;
            progress.ended_us = Some(ended_us);
            self.world.journal.update(&self.call);
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.end(if self.world.is_closing() { Outcome::Cut } else { Outcome::Left });
    }
}

/// An answer whose end is noted.
pub(super) struct FollowedBody {
    body: Body,
    following: Following,
}

impl FollowedBody {
    /// Follows an answer until it has been handed over, breaks off, or is dropped.
    pub(super) fn new(body: Body, mut following: Following) -> Self {
        if body.is_end_stream() {
            // Nobody asks for it.
            following.end(Outcome::Whole);
        }
        Self { body, following }
    }
}

impl HttpBody for FollowedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(context);
        match &frame {
            Poll::Ready(Some(Err(_))) => this.following.end(Outcome::Cut),
            // After a last frame nobody asks for the end.
            Poll::Ready(_) if this.body.is_end_stream() => this.following.end(Outcome::Whole),
            Poll::Ready(None) => this.following.end(Outcome::Whole),
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{StreamExt, stream};
    use http_body_util::BodyExt;

    use super::super::asked::testing::asked;
    use super::super::provider_kind::ProviderKind;
    use super::super::world::testing::world;
    use super::*;

    fn followed(body: Body) -> (Arc<UpstreamWorld>, FollowedBody) {
        let world = world();
        let following = Following::begin(&world, asked(ProviderKind::Openai, "/v1/models", ""));
        (world, FollowedBody::new(body, following))
    }

    fn pieces(count: usize) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> {
        stream::iter((0..count).map(|_| Ok(Bytes::from_static(b"x"))))
    }

    #[tokio::test]
    async fn an_answer_that_is_read_to_its_end_is_whole() {
        for body in [Body::from("all at once"), Body::empty(), Body::from_stream(pieces(3))] {
            let (world, followed) = followed(body);
            followed.collect().await.unwrap();
            assert_eq!(world.outcomes().await, [Outcome::Whole]);
        }
    }

    #[tokio::test]
    async fn the_last_frame_of_a_known_length_is_the_end() {
        let (world, mut followed) = followed(Body::from("all at once"));
        followed.frame().await.unwrap().unwrap();
        drop(followed);
        assert_eq!(world.outcomes().await, [Outcome::Whole]);
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_cut_and_one_that_is_dropped_is_left() {
        let broken = pieces(1).chain(stream::iter([Err(std::io::Error::other("gone"))]));
        let (world, cut) = followed(Body::from_stream(broken));
        assert!(cut.collect().await.is_err());
        assert_eq!(world.outcomes().await, [Outcome::Cut]);

        let endless = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(b"x")));
        let (world, mut left) = followed(Body::from_stream(endless));
        left.frame().await.unwrap().unwrap();
        assert_eq!(world.outcomes().await, [Outcome::Open]);
        drop(left);
        assert_eq!(world.outcomes().await, [Outcome::Left]);
    }

    #[tokio::test]
    async fn nobody_has_left_whom_the_simulator_leaves() {
        let endless = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(b"x")));
        let (world, dropped) = followed(Body::from_stream(endless));
        world.close();
        drop(dropped);
        assert_eq!(world.outcomes().await, [Outcome::Cut]);
    }
}
