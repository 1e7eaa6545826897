//! Bytes on a socket: what no HTTP client would send. The answer is read as HTTP all the same.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use url::Url;

use super::arriving::Arriving;
use super::client::{NoReply, cut, headers, unanswered};
use crate::check::Reply;

/// Sends the bytes to an address and reads one response, of which what has come stays with the caller.
pub(super) async fn exchange(
    url: &Url,
    bytes: &Bytes,
    half_close: bool,
    most_bytes: u64,
    arriving: &mut Option<Arriving>,
) -> Result<Reply, NoReply> {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(80);
    let unreachable = |error: io::Error| NoReply::Unreachable(error.to_string());
    let stream = TcpStream::connect((host, port)).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let (read, write) = stream.into_split();
    let (listens, listening) = oneshot::channel();
    let mut sending = pin!(send(write, bytes, half_close, listening));
    let mut answering = pin!(answer(Listening { read, listens: Some(listens) }, most_bytes, arriving));
    tokio::select! {
        // An answer may come before everything is sent.
        reply = &mut answering => reply,
        // What is left of the connection stays open until the answer is read.
        _open = &mut sending => answering.await,
    }
}

async fn send(
    mut write: OwnedWriteHalf,
    bytes: &Bytes,
    half_close: bool,
    listening: oneshot::Receiver<()>,
) -> OwnedWriteHalf {
    // Where nobody listens any more there is an error already.
    let _ = listening.await;
    // Where the gateway takes no more, its answer says why.
    let sent = write.write_all(bytes).await;
    if sent.is_ok() && half_close {
        let _ = write.shutdown().await;
    }
    write
}

async fn answer(
    connection: Listening,
    most_bytes: u64,
    arriving: &mut Option<Arriving>,
) -> Result<Reply, NoReply> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(connection)).await.map_err(|error| unanswered(&error))?;
    // It ends with this function, whatever happens.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let request: Request<Empty<Bytes>> = Request::new(Empty::new());
    let sent = Instant::now();
    let response = sender.send_request(request).await.map_err(|error| unanswered(&error))?;
    let (head, mut body) = response.into_parts();
    let (status, headers) = (head.status.as_u16(), headers(&head.headers));
    let arriving = arriving.insert(Arriving::new(status, headers, sent, most_bytes));
    while let Some(frame) = body.frame().await {
        let added = match &frame {
            Ok(frame) => frame.data_ref().map_or(Ok(()), |data| arriving.add(data)),
            Err(error) => Err(cut(error)),
        };
        if let Err(cut) = added {
            return arriving.cut(cut);
        }
    }
    Ok(arriving.whole())
}

/// A connection on which only the other side speaks: what is written to it has been sent already.
struct Listening {
    read: OwnedReadHalf,
    /// Told once a request was written: what arrives before that is taken for a message that nobody asked for.
    listens: Option<oneshot::Sender<()>>,
}

impl AsyncRead for Listening {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(context, buffer)
    }
}

impl AsyncWrite for Listening {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(listens) = self.listens.take() {
            // Whoever waited for it may be gone, with an answer.
            let _ = listens.send(());
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
