//! The jobs of one world: submitted, worked off, found again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use uuid::Uuid;

use super::job::{JobRow, JobStatus};
use super::runner::{Busy, Place, Runner};
use crate::defect::{Defect, DefectSet};
use crate::domain::clock::Moment;
use crate::domain::ledger::WorldNumber;
use crate::store::{Store, StoreError};

/// Every so many jobs, those whose time is over are deleted.
const BETWEEN_PURGES: u32 = 64;

/// One world's jobs.
pub(crate) struct Jobs {
    store: Arc<Store>,
    world: WorldNumber,
    runner: Runner,
    submitted: AtomicU32,
}

/// What a job is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Submitted<'s> {
    /// The path of the call behind `/v1/async/`.
    pub(crate) operation: &'s str,
    pub(crate) virtual_key: Option<Uuid>,
    /// How long the outcome is to be kept, as the caller wrote it.
    pub(crate) asked_ttl: Option<&'s str>,
    /// How long it is kept where the caller says nothing that makes sense, in seconds.
    pub(crate) usual_ttl: u32,
}

/// Who comes for a job, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'r> {
    pub(crate) operation: &'r str,
    /// The virtual key in force that is sent, if one is.
    pub(crate) virtual_key: Option<Uuid>,
}

/// What a job has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The status of the call.
    pub(crate) status: u16,
    /// Its answer: JSON.
    pub(crate) body: String,
}

/// Why a job is not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    /// There is none with this id, or its time is over.
    Unknown,
    /// It has a virtual key, and none in force is sent.
    KeyMissing,
    /// It is another key's.
    OtherKey,
    /// It does something else than the path says.
    OtherOperation,
}

impl Miss {
    /// What is told of it: as long as nobody can tell one reason from another, nobody learns which jobs there are.
    pub(crate) fn message(self, defects: &DefectSet) -> &'static str {
        let told_apart = match self {
            Self::Unknown => None,
            Self::KeyMissing => Some("virtual key is required"),
            Self::OtherKey => Some("virtual key mismatch"),
            Self::OtherOperation => Some("operation type mismatch"),
        };
        told_apart.filter(|_| defects.has(Defect::JobMissesToldApart)).unwrap_or("Job not found or expired")
    }
}

impl Jobs {
    /// The jobs of a world, which have their turn with those of others.
    pub(crate) fn new(store: Arc<Store>, world: WorldNumber, runner: Runner) -> Self {
        Self { store, world, runner, submitted: AtomicU32::new(0) }
    }

    /// A place among those that wait to be worked off, for a job whose body and headers have so many bytes.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<Place, Busy> {
        self.runner.reserve(bytes)
    }

    /// Takes a job in; when this returns, it is found.
    pub(crate) async fn submit(
        &self,
        submitted: Submitted<'_>,
        now: Moment,
        defects: &DefectSet,
    ) -> Result<JobRow, StoreError> {
        if self.submitted.fetch_add(1, Ordering::Relaxed).is_multiple_of(BETWEEN_PURGES) {
            self.store.purge_jobs(self.world, now);
        }
        let ttl = lifetime(submitted.asked_ttl, submitted.usual_ttl, defects);
        let job = JobRow {
            id: Uuid::new_v4().to_string(),
            operation: submitted.operation.into(),
            virtual_key: submitted.virtual_key,
            status: JobStatus::Pending,
            ttl,
            created: now,
            completed: None,
            // The time begins anew when the job is done. Who asks for one is told what it comes to until then.
            expires: submitted.asked_ttl.map(|_| now.plus(seconds(ttl))),
            status_code: None,
            body: None,
        };
        self.store.save_job(self.world, job.clone()).await?;
        Ok(job)
    }

    /// Says that a job is worked on.
    pub(crate) async fn begin(&self, job: &mut JobRow) -> Result<(), StoreError> {
        job.status = JobStatus::Processing;
        self.store.save_job(self.world, job.clone()).await
    }

    /// Keeps what a job has come to.
    pub(crate) async fn finish(
        &self,
        job: JobRow,
        outcome: Outcome,
        now: Moment,
        defects: &DefectSet,
    ) -> Result<(), StoreError> {
        if defects.has(Defect::JobNeverCompletes) {
            return Ok(());
        }
        let is_success = outcome.status < 400 || defects.has(Defect::JobFailureCompletes);
        let kept_from = if defects.has(Defect::JobTtlFromSubmission) { job.created } else { now };
        let done = JobRow {
            status: if is_success { JobStatus::Completed } else { JobStatus::Failed },
            completed: Some(now),
            expires: Some(kept_from.plus(seconds(job.ttl))),
            status_code: Some(outcome.status),
            body: Some(outcome.body),
            ..job
        };
        self.store.save_job(self.world, done).await
    }

    /// The job with this id but for what it has come to, and how many bytes that is, if it is this reader's to see.
    pub(crate) async fn find(
        &self,
        id: &str,
        reader: Reader<'_>,
        now: Moment,
        defects: &DefectSet,
    ) -> Result<Result<(JobRow, usize), Miss>, StoreError> {
        let found = self.store.job_head(self.world, id.to_owned()).await?;
        Ok(found.ok_or(Miss::Unknown).and_then(|(job, size)| Ok((shown(job, reader, now, defects)?, size))))
    }

    /// A job that was found, with what it had come to by then. That may be forgotten meanwhile, and with it the job.
    pub(crate) async fn whole(&self, found: JobRow) -> Result<Result<JobRow, Miss>, StoreError> {
        if !found.status.is_final() {
            return Ok(Ok(found));
        }
        Ok(self.store.job(self.world, found.id).await?.ok_or(Miss::Unknown))
    }
}

