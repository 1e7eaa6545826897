//! A world's journal: what its providers were asked, and what became of each call.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::asked::Asked;
use super::call::{Call, Line};
use crate::domain::log_writer::LogWriter;

/// How many calls are kept.
const MOST_CALLS: usize = 10_000;
/// How much of calls is kept, in bytes. The newest call is kept however large it is.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The newest calls, in the order of arrival. All of them, once they have ended, also go to the file, where there is
/// one.
#[derive(Debug)]
pub(super) struct Journal {
    world: Arc<str>,
    calls: Mutex<Calls>,
    /// Tells that a call has been taken up, or that one has ended.
    changed: watch::Sender<()>,
    file: Option<Arc<LogWriter<Line>>>,
}

#[derive(Debug, Default)]
struct Calls {
    kept: VecDeque<Call>,
    bytes: usize,
    last: u64,
}

/// Which calls are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Only those with a greater number.
    pub(super) after: u64,
    /// Only those with this text in path, query, headers or body.
    pub(super) contains: Option<String>,
    /// At most so many, the oldest first.
    pub(super) limit: usize,
    /// Whether they are wanted as soon as they are taken up, though they have not ended.
    pub(super) even_open: bool,
}

impl Calls {
    fn forget_oldest(&mut self) -> Option<Call> {
        let forgotten = self.kept.pop_front()?;
        self.bytes -= forgotten.size();
        Some(forgotten)
    }

    /// Forgets the oldest until there is room for the others, and gives what is forgotten.
    fn make_room(&mut self) -> Vec<Call> {
        let mut forgotten = Vec::new();
        while self.is_too_much() {
            forgotten.extend(self.forget_oldest());
        }
        forgotten
    }

    fn is_too_much(&self) -> bool {
        self.kept.len() > MOST_CALLS || self.bytes > MOST_BYTES && self.kept.len() > 1
    }
}

impl Journal {
    /// An empty journal of a world.
    pub(super) fn new(world: Arc<str>, file: Option<Arc<LogWriter<Line>>>) -> Self {
        Self { world, calls: Mutex::default(), changed: watch::Sender::default(), file }
    }

    /// Notes that a call has come, and numbers it.
    pub(super) fn begin(&self, asked: Asked) -> Call {
        let (call, forgotten) = {
            let mut calls = self.calls.lock();
            calls.last += 1;
            let call = Call { number: calls.last, asked: Arc::new(asked), progress: Arc::default() };
            calls.bytes += call.size();
            calls.kept.push_back(call.clone());
            (call, calls.make_room())
        };
        // What they hold is given back outside the lock.
        drop(forgotten);
        call
    }

    /// Notes what has become of a call, unless it is forgotten by now.
    pub(super) fn update(&self, call: &Call) {
        let forgotten = {
            let mut calls = self.calls.lock();
            let mut before = None;
            if let Ok(place) = calls.kept.binary_search_by_key(&call.number, |kept| kept.number)
                && let Some(kept) = calls.kept.get_mut(place)
            {
                let replaced = std::mem::replace(kept, call.clone());
                calls.bytes = calls.bytes - replaced.size() + call.size();
                before = Some(replaced);
            }
            (before, calls.make_room())
        };
        drop(forgotten);
        if call.has_ended()
            && let Some(file) = &self.file
        {
            file.write(Line { world: Arc::clone(&self.world), call: call.clone() });
        }
        if call.progress.is_taken_up || call.has_ended() {
            self.changed.send_replace(());
        }
    }

    /// The calls that are wanted, and the number of the last call of all. Waits until there are some and they have
    /// come as far as is wanted, or until its time is over.
    pub(super) async fn calls(&self, wanted: &Wanted, patience: Duration) -> (Vec<Call>, u64) {
        let mut changes = self.changed.subscribe();
        let end = Instant::now() + patience;
        let is_settled = |call: &Call| call.has_ended() || wanted.even_open && call.progress.is_taken_up;
        loop {
            let (calls, last) = self.find(wanted);
            let are_settled = !calls.is_empty() && calls.iter().all(is_settled);
            if are_settled || timeout_at(end, changes.changed()).await.is_err() {
                return (calls, last);
            }
        }
    }

    /// The calls that are wanted, as they are now. Nothing is looked for under the lock.
    fn find(&self, wanted: &Wanted) -> (Vec<Call>, u64) {
        let most = if wanted.contains.is_some() { usize::MAX } else { wanted.limit };
        let (mut found, last): (Vec<_>, _) = {
            let calls = self.calls.lock();
            let start = calls.kept.partition_point(|call| call.number <= wanted.after);
            (calls.kept.range(start..).take(most).cloned().collect(), calls.last)
        };
        if let Some(text) = &wanted.contains {
            found.retain(|call| call.asked.contains(text));
            found.truncate(wanted.limit);
        }
        (found, last)
    }

    /// Forgets every call. Numbers go on where they were.
    pub(super) fn clear(&self) {
        let forgotten = {
            let mut calls = self.calls.lock();
            calls.bytes = 0;
            std::mem::take(&mut calls.kept)
        };
        drop(forgotten);
    }
}

