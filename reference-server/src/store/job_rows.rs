//! Jobs as rows.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;
use uuid::Uuid;

use super::open::ROOT;
use super::outcomes::Held;
use super::rows::{Retention, integer, malformed, natural};
use crate::domain::clock::Moment;
use crate::domain::jobs::{CUT_OFF, JobRow, JobStatus};
use crate::domain::ledger::WorldNumber;

const SAVE: &str = "INSERT INTO jobs (world, id, operation, virtual_key, status, ttl, created, completed, expires, \
    status_code, body, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
    ON CONFLICT (world, id) DO UPDATE SET status = ?5, completed = ?8, expires = ?9, status_code = ?10, \
    body = ?11, size = ?12";

/// How long the outcome of a job is kept is told in seconds, a moment in microseconds.
const FAIL: &str = "UPDATE jobs SET status = ?1, status_code = ?8, body = ?2, size = ?3, completed = ?4, \
    expires = ?4 + ttl * 1000000 WHERE world = ?5 AND status IN (?6, ?7)";

/// Each virtual key is left its latest outcomes, up to an equal share of their number and of their bytes: who has less
/// than that loses none.
const CUT: &str = "WITH own AS (SELECT place, completed, size, row_number() OVER latest AS number, \
    sum(size) OVER latest AS bytes FROM jobs WHERE world = ?1 AND completed IS NOT NULL \
    WINDOW latest AS (PARTITION BY virtual_key ORDER BY completed DESC, place DESC)), \
    shared AS (SELECT place, row_number() OVER (ORDER BY number, completed DESC, place DESC) AS number_of_all, \
    sum(size) OVER (ORDER BY bytes, completed DESC, place DESC) AS bytes_of_all FROM own) \
    DELETE FROM jobs WHERE id <> ?2 AND place IN \
    (SELECT place FROM shared WHERE number_of_all > ?3 OR bytes_of_all > ?4)";

/// Writes a job, new or changed.
pub(super) fn save(connection: &Connection, world: WorldNumber, job: &JobRow) -> rusqlite::Result<()> {
    connection.prepare_cached(SAVE)?.execute(params![
        world,
        job.id,
        job.operation,
        job.virtual_key.as_ref().map(Uuid::as_bytes),
        job.status.name(),
        job.ttl,
        job.created.as_micros(),
        job.completed.map(Moment::as_micros),
        job.expires.map(Moment::as_micros),
        job.status_code,
        job.body,
        integer(size(job.body.as_deref())),
    ])?;
    Ok(())
}

/// How much a world has of what jobs have come to.
pub(super) fn held(connection: &Connection, world: WorldNumber) -> rusqlite::Result<Held> {
    connection
        .prepare_cached(
            "SELECT count(*), coalesce(sum(size), 0) FROM jobs WHERE world = ?1 AND completed IS NOT NULL",
        )?
        .query_row([world], |row| Ok(Held { rows: natural(row, 0)?, bytes: natural(row, 1)? }))
}

/// Forgets outcomes until a world has no more than so much: each virtual key keeps its newest up to an equal share, and
/// who has less than that loses none. The newest one of all stays however large it is.
pub(super) fn cut(
    connection: &Connection,
    world: WorldNumber,
    newest: &JobRow,
    kept: Retention,
) -> rusqlite::Result<()> {
    connection.prepare_cached(CUT)?.execute(params![world, newest.id, kept.rows, integer(kept.bytes)])?;
    Ok(())
}

/// Reads a job.
pub(super) fn job(connection: &Connection, world: WorldNumber, id: &str) -> rusqlite::Result<Option<JobRow>> {
    connection
        .prepare_cached(
            "SELECT id, operation, virtual_key, status, ttl, created, completed, expires, status_code, body \
             FROM jobs WHERE world = ?1 AND id = ?2",
        )?
        .query_row(params![world, id], read)
        .optional()
}

