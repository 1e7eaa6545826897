//! The log of calls as rows.

use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::rows::{decimal, integer, malformed, natural};
use crate::domain::call_log::{CallPage, CallQuery, CallRecord, CallStats, CallStatus, Sort};
use crate::domain::clock::Moment;
use crate::domain::inference::Usage;
use crate::domain::ledger::WorldNumber;

/// A call that is told twice is what was said of it last.
const INSERT: &str = "INSERT OR REPLACE INTO calls VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, \
    ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)";

const COLUMNS: &str = "id, at, provider, model, object, status, status_code, latency, input_tokens, output_tokens, \
    thinking_tokens, cached_tokens, cache_written_tokens, cost, key_id, key_name, virtual_key, virtual_key_name, \
    rule, attempts, error";

/// What a query finds, but for its bounds of the cost: SQLite compares no decimals.
const FOUND: &str = "world = ?1 AND at BETWEEN ?2 AND ?3 AND latency BETWEEN ?4 AND ?5 \
    AND input_tokens + output_tokens BETWEEN ?6 AND ?7 \
    AND (?8 IS NULL OR provider IN (SELECT value FROM json_each(?8))) \
    AND (?9 IS NULL OR model IN (SELECT value FROM json_each(?9))) \
    AND (?10 IS NULL OR status IN (SELECT value FROM json_each(?10))) \
    AND (?11 IS NULL OR object IN (SELECT value FROM json_each(?11))) \
    AND (?12 IS NULL OR key_id IN (SELECT value FROM json_each(?12))) \
    AND (?13 IS NULL OR hex(virtual_key) IN (SELECT value FROM json_each(?13)))";

/// Writes a call at its place.
pub(super) fn insert(
    connection: &Connection,
    world: WorldNumber,
    place: u64,
    call: &CallRecord,
) -> rusqlite::Result<()> {
    let (key_id, key_name) = call.key.as_ref().map(|(id, name)| (id, name)).unzip();
    let (virtual_key, virtual_key_name) =
        call.virtual_key.as_ref().map(|(id, name)| (id.as_bytes(), name)).unzip();
    connection.prepare_cached(INSERT)?.execute(params![
        world,
        integer(place),
        call.id.as_bytes(),
        call.at.as_micros(),
        call.provider,
        call.model,
        call.object,
        call.status.name(),
        call.status_code,
        integer(call.latency_ms),
        integer(call.usage.input_tokens),
        integer(call.usage.output_tokens),
        integer(call.usage.thinking_tokens),
        integer(call.usage.cached_tokens),
        integer(call.usage.cache_written_tokens),
        call.cost.to_string(),
        key_id,
        key_name,
        virtual_key,
        virtual_key_name,
        call.rule.as_ref().map(Uuid::as_bytes),
        call.attempts,
        call.error,
    ])?;
    Ok(())
}

/// The place of a world's newest call; 0 where it has none.
pub(super) fn last_place(connection: &Connection, world: WorldNumber) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT coalesce(max(place), 0) FROM calls WHERE world = ?1")?
        .query_row([world], |row| natural(row, 0))
}

/// Forgets calls up to a place.
pub(super) fn delete(connection: &Connection, world: WorldNumber, up_to: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM calls WHERE world = ?1 AND place <= ?2")?
        .execute(params![world, integer(up_to)])?;
    Ok(())
}

/// Reads a call.
pub(super) fn call(
    connection: &Connection,
    world: WorldNumber,
    id: &str,
) -> rusqlite::Result<Option<CallRecord>> {
    let Ok(id) = Uuid::parse_str(id) else { return Ok(None) };
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM calls WHERE world = ?1 AND id = ?2"))?
        .query_row(params![world, id.as_bytes()], record)
        .optional()
}

/// Reads a page of what a query finds, and how much that is on all pages.
pub(super) fn page(
    connection: &Connection,
    world: WorldNumber,
    query: &CallQuery,
) -> rusqlite::Result<CallPage> {
    if query.sort == Sort::Cost || query.cost != (None, None) {
        return page_by_cost(connection, world, query);
    }
    let mut found = found(world, query);
    let total = connection
        .prepare_cached(&format!("SELECT count(*) FROM calls WHERE {FOUND}"))?
        .query_row(params_from_iter(&found), |row| natural(row, 0))?;
    let order = order(query);
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM calls WHERE {FOUND} ORDER BY {order} LIMIT ?14 OFFSET ?15"
    ))?;
    found.extend([Value::from(integer(query.limit)), Value::from(integer(query.offset))]);
    let records = select.query_map(params_from_iter(found), record)?;
    Ok(CallPage { records: records.collect::<rusqlite::Result<_>>()?, total })
}

