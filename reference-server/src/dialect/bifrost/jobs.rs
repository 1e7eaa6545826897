//! `/v1/async/*`: calls that are answered with a job, and the jobs.

use std::error::Error;
use std::fmt::Write;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures::FutureExt;
use http_body_util::LengthLimitError;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::error::{Refusal, json_text};
use super::exchange::Exchange;
use super::forward::{self, Endpoint, Prepared};
use crate::aside::aside;
use crate::defect::Defect;
use crate::dialect::common::body;
use crate::dialect::openai::{self, Validated};
use crate::domain::call::CallError;
use crate::domain::clock::Moment;
use crate::domain::governance::ChangeError;
use crate::domain::jobs::{Busy, CUT_OFF, JobRow, JobStatus, Miss, Outcome, Place, Reader, Submitted};
use crate::domain::world::World;
use crate::intake::{Intake, Share};
use crate::store::StoreError;

/// Says how long the outcome of a job is to be kept, in seconds.
const TTL: &str = "x-bf-async-job-result-ttl";
/// The largest result that is kept, in MiB.
const LARGEST_MIB: usize = 16;
/// The same in bytes.
const LARGEST: usize = LARGEST_MIB * 1024 * 1024;
/// When to come back where too many jobs wait, in seconds.
const COME_BACK: u32 = 1;

/// A job as it is told, but for what it has come to.
#[derive(Serialize)]
struct Told<'j> {
    id: &'j str,
    status: &'static str,
    created_at: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
}

/// Takes a call in as a job, which is answered with before anybody is asked.
pub(super) async fn submit(
    exchange: &Exchange<'_>,
    endpoint: Endpoint,
    (body, share): (Bytes, Share),
) -> Result<Response, Refusal> {
    let (world, headers) = (exchange.world, &exchange.head.headers);
    let body = checked(exchange, endpoint, body)?;
    let place = world.jobs.reserve(body.len() + size(headers)).map_err(|busy: Busy| Refusal {
        retry_after: Some(COME_BACK),
        ..Refusal::new(StatusCode::SERVICE_UNAVAILABLE, busy.to_string())
    })?;
    let work = match forward::prepare(exchange, endpoint, (body, share)).await {
        Ok(prepared) => Work::Call(Box::new(on_its_own(prepared))),
        Err(refused) if is_unlimited(world, &refused) => Work::Refused(refused),
        Err(refused) => return Err(refused),
    };
    let caller = exchange.caller()?;
    let task = Task {
        world: Arc::clone(world),
        intake: Arc::clone(exchange.intake),
        operation: operation(endpoint),
        virtual_key: caller.virtual_key.map(|key| key.id),
        asked_ttl: headers.get(TTL).map(|ttl| String::from_utf8_lossy(ttl.as_bytes()).into_owned()),
        usual_ttl: world.governance.book().settings.job_ttl,
        work,
    };
    // Whoever leaves before there is an answer does not leave half a job behind.
    let (told, submitted) = oneshot::channel();
    tokio::spawn(task.run(place, told));
    let job = submitted.await.map_err(|_| Refusal::internal("a job was not taken in"))?;
    Ok(answer(&job.map_err(ChangeError::Store)?, Share::default()))
}

/// Tells how far a job has come, and what it has come to.
pub(super) async fn poll(exchange: &Exchange<'_>, endpoint: Endpoint, id: &str) -> Result<Response, Refusal> {
    let World { jobs, defects, clock, .. } = &**exchange.world;
    let caller = exchange.caller();
    let in_force = caller.as_ref().ok().and_then(|caller| caller.virtual_key.as_ref());
    let virtual_key = in_force.filter(|key| key.is_active).map(|key| key.id);
    let reader = Reader { operation: operation(endpoint), virtual_key };
    let missed = |miss: Miss| Refusal::new(StatusCode::NOT_FOUND, miss.message(defects));
    let found = jobs.find(id, reader, clock.now(), defects).await.map_err(ChangeError::Store)?;
    let (job, size) = found.map_err(missed)?;
    if job.virtual_key.is_none() {
        // It is anybody's who may call at all.
        caller?;
    }
    // An outcome can be large, and takes room from before it is read until it is sent.
    let mut share = Share::default();
    exchange.make_room(&mut share, size).await?;
    let job = jobs.whole(job).await.map_err(ChangeError::Store)?.map_err(missed)?;
    let mut response = answer(&job, share);
    let is_forgotten = !job.status.is_final()
        && defects.has(Defect::JobProgressForgotten)
        && Uuid::parse_str(&job.id).is_ok_and(|id| defects.polls.count(id) > 1);
    if is_forgotten {
        *response.status_mut() = StatusCode::OK;
    }
    Ok(response)
}

