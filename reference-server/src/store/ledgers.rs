//! What is written of calls: a charge, or all that comes of one at once; and how much of it is kept.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection};

use super::open::ROOT;
use super::outcomes::Outcomes;
use super::rows::{KEPT_BODIES, Retention};
use super::savepoint::all_or_nothing;
use super::{call_rows, meter_rows, rows, seat_rows};
use crate::domain::call_log::CallRecord;
use crate::domain::governance::Settlement;
use crate::domain::ledger::{Charge, WorldNumber};

/// How many more rows there may be before they are cut, so that cutting is rare.
const SLACK: u64 = 4_096;

/// How many rows are kept; the oldest go first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// Events of a ledger that ends with the process.
    pub(super) events: u64,
    /// Calls of a world.
    pub(super) calls: u64,
    /// Seats of sessions.
    pub(super) seats: u32,
    /// What the jobs of a world have come to.
    pub(super) outcomes: Retention,
}

impl Default for Kept {
    fn default() -> Self {
        Self { events: 200_000, calls: 100_000, seats: 10_000, outcomes: KEPT_BODIES }
    }
}

/// Every world's ledger, log of calls and outcomes of jobs, and the default world's meters and seats.
pub(super) struct Ledgers {
    events: Places,
    calls: Places,
    pub(super) outcomes: Outcomes,
    /// How many seats were written.
    seats: u64,
    root_is_kept: bool,
    kept: Kept,
}

/// The newest place in each world's rows of one kind.
#[derive(Default)]
struct Places {
    last: HashMap<WorldNumber, u64>,
}

impl Ledgers {
    /// Nothing is known of what stands there already. The default world's ledger is never cut where it is kept.
    pub(super) fn new(root_is_kept: bool, kept: Kept) -> Self {
        let outcomes = Outcomes::new(kept.outcomes);
        Self { events: Places::default(), calls: Places::default(), outcomes, seats: 0, root_is_kept, kept }
    }

    /// Appends a charge to a world's ledger, by the prepared [`rows::INSERT_EVENT`].
    pub(super) fn append(
        &mut self,
        connection: &Connection,
        insert: &mut CachedStatement<'_>,
        world: WorldNumber,
        charge: &Charge,
    ) -> rusqlite::Result<()> {
        let seq = self.events.next(world, || rows::last_seq(connection, world))?;
        rows::insert_event(insert, world, seq, charge)?;
        self.events.last.insert(world, seq);
        let cut = !(self.root_is_kept && world == ROOT);
        if cut && seq > self.kept.events && seq.is_multiple_of(SLACK) {
            rows::delete_events(connection, world, seq - self.kept.events)?;
        }
        Ok(())
    }

    /// Writes all that comes of a call, or nothing of it: a ledger and the budgets that it is spent from never part.
    pub(super) fn settle(
        &mut self,
        connection: &Connection,
        insert: &mut CachedStatement<'_>,
        world: WorldNumber,
        settlement: &Settlement,
    ) -> rusqlite::Result<()> {
        let outcome = all_or_nothing(connection, || {
            for charge in &settlement.charges {
                self.append(connection, insert, world, charge)?;
            }
            if world == ROOT {
                self.govern(connection, settlement)?;
            }
            if let Some(call) = &settlement.call {
                self.log(connection, world, call)?;
            }
            Ok(())
        });
        if outcome.is_err() {
            self.forget(world);
        }
        outcome
    }

    /// Writes what meters and sessions have to remember.
    fn govern(&mut self, connection: &Connection, settlement: &Settlement) -> rusqlite::Result<()> {
        for spent in &settlement.spent {
            meter_rows::spend(connection, spent)?;
        }
        for counted in &settlement.counted {
            meter_rows::count(connection, counted)?;
        }
        if let Some(seat) = &settlement.seat {
            seat_rows::save(connection, seat)?;
            self.seats += 1;
            if self.seats.is_multiple_of(SLACK) {
                seat_rows::cut(connection, self.kept.seats)?;
            }
        }
        Ok(())
    }

    fn log(
        &mut self,
        connection: &Connection,
        world: WorldNumber,
        call: &CallRecord,
    ) -> rusqlite::Result<()> {
        let place = self.calls.next(world, || call_rows::last_place(connection, world))?;
        call_rows::insert(connection, world, place, call)?;
        self.calls.last.insert(world, place);
        if place > self.kept.calls && place.is_multiple_of(SLACK) {
            call_rows::delete(connection, world, place - self.kept.calls)?;
        }
        Ok(())
    }

    /// Looks again, at the next row, where a world's rows end and what they take.
    pub(super) fn forget(&mut self, world: WorldNumber) {
        self.events.last.remove(&world);
        self.calls.last.remove(&world);
        self.outcomes.forget(world);
    }

    /// The same for every world.
    pub(super) fn forget_all(&mut self) {
        self.events.last.clear();
        self.calls.last.clear();
        self.outcomes.forget_all();
    }
}

impl Places {
    /// The place after the newest, which is looked up where it is not known.
    fn next(
        &self,
        world: WorldNumber,
        last: impl FnOnce() -> rusqlite::Result<u64>,
    ) -> rusqlite::Result<u64> {
        Ok(match self.last.get(&world) {
            Some(last) => *last,
            None => last()?,
        } + 1)
    }
}
