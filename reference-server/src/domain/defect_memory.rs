//! What defects remember from call to call. While none is on, nothing gets in here and nobody asks.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use uuid::Uuid;

use super::inference::{Completion, CompletionRequest};

/// How many answers are remembered; then all are forgotten, so that a broken world does not grow for ever.
const MOST_ANSWERS: usize = 1_000;
/// The longest answer that is remembered, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

/// One world's memory.
#[derive(Debug, Default)]
pub(crate) struct DefectMemory {
    memory: Mutex<Memory>,
    /// How many calls are under way.
    crowd: AtomicUsize,
}

#[derive(Debug, Default)]
struct Memory {
    answers: HashMap<RequestDigest, Completion>,
    /// Of the calls that are under way together, the answer that nobody has got yet, and the key that does not get it.
    left_over: Option<(Completion, Option<Uuid>)>,
    last_number: u64,
}

/// One of the calls that are under way, for as long as it is held.
pub(crate) struct InCrowd<'m> {
    memory: &'m DefectMemory,
    /// Its key, where those of one key get no other's answer of the same.
    spared: Option<Uuid>,
}

/// What two requests of one key that are the same have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RequestDigest(u64);

impl RequestDigest {
    /// The digest of a key's request to a model.
    pub(crate) fn of(key: Uuid, model: &str, request: &CompletionRequest) -> Self {
        let mut hasher = DefaultHasher::new();
        // Not all of it can be hashed; what is written of it can.
        (key, model, format!("{request:?}")).hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl DefectMemory {
    /// The answer to an earlier request that was the same.
    pub(crate) fn answer(&self, request: RequestDigest) -> Option<Completion> {
        self.memory.lock().answers.get(&request).cloned()
    }

    /// Remembers an answer that is not too long for it.
    pub(crate) fn keep(&self, request: RequestDigest, answer: Completion) {
        if answer.answer.text.len() > LONGEST_ANSWER {
            return;
        }
        let mut memory = self.memory.lock();
        if memory.answers.len() >= MOST_ANSWERS {
            memory.answers.clear();
        }
        memory.answers.insert(request, answer);
    }

    /// Begins again, for other defects.
    pub(crate) fn forget_answers(&self) {
        self.memory.lock().answers.clear();
    }

    /// Counts a call that is under way, whose answer goes to none of the key that is spared.
    pub(crate) fn join(&self, spared: Option<Uuid>) -> InCrowd<'_> {
        self.crowd.fetch_add(1, Ordering::Relaxed);
        InCrowd { memory: self, spared }
    }

    /// A number that it has not given before.
    pub(crate) fn fresh_number(&self) -> u64 {
        let mut memory = self.memory.lock();
        memory.last_number += 1;
        memory.last_number
    }
}

impl InCrowd<'_> {
    /// The answer that another has left over, in whose place this one is. Who is alone gets its own.
    pub(crate) fn swap(&self, own: Completion) -> Completion {
        if self.memory.crowd.load(Ordering::Relaxed) < 2 {
            return own;
        }
        let mut memory = self.memory.memory.lock();
        let left_over = &mut memory.left_over;
        match left_over.take() {
            // There is none of another key to be had.
            Some(kept) if self.spared.is_some() && kept.1 == self.spared => {
                *left_over = Some(kept);
                own
            }
            other => {
                *left_over = Some((own.clone(), self.spared));
                other.map_or(own, |(answer, _)| answer)
            }
        }
    }
}

impl Drop for InCrowd<'_> {
    fn drop(&mut self) {
        if self.memory.crowd.fetch_sub(1, Ordering::Relaxed) == 1 {
            // Who comes later was not under way together with these.
            self.memory.memory.lock().left_over = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Number;

    use super::super::inference::{Answer, Message, Part, Role, Usage};
    use super::*;

    fn request(text: &str, temperature: Option<f64>) -> CompletionRequest {
        let messages = vec![Message::new(Role::User, vec![Part::Text(text.to_owned())])];
        let temperature = temperature.and_then(Number::from_f64);
        CompletionRequest { messages, temperature, ..CompletionRequest::default() }
    }

    fn said(text: &str) -> Completion {
        Completion { answer: Answer::of_text(text), more: Vec::new(), usage: Usage::default() }
    }

    /// What a call gets that was answered with this.
    fn text(call: &InCrowd<'_>, own: &str) -> String {
        call.swap(said(own)).answer.text
    }

    #[test]
    fn only_the_same_request_of_the_same_key_has_the_same_digest() {
        let key = Uuid::from_u128(1);
        let digest = RequestDigest::of(key, "m", &request("Hi", Some(0.5)));
        assert_eq!(digest, RequestDigest::of(key, "m", &request("Hi", Some(0.5))));
        for other in [
            RequestDigest::of(Uuid::from_u128(2), "m", &request("Hi", Some(0.5))),
            RequestDigest::of(key, "n", &request("Hi", Some(0.5))),
            RequestDigest::of(key, "m", &request("Ho", Some(0.5))),
            RequestDigest::of(key, "m", &request("Hi", Some(0.25))),
        ] {
            assert_ne!(digest, other);
        }
    }

    #[test]
    fn answers_are_remembered_up_to_a_bound() {
        let memory = DefectMemory::default();
        let answer = said("Yes.");
        for number in 0..MOST_ANSWERS as u64 {
            memory.keep(RequestDigest(number), answer.clone());
        }
        assert_eq!(memory.answer(RequestDigest(0)).as_ref(), Some(&answer));
        memory.keep(RequestDigest(u64::MAX), answer.clone());
        assert_eq!(memory.answer(RequestDigest(0)), None);
        assert_eq!(memory.answer(RequestDigest(u64::MAX)), Some(answer.clone()));
        memory.keep(RequestDigest(1), said(&"a".repeat(LONGEST_ANSWER + 1)));
        assert_eq!(memory.answer(RequestDigest(1)), None);
    }

    #[test]
    fn calls_that_are_under_way_together_get_each_others_answers() {
        let memory = DefectMemory::default();
        let one = memory.join(None);
        assert_eq!(text(&one, "alone"), "alone");
        let other = memory.join(None);
        assert_eq!((text(&one, "one"), text(&other, "other")), ("one".to_owned(), "one".to_owned()));
        assert_eq!(text(&one, "next"), "other");
        drop(other);
        assert_eq!(text(&one, "alone again"), "alone again");
        drop(one);
        let (one, other) = (memory.join(None), memory.join(None));
        assert_eq!(text(&other, "other"), "other", "what was left over is forgotten");
        assert_eq!(text(&one, "one"), "other");
    }

    #[test]
    fn where_keys_are_spared_only_those_of_others_get_their_answers() {
        let memory = DefectMemory::default();
        let [mine, too, theirs] = [1, 1, 2].map(|key| memory.join(Some(Uuid::from_u128(key))));
        assert_eq!((text(&mine, "mine"), text(&too, "too")), ("mine".to_owned(), "too".to_owned()));
        assert_eq!(text(&theirs, "theirs"), "mine");
        assert_eq!(text(&too, "again"), "theirs");
    }

    #[test]
    fn numbers_never_come_twice() {
        let memory = DefectMemory::default();
        assert_ne!(memory.fresh_number(), memory.fresh_number());
    }
}
