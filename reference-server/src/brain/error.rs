/// Why the brain's data cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrainError {
    /// A file is no YAML, or YAML of another shape.
    #[error("read {file}: {problem}")]
    Shape {
        /// The file, from the repository's root.
        file: &'static str,
        /// What the reader says, with line, column and a snippet.
        problem: String,
    },
    /// An entry has the right shape and makes no sense.
    #[error("read {file}, line {line}, column {column}, `{entry}`: {problem}")]
    Entry {
        /// The file, from the repository's root.
        file: &'static str,
        /// Line of the entry, from 1.
        line: u64,
        /// Column of the entry, from 1.
        column: u64,
        /// The text that stands there.
        entry: String,
        /// What is wrong with it.
        problem: String,
    },
}
