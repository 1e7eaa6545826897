//! Jobs as rows.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;
use uuid::Uuid;

use super::open::ROOT;
use super::rows::{Retention, integer, malformed, natural};
use crate::domain::clock::Moment;
use crate::domain::jobs::{JobRow, JobStatus};
use crate::domain::ledger::WorldNumber;

const SAVE: &str = "INSERT INTO jobs (world, id, operation, virtual_key, status, ttl, created, completed, expires, \
    status_code, body, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
    ON CONFLICT (world, id) DO UPDATE SET status = ?5, completed = ?8, expires = ?9, status_code = ?10, \
    body = ?11, size = ?12";

/// How long the outcome of a job is kept is told in seconds, a moment in microseconds.
const FAIL: &str = "UPDATE jobs SET status = ?1, status_code = 500, body = ?2, size = ?3, completed = ?4, \
    expires = ?4 + ttl * 1000000 WHERE world = ?5 AND status IN (?6, ?7)";

/// Writes a job, new or changed, and keeps no more than so much of a world's outcomes: the latest, and the newest one
/// however large it is.
pub(super) fn save(
    connection: &Connection,
    world: WorldNumber,
    job: &JobRow,
    kept: Retention,
) -> rusqlite::Result<()> {
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
        size(job.body.as_deref()),
    ])?;
    // What is not finished stays, so room is made by what finishes.
    if job.completed.is_none() {
        return Ok(());
    }
    let (count, bytes) = connection
        .prepare_cached("SELECT count(*), sum(size) FROM jobs WHERE world = ?1 AND completed IS NOT NULL")?
        .query_row([world], |row| Ok((natural(row, 0)?, natural(row, 1)?)))?;
    if count <= u64::from(kept.rows) && bytes <= kept.bytes {
        return Ok(());
    }
    connection
        .prepare_cached(
            "DELETE FROM jobs WHERE place IN (SELECT place FROM (SELECT place, \
             row_number() OVER latest AS number, sum(size) OVER latest AS bytes \
             FROM jobs WHERE world = ?1 AND completed IS NOT NULL \
             WINDOW latest AS (ORDER BY completed DESC, place DESC)) \
             WHERE number > ?2 OR number > 1 AND bytes > ?3)",
        )?
        .execute(params![world, kept.rows, integer(kept.bytes)])?;
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

/// Forgets outcomes whose time is over.
pub(super) fn purge(connection: &Connection, world: WorldNumber, now: Moment) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM jobs WHERE world = ?1 AND completed IS NOT NULL AND expires <= ?2")?
        .execute(params![world, now.as_micros()])?;
    Ok(())
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
        "status_code": 500,
        "error": { "message": "the gateway was restarted before the job was done" },
        "extra_fields": {},
    })
    .to_string();
    connection.execute(
        FAIL,
        params![
            JobStatus::Failed.name(),
            error,
            size(Some(&error)),
            now.as_micros(),
            ROOT,
            JobStatus::Pending.name(),
            JobStatus::Processing.name(),
        ],
    )?;
    Ok(())
}

fn size(body: Option<&str>) -> i64 {
    integer(body.map_or(0, str::len) as u64)
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
mod tests {
    use super::super::open::open;
    use super::super::{First, Place, Store};
    use super::*;

    const ALL: Retention = Retention { rows: 100, bytes: 1_000 };

    fn job(id: &str) -> JobRow {
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
    fn done(id: &str, completed: i64) -> JobRow {
        JobRow {
            status: JobStatus::Completed,
            completed: Some(Moment::from_micros(completed)),
            expires: Some(Moment::from_micros(completed + 100)),
            status_code: Some(200),
            body: Some("true".to_owned()),
            ..job(id)
        }
    }

    fn connection() -> Connection {
        open(&Place::Memory, false, First::default()).unwrap().0
    }

    fn kept(connection: &Connection, world: WorldNumber, ids: &[&str]) -> Vec<bool> {
        ids.iter().map(|id| job_of(connection, world, id)).collect()
    }

    fn job_of(connection: &Connection, world: WorldNumber, id: &str) -> bool {
        super::job(connection, world, id).unwrap().is_some()
    }

    #[test]
    fn a_job_is_read_back_in_its_world_as_it_was_saved_last() {
        let connection = connection();
        for row in [job("one"), JobRow { status: JobStatus::Processing, ..job("one") }, done("one", 5)] {
            save(&connection, 1, &row, ALL).unwrap();
            assert_eq!(super::job(&connection, 1, "one").unwrap(), Some(row));
        }
        assert_eq!(super::job(&connection, 2, "one").unwrap(), None);
        save(&connection, 2, &JobRow { virtual_key: None, ..job("one") }, ALL).unwrap();
        delete(&connection, 1).unwrap();
        assert_eq!([1, 2].map(|world| job_of(&connection, world, "one")), [false, true]);
    }

    #[test]
    fn outcomes_go_when_their_time_is_over_and_jobs_under_way_stay() {
        let connection = connection();
        let told = JobRow { expires: Some(Moment::from_micros(50)), ..job("pending") };
        for row in [told, done("one", 5), done("two", 6)] {
            save(&connection, 1, &row, ALL).unwrap();
        }
        save(&connection, 2, &done("one", 5), ALL).unwrap();
        purge(&connection, 1, Moment::from_micros(105)).unwrap();
        assert_eq!(kept(&connection, 1, &["pending", "one", "two"]), [true, false, true]);
        assert!(job_of(&connection, 2, "one"));
    }

    #[test]
    fn what_was_done_first_makes_room_and_the_newest_outcome_stays_however_large() {
        for (room, wanted) in [
            (Retention { rows: 3, bytes: 12 }, [true, true, true, true]),
            (Retention { rows: 2, bytes: 100 }, [true, true, false, true]),
            (Retention { rows: 9, bytes: 8 }, [true, true, false, true]),
            (Retention { rows: 9, bytes: 1 }, [true, false, false, true]),
        ] {
            let connection = connection();
            let ids = ["pending", "second", "first", "last"];
            for id in ids {
                save(&connection, 1, &job(id), room).unwrap();
            }
            for (id, completed) in [("first", 1), ("second", 2), ("last", 3)] {
                save(&connection, 1, &done(id, completed), room).unwrap();
            }
            assert_eq!(kept(&connection, 1, &ids), wanted, "{room:?}");
        }
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
            assert_eq!((failed.status, failed.status_code), (JobStatus::Failed, Some(500)));
            let (completed, expires) = (failed.completed.unwrap(), failed.expires.unwrap());
            assert_eq!(expires.as_micros() - completed.as_micros(), 60_000_000);
            let error: serde_json::Value = serde_json::from_str(&failed.body.unwrap()).unwrap();
            assert!(error["error"]["message"].as_str().unwrap().contains("restarted"), "{error}");
        }
        assert_eq!(store.job(ROOT, "done".to_owned()).await, Ok(Some(done("done", 5))));
        assert_eq!(store.job(3, "done".to_owned()).await, Ok(None));
        store.purge_jobs(ROOT, Moment::from_micros(105));
        assert_eq!(store.job(ROOT, "done".to_owned()).await, Ok(None));
        assert!(store.job(ROOT, "pending".to_owned()).await.unwrap().is_some());
    }
}