/// A call that waits for its turn, with a body and headers of its own. As they came they are pieces of whatever was
/// read from the connection at once, and would hold all of that. A large body was put together when it was taken in.
fn on_its_own(mut prepared: Prepared) -> Prepared {
    if prepared.share.bytes() == 0 {
        prepared.body = Bytes::copy_from_slice(&prepared.body);
    }
    for value in prepared.headers.values_mut() {
        if let Ok(own) = HeaderValue::from_bytes(value.as_bytes()) {
            *value = own;
        }
    }
    prepared.is_closed = true;
    prepared
}

/// How many bytes the fields of a request take while it waits.
fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// What is done by a job that is submitted here.
const fn operation(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Chat => "chat/completions",
        Endpoint::Completions => "completions",
        Endpoint::Responses => "responses",
        Endpoint::Embeddings => "embeddings",
    }
}

/// The body of a call that can be made at once, whole and as it is.
fn checked(exchange: &Exchange<'_>, endpoint: Endpoint, bytes: Bytes) -> Result<Bytes, Refusal> {
    let defects = &exchange.world.defects;
    let value = aside(bytes.len(), || body::parse(&bytes))?;
    let Value::Object(mut members) = value else {
        return Err(Refusal::bad_request("Invalid request format"));
    };
    let is_streamed = members.get("stream") == Some(&Value::Bool(true));
    if is_streamed && !defects.has(Defect::JobStreamAccepted) {
        return Err(Refusal::bad_request(format!("stream is not supported for async {}", plural(endpoint))));
    }
    let bytes = if is_streamed { without_stream(&mut members) } else { bytes };
    // What only this dialect knows is no mistake in the call that it is made into.
    members.shift_remove("fallbacks");
    let valid = openai::validated(validated(endpoint), &Value::Object(members));
    match valid {
        Err(message) if !defects.has(Defect::JobInvalidAccepted) => Err(Refusal::bad_request(message)),
        _ => Ok(bytes),
    }
}

fn without_stream(members: &mut Map<String, Value>) -> Bytes {
    for name in ["stream", "stream_options"] {
        members.shift_remove(name);
    }
    serde_json::to_vec(members).unwrap_or_default().into()
}

const fn plural(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Chat => "chat completions",
        Endpoint::Completions => "text completions",
        Endpoint::Responses => "responses",
        Endpoint::Embeddings => "embeddings",
    }
}

const fn validated(endpoint: Endpoint) -> Validated {
    match endpoint {
        Endpoint::Chat => Validated::Chat,
        Endpoint::Completions => Validated::Completions,
        Endpoint::Responses => Validated::Responses,
        Endpoint::Embeddings => Validated::Embeddings,
    }
}

/// Whether a job is taken in over its key's limit, and fails only when it is worked on.
fn is_unlimited(world: &World, refused: &Refusal) -> bool {
    refused.status == StatusCode::TOO_MANY_REQUESTS && world.defects.has(Defect::JobsUnlimited)
}

/// A job on its way.
struct Task {
    world: Arc<World>,
    intake: Arc<Intake>,
    operation: &'static str,
    virtual_key: Option<Uuid>,
    asked_ttl: Option<String>,
    usual_ttl: u32,
    work: Work,
}

/// What is to be done for it.
enum Work {
    Call(Box<Prepared>),
    /// Nothing: it is refused.
    Refused(Refusal),
}