/// Reads a job but for what it has come to, and how many bytes that is: the lengths of texts stand before them.
pub(super) fn head(
    connection: &Connection,
    world: WorldNumber,
    id: &str,
) -> rusqlite::Result<Option<(JobRow, usize)>> {
    connection
        .prepare_cached(
            "SELECT id, operation, virtual_key, status, ttl, created, completed, expires, status_code, NULL, \
             coalesce(octet_length(body), 0) FROM jobs WHERE world = ?1 AND id = ?2",
        )?
        .query_row(params![world, id], |row| {
            Ok((read(row)?, usize::try_from(natural(row, 10)?).unwrap_or(usize::MAX)))
        })
        .optional()
}

/// Forgets outcomes whose time is over; whether there were any.
pub(super) fn purge(connection: &Connection, world: WorldNumber, now: Moment) -> rusqlite::Result<bool> {
    let deleted = connection
        .prepare_cached("DELETE FROM jobs WHERE world = ?1 AND completed IS NOT NULL AND expires <= ?2")?
        .execute(params![world, now.as_micros()])?;
    Ok(deleted > 0)
}

/// Forgets a world's jobs.
pub(super) fn delete(connection: &Connection, world: WorldNumber) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM jobs WHERE world = ?1")?.execute([world])?;
    Ok(())
}

/// Fails what the default world had under way when it was left: nobody works on it any more.
pub(super) fn fail_unfinished(connection: &Connection, now: Moment) -> rusqlite::Result<()> {
    let error = json!({
        "is_bifrost_error": true,
        "status_code": CUT_OFF,
        "error": { "message": "the gateway was restarted before the job was done" },
        "extra_fields": {},
    })
    .to_string();
    connection.execute(
        FAIL,
        params![
            JobStatus::Failed.name(),
            error,
            integer(size(Some(&error))),
            now.as_micros(),
            ROOT,
            JobStatus::Pending.name(),
            JobStatus::Processing.name(),
            CUT_OFF,
        ],
    )?;
    Ok(())
}

/// Has the jobs that began or ended later than now do so now: the clock that they were timed by was ahead. From here on
/// their outcomes are kept for no longer than their time.
pub(super) fn end_by(connection: &Connection, now: Moment) -> rusqlite::Result<()> {
    let sql = "UPDATE jobs SET created = min(created, ?1), completed = min(completed, ?1), \
        expires = min(expires, ?1 + ttl * 1000000) WHERE created > ?1 OR completed > ?1";
    connection.execute(sql, [now.as_micros()])?;
    Ok(())
}

/// How many bytes an outcome takes.
pub(super) fn size(body: Option<&str>) -> u64 {
    body.map_or(0, str::len) as u64
}

