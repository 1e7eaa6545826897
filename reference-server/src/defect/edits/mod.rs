//! Defects that are data: what passes between a client and a dialect is edited on its way. The files lie in
//! `fixtures/defects`, one a contract.

mod around;
mod document;
mod events;
mod file;
mod matching;

pub(crate) use around::around;
pub(crate) use file::{Edits, all, of};