/// The same where costs are to be compared: they are read first, and then the calls of the page.
fn page_by_cost(
    connection: &Connection,
    world: WorldNumber,
    query: &CallQuery,
) -> rusqlite::Result<CallPage> {
    let order = order(query);
    let mut select = connection
        .prepare_cached(&format!("SELECT place, cost FROM calls WHERE {FOUND} ORDER BY {order}"))?;
    let mut rows = select.query(params_from_iter(found(world, query)))?;
    let mut places = Vec::new();
    while let Some(row) = rows.next()? {
        let cost = decimal(row, 1)?;
        if is_between(cost, query.cost) {
            places.push((row.get::<_, i64>(0)?, cost));
        }
    }
    if query.sort == Sort::Cost {
        // Stable, so that equal ones stay in the order of their places.
        places.sort_by(|(_, one), (_, other)| if query.descending { other.cmp(one) } else { one.cmp(other) });
    }
    let mut read =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM calls WHERE world = ?1 AND place = ?2"))?;
    let records = places
        .iter()
        .skip(usize::try_from(query.offset).unwrap_or(usize::MAX))
        .take(usize::try_from(query.limit).unwrap_or(usize::MAX))
        .map(|(place, _)| read.query_row([world, *place], record))
        .collect::<rusqlite::Result<_>>()?;
    Ok(CallPage { records, total: places.len() as u64 })
}

/// Adds up what a query finds, on all pages.
pub(super) fn stats(
    connection: &Connection,
    world: WorldNumber,
    query: &CallQuery,
) -> rusqlite::Result<CallStats> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT status, input_tokens, output_tokens, latency, cost FROM calls WHERE {FOUND}"
    ))?;
    let mut rows = select.query(params_from_iter(found(world, query)))?;
    let mut stats = CallStats::default();
    while let Some(row) = rows.next()? {
        let cost = decimal(row, 4)?;
        if !is_between(cost, query.cost) {
            continue;
        }
        stats.total += 1;
        stats.successes += u64::from(status(row, 0)? == CallStatus::Success);
        let tokens = natural(row, 1)?.saturating_add(natural(row, 2)?);
        stats.tokens = stats.tokens.saturating_add(tokens);
        stats.latency_sum_ms = stats.latency_sum_ms.saturating_add(natural(row, 3)?);
        stats.cost = stats.cost.saturating_add(cost);
    }
    Ok(stats)
}

/// What stands for the places of [`FOUND`].
fn found(world: WorldNumber, query: &CallQuery) -> Vec<Value> {
    let least = |bound: Option<u64>| integer(bound.unwrap_or(0));
    let most = |bound: Option<u64>| integer(bound.unwrap_or(u64::MAX));
    vec![
        world.into(),
        query.from.map_or(i64::MIN, Moment::as_micros).into(),
        query.to.map_or(i64::MAX, Moment::as_micros).into(),
        least(query.latency.0).into(),
        most(query.latency.1).into(),
        least(query.tokens.0).into(),
        most(query.tokens.1).into(),
        any_of(query.providers.iter().map(String::as_str)),
        any_of(query.models.iter().map(String::as_str)),
        any_of(query.status.iter().map(|status| status.name())),
        any_of(query.objects.iter().map(String::as_str)),
        any_of(query.key_ids.iter().map(String::as_str)),
        any_of(query.virtual_keys.iter().map(|id| format!("{:X}", id.simple()))),
    ]
}

/// A list as JSON; nothing where it is empty.
fn any_of<T: Into<serde_json::Value>>(names: impl ExactSizeIterator<Item = T>) -> Value {
    if names.len() == 0 {
        return Value::Null;
    }
    Value::Text(names.collect::<serde_json::Value>().to_string())
}

