//! Requests that are answered once, however often they are sent: the answers that were given under the keys that callers
//! chose for them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use uuid::Uuid;

use super::call::Call;
use super::clock::Moment;
use crate::defect::Defect;

/// How long an answer is remembered.
const LIFETIME: Duration = Duration::from_hours(24);
/// How many answers a world remembers; then the oldest are forgotten.
const MOST_ANSWERS: usize = 10_000;
/// How much of them, in bytes.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// The largest answer that is remembered, in bytes.
pub(crate) const LARGEST: usize = 8 * 1024 * 1024;

/// A digest of something that is the caller's, of any length.
pub(crate) type Digest = [u8; 32];

/// A request that may come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repeatable {
    /// Of the key under which its caller sends it.
    pub(crate) key: Digest,
    /// Of everything that makes it this request and no other.
    pub(crate) request: Digest,
}

/// Why a request is not answered under its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Repetition {
    /// It has a key that is none.
    #[error("the idempotency key must have 1 to 255 characters")]
    NoKey,
    /// The same request is under way.
    #[error("a request with this idempotency key is still being answered")]
    UnderWay,
    /// It was billed, and nobody stayed to hear the answer.
    #[error("the request with this idempotency key was left by its caller after it was billed")]
    Abandoned,
    /// Another request was sent under it.
    #[error("this idempotency key was already used for another request")]
    OfAnother,
}

/// A whole answer, as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) status: u16,
    /// The fields of its head.
    pub(crate) fields: Vec<(Box<str>, Box<[u8]>)>,
    pub(crate) body: Bytes,
}

/// What is to be done with a request.
pub(crate) enum Turn {
    /// It is new, and answered now.
    First(Claim),
    /// This was answered.
    Again(Arc<Kept>),
}

/// What one world remembers.
#[derive(Debug, Default)]
pub(crate) struct Idempotency(Mutex<Memory>);

/// The key of a caller's, and the one that it chose.
type Place = (Uuid, Digest);

#[derive(Debug, Default)]
struct Memory {
    /// By place, what is answered now.
    under_way: HashMap<Place, Digest>,
    answered: HashMap<Place, Answered>,
    /// The places of answers, in the order in which they are forgotten.
    oldest: VecDeque<(Moment, Place)>,
    /// What the answers take, in bytes.
    bytes: usize,
}

#[derive(Debug)]
struct Answered {
    request: Digest,
    past: Past,
}

/// What came of a request.
#[derive(Debug)]
enum Past {
    Told(Arc<Kept>),
    /// Its call was billed, and its caller left before it was told.
    Abandoned,
}

/// A request that is being answered. Dropped, it was abandoned: its key is free again, unless the call is billed.
pub(crate) struct Claim {
    call: Call,
    repeatable: Repeatable,
    is_over: bool,
}

impl Idempotency {
    /// Whose turn a call's request is.
    ///
    /// # Errors
    ///
    /// When its key is that of another request, or of this one and it is under way or was abandoned.
    pub(crate) fn take(call: &Call, repeatable: Repeatable) -> Result<Turn, Repetition> {
        let defects = &call.world.defects;
        if defects.has(Defect::IdempotencyIgnored) {
            return Ok(Turn::First(Claim::new(call, repeatable)));
        }
        let mut memory = call.world.idempotency.0.lock();
        memory.forget(call.world.clock.now());
        let place = place(call, repeatable);
        let of_another =
            |request: &Digest| *request != repeatable.request && !defects.has(Defect::ConflictOverlooked);
        if memory.under_way.get(&place).is_some_and(of_another)
            || memory.answered.get(&place).is_some_and(|answered| of_another(&answered.request))
        {
            return Err(Repetition::OfAnother);
        }
        if let Some(answered) = memory.answered.get(&place) {
            return match &answered.past {
                Past::Told(kept) => Ok(Turn::Again(Arc::clone(kept))),
                Past::Abandoned => Err(Repetition::Abandoned),
            };
        }
        if memory.under_way.insert(place, repeatable.request).is_some() {
            return Err(Repetition::UnderWay);
        }
        Ok(Turn::First(Claim::new(call, repeatable)))
    }
}

impl Claim {
    fn new(call: &Call, repeatable: Repeatable) -> Self {
        Self { call: call.clone(), repeatable, is_over: false }
    }

