//! Sends chat requests over kept connections as fast as they are answered, and prints how many a second.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::Method;
use plumbline_bench::{Connection, argument};

const CONNECTIONS: u32 = 64;
const BODY: &str = r#"{"model":"claude_3_5_sonnet","messages":[{"role":"user","content":"Hello test"}]}"#;

#[tokio::main]
async fn main() -> Result<()> {
    let host = argument(1, "HOST:PORT")?;
    let seconds: u64 = argument(2, "SECONDS")?.parse()?;
    let begun = Instant::now();
    let until = begun + Duration::from_secs(seconds);
    let tasks: Vec<_> = (0..CONNECTIONS).map(|_| tokio::spawn(send(host.clone(), until))).collect();
    let mut sent = 0;
    for task in tasks {
        sent += task.await??;
    }
    writeln!(std::io::stdout(), "{:.0}", f64::from(sent) / begun.elapsed().as_secs_f64())?;
    Ok(())
}

async fn send(host: String, until: Instant) -> Result<u32> {
    let mut connection = Connection::open(&host).await?;
    let mut sent = 0;
    while Instant::now() < until {
        let body = Bytes::from_static(BODY.as_bytes());
        let path = "/api/v1/chat/completions";
        let (status, _) = connection.send(Method::POST, path, "sk-plumbline-all-scopes", body).await?;
        ensure!(status == 200, "the gateway answered {status}");
        sent += 1;
    }
    Ok(sent)
}