#[cfg(test)]
mod tests {
    use super::super::asked::testing::asked;
    use super::super::call::Outcome;
    use super::super::provider_kind::ProviderKind;
    use super::super::recorder::Meaning;
    use super::*;

    fn journal() -> Journal {
        Journal::new("w".into(), None)
    }

    fn begin(journal: &Journal, body: &'static str) -> Call {
        journal.begin(asked(ProviderKind::Openai, "/v1/chat/completions", body))
    }

    fn end(journal: &Journal, mut call: Call, outcome: Outcome) {
        call.progress().outcome = outcome;
        journal.update(&call);
    }

    fn take_up(journal: &Journal, call: &mut Call) {
        call.progress().is_taken_up = true;
        journal.update(call);
    }

    fn all() -> Wanted {
        Wanted { limit: 100, even_open: true, ..Wanted::default() }
    }

    async fn numbers(journal: &Journal, wanted: &Wanted) -> Vec<u64> {
        journal.calls(wanted, Duration::ZERO).await.0.iter().map(|call| call.number).collect()
    }

    #[tokio::test]
    async fn calls_are_numbered_found_and_forgotten() {
        let journal = journal();
        for body in ["one", "two", "one again"] {
            begin(&journal, body);
        }
        assert_eq!(numbers(&journal, &all()).await, [1, 2, 3]);
        assert_eq!(numbers(&journal, &Wanted { after: 1, ..all() }).await, [2, 3]);
        assert_eq!(numbers(&journal, &Wanted { limit: 2, ..all() }).await, [1, 2]);
        let one = Wanted { contains: Some("one".to_owned()), ..all() };
        assert_eq!(numbers(&journal, &one).await, [1, 3]);
        journal.clear();
        assert_eq!(begin(&journal, "four").number, 4);
        assert_eq!(numbers(&journal, &all()).await, [4]);
    }

    #[tokio::test]
    async fn what_becomes_of_a_call_is_noted_even_when_others_are_forgotten() {
        let journal = journal();
        let (one, two) = (begin(&journal, "one"), begin(&journal, "two"));
        end(&journal, two, Outcome::Left);
        end(&journal, one.clone(), Outcome::Whole);
        let (calls, _) = journal.calls(&all(), Duration::ZERO).await;
        let outcomes: Vec<_> = calls.iter().map(|call| call.progress.outcome).collect();
        assert_eq!(outcomes, [Outcome::Whole, Outcome::Left]);
        journal.clear();
        end(&journal, one, Outcome::Cut);
        assert!(numbers(&journal, &all()).await.is_empty());
    }

    #[tokio::test]
    async fn whoever_waits_is_told_of_the_end_and_if_wanted_of_the_arrival() {
        let journal = Arc::new(journal());
        let wait = |wanted: Wanted| {
            let journal = Arc::clone(&journal);
            tokio::spawn(async move { journal.calls(&wanted, Duration::from_mins(1)).await.0 })
        };
        let arrival = wait(all());
        let ended = wait(Wanted { even_open: false, ..all() });
        tokio::task::yield_now().await;
        let mut call = begin(&journal, "one");
        tokio::task::yield_now().await;
        // Nobody knows yet what it asks for.
        assert!(!arrival.is_finished());
        take_up(&journal, &mut call);
        assert_eq!(arrival.await.unwrap()[0].progress.outcome, Outcome::Open);
        end(&journal, call, Outcome::Whole);
        assert_eq!(ended.await.unwrap()[0].progress.outcome, Outcome::Whole);
        let none = Wanted { after: 1, ..all() };
        assert!(journal.calls(&none, Duration::ZERO).await.0.is_empty());
    }

    #[test]
    fn the_oldest_calls_go_first() {
        let journal = journal();
        for _ in 0..MOST_CALLS + 2 {
            begin(&journal, "x");
        }
        let calls = journal.calls.lock();
        assert_eq!((calls.kept.len(), calls.kept[0].number), (MOST_CALLS, 3));
        let sizes: usize = calls.kept.iter().map(Call::size).sum();
        assert_eq!(calls.bytes, sizes);
    }

    #[test]
    fn what_is_noted_later_takes_room_too() {
        let journal = journal();
        let (mut one, mut two) = (begin(&journal, "one"), begin(&journal, "two"));
        for call in [&mut one, &mut two] {
            call.progress().meaning = Meaning::asking(&"x".repeat(MOST_BYTES / 2));
            journal.update(call);
        }
        let calls = journal.calls.lock();
        assert_eq!((calls.kept.len(), calls.kept[0].number), (1, 2));
        assert_eq!(calls.bytes, two.size());
    }

    #[test]
    fn the_largest_calls_push_out_the_others() {
        let journal = journal();
        let large: &'static str = Box::leak("x".repeat(MOST_BYTES / 2).into_boxed_str());
        for body in ["x", large, large] {
            begin(&journal, body);
        }
        assert_eq!(journal.calls.lock().kept.len(), 1);
    }
}
