//! The record of who has served a request.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// Who has served a request, and how many attempts it took. A request that no route was asked for has none.
#[derive(Debug, Default)]
pub(crate) struct Service {
    attempts: AtomicU32,
    /// Beside the leg of a governed call that it was.
    server: OnceLock<(Server, usize)>,
    /// The leg that has answered last.
    latest_leg: AtomicUsize,
}

/// Who has served a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    /// The provider's name in the configuration.
    pub(crate) provider: Arc<str>,
    /// What the provider calls the model.
    pub(crate) model: Arc<str>,
}

impl Service {
    /// Counts an attempt; which one it is, from 1.
    pub(super) fn count_attempt(&self) -> u32 {
        self.attempts.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    /// Notes who has answered, and at which leg of a governed call. Of several that answer parts of a request the first
    /// is told.
    pub(super) fn served_by(&self, server: &Server, leg: usize) {
        self.server.get_or_init(|| (server.clone(), leg));
        self.latest_leg.store(leg, Ordering::Relaxed);
    }

    /// How often a provider was asked.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// Who has answered, if anybody has.
    pub(crate) fn server(&self) -> Option<&Server> {
        self.server.get().map(|(server, _)| server)
    }

    /// At which leg of a governed call it was answered, or its first part; 0 for any other call, and where it was not.
    pub(crate) fn leg(&self) -> usize {
        self.server.get().map_or(0, |(_, leg)| *leg)
    }

    /// The same of the part that was answered last.
    pub(crate) fn latest_leg(&self) -> usize {
        self.latest_leg.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_and_the_first_to_answer_is_told() {
        let service = Service::default();
        assert_eq!((service.attempts(), service.server(), service.leg()), (0, None, 0));
        assert_eq!((service.count_attempt(), service.count_attempt()), (1, 2));
        let server = |provider: &str| Server { provider: provider.into(), model: "m".into() };
        service.served_by(&server("one"), 3);
        service.served_by(&server("two"), 4);
        assert_eq!((service.attempts(), service.server()), (2, Some(&server("one"))));
        assert_eq!((service.leg(), service.latest_leg()), (3, 4));
    }
}
