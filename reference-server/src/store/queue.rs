//! The way to the thread that owns the connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::Semaphore;

/// How many entries may wait before those who push wait too.
const ROOM: usize = 65_536;
/// For how many entries room is kept that are not there yet, or not taken, before others wait for it.
const KEPT: usize = 65_536;
/// So many entries are taken without lingering.
const FULL: usize = 8_192;
/// How long entries that nobody waits for may lie, so that a busy gateway wakes the thread a few hundred times
/// a second and not once a request.
const LINGER: Duration = Duration::from_millis(2);

/// A bounded queue from many tasks to one thread. Order is kept between all entries.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    room: Semaphore,
    /// What is left of the room that is kept.
    kept: Semaphore,
}

#[derive(Debug)]
struct State<T> {
    entries: Vec<T>,
    /// Whether somebody waits for one of them.
    urgent: bool,
    /// How many of them were counted against the room.
    counted: usize,
    /// How many of them had room kept for them.
    kept: usize,
    closed: bool,
}

/// Room that is kept for one entry. Where none comes it is given back.
#[derive(Debug)]
pub(super) struct KeptRoom<T> {
    queue: Arc<Queue<T>>,
    is_used: bool,
}

/// Which room an entry takes.
#[derive(Clone, Copy, Debug)]
enum Takes {
    Room,
    Kept,
    None,
}

/// The queue takes nothing more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed;

impl<T> Queue<T> {
    /// An empty, open queue.
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                entries: Vec::new(),
                urgent: false,
                counted: 0,
                kept: 0,
                closed: false,
            }),
            changed: Condvar::new(),
            room: Semaphore::new(ROOM),
            kept: Semaphore::new(KEPT),
        }
    }

    /// Adds an entry, after waiting for room. An urgent one is taken at once.
    pub(super) async fn push(&self, entry: T, urgent: bool) -> Result<(), Closed> {
        let permit = self.room.acquire().await.map_err(|_| Closed)?;
        permit.forget();
        self.put(entry, urgent, Takes::Room)
    }

    /// Keeps room, after waiting for it, for an entry that comes where nothing can wait.
    pub(super) async fn keep_room(self: &Arc<Self>) -> KeptRoom<T> {
        // A closed queue has all the room there is: what comes is told that it is closed.
        if let Ok(permit) = self.kept.acquire().await {
            permit.forget();
        }
        KeptRoom { queue: Arc::clone(self), is_used: false }
    }

    /// Adds an entry from a place that cannot wait. Only for what cannot come in floods.
    pub(super) fn push_now(&self, entry: T) -> Result<(), Closed> {
        self.put(entry, false, Takes::None)
    }

    fn put(&self, entry: T, urgent: bool, takes: Takes) -> Result<(), Closed> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Closed);
        }
        state.entries.push(entry);
        match takes {
            Takes::Room => state.counted += 1,
            Takes::Kept => state.kept += 1,
            Takes::None => {}
        }
        let wake = state.entries.len() == 1 || state.entries.len() == FULL || (urgent && !state.urgent);
        state.urgent |= urgent;
        drop(state);
        if wake {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Takes everything that is queued, waiting while there is nothing; nothing comes back once the queue is
    /// closed and empty.
    pub(super) fn take(&self) -> Option<Vec<T>> {
        let mut state = self.state.lock();
        let mut patience = None;
        while !state.closed && !state.urgent && state.entries.len() < FULL {
            if state.entries.is_empty() {
                self.changed.wait(&mut state);
                continue;
            }
            let deadline = *patience.get_or_insert_with(|| Instant::now() + LINGER);
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        if state.entries.is_empty() {
            return None;
        }
        let entries = std::mem::take(&mut state.entries);
        state.urgent = false;
        let (counted, kept) = (std::mem::take(&mut state.counted), std::mem::take(&mut state.kept));
        drop(state);
        self.room.add_permits(counted);
        self.kept.add_permits(kept);
        Some(entries)
    }

    /// Lets nothing more in. What is queued is still taken.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.room.close();
        self.kept.close();
        self.changed.notify_one();
    }
}

impl<T> KeptRoom<T> {
    /// Adds the entry. An urgent one is taken at once.
    pub(super) fn push(mut self, entry: T, urgent: bool) -> Result<(), Closed> {
        self.is_used = true;
        self.queue.put(entry, urgent, Takes::Kept)
    }
}

impl<T> Drop for KeptRoom<T> {
    fn drop(&mut self) {
        if !self.is_used {
            self.queue.kept.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::thread;

    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn entries_are_taken_together_and_in_order() {
        let queue = Queue::new();
        queue.push(1, false).await.unwrap();
        queue.push_now(2).unwrap();
        queue.push(3, true).await.unwrap();
        assert_eq!(queue.take(), Some(vec![1, 2, 3]));
    }

    #[tokio::test]
    async fn an_entry_that_nobody_waits_for_is_taken_after_a_moment() {
        let queue = Queue::new();
        queue.push("lazy", false).await.unwrap();
        assert_eq!(queue.take(), Some(vec!["lazy"]));
    }

    #[tokio::test]
    async fn an_urgent_entry_wakes_a_waiting_thread() {
        let queue = Arc::new(Queue::new());
        let taker = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.take()
        });
        queue.push("now", true).await.unwrap();
        assert_eq!(taker.join().unwrap(), Some(vec!["now"]));
    }

    #[tokio::test]
    async fn a_closed_queue_gives_out_the_rest_and_takes_nothing() {
        let queue = Queue::new();
        queue.push(1, false).await.unwrap();
        queue.close();
        assert_eq!(queue.push(2, false).await, Err(Closed));
        assert_eq!(queue.push_now(2), Err(Closed));
        assert_eq!(queue.take(), Some(vec![1]));
        assert_eq!(queue.take(), None);
    }

    #[tokio::test]
    async fn a_full_queue_makes_the_next_one_wait_until_there_is_room() {
        let queue = Queue::new();
        for entry in 0..ROOM {
            queue.push(entry, false).await.unwrap();
        }
        // A task that has done so much is made to pause by the runtime; the polls below shall not be.
        tokio::task::yield_now().await;
        assert!(futures::poll!(std::pin::pin!(queue.push(ROOM, false))).is_pending());
        assert_eq!(queue.take().map(|entries| entries.len()), Some(ROOM));
        assert!(futures::poll!(std::pin::pin!(queue.push(ROOM, false))).is_ready());
    }
    #[tokio::test]
    async fn room_is_kept_for_so_many_and_given_back_when_their_entry_is_taken_or_never_comes() {
        let queue = Arc::new(Queue::new());
        let mut kept = Vec::new();
        for _ in 0..KEPT {
            kept.push(queue.keep_room().await);
        }
        // A task that has done so much is made to pause by the runtime; the polls below shall not be.
        tokio::task::yield_now().await;
        assert!(poll!(pin!(queue.keep_room())).is_pending());
        kept.pop().unwrap().push("left", false).unwrap();
        assert!(poll!(pin!(queue.keep_room())).is_pending());
        assert_eq!(queue.take(), Some(vec!["left"]));
        assert!(poll!(pin!(queue.keep_room())).is_ready());
        let again = queue.keep_room().await;
        assert!(poll!(pin!(queue.keep_room())).is_pending());
        drop(again);
        assert!(poll!(pin!(queue.keep_room())).is_ready());
        // Whoever pushes in its turn does not wait for those who have room.
        assert!(poll!(pin!(queue.push("other", false))).is_ready());
        queue.close();
        assert_eq!(kept.pop().unwrap().push("late", false), Err(Closed));
    }
}