/// The order of a query but for costs; of two calls that are equal in it, the earlier counts as less.
fn order(query: &CallQuery) -> String {
    let direction = if query.descending { "DESC" } else { "ASC" };
    let column = match query.sort {
        Sort::Time => "at",
        Sort::Latency => "latency",
        Sort::Tokens => "input_tokens + output_tokens",
        Sort::Cost => "world",
    };
    format!("{column} {direction}, place {direction}")
}

fn is_between(cost: Decimal, (least, most): (Option<Decimal>, Option<Decimal>)) -> bool {
    least.is_none_or(|least| least <= cost) && most.is_none_or(|most| cost <= most)
}

fn record(row: &Row<'_>) -> rusqlite::Result<CallRecord> {
    let key_id: Option<Arc<str>> = row.get(14)?;
    let virtual_key: Option<[u8; 16]> = row.get(16)?;
    Ok(CallRecord {
        id: Uuid::from_bytes(row.get(0)?),
        at: Moment::from_micros(row.get(1)?),
        provider: row.get(2)?,
        model: row.get(3)?,
        object: row.get(4)?,
        status: status(row, 5)?,
        status_code: row.get(6)?,
        latency_ms: natural(row, 7)?,
        usage: Usage {
            input_tokens: natural(row, 8)?,
            output_tokens: natural(row, 9)?,
            thinking_tokens: natural(row, 10)?,
            cached_tokens: natural(row, 11)?,
            cache_written_tokens: natural(row, 12)?,
        },
        cost: decimal(row, 13)?,
        key: key_id.zip(row.get(15)?),
        virtual_key: virtual_key.map(Uuid::from_bytes).zip(row.get(17)?),
        rule: row.get::<_, Option<[u8; 16]>>(18)?.map(Uuid::from_bytes),
        attempts: row.get(19)?,
        error: row.get(20)?,
    })
}

fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<CallStatus> {
    let name: String = row.get(column)?;
    CallStatus::from_name(&name).ok_or_else(|| malformed(column, format!("no call ends with {name:?}")))
}

#[cfg(test)]
mod tests {
    use super::super::open::open;
    use super::super::{First, Place};
    use super::*;

    fn call(number: u32) -> CallRecord {
        CallRecord {
            id: Uuid::from_u128(number.into()),
            at: Moment::from_micros(number.into()),
            provider: Some("openai".into()),
            model: "gpt-4o".into(),
            object: "chat.completion".into(),
            status: CallStatus::Success,
            status_code: Some(200),
            latency_ms: 10 * u64::from(number),
            usage: Usage {
                input_tokens: 20 - u64::from(number),
                output_tokens: 1,
                thinking_tokens: 2,
                cached_tokens: 3,
                cache_written_tokens: 4,
            },
            cost: Decimal::new(number.into(), 1),
            key: Some(("key-1".into(), "Main".into())),
            virtual_key: Some((Uuid::from_u128(0xab), "Team".into())),
            rule: Some(Uuid::from_u128(9)),
            attempts: 1,
            error: None,
        }
    }

    /// Four calls that differ in everything.
    fn calls() -> [CallRecord; 4] {
        [
            call(1),
            CallRecord {
                provider: Some("anthropic".into()),
                model: "claude".into(),
                key: Some(("key-2".into(), "Other".into())),
                cost: cost("0.10000000000000000001"),
                ..call(2)
            },
            CallRecord {
                provider: None,
                object: "embedding".into(),
                status: CallStatus::Error,
                status_code: None,
                key: None,
                virtual_key: None,
                rule: None,
                cost: Decimal::ZERO,
                error: Some("no".into()),
                ..call(3)
            },
            CallRecord { virtual_key: Some((Uuid::from_u128(0xcd), "Other".into())), ..call(4) },
        ]
    }

