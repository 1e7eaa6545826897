use super::notes::Notes;
use crate::source::Span;

/// What a feature may still grow by as its outlines and backgrounds repeat it; nothing once it wanted more.
#[derive(Debug)]
pub(super) struct Room {
    limit: usize,
    left: Option<usize>,
}

impl Default for Room {
    fn default() -> Self {
        Self::of(64 * 1024 * 1024)
    }
}

impl Room {
    /// Room for so many bytes.
    pub(super) fn of(limit: usize) -> Self {
        Self { limit, left: Some(limit) }
    }

    /// Whether nothing is left, which was noted.
    pub(super) fn is_used_up(&self) -> bool {
        self.left.is_none()
    }

    /// Takes so many bytes; false where they are not left.
    pub(super) fn take(&mut self, bytes: usize, span: Span, notes: &mut Notes) -> bool {
        let left = self.left.and_then(|left| left.checked_sub(bytes));
        if left.is_none() && self.left.is_some() {
            let message = format!("outlines and backgrounds fill more than {} bytes", self.limit);
            notes.add(span, message, "make several files of it");
        }
        self.left = left;
        left.is_some()
    }

    /// Leaves nothing, for a reason that is noted elsewhere.
    pub(super) fn use_up(&mut self) {
        self.left = None;
    }
}
