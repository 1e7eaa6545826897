//! The ids of defects, written and read.

use std::fmt;
use std::str::FromStr;

use super::info::{DefectInfo, UnknownDefect};
use super::{Defect, catalogue};

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl FromStr for Defect {
    type Err = UnknownDefect;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        match catalogue().iter().find(|info| info.id == id) {
            Some(info) => Ok(info.defect),
            None => Err(UnknownDefect { id: id.to_owned(), nearest: nearest(id) }),
        }
    }
}

/// The id that looks most like what was written.
fn nearest(written: &str) -> Option<&'static str> {
    let likeness = |info: &DefectInfo| strsim::jaro_winkler(written, info.id);
    let likely = catalogue().iter().filter(|info| likeness(info) > 0.8);
    likely.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).map(|info| info.id)
}
