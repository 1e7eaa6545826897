//! Jobs: what the log has of them, and how much room they take until they are done with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{HeaderValue, Request};
use futures::FutureExt;
use uuid::Uuid;

use super::testing::{Got, JOBS, get, hello, large, post, sent_within};
use crate::domain::jobs::{Outcome, Submitted};
use crate::domain::log_line::LogEvent;
use crate::domain::testing::{self, TestWorld};
use crate::domain::world::World;
use crate::intake::Intake;

#[tokio::test]
async fn a_job_is_closed_in_the_log_once_it_is_taken_in_and_not_again() {
    let world = testing::world();
    let job = post(&world, JOBS, &[], &hello("openai/gpt-4o")).await;
    assert_eq!(job.status, 202, "{}", job.text);
    done(&world, &job).await;
    let id = job.headers["x-request-id"].to_str().unwrap().parse().unwrap();
    let lines = world.world.log.lines(Some(id));
    let is_end = |event: &LogEvent| matches!(event, LogEvent::Completed { .. } | LogEvent::Failed { .. });
    assert_eq!(lines.iter().filter(|line| is_end(&line.event)).count(), 1);
    assert!(lines.iter().any(|line| matches!(line.event, LogEvent::Billing(_))));
}

/// Waits until a job is done.
async fn done(world: &TestWorld, job: &Got) {
    let place = format!("{JOBS}/{}", job.json()["id"].as_str().unwrap());
    let deadline = Instant::now() + Duration::from_secs(10);
    while get(world, &place, &[]).await.status != 200 {
        assert!(Instant::now() < deadline, "the job was never done");
        tokio::task::yield_now().await;
    }
}

/// How much room is left for jobs, in MiB.
fn left(world: &TestWorld) -> usize {
    let places = std::iter::from_fn(|| world.world.jobs.reserve(1024 * 1024).ok());
    places.collect::<Vec<_>>().len()
}

#[tokio::test]
async fn a_job_that_waits_takes_up_room_until_it_is_worked_off() {
    let world = testing::world();
    let intake = Arc::new(Intake::new(4 * 1024 * 1024));
    let all = intake.budget.available_permits();
    let mut turns = Vec::new();
    while let Some(turn) = world.world.jobs.reserve(0).unwrap().turn().now_or_never() {
        turns.push(turn);
        // A task that has done so much is made to pause by the runtime, which would look like no turn.
        tokio::task::yield_now().await;
    }
    let before = left(&world);
    let request = Request::builder().method("POST").uri(JOBS);
    let job = sent_within(&world, &intake, request, &[], large(&hello("openai/gpt-4o"))).await;
    assert_eq!(job.status, 202, "{}", job.text);
    let taken = all - intake.budget.available_permits();
    assert!((2 * 1024..3 * 1024).contains(&taken), "{taken} KiB");
    assert!(left(&world) < before, "the job takes none of the room of those that wait");
    drop(turns);
    done(&world, &job).await;
    assert_eq!(intake.budget.available_permits(), all);
}

#[tokio::test]
async fn a_job_is_taken_in_only_where_there_is_room_for_it() {
    let world = testing::world();
    let all = world.world.jobs.reserve(usize::MAX).unwrap();
    let refused = post(&world, JOBS, &[], &hello("openai/gpt-4o")).await;
    assert_eq!((refused.status, &refused.headers["retry-after"]), (503, &HeaderValue::from_static("1")));
    drop(all);
    assert_eq!(post(&world, JOBS, &[], &hello("openai/gpt-4o")).await.status, 202);
}

#[tokio::test]
async fn an_outcome_takes_up_room_only_where_it_may_be_seen() {
    let world = testing::world();
    let World { jobs, defects, clock, .. } = &*world.world;
    let (operation, asked_ttl, usual_ttl) = ("chat/completions", None, 60);
    let made = async |virtual_key| {
        let submitted = Submitted { operation, virtual_key, asked_ttl, usual_ttl };
        let job = jobs.submit(submitted, clock.now(), defects).await.unwrap();
        let path = format!("{JOBS}/{}", job.id);
        let outcome = Outcome { status: 200, body: format!("\"{}\"", "a".repeat(2 * 1024 * 1024)) };
        jobs.finish(job, outcome, clock.now(), defects).await.unwrap();
        path
    };
    let intake = Arc::new(Intake { patience: Duration::ZERO, ..Intake::new(1024) });
    let all = u32::try_from(intake.budget.available_permits()).unwrap();
    let others = Arc::clone(&intake.budget).acquire_many_owned(all).await.unwrap();
    let fetch = async |path: &str| {
        sent_within(&world, &intake, Request::builder().uri(path), &[], String::new()).await
    };
    let (anybodys, anothers) = (made(None).await, made(Some(Uuid::from_u128(1))).await);
    assert_eq!([fetch(&anybodys).await.status, fetch(&anothers).await.status], [503, 404]);
    drop(others);
    assert_eq!([fetch(&anybodys).await.status, fetch(&anothers).await.status], [200, 404]);
    assert_eq!(intake.budget.available_permits(), all as usize);
}
