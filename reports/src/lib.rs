//! What people read after a run, rendered from nothing but its record.
//!
//! Fold the events of one record, or of several shards' records, into a [`Summary`], then hand it to a renderer:
//! [`render()`] for a terminal, [`write_junit()`] for CI. [`Transcript`] and [`curl()`] are the parts that show
//! one request. A renderer reads no clock, no environment and no file, so the same record gives the same report. Nothing that a
//! record holds steers the terminal that it is shown on: names are made harmless as they come in, texts as they are shown.
//!
//! [`statement`] is what is published of a gateway, and how it is checked by those who read it.
//!
//! [`proof`] and [`Coverage`] judge the scenarios themselves, by what finished on gateways that are known to be wrong.

mod coverage;
mod curl;
mod detail;
mod duration;
mod excerpt;
mod harmless;
mod junit;
mod listing;
mod palette;
mod printable;
pub mod proof;
mod scenario;
mod standing;
pub mod statement;
mod summary;
mod terminal;
mod transcript;

pub use coverage::{CatalogueId, Coverage, Covering};
pub use curl::{curl, placeholder, printf};
pub use junit::{JunitError, junit, write_junit};
pub use printable::{masked, one_line, printable};
pub use scenario::{Attempt, Scenario};
pub use standing::{Standing, standings};
pub use summary::{Group, Summary};
pub use terminal::{TerminalOptions, Verbosity, render};
pub use transcript::Transcript;
