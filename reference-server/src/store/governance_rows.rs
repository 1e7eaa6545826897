//! Documents as rows.

use rusqlite::{Connection, params};

use super::document::{Document, Found, Kind};
use super::rows::malformed;

const PUT: &str = "INSERT INTO governance VALUES (?1, ?2, ?3, ?4) \
    ON CONFLICT (kind, id) DO UPDATE SET place = ?3, body = ?4";

/// Writes one change.
pub(super) fn change(connection: &Connection, document: &Document) -> rusqlite::Result<()> {
    match document {
        Document::Put { kind, id, place, body } => {
            connection.prepare_cached(PUT)?.execute(params![kind.name(), id, place, body])?;
        }
        Document::Delete { kind, id } => {
            connection
                .prepare_cached("DELETE FROM governance WHERE kind = ?1 AND id = ?2")?
                .execute(params![kind.name(), id])?;
        }
    }
    Ok(())
}

/// Every document, kind by kind, each in its place.
pub(super) fn documents(connection: &Connection) -> rusqlite::Result<Vec<Found>> {
    let mut select =
        connection.prepare("SELECT kind, id, place, body FROM governance ORDER BY kind, place, id")?;
    let rows = select.query_map([], |row| {
        let kind: String = row.get(0)?;
        Ok(Found {
            kind: Kind::from_name(&kind)
                .ok_or_else(|| malformed(0, format!("there are no documents of kind {kind:?}")))?,
            id: row.get(1)?,
            place: row.get(2)?,
            body: row.get(3)?,
        })
    })?;
    rows.collect()
}
