//! What budgets and limits have come to, as rows. A window is told from another by the moment it began.

use rusqlite::{Connection, OptionalExtension, Row, params};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::rows::{decimal, integer, natural};
use crate::domain::clock::Moment;
use crate::domain::governance::{Counted, Spent};

const SAVE_BUDGET: &str = "INSERT INTO budgets VALUES (?1, ?2, ?3) \
    ON CONFLICT (id) DO UPDATE SET since = ?2, used = ?3";

const SAVE_LIMIT: &str = "INSERT INTO rate_limits VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET \
    requests_since = ?2, requests = ?3, tokens_since = ?4, tokens = ?5";

/// A count and the beginning of the window that it belongs to.
type Window = Option<(Moment, u64)>;

/// What a meter had come to when the state was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MeterRow {
    Budget {
        id: Uuid,
        since: Moment,
        /// US dollars.
        used: Decimal,
    },
    Limit {
        id: Uuid,
        requests: Option<(Moment, u64)>,
        tokens: Option<(Moment, u64)>,
    },
}

/// What is not counted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forgotten {
    /// A budget, or all of a limit.
    Meter(Uuid),
    /// The requests of a limit, which stays for its tokens.
    Requests(Uuid),
    /// The tokens of a limit, which stays for its requests.
    Tokens(Uuid),
}

/// Adds to what a budget has come to.
pub(super) fn spend(connection: &Connection, spent: &Spent) -> rusqlite::Result<()> {
    let id = spent.budget.as_bytes();
    let stored = connection
        .prepare_cached("SELECT since, used FROM budgets WHERE id = ?1")?
        .query_row([id], |row| Ok((moment(row, 0)?, decimal(row, 1)?)))
        .optional()?;
    let (since, used) = added(stored, (spent.since, spent.amount), Decimal::saturating_add);
    connection.prepare_cached(SAVE_BUDGET)?.execute(params![id, since.as_micros(), used.to_string()])?;
    Ok(())
}

/// Adds to what a limit has come to.
pub(super) fn count(connection: &Connection, counted: &Counted) -> rusqlite::Result<()> {
    let id = counted.limit.as_bytes();
    let stored = connection
        .prepare_cached(
            "SELECT requests_since, requests, tokens_since, tokens FROM rate_limits WHERE id = ?1",
        )?
        .query_row([id], |row| Ok((window(row, 0)?, window(row, 2)?)))
        .optional()?;
    let (requests, tokens) = stored.unwrap_or_default();
    let requests = with_more(requests, counted.requests);
    let tokens = with_more(tokens, counted.tokens);
    connection.prepare_cached(SAVE_LIMIT)?.execute(params![
        id,
        requests.map(|(since, _)| since.as_micros()),
        integer(requests.map_or(0, |(_, count)| count)),
        tokens.map(|(since, _)| since.as_micros()),
        integer(tokens.map_or(0, |(_, count)| count)),
    ])?;
    Ok(())
}

/// Forgets meters, or parts of them.
pub(super) fn forget(connection: &Connection, forgotten: &[Forgotten]) -> rusqlite::Result<()> {
    let run = |sql: &str, id: Uuid| connection.prepare_cached(sql)?.execute([id.as_bytes()]);
    for gone in forgotten {
        match *gone {
            Forgotten::Meter(id) => {
                run("DELETE FROM budgets WHERE id = ?1", id)?;
                run("DELETE FROM rate_limits WHERE id = ?1", id)?;
            }
            Forgotten::Requests(id) => {
                run("UPDATE rate_limits SET requests_since = NULL, requests = 0 WHERE id = ?1", id)?;
            }
            Forgotten::Tokens(id) => {
                run("UPDATE rate_limits SET tokens_since = NULL, tokens = 0 WHERE id = ?1", id)?;
            }
        }
    }
    Ok(())
}

/// Has the windows that begin later than now begin now: the clock that they were counted by was ahead. What is used of
/// them stays.
pub(super) fn begin_by(connection: &Connection, now: Moment) -> rusqlite::Result<()> {
    let now = [now.as_micros()];
    connection.execute("UPDATE budgets SET since = ?1 WHERE since > ?1", now)?;
    connection.execute("UPDATE rate_limits SET requests_since = ?1 WHERE requests_since > ?1", now)?;
    connection.execute("UPDATE rate_limits SET tokens_since = ?1 WHERE tokens_since > ?1", now)?;
    Ok(())
}

/// Forgets what calls under way have added to meters that were deleted meanwhile.
pub(super) fn forget_lost(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM budgets WHERE lower(hex(id)) NOT IN \
         (SELECT replace(governance.id, '-', '') FROM governance WHERE kind = 'budget'); \
         DELETE FROM rate_limits WHERE lower(hex(id)) NOT IN \
         (SELECT replace(governance.id, '-', '') FROM governance WHERE kind = 'rate_limit');",
    )
}

/// Every meter.
pub(super) fn meters(connection: &Connection) -> rusqlite::Result<Vec<MeterRow>> {
    let mut budgets = connection.prepare("SELECT id, since, used FROM budgets")?;
    let budgets = budgets.query_map([], |row| {
        Ok(MeterRow::Budget {
            id: Uuid::from_bytes(row.get(0)?),
            since: moment(row, 1)?,
            used: decimal(row, 2)?,
        })
    })?;
    let mut limits =
        connection.prepare("SELECT id, requests_since, requests, tokens_since, tokens FROM rate_limits")?;
    let limits = limits.query_map([], |row| {
        Ok(MeterRow::Limit {
            id: Uuid::from_bytes(row.get(0)?),
            requests: window(row, 1)?,
            tokens: window(row, 3)?,
        })
    })?;
    budgets.chain(limits).collect()
}

fn with_more(stored: Window, more: Window) -> Window {
    match more {
        Some(more) => Some(added(stored, more, u64::saturating_add)),
        None => stored,
    }
}

/// The later of two windows counts; within one, both amounts do. A call that ends after its window has turned thus
/// adds nothing to the next.
fn added<T>(stored: Option<(Moment, T)>, more: (Moment, T), sum: fn(T, T) -> T) -> (Moment, T) {
    match stored {
        Some((since, amount)) if since == more.0 => (since, sum(amount, more.1)),
        Some(stored) if stored.0 > more.0 => stored,
        _ => more,
    }
}

fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Moment> {
    row.get(column).map(Moment::from_micros)
}

/// A window, whose beginning and count stand side by side.
fn window(row: &Row<'_>, column: usize) -> rusqlite::Result<Window> {
    let since: Option<i64> = row.get(column)?;
    since.map(|since| Ok((Moment::from_micros(since), natural(row, column + 1)?))).transpose()
}
