//! Writes down what a question and its answer mean, the same for every wire on which they are asked and answered.

mod answer;
mod conversation;
mod question;

pub(super) use answer::{answer, vectors};
pub(super) use question::{question, texts};
