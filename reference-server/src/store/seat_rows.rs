//! Which provider key a session sits at, as rows.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::rows::{integer, natural};
use crate::domain::clock::Moment;
use crate::domain::governance::SeatRow;

const SAVE: &str = "INSERT INTO sessions VALUES (?1, ?2, ?3, ?4) \
    ON CONFLICT (seat) DO UPDATE SET key_id = ?2, ends = ?3, ttl = ?4";

/// Writes a seat, new or changed.
pub(super) fn save(connection: &Connection, seat: &SeatRow) -> rusqlite::Result<()> {
    let ttl = u64::try_from(seat.ttl.as_micros()).unwrap_or(u64::MAX);
    connection.prepare_cached(SAVE)?.execute(params![
        seat.seat,
        seat.key_id,
        seat.ends.as_micros(),
        integer(ttl)
    ])?;
    Ok(())
}

/// Forgets all but so many: of each owner, whom the first bytes of a seat tell, those that end first, so that whoever
/// has most gives way.
pub(super) fn cut(connection: &Connection, kept: u32) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM sessions WHERE seat IN (SELECT seat FROM (SELECT seat, ends, \
             row_number() OVER (PARTITION BY substr(seat, 1, 8) ORDER BY ends DESC) AS number FROM sessions) \
             ORDER BY number, ends DESC LIMIT -1 OFFSET ?1)",
        )?
        .execute([kept])?;
    Ok(())
}

/// Has the sessions that would stay for longer than their time from now on end with it: the clock that they were timed
/// by was ahead.
pub(super) fn end_by(connection: &Connection, now: Moment) -> rusqlite::Result<()> {
    connection.execute("UPDATE sessions SET ends = ?1 + ttl WHERE ends > ?1 + ttl", [now.as_micros()])?;
    Ok(())
}

/// Forgets those whose time is over.
pub(super) fn forget_ended(connection: &Connection, now: Moment) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM sessions WHERE ends <= ?1", [now.as_micros()])?;
    Ok(())
}

/// Every seat.
pub(super) fn seats(connection: &Connection) -> rusqlite::Result<Vec<SeatRow>> {
    let mut select = connection.prepare("SELECT seat, key_id, ends, ttl FROM sessions ORDER BY ends")?;
    let rows = select.query_map([], |row| {
        Ok(SeatRow {
            seat: row.get(0)?,
            key_id: row.get::<_, Arc<str>>(1)?,
            ends: Moment::from_micros(row.get(2)?),
            ttl: Duration::from_micros(natural(row, 3)?),
        })
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::super::job_rows::tests::connection;
    use super::*;

    #[test]
    fn seats_are_renewed_end_and_are_cut() {
        let connection = connection();
        let seat = |number: u8, ends: i64| SeatRow {
            seat: [number; 32],
            key_id: "one".into(),
            ends: Moment::from_micros(ends),
            ttl: Duration::from_mins(1),
        };
        for (number, ends) in [(1, 10), (2, 20), (3, 30), (1, 40), (4, 5)] {
            save(&connection, &seat(number, ends)).unwrap();
        }
        forget_ended(&connection, Moment::from_micros(20)).unwrap();
        assert_eq!(seats(&connection).unwrap(), [seat(3, 30), seat(1, 40)]);
        cut(&connection, 1).unwrap();
        assert_eq!(seats(&connection).unwrap(), [seat(1, 40)]);
    }

    #[test]
    fn of_the_seats_of_whoever_has_most_the_first_to_end_are_cut() {
        let connection = connection();
        let seat = |owner: u8, number: u8, ends: i64| {
            let mut seat = [number; 32];
            seat[..8].fill(owner);
            let (key_id, ends) = ("one".into(), Moment::from_micros(ends));
            SeatRow { seat, key_id, ends, ttl: Duration::from_mins(1) }
        };
        let (first, last) = (seat(1, 1, 10), seat(2, 9, 90));
        for row in [&first, &seat(2, 7, 70), &seat(2, 8, 80), &last] {
            save(&connection, row).unwrap();
        }
        cut(&connection, 2).unwrap();
        assert_eq!(seats(&connection).unwrap(), [first, last]);
    }
}
