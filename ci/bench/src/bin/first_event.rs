//! Asks for one stream after the other over a kept connection, and prints after how many microseconds the first event
//! was there: the median, and the 99th percentile.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use plumbline_bench::{Connection, OPENAI_CHAT, argument, streamed_chat};

const STREAMS: usize = 3_000;
/// Words of a question, so that an answer has some thirty events.
const WORDS: usize = 10;

#[tokio::main]
async fn main() -> Result<()> {
    let mut connection = Connection::open(&argument(1, "HOST:PORT")?).await?;
    let body = streamed_chat(WORDS);
    let mut waits = Vec::with_capacity(STREAMS);
    for _ in 0..STREAMS {
        let begun = Instant::now();
        let mut answer = connection.chat(OPENAI_CHAT, body.clone()).await?;
        let first = answer.frame().await.context("the stream is empty")??;
        waits.push(begun.elapsed());
        let first: &[u8] = first.data_ref().map(Bytes::as_ref).unwrap_or_default();
        ensure!(first.starts_with(b"data: "), "the stream begins with something else than an event");
        answer.collect().await?;
    }
    waits.sort_unstable();
    let percentile = |share: usize| waits.get(STREAMS * share / 100).map_or(0, Duration::as_micros);
    writeln!(std::io::stdout(), "{} {}", percentile(50), percentile(99))?;
    Ok(())
}