    fn cost(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn connection() -> Connection {
        let (connection, _) = open(&Place::Memory, false, First::default()).unwrap();
        for (place, call) in (1..).zip(calls()) {
            insert(&connection, 1, place, &call).unwrap();
        }
        insert(&connection, 2, 1, &call(1)).unwrap();
        connection
    }

    fn everything() -> CallQuery {
        CallQuery { limit: 100, ..CallQuery::default() }
    }

    fn numbers(page: &CallPage) -> Vec<u128> {
        page.records.iter().map(|call| call.id.as_u128()).collect()
    }

    #[test]
    fn a_call_is_read_back_in_its_world_with_all_that_it_says() {
        let connection = connection();
        for call in calls() {
            assert_eq!(super::call(&connection, 1, &call.id.to_string()).unwrap(), Some(call));
        }
        assert_eq!(super::call(&connection, 2, &call(2).id.to_string()).unwrap(), None);
        assert_eq!(super::call(&connection, 1, "one").unwrap(), None);
        insert(&connection, 1, 5, &CallRecord { attempts: 7, ..call(1) }).unwrap();
        let told_again = super::call(&connection, 1, &call(1).id.to_string()).unwrap().unwrap();
        assert_eq!((told_again.attempts, last_place(&connection, 1).unwrap()), (7, 5));
        assert_eq!(page(&connection, 1, &everything()).unwrap().total, 4);
    }

    #[test]
    fn each_filter_leaves_out_what_it_does_not_name() {
        let connection = connection();
        let names = |name: &str| vec![name.to_owned(), "another".to_owned()];
        for (query, wanted) in [
            (everything(), &[1, 2, 3, 4][..]),
            (CallQuery { providers: names("anthropic"), ..everything() }, &[2]),
            (CallQuery { models: names("claude"), ..everything() }, &[2]),
            (CallQuery { objects: names("embedding"), ..everything() }, &[3]),
            (CallQuery { key_ids: names("key-1"), ..everything() }, &[1, 4]),
            (CallQuery { status: vec![CallStatus::Error], ..everything() }, &[3]),
            (CallQuery { virtual_keys: vec![Uuid::from_u128(0xcd)], ..everything() }, &[4]),
            (CallQuery { from: Some(Moment::from_micros(3)), ..everything() }, &[3, 4]),
            (CallQuery { to: Some(Moment::from_micros(3)), ..everything() }, &[1, 2, 3]),
            (CallQuery { latency: (Some(20), Some(30)), ..everything() }, &[2, 3]),
            (CallQuery { tokens: (Some(18), Some(19)), ..everything() }, &[2, 3]),
            (CallQuery { cost: (Some(cost("0.10")), None), ..everything() }, &[1, 2, 4]),
            (CallQuery { cost: (None, Some(cost("0.1"))), ..everything() }, &[1, 3]),
            (CallQuery { models: names("gpt-4o' OR 1 = 1 --"), ..everything() }, &[]),
        ] {
            let page = page(&connection, 1, &query).unwrap();
            assert_eq!(numbers(&page), wanted, "{query:?}");
            assert_eq!(page.total, wanted.len() as u64, "{query:?}");
            assert_eq!(stats(&connection, 1, &query).unwrap().total, page.total, "{query:?}");
        }
    }

    #[test]
    fn calls_are_put_in_order_to_the_last_digit_and_read_in_pages() {
        let connection = connection();
        for (sort, wanted) in [
            (Sort::Time, [1, 2, 3, 4]),
            (Sort::Latency, [1, 2, 3, 4]),
            (Sort::Tokens, [4, 3, 2, 1]),
            (Sort::Cost, [3, 1, 2, 4]),
        ] {
            let whole = CallQuery { sort, ..everything() };
            assert_eq!(numbers(&page(&connection, 1, &whole).unwrap()), wanted, "{sort:?}");
            let middle = CallQuery { offset: 1, limit: 2, ..whole.clone() };
            let middle = page(&connection, 1, &middle).unwrap();
            assert_eq!((numbers(&middle).as_slice(), middle.total), (&wanted[1..3], 4), "{sort:?}");
            let downwards = page(&connection, 1, &CallQuery { descending: true, ..whole }).unwrap();
            assert!(numbers(&downwards).iter().rev().eq(&wanted), "{sort:?}");
        }
    }

    #[test]
    fn what_calls_come_to_is_exact() {
        let wanted = CallStats {
            total: 4,
            successes: 3,
            tokens: 20 + 19 + 18 + 17,
            cost: cost("0.60000000000000000001"),
            latency_sum_ms: 100,
        };
        assert_eq!(stats(&connection(), 1, &everything()).unwrap(), wanted);
    }
}
