//! The way to the thread that owns the connection.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::Semaphore;

/// How many entries may wait before those who push wait too.
const ROOM: usize = 65_536;
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
}

#[derive(Debug)]
struct State<T> {
    entries: Vec<T>,
    /// Whether somebody waits for one of them.
    urgent: bool,
    /// How many of them were counted against the room.
    counted: usize,
    closed: bool,
}

/// The queue takes nothing more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed;

impl<T> Queue<T> {
    /// An empty, open queue.
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State { entries: Vec::new(), urgent: false, counted: 0, closed: false }),
            changed: Condvar::new(),
            room: Semaphore::new(ROOM),
        }
    }

    /// Adds an entry, after waiting for room. An urgent one is taken at once.
    pub(super) async fn push(&self, entry: T, urgent: bool) -> Result<(), Closed> {
        let permit = self.room.acquire().await.map_err(|_| Closed)?;
        permit.forget();
        self.put(entry, urgent, 1)
    }

    /// Adds an entry from a place that cannot wait. Only for what cannot come in floods.
    pub(super) fn push_now(&self, entry: T) -> Result<(), Closed> {
        self.put(entry, false, 0)
    }

    fn put(&self, entry: T, urgent: bool, counted: usize) -> Result<(), Closed> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Closed);
        }
        state.entries.push(entry);
        state.counted += counted;
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
        let counted = std::mem::take(&mut state.counted);
        drop(state);
        self.room.add_permits(counted);
        Some(entries)
    }

    /// Lets nothing more in. What is queued is still taken.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.room.close();
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

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
}
