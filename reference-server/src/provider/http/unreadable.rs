//! The beginning of what a provider has answered and nobody can read: kept for nobody, unless a defect quotes it.

use parking_lot::Mutex;
use tokio::task_local;

/// So much of it is kept, in bytes.
const MOST: usize = 1_024;

task_local! {
    static UNREADABLE: Mutex<Option<String>>;
}

/// Does something, and says what of a provider's answer could not be read meanwhile.
pub(crate) async fn noting_unreadable<T>(work: impl Future<Output = T>) -> (T, Option<String>) {
    let noting = async {
        let done = work.await;
        (done, UNREADABLE.with(|noted| noted.lock().take()))
    };
    UNREADABLE.scope(Mutex::default(), noting).await
}

/// Notes an answer that cannot be read.
pub(super) fn note(answer: &[u8]) {
    // Outside of such work nobody asks.
    let _ = UNREADABLE.try_with(|noted| {
        let beginning = answer.get(..MOST).unwrap_or(answer);
        *noted.lock() = Some(String::from_utf8_lossy(beginning).into_owned());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_read_is_noted_within_the_work_only() {
        note(b"<html>");
        let long = "x".repeat(MOST + 1);
        let ((), noted) = noting_unreadable(async { note(long.as_bytes()) }).await;
        assert_eq!(noted.map(|noted| noted.len()), Some(MOST));
        assert_eq!(noting_unreadable(async { 1 }).await, (1, None));
    }
}
