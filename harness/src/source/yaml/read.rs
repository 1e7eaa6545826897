use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::decode::{DecodeError, decode};
use crate::source::SourceFile;
use crate::source::written::file::ScenarioFile;

/// What a scenario file was read as, and the mistakes in it.
pub type Decoded = (Option<ScenarioFile>, Vec<DecodeError>);

/// Reads scenario files, several at a time, and gives them back in their order.
pub fn read_all<'f>(files: &[&'f Arc<SourceFile>]) -> Vec<(&'f Arc<SourceFile>, Decoded)> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(files.len());
    if workers <= 1 {
        return files.iter().map(|file| (*file, decode(&file.text))).collect();
    }
    let next = AtomicUsize::new(0);
    let mut decoded: Vec<(usize, Decoded)> = thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            while let (index, Some(file)) = take(&next, files) {
                done.push((index, decode(&file.text)));
            }
            done
        };
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        handles.into_iter().flat_map(|handle| handle.join().unwrap_or_default()).collect()
    });
    decoded.sort_by_key(|(index, _)| *index);
    files.iter().copied().zip(decoded.into_iter().map(|(_, decoded)| decoded)).collect()
}

fn take<'a, T>(next: &AtomicUsize, items: &'a [T]) -> (usize, Option<&'a T>) {
    let index = next.fetch_add(1, Ordering::Relaxed);
    (index, items.get(index))
}
