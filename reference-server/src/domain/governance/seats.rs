//! Which key each session stays with, in bounds: where there are too many, whoever has most gives way.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::clock::Moment;

/// Whose a seat is: what its id begins with.
type Owner = [u8; OWNER_BYTES];

/// So many bytes of a seat's id tell whose it is.
pub(super) const OWNER_BYTES: usize = 8;

/// A cut leaves room for so large a part of what is kept, so that cutting is rare.
const SLACK: usize = 10;

/// The id of a seat: a digest of whose it is, and one of the session.
pub(super) type SeatId = [u8; 32];

/// Where a session sits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    /// The id of the provider's key.
    pub(super) key_id: Arc<str>,
    pub(super) ends: Moment,
}

/// Seats by whose they are, no more than so many of all together.
#[derive(Debug)]
pub(super) struct Seats {
    owners: HashMap<Owner, HashMap<SeatId, Seat>>,
    count: usize,
    most: usize,
}

impl Seats {
    /// Room for so many.
    pub(super) fn new(most: usize) -> Self {
        Self { owners: HashMap::new(), count: 0, most }
    }

    /// The seat with this id, if its time is not over.
    pub(super) fn find(&self, id: &SeatId, now: Moment) -> Option<&Seat> {
        self.owners.get(&owner(id))?.get(id).filter(|seat| seat.ends > now)
    }

    /// Keeps a seat, new or changed. Where there are too many, those whose time is over are forgotten, or of whoever
    /// has most those whose time is over first: nobody drives out the sessions of others by having many.
    pub(super) fn keep(&mut self, id: SeatId, seat: Seat, now: Moment) {
        let is_new = self.owners.get(&owner(&id)).is_none_or(|seats| !seats.contains_key(&id));
        if is_new {
            self.make_room(now);
            self.count += 1;
        }
        self.owners.entry(owner(&id)).or_default().insert(id, seat);
    }

    fn make_room(&mut self, now: Moment) {
        if self.count < self.most {
            return;
        }
        for seats in self.owners.values_mut() {
            seats.retain(|_, seat| seat.ends > now);
        }
        let left = self.most.saturating_sub((self.most / SLACK).max(1));
        for id in self.ranked().into_iter().skip(left) {
            if let Some(seats) = self.owners.get_mut(&owner(&id)) {
                seats.remove(&id);
            }
        }
        self.owners.retain(|_, seats| !seats.is_empty());
        self.count = self.owners.values().map(HashMap::len).sum();
    }

    /// All seats: of each owner the one that ends last, then of each the one that ends last but one, and so on.
    fn ranked(&self) -> Vec<SeatId> {
        let mut ranked = Vec::with_capacity(self.count);
        for seats in self.owners.values() {
            let mut of_one: Vec<_> = seats.iter().map(|(id, seat)| (Reverse(seat.ends), *id)).collect();
            of_one.sort_unstable();
            ranked.extend(of_one.into_iter().enumerate());
        }
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, (_, id))| id).collect()
    }
}

fn owner(id: &SeatId) -> Owner {
    let mut owner = Owner::default();
    owner.iter_mut().zip(id).for_each(|(byte, of_id)| *byte = *of_id);
    owner
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    /// The id of a session of somebody.
    fn id(owner: u8, session: u8) -> SeatId {
        let mut id = [session; 32];
        id[..OWNER_BYTES].fill(owner);
        id
    }

    fn seat(ends: i64) -> Seat {
        Seat { key_id: "one".into(), ends: at(ends) }
    }

    #[test]
    fn a_seat_is_there_until_its_time_is_over() {
        let mut seats = Seats::new(3);
        seats.keep(id(1, 1), seat(60), at(0));
        assert_eq!(seats.find(&id(1, 1), at(59)), Some(&seat(60)));
        assert_eq!(seats.find(&id(1, 1), at(60)), None);
        assert_eq!(seats.find(&id(2, 1), at(0)), None);
    }

    #[test]
    fn whoever_has_most_gives_way() {
        let mut seats = Seats::new(4);
        // This one ends before all others.
        seats.keep(id(1, 0), seat(10), at(0));
        for session in 1..100 {
            seats.keep(id(2, session), seat(100 + i64::from(session)), at(0));
        }
        assert!(seats.find(&id(1, 0), at(1)).is_some());
        let left: Vec<_> = (1..100).filter(|session| seats.find(&id(2, *session), at(1)).is_some()).collect();
        assert_eq!((left, seats.count), (vec![97, 98, 99], 4));
        // Who comes to a full house finds a seat.
        seats.keep(id(3, 1), seat(50), at(1));
        assert!([id(1, 0), id(3, 1)].iter().all(|id| seats.find(id, at(1)).is_some()));
    }

    #[test]
    fn what_is_over_goes_first_and_what_is_there_needs_no_room() {
        let mut seats = Seats::new(2);
        seats.keep(id(1, 1), seat(10), at(0));
        seats.keep(id(1, 2), seat(90), at(0));
        seats.keep(id(1, 2), seat(80), at(0));
        assert_eq!(seats.count, 2);
        seats.keep(id(2, 1), seat(70), at(20));
        assert!([id(1, 2), id(2, 1)].iter().all(|id| seats.find(id, at(20)).is_some()));
        seats.keep(id(3, 1), seat(200), at(100));
        assert_eq!((seats.count, seats.owners.len()), (1, 1));
    }

    #[test]
    fn a_cut_makes_room_for_more_than_one() {
        let mut seats = Seats::new(20);
        for session in 0..21 {
            seats.keep(id(1, session), seat(100 + i64::from(session)), at(0));
        }
        let left: Vec<_> = (0..21).filter(|session| seats.find(&id(1, *session), at(1)).is_some()).collect();
        assert_eq!((left, seats.count), ((2..21).collect::<Vec<_>>(), 19));
    }
}