/// The job, if it is this reader's to see.
fn shown(job: JobRow, reader: Reader<'_>, now: Moment, defects: &DefectSet) -> Result<JobRow, Miss> {
    let is_over = job.status.is_final() && job.expires.is_some_and(|expires| expires <= now);
    if is_over && !defects.has(Defect::JobNeverExpires) {
        return Err(Miss::Unknown);
    }
    match (job.virtual_key, reader.virtual_key) {
        _ if defects.has(Defect::JobShownToOthers) => {}
        (Some(_), None) => return Err(Miss::KeyMissing),
        (Some(own), Some(sent)) if own != sent => return Err(Miss::OtherKey),
        _ => {}
    }
    if *job.operation != *reader.operation && !defects.has(Defect::JobShownToOtherOperation) {
        return Err(Miss::OtherOperation);
    }
    Ok(job)
}

/// How long an outcome is kept, in seconds. What is no number of seconds, or none at all, counts as not said.
fn lifetime(asked: Option<&str>, usual: u32, defects: &DefectSet) -> u32 {
    match asked.and_then(|text| text.trim().parse().ok()) {
        Some(0) if !defects.has(Defect::JobTtlZeroTaken) => usual,
        Some(ttl) => ttl,
        None if defects.has(Defect::JobUsualTtlShort) => usual / 6,
        None if defects.has(Defect::JobUsualTtlEndless) => u32::MAX,
        None => usual,
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::{self, TestWorld};
    use crate::domain::world::World;

    const CHAT: &str = "chat/completions";

    fn at(seconds: i64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    fn submitted(virtual_key: Option<u128>, asked_ttl: Option<&str>) -> Submitted<'_> {
        Submitted {
            operation: CHAT,
            virtual_key: virtual_key.map(Uuid::from_u128),
            asked_ttl,
            usual_ttl: 3_600,
        }
    }

    fn answered(status: u16) -> Outcome {
        Outcome { status, body: "{}".to_owned() }
    }

    async fn done(world: &TestWorld, virtual_key: Option<u128>, ttl: Option<&str>, status: u16) -> String {
        let World { jobs, defects, .. } = &*world.world;
        let mut job = jobs.submit(submitted(virtual_key, ttl), at(0), defects).await.unwrap();
        let id = job.id.clone();
        jobs.begin(&mut job).await.unwrap();
        jobs.finish(job, answered(status), at(10), defects).await.unwrap();
        id
    }

    async fn found(
        world: &TestWorld,
        id: &str,
        operation: &str,
        key: Option<u128>,
        now: i64,
    ) -> Result<JobRow, Miss> {
        let World { jobs, defects, .. } = &*world.world;
        let reader = Reader { operation, virtual_key: key.map(Uuid::from_u128) };
        match jobs.find(id, reader, at(now), defects).await.unwrap() {
            Ok((job, _)) => jobs.whole(job).await.unwrap(),
            Err(miss) => Err(miss),
        }
    }

    #[tokio::test]
    async fn a_job_is_pending_then_processing_then_done() {
        let world = testing::world();
        let World { jobs, defects, .. } = &*world.world;
        let mut job = jobs.submit(submitted(None, None), at(0), defects).await.unwrap();
        let seen = async |id: &str| {
            let job = found(&world, id, CHAT, None, 1).await.unwrap();
            (job.status, job.status_code, job.expires)
        };
        let id = job.id.clone();
        assert_eq!(seen(&id).await, (JobStatus::Pending, None, None));
        jobs.begin(&mut job).await.unwrap();
        assert_eq!(seen(&id).await, (JobStatus::Processing, None, None));
        jobs.finish(job, answered(200), at(10), defects).await.unwrap();
        assert_eq!(seen(&id).await, (JobStatus::Completed, Some(200), Some(at(3_610))));
    }

    #[tokio::test]
    async fn a_job_whose_call_fails_has_failed() {
        let world = testing::world();
        let id = done(&world, None, None, 503).await;
        let job = found(&world, &id, CHAT, None, 11).await.unwrap();
        assert_eq!((job.status, job.status_code), (JobStatus::Failed, Some(503)));
        assert_eq!((job.completed, job.body.as_deref()), (Some(at(10)), Some("{}")));
    }

    #[tokio::test]
    async fn what_a_job_comes_to_after_it_was_found_is_read_by_the_next_to_come() {
        let world = testing::world();
        let World { jobs, defects, .. } = &*world.world;
        let mut job = jobs.submit(submitted(None, None), at(0), defects).await.unwrap();
        jobs.begin(&mut job).await.unwrap();
        let reader = Reader { operation: CHAT, virtual_key: None };
        let find = async || jobs.find(&job.id, reader, at(11), defects).await.unwrap().unwrap();
        let (before, size) = find().await;
        jobs.finish(job.clone(), answered(200), at(10), defects).await.unwrap();
        let before = jobs.whole(before).await.unwrap().unwrap();
        assert_eq!((before.status, before.body, size), (JobStatus::Processing, None, 0));
        let (after, size) = find().await;
        assert_eq!((after.status, &after.body, size), (JobStatus::Completed, &None, 2));
        let whole = jobs.whole(after.clone()).await.unwrap().unwrap();
        assert_eq!(whole.body.as_deref(), Some("{}"));
        jobs.store.purge_jobs(jobs.world, at(4_000));
        assert_eq!(jobs.whole(after).await.unwrap(), Err(Miss::Unknown));
    }

    #[tokio::test]
    async fn an_outcome_is_kept_for_its_time_from_the_end_on() {
        let world = testing::world();
        for (ttl, last) in [(Some("60"), 69), (None, 3_609), (Some("0"), 3_609), (Some("soon"), 3_609)] {
            let id = done(&world, None, ttl, 200).await;
            assert!(found(&world, &id, CHAT, None, last).await.is_ok(), "{ttl:?}");
            assert_eq!(found(&world, &id, CHAT, None, last + 1).await.err(), Some(Miss::Unknown), "{ttl:?}");
        }
    }

    #[tokio::test]
    async fn a_job_is_found_by_its_key_at_its_operation_alone() {
        let world = testing::world();
        let (own, open) = (done(&world, Some(1), None, 200).await, done(&world, None, None, 200).await);
        assert!(found(&world, &own, CHAT, Some(1), 11).await.is_ok());
        for (id, operation, key, miss) in [
            (&own, CHAT, None, Miss::KeyMissing),
            (&own, CHAT, Some(2), Miss::OtherKey),
            (&own, "embeddings", Some(1), Miss::OtherOperation),
            (&"no-such".to_owned(), CHAT, Some(1), Miss::Unknown),
        ] {
            assert_eq!(found(&world, id, operation, key, 11).await.err(), Some(miss));
            assert_eq!(miss.message(&world.world.defects), "Job not found or expired");
        }
        assert!(found(&world, &open, CHAT, Some(2), 11).await.is_ok());
    }

    #[tokio::test]
    async fn each_defect_is_seen() {
        let world = testing::world();
        world.break_with(Some("job-never-completes"));
        let id = done(&world, None, None, 200).await;
        assert_eq!(found(&world, &id, CHAT, None, 11).await.unwrap().status, JobStatus::Processing);
        world.break_with(Some("job-failure-completes"));
        let id = done(&world, None, None, 503).await;
        assert_eq!(found(&world, &id, CHAT, None, 11).await.unwrap().status, JobStatus::Completed);
        world.break_with(Some("job-never-expires"));
        assert!(found(&world, &id, CHAT, None, 4_000).await.is_ok());
        world.break_with(Some("job-ttl-zero-taken"));
        let id = done(&world, None, Some("0"), 200).await;
        assert_eq!(found(&world, &id, CHAT, None, 11).await.err(), Some(Miss::Unknown));
        for (defect, ttl, now, is_found) in [
            ("job-usual-ttl-short", None, 700, false),
            ("job-usual-ttl-short", Some("3600"), 700, true),
            ("job-usual-ttl-endless", None, 4_000, true),
            ("job-usual-ttl-endless", Some("60"), 4_000, false),
            ("job-ttl-from-submission", Some("60"), 65, false),
        ] {
            world.break_with(Some(defect));
            let id = done(&world, None, ttl, 200).await;
            assert_eq!(found(&world, &id, CHAT, None, now).await.is_ok(), is_found, "{defect} {ttl:?}");
        }
        world.break_with(Some("job-shown-to-others"));
        let id = done(&world, Some(1), None, 200).await;
        assert!(found(&world, &id, CHAT, Some(2), 11).await.is_ok());
        world.break_with(Some("job-shown-to-other-operation"));
        assert!(found(&world, &id, "embeddings", Some(1), 11).await.is_ok());
        world.break_with(Some("job-misses-told-apart"));
        assert_eq!(Miss::OtherKey.message(&world.world.defects), "virtual key mismatch");
    }
}
