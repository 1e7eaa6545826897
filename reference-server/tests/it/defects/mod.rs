//! Each defect breaks the requirements that it lists and no others.
//!
//! One small check a requirement, all of them run in a world of their own for every defect.

mod edges;
mod protocol;
mod sequences;
mod tests;
mod world;
