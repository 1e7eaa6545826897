//! Long work apart from the rest: a body of many megabytes must not hold up those who share its thread.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// From so many bytes on a request takes long enough to be done apart from others.
const LARGE: usize = 256 * 1024;

/// Does the work of a request, and of a large one so that other requests need not wait for it.
pub(crate) fn aside<T>(size: usize, work: impl FnOnce() -> T) -> T {
    let alone = || {
        Handle::try_current().map_or(true, |runtime| runtime.runtime_flavor() == RuntimeFlavor::CurrentThread)
    };
    if size < LARGE || alone() { work() } else { block_in_place(work) }
}
