//! What a statement says of a requirement: which list names it, and where it is counted.

use super::{RequirementCounts, Requirements};

/// What is known of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Kept,
    Missed,
    Warned,
    Unreached,
    Unsupported,
    Undecided,
}

impl Standing {
    /// Those that have a list. What no list names is kept.
    pub(super) const LISTED: [Self; 5] =
        [Self::Missed, Self::Warned, Self::Unreached, Self::Unsupported, Self::Undecided];

    /// The word of the file for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Missed => "missed",
            Self::Warned => "warned",
            Self::Unreached => "unreached",
            Self::Unsupported => "unsupported",
            Self::Undecided => "undecided",
        }
    }
}

impl Requirements {
    /// What the lists say of a requirement.
    pub(super) fn standing(&self, id: &str) -> Standing {
        let names = |standing: &Standing| self.list(*standing).iter().any(|listed| listed == id);
        Standing::LISTED.into_iter().find(names).unwrap_or(Standing::Kept)
    }

    /// The requirements of a list.
    pub(super) fn list(&self, standing: Standing) -> &[String] {
        match standing {
            Standing::Kept => &[],
            Standing::Missed => &self.missed,
            Standing::Warned => &self.warned,
            Standing::Unreached => &self.unreached,
            Standing::Unsupported => &self.unsupported,
            Standing::Undecided => &self.undecided,
        }
    }

    /// Puts a requirement into the list that it belongs to, if that is any.
    pub(super) fn add(&mut self, id: &str, standing: Standing) {
        let list = match standing {
            Standing::Kept => return,
            Standing::Missed => &mut self.missed,
            Standing::Warned => &mut self.warned,
            Standing::Unreached => &mut self.unreached,
            Standing::Unsupported => &mut self.unsupported,
            Standing::Undecided => &mut self.undecided,
        };
        list.push(id.to_owned());
    }
}

impl RequirementCounts {
    /// How many requirements there are of a standing.
    pub(super) fn of(&self, standing: Standing) -> usize {
        match standing {
            Standing::Kept => self.kept,
            Standing::Missed => self.missed,
            Standing::Warned => self.warned,
            Standing::Unreached => self.unreached,
            Standing::Unsupported => self.unsupported,
            Standing::Undecided => self.undecided,
        }
    }

    /// Counts a requirement.
    pub(super) fn add(&mut self, standing: Standing) {
        *match standing {
            Standing::Kept => &mut self.kept,
            Standing::Missed => &mut self.missed,
            Standing::Warned => &mut self.warned,
            Standing::Unreached => &mut self.unreached,
            Standing::Unsupported => &mut self.unsupported,
            Standing::Undecided => &mut self.undecided,
        } += 1;
    }
}
