//! Sends chat requests over kept connections as fast as they are answered, and prints how many a second. Of streams it
//! also prints how many events came a second, and how many events and bytes one stream has.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use plumbline_bench::{KEY, Load, Question, argument, bearer, chat, streamed_chat};

#[tokio::main]
async fn main() -> Result<()> {
    let host = argument(1, "HOST:PORT")?;
    let time = Duration::from_secs(argument(2, "SECONDS")?.parse()?);
    let path = argument(3, "PATH")?;
    let what = argument(4, "MODEL, or how many WORDS are to be streamed on OpenAI's wire")?;
    let words: Option<usize> = what.parse().ok();
    let body = words.map_or_else(|| chat(&what, "Hello test"), streamed_chat);
    let question = Question { host, path, headers: bearer(KEY), body };
    let received = Load { question, time }.run().await?;
    let mut out = std::io::stdout();
    write!(out, "{:.0}", received.a_second(received.answers))?;
    if words.is_some() {
        let events = received.lines / 2;
        let each = events.checked_div(received.answers).context("no stream came to its end")?;
        write!(out, " {:.0} {each} {}", received.a_second(events), received.bytes)?;
    }
    writeln!(out)?;
    Ok(())
}
