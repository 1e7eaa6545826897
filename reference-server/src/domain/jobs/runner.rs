//! How many jobs are worked on at once, and how many wait for their turn.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many jobs of a process are worked on at once.
const AT_ONCE: usize = 256;
/// So many more may wait: hardly fewer than there is room for where they are small.
const WAITING: usize = 7_000;
/// What all of them may take together, in KiB: half of what there is for large bodies, so that jobs that wait leave the
/// other half to those who are answered at once.
const ROOM: u32 = 128 * 1024;
/// What each of them takes beside its body and its headers, in KiB: what it is going to do, and what finds its headers.
const EACH: u32 = 16;

/// So many jobs wait, or so large ones, that no further one is taken in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many jobs are waiting; come back later")]
pub(crate) struct Busy;

/// What lets the jobs of all worlds have their turn. Clones of it share their places.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    places: Arc<Semaphore>,
    /// One permit for each KiB.
    room: Arc<Semaphore>,
    /// How many of these there are.
    all_room: u32,
    at_once: Arc<Semaphore>,
}

/// A place among the jobs that are taken in.
#[derive(Debug)]
pub(crate) struct Place {
    at_once: Arc<Semaphore>,
    taken: Taken,
}

/// What a job takes from others until it is worked off.
#[derive(Debug)]
struct Taken {
    _place: OwnedSemaphorePermit,
    _room: OwnedSemaphorePermit,
}

/// A job's turn to be worked on.
#[derive(Debug)]
pub(crate) struct Turn {
    /// There is always one: nobody closes what it comes from.
    _at_once: Option<OwnedSemaphorePermit>,
    _taken: Taken,
}

impl Default for Runner {
    fn default() -> Self {
        Self::of(AT_ONCE, WAITING, ROOM)
    }
}

impl Runner {
    fn of(at_once: usize, waiting: usize, all_room: u32) -> Self {
        let [places, room, at_once] =
            [at_once + waiting, all_room as usize, at_once].map(|permits| Arc::new(Semaphore::new(permits)));
        Self { places, room, all_room, at_once }
    }

    /// A place for a job whose body and headers have so many bytes. One that is larger than all the room takes all of
    /// it.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<Place, Busy> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let kib = kib.saturating_add(EACH).min(self.all_room);
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Busy)?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(kib).map_err(|_| Busy)?;
        Ok(Place { at_once: Arc::clone(&self.at_once), taken: Taken { _place: place, _room: room } })
    }
}

impl Place {
    /// Waits until it is this job's turn. Others have theirs once it is dropped.
    pub(crate) async fn turn(self) -> Turn {
        Turn { _at_once: self.at_once.acquire_owned().await.ok(), _taken: self.taken }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn as_many_work_at_once_as_there_is_room_for_and_others_wait_or_are_refused() {
        let runner = Runner::of(1, 1, 9 * EACH);
        let first = runner.reserve(1).unwrap().turn().await;
        let mut second = Box::pin(runner.reserve(1).unwrap().turn());
        assert!((&mut second).now_or_never().is_none());
        assert_eq!(runner.reserve(1).err(), Some(Busy));
        drop(first);
        let second = second.now_or_never().unwrap();
        assert!(runner.reserve(1).is_ok());
        drop(second);
    }

    #[tokio::test]
    async fn jobs_wait_only_where_there_is_room_for_what_they_hold() {
        let runner = Runner::of(9, 9, 4 + 3 * EACH);
        let (two, one) = (runner.reserve(2 * 1024).unwrap(), runner.reserve(1).unwrap());
        assert_eq!(runner.reserve(1025).err(), Some(Busy));
        // It is taken until the job is worked off, and not only until its turn.
        let two = two.turn().await;
        assert_eq!(runner.reserve(1025).err(), Some(Busy));
        drop(two);
        assert!(runner.reserve(1025).is_ok());
        drop(one);
        let all = runner.reserve(usize::MAX).unwrap();
        assert_eq!(runner.reserve(1).err(), Some(Busy));
        drop(all);
        // A refused one holds nothing.
        assert!(runner.reserve(4 * 1024).is_ok());
    }

    #[tokio::test]
    async fn also_a_job_of_next_to_nothing_takes_room() {
        let runner = Runner::of(9, 9, 2 * EACH);
        let both = [runner.reserve(0).unwrap(), runner.reserve(0).unwrap()];
        assert_eq!(runner.reserve(0).err(), Some(Busy));
        drop(both);
        assert!(runner.reserve(EACH as usize * 1024).is_ok());
    }
}