fn read(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    let status: String = row.get(3)?;
    Ok(JobRow {
        id: row.get(0)?,
        operation: row.get::<_, Arc<str>>(1)?,
        virtual_key: row.get::<_, Option<[u8; 16]>>(2)?.map(Uuid::from_bytes),
        status: JobStatus::from_name(&status).ok_or_else(|| malformed(3, format!("no job is {status:?}")))?,
        ttl: row.get(4)?,
        created: Moment::from_micros(row.get(5)?),
        completed: row.get::<_, Option<i64>>(6)?.map(Moment::from_micros),
        expires: row.get::<_, Option<i64>>(7)?.map(Moment::from_micros),
        status_code: row.get(8)?,
        body: row.get(9)?,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::open::open;
    use super::super::{First, Place, Store};
    use super::*;

    /// A job that waits.
    pub(in super::super) fn job(id: &str) -> JobRow {
        JobRow {
            id: id.to_owned(),
            operation: "chat/completions".into(),
            virtual_key: Some(Uuid::from_u128(1)),
            status: JobStatus::Pending,
            ttl: 60,
            created: Moment::from_micros(1),
            completed: None,
            expires: None,
            status_code: None,
            body: None,
        }
    }

    /// The job after so many microseconds, with four bytes to tell.
    pub(in super::super) fn done(id: &str, completed: i64) -> JobRow {
        JobRow {
            status: JobStatus::Completed,
            completed: Some(Moment::from_micros(completed)),
            expires: Some(Moment::from_micros(completed + 100)),
            status_code: Some(200),
            body: Some("true".to_owned()),
            ..job(id)
        }
    }

    /// A new state.
    pub(in super::super) fn connection() -> Connection {
        open(&Place::Memory, false, First::default()).unwrap().0
    }

    /// Which of these jobs there are.
    pub(in super::super) fn kept(connection: &Connection, world: WorldNumber, ids: &[&str]) -> Vec<bool> {
        ids.iter().map(|id| job_of(connection, world, id)).collect()
    }

    fn job_of(connection: &Connection, world: WorldNumber, id: &str) -> bool {
        super::job(connection, world, id).unwrap().is_some()
    }

    #[test]
    fn a_job_is_read_back_in_its_world_as_it_was_saved_last() {
        let connection = connection();
        for row in [job("one"), JobRow { status: JobStatus::Processing, ..job("one") }, done("one", 5)] {
            save(&connection, 1, &row).unwrap();
            assert_eq!(super::job(&connection, 1, "one").unwrap(), Some(row.clone()));
            let size = row.body.as_deref().map_or(0, str::len);
            let head = JobRow { body: None, ..row };
            assert_eq!(super::head(&connection, 1, "one").unwrap(), Some((head, size)));
        }
        assert_eq!(super::job(&connection, 2, "one").unwrap(), None);
        assert_eq!(super::head(&connection, 2, "one").unwrap(), None);
        save(&connection, 2, &JobRow { virtual_key: None, ..job("one") }).unwrap();
        delete(&connection, 1).unwrap();
        assert_eq!([1, 2].map(|world| job_of(&connection, world, "one")), [false, true]);
    }

    #[test]
    fn outcomes_go_when_their_time_is_over_and_jobs_under_way_stay() {
        let connection = connection();
        let told = JobRow { expires: Some(Moment::from_micros(50)), ..job("pending") };
        for row in [told, done("one", 5), done("two", 6)] {
            save(&connection, 1, &row).unwrap();
        }
        save(&connection, 2, &done("one", 5)).unwrap();
        let ended = Moment::from_micros(105);
        assert_eq!([1, 1, 3].map(|world| purge(&connection, world, ended).unwrap()), [true, false, false]);
        assert_eq!(kept(&connection, 1, &["pending", "one", "two"]), [true, false, true]);
        assert!(job_of(&connection, 2, "one"));
    }

    #[tokio::test]
    async fn a_restart_fails_what_was_under_way_and_keeps_what_was_done() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("state.db"));
        {
            let (store, _) = Store::open(&place, false, First::default()).unwrap();
            for row in [job("pending"), JobRow { status: JobStatus::Processing, ..job("processing") }] {
                store.save_job(ROOT, row).await.unwrap();
            }
            store.save_job(ROOT, done("done", 5)).await.unwrap();
            store.save_job(3, done("done", 5)).await.unwrap();
        }
        let (store, _) = Store::open(&place, false, First::default()).unwrap();
        for id in ["pending", "processing"] {
            let failed = store.job(ROOT, id.to_owned()).await.unwrap().unwrap();
            assert_eq!((failed.status, failed.status_code), (JobStatus::Failed, Some(503)));
            let (completed, expires) = (failed.completed.unwrap(), failed.expires.unwrap());
            assert_eq!(expires.as_micros() - completed.as_micros(), 60_000_000);
            let error: serde_json::Value = serde_json::from_str(&failed.body.unwrap()).unwrap();
            assert_eq!(error["status_code"], 503);
            assert!(error["error"]["message"].as_str().unwrap().contains("restarted"), "{error}");
        }
        assert_eq!(store.job(ROOT, "done".to_owned()).await, Ok(Some(done("done", 5))));
        assert_eq!(store.job(3, "done".to_owned()).await, Ok(None));
        store.purge_jobs(ROOT, Moment::from_micros(105));
        assert_eq!(store.job(ROOT, "done".to_owned()).await, Ok(None));
        assert!(store.job(ROOT, "pending".to_owned()).await.unwrap().is_some());
    }
}
