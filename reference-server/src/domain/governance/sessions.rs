//! Sessions that stay with the provider's key that was chosen for them, whatever becomes of its weight.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::provider_entry::ProviderKey;
use super::seats::{OWNER_BYTES, Seat, SeatId, Seats};
use super::settlement::SeatRow;
use crate::defect::{Defect, DefectSet};
use crate::domain::clock::Moment;

/// How many sessions are remembered, of all virtual keys together.
const REMEMBERED: usize = 10_000;
/// How long a session stays where it is after its last request, where it says nothing else.
const TTL: Duration = Duration::from_hours(1);
/// The longest.
const LONGEST: Duration = Duration::from_hours(24 * 365);
/// Names of sessions have no more bytes.
const LONGEST_NAME: usize = 255;

/// A session that a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    name: Box<str>,
    ttl: Duration,
}

impl Session {
    /// What a request's headers say, where the name is one.
    pub(super) fn read(name: Option<&str>, ttl: Option<&str>) -> Option<Self> {
        let name = name.filter(|name| (1..=LONGEST_NAME).contains(&name.len()))?;
        let ttl = ttl.and_then(span).filter(|ttl| !ttl.is_zero());
        Some(Self { name: name.into(), ttl: ttl.unwrap_or(TTL).min(LONGEST) })
    }
}

/// Whole seconds, or a duration with units.
fn span(text: &str) -> Option<Duration> {
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).ok(),
    }
}

/// Whose session it is: the same name is another one at another provider, of another model, or of another virtual key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) provider: &'a str,
    pub(super) model: &'a str,
    pub(super) virtual_key: Option<Uuid>,
}

impl Place<'_> {
    /// The id of the seat of one of its sessions. Its beginning is that of the virtual key's digest.
    fn seat(&self, session: &str) -> SeatId {
        let key = self.virtual_key.map(|id| id.to_string()).unwrap_or_default();
        let mut digest = Sha256::new();
        for part in [self.provider, self.model, session, &key] {
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        let mut seat: SeatId = digest.finalize().into();
        seat.iter_mut().zip(Sha256::digest(key)).take(OWNER_BYTES).for_each(|(byte, of_key)| *byte = of_key);
        seat
    }
}

/// The keys that sessions stay with.
#[derive(Debug)]
pub(super) struct Sessions(Mutex<Seats>);

impl Default for Sessions {
    fn default() -> Self {
        Self(Mutex::new(Seats::new(REMEMBERED)))
    }
}

