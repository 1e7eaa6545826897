//! Says that the gateway ends, to whatever is still under way by then.

use tokio::sync::watch;

/// Whether the gateway ends. Clones of it say the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Closing(watch::Sender<bool>);

impl Closing {
    /// Says that it does.
    pub(crate) fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Whether it does.
    pub(crate) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once it does.
    pub(crate) async fn begun(&self) {
        // It cannot be gone while it is asked.
        let _ = self.0.subscribe().wait_for(|has_begun| *has_begun).await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_end_is_told_to_who_waits_for_it_and_to_who_asks_later() {
        let closing = Closing::default();
        let clone = closing.clone();
        let mut waiting = Box::pin(clone.begun());
        assert_eq!(((&mut waiting).now_or_never(), clone.has_begun()), (None, false));
        closing.begin();
        waiting.await;
        assert_eq!((clone.begun().now_or_never(), clone.has_begun()), (Some(()), true));
    }
}
