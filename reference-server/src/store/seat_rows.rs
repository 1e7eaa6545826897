//! Which provider key a session sits at, as rows.

use std::sync::Arc;

use rusqlite::{Connection, params};

use crate::domain::clock::Moment;
use crate::domain::governance::SeatRow;

const SAVE: &str =
    "INSERT INTO sessions VALUES (?1, ?2, ?3) ON CONFLICT (seat) DO UPDATE SET key_id = ?2, ends = ?3";

/// Writes a seat, new or changed.
pub(super) fn save(connection: &Connection, seat: &SeatRow) -> rusqlite::Result<()> {
    connection.prepare_cached(SAVE)?.execute(params![seat.seat, seat.key_id, seat.ends.as_micros()])?;
    Ok(())
}

/// Forgets all but so many, those that end first.
pub(super) fn cut(connection: &Connection, kept: u32) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM sessions WHERE seat IN (SELECT seat FROM sessions ORDER BY ends DESC LIMIT -1 OFFSET ?1)",
        )?
        .execute([kept])?;
    Ok(())
}

/// Forgets those whose time is over.
pub(super) fn forget_ended(connection: &Connection, now: Moment) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM sessions WHERE ends <= ?1", [now.as_micros()])?;
    Ok(())
}

/// Every seat.
pub(super) fn seats(connection: &Connection) -> rusqlite::Result<Vec<SeatRow>> {
    let mut select = connection.prepare("SELECT seat, key_id, ends FROM sessions ORDER BY ends")?;
    let rows = select.query_map([], |row| {
        Ok(SeatRow {
            seat: row.get(0)?,
            key_id: row.get::<_, Arc<str>>(1)?,
            ends: Moment::from_micros(row.get(2)?),
        })
    })?;
    rows.collect()
}
