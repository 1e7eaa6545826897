//! A body in few pieces: what is there already comes together.

use std::mem;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::poll;
use futures::stream::{StreamExt, try_unfold};
use tokio::task::yield_now;

use super::Chunks;
use crate::domain::inference::ProviderError;

/// So many bytes are enough to be passed on.
const ENOUGH: usize = 16 * 1024;
/// For so long a piece is held back for others. Where nothing else is to be done a turn takes a thousandth of it.
const PATIENCE: Duration = Duration::from_millis(1);

/// What comes next: a piece, an error, or the end.
type Next = Option<Result<Bytes, ProviderError>>;

/// The pieces that are read, and what has come already behind those that were given away together.
struct Gathering {
    pieces: Chunks,
    behind: Poll<Next>,
}

/// The pieces of a body as they come, those in one that are there already. Another task brings them, one for each time that
/// it is woken; passed on alone, each would be a write to the caller besides.
pub(super) fn gathered(pieces: Chunks) -> Chunks {
    try_unfold(Gathering { pieces, behind: Poll::Pending }, Gathering::next).boxed()
}

impl Gathering {
    /// The next pieces; nothing at the end.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, ProviderError> {
        let first = match mem::replace(&mut self.behind, Poll::Pending) {
            Poll::Ready(behind) => behind,
            Poll::Pending => self.pieces.next().await,
        };
        let Some(first) = first.transpose()? else { return Ok(None) };
        let (mut gathered, since) = (BytesMut::from(first), Instant::now());
        while gathered.len() < ENOUGH {
            match self.at_once(since).await {
                Poll::Ready(Some(Ok(piece))) => gathered.extend_from_slice(&piece),
                behind => {
                    self.behind = behind;
                    break;
                }
            }
        }
        Ok(Some((gathered.freeze(), self)))
    }

    /// What comes next, if it is there, or is as soon as who brings it has had a turn.
    async fn at_once(&mut self, since: Instant) -> Poll<Next> {
        let next = poll!(self.pieces.next());
        if next.is_ready() || since.elapsed() >= PATIENCE {
            return next;
        }
        yield_now().await;
        poll!(self.pieces.next())
    }
}

#[cfg(test)]
mod tests {
    use futures::stream::{iter, poll_fn};

    use super::*;

    fn lost() -> ProviderError {
        ProviderError::Unreachable("reset".to_owned())
    }

    async fn read(pieces: Vec<Result<Bytes, ProviderError>>) -> Vec<Result<Bytes, ProviderError>> {
        gathered(iter(pieces).boxed()).collect().await
    }

    #[tokio::test]
    async fn what_is_there_comes_together_and_what_is_behind_it_after_it() {
        assert_eq!(read(vec![Ok("a".into()), Ok("b".into()), Ok("c".into())]).await, [Ok("abc".into())]);
        assert_eq!(
            read(vec![Ok("a".into()), Ok("b".into()), Err(lost())]).await,
            [Ok("ab".into()), Err(lost())]
        );
        assert_eq!(read(vec![Err(lost())]).await, [Err(lost())]);
        assert_eq!(read(Vec::new()).await, []);
    }

    #[tokio::test]
    async fn so_many_bytes_are_enough() {
        let piece = Bytes::from(vec![b'x'; ENOUGH / 2]);
        let read = read(vec![Ok(piece); 5]).await;
        let sizes: Vec<_> = read.into_iter().map(|piece| piece.unwrap().len()).collect();
        assert_eq!(sizes, [ENOUGH, ENOUGH, ENOUGH / 2]);
    }

    #[tokio::test]
    async fn no_piece_is_held_back_while_others_come_slowly() {
        // Each of them is there when it is looked for again, and what is done in between takes its time.
        let mut looked = 0_u32;
        let slow = poll_fn(move |_| {
            looked += 1;
            if looked % 2 == 1 {
                return Poll::Ready(Some(Ok("x".into())));
            }
            std::thread::sleep(PATIENCE / 4);
            Poll::Pending
        });
        let first = gathered(slow.boxed()).next().await.unwrap().unwrap();
        assert!(first.len() <= 5, "{} pieces", first.len());
    }
}