impl Task {
    /// Takes the job in, tells it, and works it off. What is not done when the gateway ends fails at its next start.
    async fn run(self, place: Place, told: oneshot::Sender<Result<JobRow, StoreError>>) {
        let Self { world, intake, operation, virtual_key, asked_ttl, usual_ttl, work } = self;
        if let Work::Call(prepared) = &work
            && let Some(governed) = &prepared.call.governed
        {
            // Nobody waits for its answer who could leave: what cuts it off is the end of the gateway.
            governed.note_failure(CUT_OFF, &CallError::Closing.to_string());
        }
        let submitted = Submitted { operation, virtual_key, asked_ttl: asked_ttl.as_deref(), usual_ttl };
        let taken_in = world.jobs.submit(submitted, world.clock.now(), &world.defects).await;
        let job = taken_in.clone();
        // The caller may have left by now.
        let _ = told.send(taken_in);
        let Ok(job) = job else { return };
        let worked = async {
            let _turn = place.turn().await;
            work_off(&world, &intake, job, work).await
        };
        tokio::select! {
            biased;
            () = world.closing.begun() => {}
            outcome = worked => if let Err(error) = outcome {
                tracing::error!(%error, "a job cannot be kept");
            }
        }
    }
}

async fn work_off(
    world: &Arc<World>,
    intake: &Arc<Intake>,
    mut job: JobRow,
    work: Work,
) -> Result<(), StoreError> {
    world.jobs.begin(&mut job).await?;
    let outcome = match work {
        Work::Refused(refused) => refused_outcome(refused).await,
        Work::Call(prepared) => {
            let called = AssertUnwindSafe(called(world, intake, *prepared)).catch_unwind().await;
            match called {
                Ok(outcome) => outcome,
                Err(_) => refused_outcome(Refusal::internal("a job panicked")).await,
            }
        }
    };
    world.jobs.finish(job, outcome, world.clock.now(), &world.defects).await
}

async fn called(world: &Arc<World>, intake: &Arc<Intake>, prepared: Prepared) -> Outcome {
    // What is answered under an id of its own cannot be asked for twice.
    if prepared.endpoint == Endpoint::Chat && world.defects.has(Defect::JobAskedTwice) {
        let Prepared { call, model, endpoint, body, headers, is_closed, .. } = &prepared;
        let again = Prepared {
            call: call.clone(),
            model: Arc::clone(model),
            endpoint: *endpoint,
            body: body.clone(),
            share: Share::default(),
            headers: headers.clone(),
            is_closed: *is_closed,
        };
        let _ = read(forward::infer(world, intake, again).await).await;
    }
    read(forward::infer(world, intake, prepared).await).await
}

/// What an answer makes of its job. One that is too large, breaks off or is no JSON is none.
async fn read(response: Response) -> Outcome {
    let status = response.status().as_u16();
    let bytes = match to_bytes(response.into_body(), LARGEST).await {
        Ok(bytes) => Some(bytes),
        Err(error) if error.source().is_some_and(<dyn Error>::is::<LengthLimitError>) => {
            let words =
                format!("The result is larger than {LARGEST_MIB} MiB, which is the most that is kept.");
            return refused_outcome(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, words)).await;
        }
        Err(_) => None,
    };
    let body = bytes.and_then(|bytes| String::from_utf8(bytes.into()).ok());
    match body.filter(|body| serde_json::from_str::<IgnoredAny>(body).is_ok()) {
        Some(body) => Outcome { status, body },
        None => refused_outcome(Refusal::internal("a job's result cannot be kept")).await,
    }
}

/// What a refusal makes of its job.
async fn refused_outcome(refused: Refusal) -> Outcome {
    let (response, exception) = refused.into_response();
    if let Some(exception) = exception {
        tracing::error!(%exception, "a job failed");
    }
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), LARGEST).await.unwrap_or_default();
    Outcome { status, body: String::from_utf8_lossy(&body).into_owned() }
}

/// 202 as long as a job is under way, whatever it has come to 200 afterwards.
fn answer(job: &JobRow, share: Share) -> Response {
    let status = if job.status.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    json_text(status, share.until_sent(told(job).into_bytes()))
}

