//! How many jobs are worked on at once, and how many wait for their turn.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many jobs of a process are worked on at once.
const AT_ONCE: usize = 256;
/// So many more may wait.
const WAITING: usize = 10_000;

/// So many jobs wait that no further one is taken in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many jobs are waiting; come back later")]
pub(crate) struct Busy;

/// What lets the jobs of all worlds have their turn. Clones of it share their places.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    places: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
}

/// A place among the jobs that are taken in.
#[derive(Debug)]
pub(crate) struct Place {
    at_once: Arc<Semaphore>,
    permit: OwnedSemaphorePermit,
}

/// A job's turn to be worked on.
#[derive(Debug)]
pub(crate) struct Turn {
    /// There is always one: nobody closes what it comes from.
    _at_once: Option<OwnedSemaphorePermit>,
    _place: OwnedSemaphorePermit,
}

impl Default for Runner {
    fn default() -> Self {
        Self::of(AT_ONCE, WAITING)
    }
}

impl Runner {
    fn of(at_once: usize, waiting: usize) -> Self {
        let places = Arc::new(Semaphore::new(at_once + waiting));
        Self { places, at_once: Arc::new(Semaphore::new(at_once)) }
    }

    /// A place for a job.
    pub(crate) fn reserve(&self) -> Result<Place, Busy> {
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Busy)?;
        Ok(Place { at_once: Arc::clone(&self.at_once), permit })
    }
}

impl Place {
    /// Waits until it is this job's turn. Others have theirs once it is dropped.
    pub(crate) async fn turn(self) -> Turn {
        Turn { _at_once: self.at_once.acquire_owned().await.ok(), _place: self.permit }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn as_many_work_at_once_as_there_is_room_for_and_others_wait_or_are_refused() {
        let runner = Runner::of(1, 1);
        let first = runner.reserve().unwrap().turn().await;
        let mut second = Box::pin(runner.reserve().unwrap().turn());
        assert!((&mut second).now_or_never().is_none());
        assert_eq!(runner.reserve().err(), Some(Busy));
        drop(first);
        let second = second.now_or_never().unwrap();
        assert!(runner.reserve().is_ok());
        drop(second);
    }
}
