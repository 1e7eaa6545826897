//! Between rows and the domain's types.

use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::domain::clock::Moment;
use crate::domain::key::{KeyRecord, SecretDigest};
use crate::domain::ledger::{BillingEvent, Charge, LedgerQuery, Operation, WorldNumber};
use crate::domain::quota::Limits;
use crate::domain::scope::ScopeSet;
use crate::domain::stored_response::{Kept, StoredResponse};

/// Inserts one event.
pub(super) const INSERT_EVENT: &str =
    "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

const SELECT_EVENTS: &str = "SELECT seq, at, request_id, key_id, manager_id, model, operation, input_tokens, \
    output_tokens, cost FROM events WHERE world = ?1 AND seq > ?2 AND (?3 IS NULL OR key_id = ?3) \
    ORDER BY seq LIMIT ?4";

const SAVE_KEY: &str = "INSERT INTO keys VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
    ON CONFLICT (id) DO UPDATE SET active = ?7, expires_at = ?8, last_used_at = ?9";

/// Inserts an event through the prepared [`INSERT_EVENT`].
pub(super) fn insert_event(
    insert: &mut CachedStatement<'_>,
    world: WorldNumber,
    seq: u64,
    charge: &Charge,
) -> rusqlite::Result<()> {
    insert.execute(params![
        world,
        integer(seq),
        charge.at.as_micros(),
        charge.request_id.as_bytes(),
        charge.key_id.as_bytes(),
        charge.manager_id,
        charge.model,
        charge.operation.name(),
        integer(charge.input_tokens),
        integer(charge.output_tokens),
        charge.cost.to_string(),
    ])?;
    Ok(())
}

/// Reads events, oldest first.
pub(super) fn events(
    connection: &Connection,
    world: WorldNumber,
    query: LedgerQuery,
) -> rusqlite::Result<Vec<BillingEvent>> {
    let mut select = connection.prepare_cached(SELECT_EVENTS)?;
    let key_id = query.key_id.as_ref().map(Uuid::as_bytes);
    let rows = select.query_map(params![world, integer(query.after), key_id, integer(query.limit)], event)?;
    rows.collect()
}

/// The place of a world's newest event; 0 where it has none.
pub(super) fn last_seq(connection: &Connection, world: WorldNumber) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM events WHERE world = ?1")?
        .query_row([world], |row| natural(row, 0))
}

/// Forgets events up to a place.
pub(super) fn delete_events(connection: &Connection, world: WorldNumber, up_to: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM events WHERE world = ?1 AND seq <= ?2")?
        .execute(params![world, integer(up_to)])?;
    Ok(())
}

/// Writes a key, new or changed.
pub(super) fn save_key(connection: &Connection, key: &KeyRecord) -> rusqlite::Result<()> {
    connection.prepare_cached(SAVE_KEY)?.execute(params![
        key.id.as_bytes(),
        key.role,
        key.digest.as_bytes(),
        key.scopes.names().join(","),
        key.manager_id,
        key.created_at.as_micros(),
        key.active,
        key.expires_at.map(Moment::as_micros),
        key.last_used_at.map(Moment::as_micros),
        integer(key.limits.requests),
        integer(key.limits.tokens),
    ])?;
    Ok(())
}

/// Writes when a key was last used.
pub(super) fn save_use(connection: &Connection, id: Uuid, at: Option<Moment>) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE keys SET last_used_at = ?2 WHERE id = ?1")?
        .execute(params![id.as_bytes(), at.map(Moment::as_micros)])?;
    Ok(())
}

/// Deletes a key.
pub(super) fn delete_key(connection: &Connection, id: Uuid) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM keys WHERE id = ?1")?.execute([id.as_bytes()])?;
    Ok(())
}

/// How much of a world's rows is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retention {
    pub(super) rows: u32,
    pub(super) bytes: u64,
}

/// How much a world keeps of its responses, and of what its jobs have come to.
pub(super) const KEPT_BODIES: Retention = Retention { rows: 10_000, bytes: 256 * 1024 * 1024 };

/// Keeps a response, and no more than so much of a world: the latest, and the newest one however large it is.
pub(super) fn save_response(
    connection: &Connection,
    world: WorldNumber,
    response: &StoredResponse,
    kept: Retention,
) -> rusqlite::Result<()> {
    let size = response.input.len() + response.response.len();
    connection
        .prepare_cached(
            "INSERT INTO responses (world, id, key_id, previous, input, response, size) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            world,
            response.id,
            response.key_id.as_bytes(),
            response.previous,
            response.input,
            response.response,
            integer(size as u64),
        ])?;
    let (count, bytes) = connection
        .prepare_cached("SELECT count(*), sum(size) FROM responses WHERE world = ?1")?
        .query_row([world], |row| Ok((natural(row, 0)?, natural(row, 1)?)))?;
    if count <= u64::from(kept.rows) && bytes <= kept.bytes {
        return Ok(());
    }
    connection
        .prepare_cached(
            "DELETE FROM responses WHERE world = ?1 AND place IN (SELECT place FROM (SELECT place, \
             row_number() OVER latest AS number, sum(size) OVER latest AS bytes FROM responses WHERE world = ?1 \
             WINDOW latest AS (ORDER BY place DESC)) WHERE number > ?2 OR number > 1 AND bytes > ?3)",
        )?
        .execute(params![world, kept.rows, integer(kept.bytes)])?;
    Ok(())
}

