//! What a scenario, a requirement or a defect is about, in words. Texts come out; nothing is printed or sent.

mod by_hand;
mod check;
mod defect;
mod index;
mod polling;
mod requirement;
mod scenario;
mod shape;
mod shell;
mod step;
mod upstream;
mod verified;

pub(crate) use index::Index;