    /// Remembers the answer.
    pub(crate) fn answered(mut self, kept: Kept) {
        self.end(Some(Past::Told(Arc::new(kept))));
    }

    /// Frees the key again, with nothing to remember: the caller was told what came of the request.
    pub(crate) fn give_up(mut self) {
        self.end(None);
    }

    /// Ends the request, with what is remembered of it.
    fn end(&mut self, past: Option<Past>) {
        self.is_over = true;
        let (place, now) = (place(&self.call, self.repeatable), self.call.world.clock.now());
        let mut memory = self.call.world.idempotency.0.lock();
        memory.under_way.remove(&place);
        if let Some(past) = past {
            memory.keep(place, Answered { request: self.repeatable.request, past }, now);
        }
    }
}

/// Where a call's request is remembered: no key of its caller's means anything to another.
fn place(call: &Call, repeatable: Repeatable) -> Place {
    let owner = if call.world.defects.has(Defect::IdempotencyShared) { Uuid::nil() } else { call.key.id };
    (owner, repeatable.key)
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_over {
            let is_billed = self.call.context.is_billed.load(Ordering::Relaxed);
            self.end(is_billed.then_some(Past::Abandoned));
        }
    }
}

impl Memory {
    fn keep(&mut self, place: Place, answered: Answered, now: Moment) {
        self.bytes += answered.size();
        // Under a defect a place is answered more than once.
        if let Some(replaced) = self.answered.insert(place, answered) {
            self.bytes -= replaced.size();
            self.oldest.retain(|(_, other)| *other != place);
        }
        self.oldest.push_back((now.plus(LIFETIME), place));
        self.forget(now);
    }

    /// Forgets the answers whose time is over, and the oldest where there are too many.
    fn forget(&mut self, now: Moment) {
        while let Some((ends, place)) = self.oldest.front() {
            let are_too_many = self.oldest.len() > MOST_ANSWERS || self.bytes > MOST_BYTES;
            if *ends > now && !are_too_many {
                break;
            }
            if let Some(answered) = self.answered.remove(place) {
                self.bytes -= answered.size();
            }
            self.oldest.pop_front();
        }
    }
}

impl Answered {
    fn size(&self) -> usize {
        match &self.past {
            Past::Told(kept) => kept.size(),
            Past::Abandoned => 0,
        }
    }
}

