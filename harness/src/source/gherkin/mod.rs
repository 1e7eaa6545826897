//! Gherkin: the second of the sources. A feature becomes the same tree as a YAML file, and is read on as one.

mod cells;
mod compose;
mod draft;
mod feature;
mod lines;
mod notes;
mod outline;
mod read;
mod reference;
mod room;
mod sentences;
mod steps;
mod tables;
mod tags;
mod text;
mod values;
mod vocabulary;

pub use read::decode;
pub use reference::reference;