/// Reads a key's response.
pub(super) fn response(
    connection: &Connection,
    world: WorldNumber,
    key_id: Uuid,
    id: &str,
) -> rusqlite::Result<Option<StoredResponse>> {
    connection
        .prepare_cached(
            "SELECT id, key_id, previous, input, response FROM responses \
             WHERE world = ?1 AND id = ?2 AND key_id = ?3",
        )?
        .query_row(params![world, id, key_id.as_bytes()], |row| {
            Ok(StoredResponse {
                id: row.get(0)?,
                key_id: Uuid::from_bytes(row.get(1)?),
                previous: row.get(2)?,
                input: row.get(3)?,
                response: row.get(4)?,
            })
        })
        .optional()
}

/// Reads which responses a key's response goes on from, itself included, the oldest first and no more than so many.
/// What they say is not read: the lengths of texts stand before them.
pub(super) fn conversation(
    connection: &Connection,
    world: WorldNumber,
    key_id: Uuid,
    id: &str,
    most: u32,
) -> rusqlite::Result<Vec<Kept>> {
    let mut select = connection.prepare_cached(
        "WITH RECURSIVE conversation (id, previous, bytes, number) AS ( \
         SELECT id, previous, octet_length(input) + octet_length(response), 1 FROM responses \
         WHERE world = ?1 AND id = ?2 AND key_id = ?3 \
         UNION ALL \
         SELECT older.id, older.previous, octet_length(older.input) + octet_length(older.response), number + 1 \
         FROM conversation JOIN responses AS older ON older.id = conversation.previous \
         WHERE older.world = ?1 AND older.key_id = ?3 AND number < ?4) \
         SELECT id, bytes FROM conversation ORDER BY number DESC",
    )?;
    let rows = select.query_map(params![world, id, key_id.as_bytes(), most], |row| {
        Ok(Kept { id: row.get(0)?, size: usize::try_from(natural(row, 1)?).unwrap_or(usize::MAX) })
    })?;
    rows.collect()
}

/// Deletes a key's response; whether there was one.
pub(super) fn delete_response(
    connection: &Connection,
    world: WorldNumber,
    key_id: Uuid,
    id: &str,
) -> rusqlite::Result<bool> {
    let deleted = connection
        .prepare_cached("DELETE FROM responses WHERE world = ?1 AND id = ?2 AND key_id = ?3")?
        .execute(params![world, id, key_id.as_bytes()])?;
    Ok(deleted > 0)
}

/// Forgets a world's responses.
pub(super) fn delete_responses(connection: &Connection, world: WorldNumber) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM responses WHERE world = ?1")?.execute([world])?;
    Ok(())
}

/// Every key, oldest first.
pub(super) fn keys(connection: &Connection) -> rusqlite::Result<Vec<KeyRecord>> {
    let mut select = connection.prepare(
        "SELECT id, role, digest, scopes, manager_id, created_at, active, expires_at, last_used_at, \
         requests_per_minute, tokens_per_minute FROM keys ORDER BY rowid",
    )?;
    let rows = select.query_map([], key)?;
    rows.collect()
}

fn key(row: &Row<'_>) -> rusqlite::Result<KeyRecord> {
    let scopes: String = row.get(3)?;
    let names = scopes.split(',').filter(|name| !name.is_empty());
    Ok(KeyRecord {
        id: Uuid::from_bytes(row.get(0)?),
        role: row.get::<_, Arc<str>>(1)?,
        digest: SecretDigest::from_bytes(row.get(2)?),
        scopes: ScopeSet::from_names(names).map_err(|error| malformed(3, error))?,
        manager_id: row.get::<_, Arc<str>>(4)?,
        created_at: Moment::from_micros(row.get(5)?),
        active: row.get(6)?,
        expires_at: row.get::<_, Option<i64>>(7)?.map(Moment::from_micros),
        last_used_at: row.get::<_, Option<i64>>(8)?.map(Moment::from_micros),
        limits: Limits { requests: natural(row, 9)?, tokens: natural(row, 10)? },
    })
}

fn event(row: &Row<'_>) -> rusqlite::Result<BillingEvent> {
    let operation: String = row.get(6)?;
    Ok(BillingEvent {
        seq: natural(row, 0)?,
        charge: Charge {
            at: Moment::from_micros(row.get(1)?),
            request_id: Uuid::from_bytes(row.get(2)?),
            key_id: Uuid::from_bytes(row.get(3)?),
            manager_id: row.get::<_, Arc<str>>(4)?,
            model: row.get::<_, Arc<str>>(5)?,
            operation: Operation::from_name(&operation)
                .ok_or_else(|| malformed(6, format!("there is no operation {operation:?}")))?,
            input_tokens: natural(row, 7)?,
            output_tokens: natural(row, 8)?,
            cost: decimal(row, 9)?,
        },
    })
}

/// The error for a text that makes no sense.
pub(super) fn malformed(
    column: usize,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}

/// Money, which is kept as text to the last digit.
pub(super) fn decimal(row: &Row<'_>, column: usize) -> rusqlite::Result<Decimal> {
    let text: String = row.get(column)?;
    Decimal::from_str_exact(&text).map_err(|error| malformed(column, error))
}

/// SQLite counts up to 2^63 - 1; so does every count here.
pub(super) fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count.
pub(super) fn natural(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}