impl Kept {
    fn size(&self) -> usize {
        let fields: usize = self.fields.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.body.len() + fields
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    fn asked(key: u8, request: u8) -> Repeatable {
        Repeatable { key: [key; 32], request: [request; 32] }
    }

    fn said(body: &'static str) -> Kept {
        let fields = vec![("x".into(), Box::from(*b"y"))];
        Kept { status: 200, fields, body: Bytes::from_static(body.as_bytes()) }
    }

    fn first(call: &Call, repeatable: Repeatable) -> Claim {
        match Idempotency::take(call, repeatable) {
            Ok(Turn::First(claim)) => claim,
            Ok(Turn::Again(kept)) => panic!("{kept:?}"),
            Err(error) => panic!("{error}"),
        }
    }

    /// What was answered before, or why nothing is told of it.
    fn again(call: &Call, repeatable: Repeatable) -> Result<Bytes, Repetition> {
        match Idempotency::take(call, repeatable)? {
            Turn::Again(kept) => Ok(kept.body.clone()),
            Turn::First(_) => panic!("it is new"),
        }
    }

    #[test]
    fn a_request_is_answered_once_and_its_key_is_no_other_requests() {
        let world = testing::world();
        let call = world.call("chat_only");
        let claim = first(&call, asked(1, 1));
        assert_eq!(again(&call, asked(1, 1)), Err(Repetition::UnderWay));
        assert_eq!(again(&call, asked(1, 2)), Err(Repetition::OfAnother));
        claim.answered(said("yes"));
        assert_eq!(again(&call, asked(1, 1)), Ok(Bytes::from("yes")));
        assert_eq!(again(&call, asked(1, 1)), Ok(Bytes::from("yes")));
        assert_eq!(again(&call, asked(1, 2)), Err(Repetition::OfAnother));
        // Another key, another caller and another world know nothing of it.
        for (call, repeatable) in [
            (call, asked(2, 1)),
            (world.call("all_scopes"), asked(1, 2)),
            (testing::world().call("chat_only"), asked(1, 2)),
        ] {
            drop(first(&call, repeatable));
        }
    }

    #[test]
    fn each_defect_takes_a_repeated_request_for_something_else() {
        /// What becomes of the same request, of another under its key, and of one of another caller's.
        fn told(defect: &str) -> [String; 3] {
            let world = testing::world();
            world.break_with(Some(defect));
            let (call, other) = (world.call("chat_only"), world.call("all_scopes"));
            first(&call, asked(1, 1)).answered(said("yes"));
            let turn = |call: &Call, request| match Idempotency::take(call, asked(1, request)) {
                Ok(Turn::First(_)) => "new".to_owned(),
                Ok(Turn::Again(_)) => "again".to_owned(),
                Err(error) => format!("{error:?}"),
            };
            [turn(&call, 1), turn(&call, 2), turn(&other, 1)]
        }
        for (defect, expected) in [
            ("empty-answer", ["again", "OfAnother", "new"]),
            ("idempotency-ignored", ["new", "new", "new"]),
            ("conflict-overlooked", ["again", "again", "new"]),
            ("idempotency-shared", ["again", "OfAnother", "again"]),
        ] {
            assert_eq!(told(defect), expected, "{defect}");
        }
    }

    #[test]
    fn a_key_is_free_again_where_nothing_was_answered_under_it() {
        let world = testing::world();
        let call = world.call("chat_only");
        drop(first(&call, asked(1, 1)));
        drop(first(&call, asked(1, 2)));
    }

    #[test]
    fn a_key_is_spent_where_a_caller_leaves_who_is_billed() {
        let world = testing::world();
        let call = world.call("chat_only");
        call.context.is_billed.store(true, Ordering::Relaxed);
        // What failed, and what is streamed, was told: it can be asked for again.
        first(&call, asked(1, 1)).give_up();
        drop(first(&call, asked(1, 1)));
        assert_eq!(again(&call, asked(1, 1)), Err(Repetition::Abandoned));
        assert_eq!(again(&call, asked(1, 2)), Err(Repetition::OfAnother));
        world.world.clock.advance(86_400_000_000);
        first(&call, asked(1, 1)).answered(said("yes"));
        assert_eq!(again(&call, asked(1, 1)), Ok(Bytes::from("yes")));
    }

    #[test]
    fn what_an_answer_replaces_takes_no_room() {
        let world = testing::world();
        world.break_with(Some("idempotency-ignored"));
        let call = world.call("chat_only");
        first(&call, asked(1, 1)).answered(said("a longer answer"));
        first(&call, asked(1, 1)).answered(said("yes"));
        let memory = world.world.idempotency.0.lock();
        assert_eq!((memory.bytes, memory.oldest.len()), (said("yes").size(), 1));
    }

    #[test]
    fn an_answer_is_remembered_for_a_day_of_the_world() {
        let world = testing::world();
        let call = world.call("chat_only");
        first(&call, asked(1, 1)).answered(said("yes"));
        world.world.clock.advance(86_399_000_000);
        assert_eq!(again(&call, asked(1, 1)), Ok(Bytes::from("yes")));
        world.world.clock.advance(1_000_000);
        drop(first(&call, asked(1, 2)));
        assert_eq!(world.world.idempotency.0.lock().bytes, 0);
    }

    #[test]
    fn the_oldest_answers_make_room() {
        let world = testing::world();
        let call = world.call("chat_only");
        let numbered = |number: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            Repeatable { key, request: [0; 32] }
        };
        let large = || Kept { body: Bytes::from(vec![0; LARGEST]), ..said("") };
        let fits = MOST_BYTES / large().size();
        for number in 0..=fits {
            first(&call, numbered(number)).answered(large());
        }
        drop(first(&call, numbered(0)));
        assert_eq!(again(&call, numbered(1)), Ok(large().body));
        for number in 100..=100 + MOST_ANSWERS {
            first(&call, numbered(number)).answered(said(""));
        }
        drop(first(&call, numbered(100)));
        assert!(again(&call, numbered(101)).is_ok());
        let memory = world.world.idempotency.0.lock();
        assert_eq!((memory.answered.len(), memory.oldest.len()), (MOST_ANSWERS, MOST_ANSWERS));
        assert!(memory.bytes < LARGEST);
    }
}
