//! Takes its time over an answer.

use std::io;
use std::time::Duration;

use axum::body::Bytes;
use futures::stream::{StreamExt, unfold};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::units::Units;

/// The parts with a pause before each but the first. With a size they are pieces of so many bytes.
pub(super) fn slow(units: Units, size: Option<usize>, pause: Duration) -> Units {
    let begun = (units, Bytes::new(), true);
    let paced = unfold(begun, move |(mut units, mut rest, is_first)| async move {
        while rest.is_empty() {
            match units.next().await? {
                Ok(unit) => rest = unit,
                Err(error) => return Some((Err(error), (units, rest, false))),
            }
        }
        let length = size.unwrap_or(usize::MAX).clamp(1, rest.len());
        let piece: io::Result<Bytes> = Ok(rest.split_to(length));
        if !is_first {
            wait(pause).await;
        }
        Some((piece, (units, rest, false)))
    });
    paced.boxed()
}

/// Waits, so long at least that what was given away before is sent.
async fn wait(pause: Duration) {
    if pause.is_zero() { yield_now().await } else { sleep(pause).await }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use tokio::time::Instant;

    use super::*;

    fn units() -> Units {
        stream::iter(["one", "", "three"].map(|unit| Ok(Bytes::from(unit)))).boxed()
    }

    async fn pieces(size: Option<usize>) -> Vec<Bytes> {
        slow(units(), size, Duration::ZERO).map(Result::unwrap).collect().await
    }

    #[tokio::test]
    async fn an_answer_comes_in_pieces_of_a_size() {
        assert_eq!(pieces(None).await, ["one", "three"]);
        assert_eq!(pieces(Some(2)).await, ["on", "e", "th", "re", "e"]);
        assert_eq!(pieces(Some(100)).await, ["one", "three"]);
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_a_pause_between_pieces_and_none_before_the_first() {
        let begun = Instant::now();
        let mut paced = slow(units(), None, Duration::from_mins(10));
        paced.next().await.unwrap().unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
        paced.next().await.unwrap().unwrap();
        assert!(begun.elapsed() >= Duration::from_mins(10));
        assert!(paced.next().await.is_none());
    }
}
