//! How much of request bodies is taken in, and of what they ask for: of one, and of all large ones together.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// A body of up to so many bytes is taken in whatever else is under way.
const SMALL: usize = 1024 * 1024;
/// What larger bodies may take together, in KiB.
const TOTAL: u32 = 256 * 1024;
/// How long a large body waits for others to be done with.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a sender may pause within a body.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a whole body may take: what it holds is lost to others as long.
const WHOLE: Duration = Duration::from_mins(2);

/// What a gateway takes in.
#[derive(Debug)]
pub(crate) struct Intake {
    /// The largest body, in bytes.
    pub(crate) limit: usize,
    /// How long a sender may pause within a body.
    pub(crate) pause: Duration,
    /// How long a whole body may take.
    pub(crate) whole: Duration,
    /// How long a large body waits for others to be done with.
    pub(crate) patience: Duration,
    /// One permit for each KiB of a large body.
    pub(crate) budget: Arc<Semaphore>,
}

/// Other large bodies take all that there is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// Why there is no room for answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// Others take all that there is.
    Now,
    /// There is not so much at all.
    Ever,
}

/// What a large body takes, until it is dropped. A small one takes nothing.
#[derive(Debug, Default)]
pub(crate) struct Share(Option<OwnedSemaphorePermit>);

/// A large answer and the share of its request: an answer can be as large as what it answers.
struct Answer {
    bytes: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Answer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Share {
    /// How much it is, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * 1024
    }

    /// The bytes of an answer, which keep the share until they are sent: whoever does not read takes up room.
    pub(crate) fn until_sent(self, bytes: Vec<u8>) -> Bytes {
        match self.0 {
            Some(permit) => Bytes::from_owner(Answer { bytes, _permit: permit }),
            None => bytes.into(),
        }
    }
}

impl Intake {
    /// Bodies of up to so many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        let budget = Arc::new(Semaphore::new(TOTAL as usize));
        Self { limit, pause: PAUSE, whole: WHOLE, patience: PATIENCE, budget }
    }

    /// Has a body's share grow to so many bytes. Where others have to be done with first, it waits for them.
    pub(crate) async fn grow(&self, share: &mut Share, bytes: usize) -> Result<(), Full> {
        if bytes <= SMALL {
            return Ok(());
        }
        // A body that is larger than the budget takes all of it.
        let wanted = u32::try_from(bytes.div_ceil(1024)).unwrap_or(TOTAL).min(TOTAL);
        let held = share.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = wanted.saturating_sub(u32::try_from(held).unwrap_or(TOTAL));
        let more = timeout(self.patience, Arc::clone(&self.budget).acquire_many_owned(missing)).await;
        // The budget is never closed.
        let Ok(Ok(more)) = more else { return Err(Full) };
        match &mut share.0 {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }

    /// Has a share grow to so many bytes, which answers are going to take. Unlike a body they are not there yet: what
    /// would take more than all the room is not begun. An answer that is little larger than its question fits in
    /// beside it, so that nobody waits for a few bytes while holding many.
    pub(crate) async fn make_room(&self, share: &mut Share, bytes: usize) -> Result<(), NoRoom> {
        if bytes.div_ceil(1024) > TOTAL as usize {
            return Err(NoRoom::Ever);
        }
        if bytes <= share.bytes() + SMALL {
            return Ok(());
        }
        self.grow(share, bytes).await.map_err(|Full| NoRoom::Now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn impatient() -> Intake {
        Intake { patience: Duration::ZERO, ..Intake::new(usize::MAX) }
    }

    fn left(intake: &Intake) -> usize {
        intake.budget.available_permits()
    }

    #[tokio::test]
    async fn a_large_body_takes_its_share_until_it_is_done_with() {
        let intake = impatient();
        let (mut one, mut two, mut small) = (Share::default(), Share::default(), Share::default());
        intake.grow(&mut small, SMALL).await.unwrap();
        assert_eq!(left(&intake), TOTAL as usize);
        intake.grow(&mut one, 2 * SMALL).await.unwrap();
        assert_eq!(left(&intake), TOTAL as usize - 2 * 1024);
        // It grows by what is missing, and never shrinks.
        intake.grow(&mut one, 3 * SMALL + 1).await.unwrap();
        intake.grow(&mut one, 2 * SMALL).await.unwrap();
        assert_eq!(left(&intake), TOTAL as usize - 3 * 1024 - 1);
        assert_eq!(intake.grow(&mut two, 254 * SMALL).await, Err(Full));
        intake.grow(&mut small, SMALL).await.unwrap();
        drop(one);
        assert_eq!(intake.grow(&mut two, 254 * SMALL).await, Ok(()));
        drop(two);
        assert_eq!(left(&intake), TOTAL as usize);
    }

    #[tokio::test]
    async fn an_answer_keeps_the_share_of_its_request_until_it_is_dropped() {
        let intake = impatient();
        let mut share = Share::default();
        intake.grow(&mut share, 2 * SMALL).await.unwrap();
        let answer = share.until_sent(b"yes".to_vec());
        assert_eq!((&*answer, left(&intake)), (b"yes".as_slice(), TOTAL as usize - 2 * 1024));
        drop(answer);
        assert_eq!(left(&intake), TOTAL as usize);
        assert_eq!(Share::default().until_sent(b"yes".to_vec()), "yes");
    }

    #[tokio::test]
    async fn answers_take_what_they_need_beyond_their_body_and_never_more_than_there_is() {
        let intake = impatient();
        let (mut one, mut two) = (Share::default(), Share::default());
        intake.grow(&mut one, 3 * SMALL).await.unwrap();
        assert_eq!(intake.make_room(&mut one, 4 * SMALL).await, Ok(()));
        assert_eq!((one.bytes(), left(&intake)), (3 * SMALL, TOTAL as usize - 3 * 1024));
        assert_eq!(intake.make_room(&mut one, 100 * SMALL).await, Ok(()));
        assert_eq!((one.bytes(), left(&intake)), (100 * SMALL, TOTAL as usize - 100 * 1024));
        assert_eq!(intake.make_room(&mut two, 200 * SMALL).await, Err(NoRoom::Now));
        let all = TOTAL as usize * 1024;
        assert_eq!(intake.make_room(&mut two, all + 1).await, Err(NoRoom::Ever));
        assert_eq!(intake.make_room(&mut two, SMALL).await, Ok(()));
        drop(one);
        assert_eq!(left(&intake), TOTAL as usize);
        assert_eq!(intake.make_room(&mut two, all).await, Ok(()));
        assert_eq!(left(&intake), 0);
    }

    #[tokio::test]
    async fn a_body_past_the_budget_takes_all_of_it() {
        let intake = impatient();
        let mut share = Share::default();
        assert_eq!(intake.grow(&mut share, usize::MAX).await, Ok(()));
        assert_eq!(left(&intake), 0);
    }
}
