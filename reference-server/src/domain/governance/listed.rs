//! Lists of what may be used: one that is empty, or has a star in it, holds everything.

use std::sync::Arc;

/// What stands in a list for everything.
const EVERYTHING: &str = "*";

/// Whether a list holds everything.
pub(super) fn holds_all(list: &[Arc<str>]) -> bool {
    list.is_empty() || list.iter().any(|name| &**name == EVERYTHING)
}

/// Whether a list holds something that has this name, or one of several.
pub(super) fn holds(list: &[Arc<str>], is_name: impl Fn(&str) -> bool) -> bool {
    holds_all(list) || list.iter().any(|name| is_name(name))
}
