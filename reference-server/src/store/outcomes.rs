//! How much is kept of what jobs have come to.

use std::collections::HashMap;

use rusqlite::Connection;

use super::job_rows;
use super::rows::Retention;
use crate::domain::clock::Moment;
use crate::domain::jobs::JobRow;
use crate::domain::ledger::WorldNumber;

/// A cut leaves room for so large a part of what is kept, so that cutting is rare.
const SLACK: u32 = 10;

/// What the jobs of every world have come to. How much that is is counted along, so that nobody looks at all rows of a
/// world for each job that ends.
pub(super) struct Outcomes {
    held: HashMap<WorldNumber, Held>,
    kept: Retention,
}

/// How much a world's outcomes take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

impl Outcomes {
    /// Nothing is known of what stands there already. Of each world so much is kept.
    pub(super) fn new(kept: Retention) -> Self {
        Self { held: HashMap::new(), kept }
    }

    /// Writes a job, new or changed. What is not finished stays, so room is made by what finishes.
    pub(super) fn save(
        &mut self,
        connection: &Connection,
        world: WorldNumber,
        job: &JobRow,
    ) -> rusqlite::Result<()> {
        if job.completed.is_none() {
            return job_rows::save(connection, world, job);
        }
        // Where something goes wrong, the next one looks again.
        let before = self.held.remove(&world);
        let mut held = before.map_or_else(|| job_rows::held(connection, world), Ok)?;
        job_rows::save(connection, world, job)?;
        held.rows += 1;
        held.bytes += job_rows::size(job.body.as_deref());
        if held.rows > u64::from(self.kept.rows) || held.bytes > self.kept.bytes {
            job_rows::cut(connection, world, job, self.after_a_cut())?;
            held = job_rows::held(connection, world)?;
        }
        self.held.insert(world, held);
        Ok(())
    }

    /// Forgets what came of a world's jobs whose time is over.
    pub(super) fn purge(
        &mut self,
        connection: &Connection,
        world: WorldNumber,
        now: Moment,
    ) -> rusqlite::Result<()> {
        if job_rows::purge(connection, world, now)? {
            self.forget(world);
        }
        Ok(())
    }

    /// Counts again, at the next outcome, what a world has.
    pub(super) fn forget(&mut self, world: WorldNumber) {
        self.held.remove(&world);
    }

    /// The same for every world.
    pub(super) fn forget_all(&mut self) {
        self.held.clear();
    }

    fn after_a_cut(&self) -> Retention {
        let Retention { rows, bytes } = self.kept;
        Retention { rows: rows - rows / SLACK, bytes: bytes - bytes / u64::from(SLACK) }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::job_rows::tests::{connection, done, job, kept};
    use super::*;

    /// The outcomes of one virtual key, with four bytes each, in the order in which they were done.
    fn of(key: u128, ids: &[&str], first: i64) -> Vec<JobRow> {
        let virtual_key = Some(Uuid::from_u128(key));
        ids.iter().zip(first..).map(|(id, at)| JobRow { virtual_key, ..done(id, at) }).collect()
    }

    fn saved(outcomes: &mut Outcomes, connection: &Connection, jobs: &[JobRow]) {
        for job in jobs {
            outcomes.save(connection, 1, job).unwrap();
        }
    }

    #[test]
    fn what_was_done_first_makes_room_and_the_newest_outcome_stays_however_large() {
        for (room, wanted) in [
            (Retention { rows: 3, bytes: 12 }, [true, true, true, true]),
            (Retention { rows: 2, bytes: 100 }, [true, true, false, true]),
            (Retention { rows: 9, bytes: 8 }, [true, true, false, true]),
            (Retention { rows: 9, bytes: 1 }, [true, false, false, true]),
        ] {
            let (connection, mut outcomes) = (connection(), Outcomes::new(room));
            let ids = ["pending", "second", "first", "last"];
            saved(&mut outcomes, &connection, &ids.map(job));
            saved(&mut outcomes, &connection, &[done("first", 1), done("second", 2), done("last", 3)]);
            assert_eq!(kept(&connection, 1, &ids), wanted, "{room:?}");
        }
    }

    #[test]
    fn who_has_most_makes_room_and_others_keep_what_they_have() {
        let many = ["1", "2", "3", "4", "5", "6", "7", "8"];
        for (room, has_second) in
            [(Retention { rows: 9, bytes: 1_000 }, true), (Retention { rows: 100, bytes: 36 }, false)]
        {
            let (connection, mut outcomes) = (connection(), Outcomes::new(room));
            saved(&mut outcomes, &connection, &of(2, &["old"], 1));
            saved(&mut outcomes, &connection, &[JobRow { virtual_key: None, ..done("anybody's", 2) }]);
            saved(&mut outcomes, &connection, &of(1, &many, 10));
            let found = kept(&connection, 1, &["old", "anybody's", "1", "2", "3", "8"]);
            assert_eq!(found, [true, true, false, has_second, true, true], "{room:?}");
        }
    }

    #[test]
    fn a_cut_makes_room_for_more_than_one() {
        let ids: Vec<_> = (1..=24).map(|number| number.to_string()).collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        let (connection, mut outcomes) = (connection(), Outcomes::new(Retention { rows: 20, bytes: 1_000 }));
        let jobs = of(1, &ids, 1);
        saved(&mut outcomes, &connection, &jobs[..20]);
        assert_eq!(job_rows::held(&connection, 1).unwrap(), Held { rows: 20, bytes: 80 });
        saved(&mut outcomes, &connection, &jobs[20..21]);
        assert_eq!(job_rows::held(&connection, 1).unwrap(), Held { rows: 18, bytes: 72 });
        // What stands there already counts, for those who have not written it too.
        saved(&mut Outcomes::new(Retention { rows: 20, bytes: 1_000 }), &connection, &jobs[21..24]);
        assert_eq!(job_rows::held(&connection, 1).unwrap(), Held { rows: 18, bytes: 72 });
    }

    #[test]
    fn what_there_is_is_counted_along_and_again_once_it_was_deleted() {
        let room = Retention { rows: 2, bytes: 1_000 };
        let (connection, mut outcomes) = (connection(), Outcomes::new(room));
        saved(&mut outcomes, &connection, &of(1, &["one"], 1));
        job_rows::save(&connection, 1, &done("unseen", 2)).unwrap();
        saved(&mut outcomes, &connection, &of(1, &["two"], 3));
        assert_eq!(kept(&connection, 1, &["one", "unseen", "two"]), [true; 3]);
        outcomes.purge(&connection, 1, Moment::from_micros(101)).unwrap();
        saved(&mut outcomes, &connection, &of(1, &["three"], 4));
        assert_eq!(kept(&connection, 1, &["one", "unseen", "two", "three"]), [false, false, true, true]);
    }
}
