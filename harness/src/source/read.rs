//! Scenario files, whatever their notation, several at a time.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::yaml::Decoded;
use super::{SourceFile, gherkin, yaml};

/// Reads scenario files and gives them back in their order.
pub(super) fn read_all<'f>(files: &[&'f Arc<SourceFile>]) -> Vec<(&'f Arc<SourceFile>, Decoded)> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(files.len());
    if workers <= 1 {
        return files.iter().map(|file| (*file, read(file))).collect();
    }
    let next = AtomicUsize::new(0);
    let mut decoded: Vec<(usize, Decoded)> = thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            while let (index, Some(file)) = take(&next, files) {
                done.push((index, read(file)));
            }
            done
        };
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        handles.into_iter().flat_map(|handle| handle.join().unwrap_or_default()).collect()
    });
    decoded.sort_by_key(|(index, _)| *index);
    files.iter().copied().zip(decoded.into_iter().map(|(_, decoded)| decoded)).collect()
}

fn read(file: &SourceFile) -> Decoded {
    match Path::new(&*file.name).extension() {
        Some(ending) if ending == "feature" => gherkin::decode(&file.text),
        _ => yaml::decode(&file.text),
    }
}

fn take<'a, T>(next: &AtomicUsize, items: &'a [T]) -> (usize, Option<&'a T>) {
    let index = next.fetch_add(1, Ordering::Relaxed);
    (index, items.get(index))
}