/// A job on the wire. What it has come to is JSON already.
fn told(job: &JobRow) -> String {
    let head = Told {
        id: &job.id,
        status: job.status.name(),
        created_at: job.created,
        completed_at: job.completed,
        expires_at: job.expires,
        status_code: job.status_code,
    };
    let mut text = serde_json::to_string(&head).unwrap_or_default();
    if let Some(body) = &job.body {
        let name = if job.status == JobStatus::Completed { "result" } else { "error" };
        text.pop();
        let _ = write!(text, ",\"{name}\":{body}}}");
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::http::header::{ACCEPT, USER_AGENT};

    use super::*;
    use crate::domain::ledger::Operation;
    use crate::domain::testing;

    #[test]
    fn a_job_that_waits_holds_nothing_of_what_came_along_with_it() {
        let read = Bytes::from("POST {} agent large and small".repeat(100));
        let call = testing::world().governed_call(Operation::Chat, "openai/gpt-4o");
        let model = Arc::clone(&call.governed.as_ref().unwrap().primary().model);
        let agent = HeaderValue::from_maybe_shared(read.slice(8..13)).unwrap();
        let prepared = Prepared {
            call,
            model,
            endpoint: Endpoint::Chat,
            body: read.slice(5..7),
            share: Share::default(),
            headers: [(USER_AGENT, agent.clone()), (ACCEPT, agent)].into_iter().collect(),
            is_closed: false,
        };
        assert!(!read.is_unique());
        let kept = on_its_own(prepared);
        assert!(read.is_unique());
        assert_eq!(kept.body, "{}");
        assert_eq!((&kept.headers[USER_AGENT], kept.headers.len()), (&kept.headers[ACCEPT], 2));
        assert!(kept.headers[ACCEPT] == "agent" && kept.is_closed);
    }

    fn job(status: JobStatus, body: Option<&str>) -> JobRow {
        JobRow {
            id: "one".to_owned(),
            operation: "embeddings".into(),
            virtual_key: None,
            status,
            ttl: 60,
            created: Moment::from_micros(0),
            completed: body.map(|_| Moment::from_micros(1_000_000)),
            expires: body.map(|_| Moment::from_micros(61_000_000)),
            status_code: body.map(|_| 200),
            body: body.map(str::to_owned),
        }
    }

    #[test]
    fn a_job_tells_no_more_than_there_is() {
        let told = told(&job(JobStatus::Pending, None));
        assert_eq!(
            told,
            "{\"id\":\"one\",\"status\":\"pending\",\"created_at\":\"1970-01-01T00:00:00.000000Z\"}"
        );
        let processing = answer(&job(JobStatus::Processing, None), Share::default());
        assert_eq!(processing.status(), StatusCode::ACCEPTED);
    }

    #[test]
    fn what_a_job_has_come_to_is_told_as_it_was_answered() {
        for (status, name) in [(JobStatus::Completed, "result"), (JobStatus::Failed, "error")] {
            let job = job(status, Some("{\"cost\":0.10}"));
            assert_eq!(answer(&job, Share::default()).status(), StatusCode::OK);
            let told = told(&job);
            assert!(
                told.ends_with(&format!(",\"status_code\":200,\"{name}\":{{\"cost\":0.10}}}}")),
                "{told}"
            );
            assert!(serde_json::from_str::<Value>(&told).is_ok());
        }
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_kept_is_a_failure() {
        let good = read(Response::new("{\"id\":1}".into())).await;
        assert_eq!(good, Outcome { status: 200, body: "{\"id\":1}".to_owned() });
        for (body, is_too_large) in
            [("data: {}".to_owned(), false), (format!("\"{}\"", "a".repeat(LARGEST)), true)]
        {
            let failed = read(Response::new(body.into())).await;
            assert_eq!(failed.status, 500);
            let told: Value = serde_json::from_str(&failed.body).unwrap();
            assert_eq!(told["is_bifrost_error"], true);
            let message = told["error"]["message"].as_str().unwrap();
            assert_eq!(message.contains("larger than 16 MiB"), is_too_large, "{message}");
        }
    }
}
