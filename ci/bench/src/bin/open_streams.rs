//! Opens a thousand streams that nobody reads, and prints the memory of the process that serves them before and after,
//! in KiB.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use plumbline_bench::{KEY, OPENAI_CHAT, argument, streamed_chat};
use socket2::{Domain, Socket, Type};

const STREAMS: usize = 1_000;
/// Words of a question. The events of its answer are half a megabyte, five times what the connection takes in.
const WORDS: usize = 2_000;
/// A segment and a buffer, in bytes, with which the kernel takes in about 100 KB of an answer. With what is usual on
/// the loopback interface it takes 4 MB, and a stream would be over for the one who serves it.
const SEGMENT: u32 = 536;
const BUFFER: usize = 4_096;
/// How long the memory has to stay as it is.
const REST: Duration = Duration::from_millis(500);

fn main() -> Result<()> {
    let address: SocketAddr = argument(1, "HOST:PORT")?.parse()?;
    let server = argument(2, "PID")?;
    let body = streamed_chat(WORDS);
    let mut request = format!(
        "POST {OPENAI_CHAT} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {KEY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(&body);

    // What the first one costs, such as a vocabulary, the others have for nothing.
    let first = open(address, &request)?;
    answered(&first)?;
    let before = memory_at_rest(&server)?;
    let streams = (0..STREAMS).map(|_| open(address, &request)).collect::<Result<Vec<_>>>()?;
    streams.iter().try_for_each(answered)?;
    let after = memory_at_rest(&server)?;
    writeln!(std::io::stdout(), "{before} {after}")?;
    Ok(())
}

/// A connection on which the question is sent.
fn open(address: SocketAddr, request: &[u8]) -> Result<Socket> {
    let mut socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_recv_buffer_size(BUFFER)?;
    socket.set_tcp_mss(SEGMENT)?;
    socket.connect(&address.into()).with_context(|| format!("connect to {address}"))?;
    socket.write_all(request)?;
    Ok(socket)
}

/// Waits for the status of an answer, and reads no further.
fn answered(mut socket: &Socket) -> Result<()> {
    let mut status = [0; 12];
    socket.read_exact(&mut status)?;
    ensure!(status == *b"HTTP/1.1 200", "the gateway answered {}", String::from_utf8_lossy(&status));
    Ok(())
}

/// The resident memory of a process, once it no longer changes.
fn memory_at_rest(process: &str) -> Result<u64> {
    let mut last = memory(process)?;
    loop {
        thread::sleep(REST);
        let now = memory(process)?;
        if now == last {
            return Ok(now);
        }
        last = now;
    }
}

fn memory(process: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("the system does not tell the memory of a process")?.parse()?)
}