impl Sessions {
    /// The key that a session stays with, among those that could serve it; one that `choose` gives, where it stays with
    /// none of them yet. From now on its time begins anew.
    pub(super) fn place<'k>(
        &self,
        place: Place<'_>,
        session: &Session,
        now: Moment,
        candidates: &'k [Arc<ProviderKey>],
        defects: &DefectSet,
        choose: impl FnOnce() -> Option<&'k Arc<ProviderKey>>,
    ) -> Option<(&'k Arc<ProviderKey>, SeatRow)> {
        let is_shared = defects.has(Defect::SessionsShared);
        let seat = place.seat(if is_shared { "" } else { &session.name });
        let mut seats = self.0.lock();
        let kept = seats.find(&seat, now).filter(|_| !defects.has(Defect::SessionsForgotten));
        let bound = kept.and_then(|kept| {
            let key = candidates.iter().find(|key| key.id == kept.key_id)?;
            Some((key, kept.ends))
        });
        let ttl = if defects.has(Defect::SessionsNeverExpire) { LONGEST } else { session.ttl };
        let ends = match &bound {
            Some((_, ends)) if defects.has(Defect::SessionsNotRenewed) => *ends,
            _ => now.plus(ttl),
        };
        let key = match bound {
            Some((key, _)) => key,
            None => choose()?,
        };
        let key_id = &key.id;
        seats.keep(seat, Seat { key_id: Arc::clone(key_id), ends }, now);
        Some((key, SeatRow { seat, key_id: Arc::clone(key_id), ends, ttl }))
    }

    /// Puts back a session that the store knows.
    pub(super) fn restore(&self, row: SeatRow) {
        let SeatRow { seat, key_id, ends, .. } = row;
        // Whose time is over is in the state no more.
        self.0.lock().keep(seat, Seat { key_id, ends }, Moment::from_micros(0));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::provider_key;
    use super::*;

    const HERE: Place<'_> = Place { provider: "openai", model: "gpt-4o", virtual_key: None };

    fn at(seconds: i64) -> Moment {
        Moment::from_micros(1_800_000_000_000_000 + seconds * 1_000_000)
    }

    fn session(name: &str, ttl: &str) -> Session {
        Session::read(Some(name), Some(ttl)).unwrap()
    }

    /// Where a session is at a moment, where the key with this number would be chosen.
    fn placed(sessions: &Sessions, place: Place<'_>, session: &Session, now: i64, chosen: usize) -> Arc<str> {
        placed_with(None, sessions, place, session, now, chosen)
    }

    fn placed_with(
        defect: Option<&str>,
        sessions: &Sessions,
        place: Place<'_>,
        session: &Session,
        now: i64,
        chosen: usize,
    ) -> Arc<str> {
        let defects = DefectSet::default();
        let on: Vec<Defect> = defect.map(|id| id.parse().unwrap()).into_iter().collect();
        defects.set(&on);
        let keys = [provider_key("one", 1), provider_key("two", 1)];
        let placed = sessions.place(place, session, at(now), &keys, &defects, || keys.get(chosen));
        Arc::clone(&placed.unwrap().0.id)
    }

    #[test]
    fn a_session_stays_while_it_is_used_and_leaves_when_its_time_is_over() {
        let sessions = Sessions::default();
        let mine = session("mine", "60");
        assert_eq!(&*placed(&sessions, HERE, &mine, 0, 0), "one");
        assert_eq!(&*placed(&sessions, HERE, &mine, 59, 1), "one");
        assert_eq!(&*placed(&sessions, HERE, &mine, 118, 1), "one");
        assert_eq!(&*placed(&sessions, HERE, &mine, 178, 1), "two");
    }

    #[test]
    fn sessions_of_others_and_elsewhere_are_others() {
        let sessions = Sessions::default();
        let mine = session("mine", "60");
        placed(&sessions, HERE, &mine, 0, 0);
        for other in [
            Place { provider: "anthropic", ..HERE },
            Place { model: "gpt-4o-mini", ..HERE },
            Place { virtual_key: Some(Uuid::new_v4()), ..HERE },
        ] {
            assert_eq!(&*placed(&sessions, other, &mine, 1, 1), "two", "{other:?}");
        }
        assert_eq!(&*placed(&sessions, HERE, &session("yours", "60"), 1, 1), "two");
    }

    #[test]
    fn of_one_virtual_key_there_are_not_so_many_that_those_of_another_are_forgotten() {
        let sessions = Sessions::default();
        let mine = session("mine", "60");
        placed(&sessions, Place { virtual_key: Some(Uuid::from_u128(1)), ..HERE }, &mine, 0, 0);
        let theirs = Place { virtual_key: Some(Uuid::from_u128(2)), ..HERE };
        for number in 0..=REMEMBERED {
            placed(&sessions, theirs, &session(&number.to_string(), "90"), 0, 0);
        }
        let again = placed(&sessions, Place { virtual_key: Some(Uuid::from_u128(1)), ..HERE }, &mine, 1, 1);
        assert_eq!(&*again, "one");
    }

    #[test]
    fn a_key_that_is_gone_is_left() {
        let sessions = Sessions::default();
        let mine = session("mine", "60");
        placed(&sessions, HERE, &mine, 0, 0);
        let left = [provider_key("two", 1)];
        let sound = DefectSet::default();
        let (key, row) = sessions.place(HERE, &mine, at(1), &left, &sound, || left.first()).unwrap();
        assert_eq!((&*key.id, row.ends, row.ttl), ("two", at(61), Duration::from_mins(1)));
    }

    #[test]
    fn what_the_store_knows_is_put_back() {
        let (before, after) = (Sessions::default(), Sessions::default());
        let mine = session("mine", "60");
        let keys = [provider_key("one", 1)];
        let sound = DefectSet::default();
        let (_, row) = before.place(HERE, &mine, at(0), &keys, &sound, || keys.first()).unwrap();
        after.restore(row);
        assert_eq!(&*placed(&after, HERE, &mine, 59, 1), "one");
        assert_eq!(&*placed(&after, HERE, &session("yours", "60"), 59, 1), "two");
    }

    #[test]
    fn each_defect_moves_or_keeps_sessions_in_its_own_way() {
        for (defect, told) in [
            (None, "one two one two"),
            (Some("sessions-forgotten"), "two two two two"),
            (Some("sessions-shared"), "one one one two"),
            (Some("sessions-never-expire"), "one two one one"),
            (Some("sessions-not-renewed"), "one two two two"),
        ] {
            let sessions = Sessions::default();
            let (mine, yours) = (session("mine", "60"), session("yours", "60"));
            let is = |session: &Session, now| placed_with(defect, &sessions, HERE, session, now, 1);
            placed_with(defect, &sessions, HERE, &mine, 0, 0);
            let seen = [is(&mine, 40), is(&yours, 41), is(&mine, 80), is(&mine, 200)];
            assert_eq!(seen.join(" "), told, "{defect:?}");
        }
    }

    #[test]
    fn times_are_seconds_or_durations_and_otherwise_an_hour() {
        for (ttl, seconds) in [("90", 90), ("30m", 1_800), ("0", 3_600), ("-5", 3_600), ("soon", 3_600)] {
            assert_eq!(session("s", ttl).ttl.as_secs(), seconds, "{ttl}");
        }
        assert_eq!(Session::read(Some(""), None), None);
        assert_eq!(Session::read(Some(&"x".repeat(256)), None), None);
        assert_eq!(Session::read(None, Some("60")), None);
    }
}
