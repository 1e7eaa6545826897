//! A load: one question over many kept connections, as fast as it is answered.

use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::BodyExt as _;

use crate::{Connection, Question};

const CONNECTIONS: u32 = 64;

/// What is sent again and again, and for how long.
#[derive(Clone, Debug)]
pub struct Load {
    /// The same for all.
    pub question: Question,
    /// After it no more is sent; what is then under way is waited for.
    pub time: Duration,
}

/// What came back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Received {
    /// How many answers.
    pub answers: u32,
    /// How many lines they had. On OpenAI's wire an event is two of them: its data, on one, and nothing.
    pub lines: u32,
    /// The size of the last answer.
    pub bytes: usize,
    /// How long all of it took.
    pub time: Duration,
}

impl Load {
    /// Sends it over 64 connections.
    ///
    /// # Errors
    /// When an answer is missing, or a refusal.
    pub async fn run(&self) -> Result<Received> {
        let begun = Instant::now();
        let until = begun + self.time;
        let tasks: Vec<_> =
            (0..CONNECTIONS).map(|_| tokio::spawn(send(self.question.clone(), until))).collect();
        let mut all = Received::default();
        for task in tasks {
            let received = task.await??;
            all.answers += received.answers;
            all.lines += received.lines;
            all.bytes = received.bytes;
        }
        all.time = begun.elapsed();
        Ok(all)
    }
}

impl Received {
    /// How many a second so many are.
    pub fn a_second(&self, count: u32) -> f64 {
        f64::from(count) / self.time.as_secs_f64()
    }
}

async fn send(question: Question, until: Instant) -> Result<Received> {
    let mut connection = Connection::open(&question.host).await?;
    let mut received = Received::default();
    while Instant::now() < until {
        let mut answer = connection.ask(&question).await?.into_body();
        received.answers += 1;
        received.bytes = 0;
        while let Some(frame) = answer.frame().await {
            let frame = frame?;
            let data: &[u8] = frame.data_ref().map(Bytes::as_ref).unwrap_or_default();
            received.lines += u32::try_from(data.split(|byte| *byte == b'\n').skip(1).count())?;
            received.bytes += data.len();
        }
    }
    Ok(received)
}
