//! What can go wrong with the state.

use std::path::PathBuf;

/// Why the state cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is something else.
    #[error(
        "open the state file {}: it is not a SQLite database; name another file or move this one away",
        .0.display()
    )]
    NotADatabase(PathBuf),
    /// The file is a database, of another program.
    #[error(
        "open the state file {}: another program's database stands there; name another file or move it away",
        .0.display()
    )]
    Foreign(PathBuf),
    /// A later version of this program wrote the file.
    #[error(
        "open the state file {}: it has schema version {found} and this program knows versions up to {known}; \
         use the program that wrote it, or another file",
        .path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The last version known here.
        known: i64,
    },
    /// Another process has the file open.
    #[error(
        "open the state file {}: another process is using it; stop that one, or name another file",
        .0.display()
    )]
    InUse(PathBuf),
    /// The file's contents make no sense.
    #[error("read the state file {}: {what}", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The database refuses.
    #[error("open the state {}: {message}", .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What the database says.
        message: String,
    },
    /// The thread that owns the state cannot be started.
    #[error("start the thread that keeps the state: {0}")]
    Thread(std::io::Error),
}

impl OpenError {
    /// What the database said, put into words that a person can act on.
    pub(super) fn from_sql(path: PathBuf, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase(path),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse(path),
            _ => Self::Database { path, message: error.to_string() },
        }
    }
}

/// Why an operation on the state failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// The database refused it.
    #[error("use the state: {0}")]
    Database(String),
    /// The store is closed.
    #[error("the state is closed")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}
