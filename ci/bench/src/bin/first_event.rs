//! Asks for one stream after the other over a kept connection, and prints after how many microseconds the first event
//! was there: the median, and the 99th percentile.

use std::io::Write as _;

use anyhow::Result;
use plumbline_bench::{Connection, KEY, OPENAI_CHAT, Question, argument, bearer, percentiles, streamed_chat};

const STREAMS: usize = 3_000;
/// Words of a question, so that an answer has some thirty events.
const WORDS: usize = 10;

#[tokio::main]
async fn main() -> Result<()> {
    let host = argument(1, "HOST:PORT")?;
    let mut connection = Connection::open(&host).await?;
    let path = OPENAI_CHAT.to_owned();
    let question = Question { host, path, headers: bearer(KEY), body: streamed_chat(WORDS) };
    let mut waits = Vec::with_capacity(STREAMS);
    for _ in 0..STREAMS {
        waits.push(connection.first_event(&question).await?);
    }
    let (median, slow) = percentiles(waits);
    writeln!(std::io::stdout(), "{} {}", median.as_micros(), slow.as_micros())?;
    Ok(())
}
