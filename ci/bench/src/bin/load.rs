//! Sends chat requests over kept connections as fast as they are answered, and prints how many a second. Of streams it
//! also prints how many events came a second, and how many events and bytes one stream has.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use plumbline_bench::{Connection, argument, chat, streamed_chat};

const CONNECTIONS: u32 = 64;

/// What is sent again and again.
#[derive(Clone)]
struct Load {
    host: String,
    path: String,
    body: Bytes,
    until: Instant,
}

/// What came back.
#[derive(Clone, Copy, Default)]
struct Received {
    requests: u32,
    /// An event is two lines: its data, on one, and nothing.
    lines: u32,
    /// Of the last answer.
    bytes: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let host = argument(1, "HOST:PORT")?;
    let seconds: u64 = argument(2, "SECONDS")?.parse()?;
    let path = argument(3, "PATH")?;
    let what = argument(4, "MODEL, or how many WORDS are to be streamed on OpenAI's wire")?;
    let words: Option<usize> = what.parse().ok();
    let body = words.map_or_else(|| chat(&what, "Hello test"), streamed_chat);
    let begun = Instant::now();
    let load = Load { host, path, body, until: begun + Duration::from_secs(seconds) };
    let tasks: Vec<_> = (0..CONNECTIONS).map(|_| tokio::spawn(send(load.clone()))).collect();
    let mut all = Received::default();
    for task in tasks {
        let received = task.await??;
        all.requests += received.requests;
        all.lines += received.lines;
        all.bytes = received.bytes;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let mut out = std::io::stdout();
    write!(out, "{:.0}", f64::from(all.requests) / seconds)?;
    if words.is_some() {
        let events = all.lines / 2;
        let each = events.checked_div(all.requests).context("no stream came to its end")?;
        write!(out, " {:.0} {each} {}", f64::from(events) / seconds, all.bytes)?;
    }
    writeln!(out)?;
    Ok(())
}

async fn send(load: Load) -> Result<Received> {
    let mut connection = Connection::open(&load.host).await?;
    let mut received = Received::default();
    while Instant::now() < load.until {
        let mut answer = connection.chat(&load.path, load.body.clone()).await?;
        received.requests += 1;
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
