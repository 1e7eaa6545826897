use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

/// Longest scenario file that is read, in bytes.
const FILE_LIMIT: u64 = 64 * 1024 * 1024;
/// Most files that are read from a folder.
const FILE_COUNT_LIMIT: usize = 100_000;
/// Deepest folder that is looked into.
const DEPTH_LIMIT: usize = 16;
/// The endings of files that are read from a folder.
const ENDINGS: [&str; 3] = ["yaml", "yml", "feature"];

/// A text file and its name, kept for snippets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path relative to the scenarios' folder, with `/`.
    pub name: Arc<str>,
    /// What it says.
    pub text: Arc<str>,
}

/// Why files could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The operating system refused.
    #[error("read {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file is longer than any that is read.
    #[error("read {}: it is longer than {FILE_LIMIT} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// A file is not text.
    #[error("read {}: it is not UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A folder holds more files than are read.
    #[error("read {}: it holds more than {FILE_COUNT_LIMIT} files", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
}

/// The files that scenarios, contracts and JSON Schemas are read from, sorted by name.
#[derive(Clone, Debug, Default)]
pub struct Files {
    files: Vec<Arc<SourceFile>>,
}

impl Files {
    /// Files that are already in memory, such as those embedded in the binary.
    pub fn in_memory<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut files: Vec<_> = files
            .into_iter()
            .map(|(name, text)| Arc::new(SourceFile { name: name.into(), text: text.into() }))
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Self { files }
    }

    /// Every `.yaml`, `.yml` and `.feature` file below a folder.
    ///
    /// # Errors
    /// When the folder or one of the files cannot be read, is not text or is over a limit.
    pub fn below(folder: &Path) -> Result<Self, ReadError> {
        let mut files = Vec::new();
        collect(folder, folder, 0, &mut files)?;
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { files })
    }

    /// The files in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        self.files.iter()
    }
}

/// Reads one text file within the limits.
///
/// # Errors
/// When it cannot be read, is not text or is too long.
pub fn read_text(path: &Path) -> Result<String, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    if fs::metadata(path).map_err(io)?.len() > FILE_LIMIT {
        return Err(ReadError::TooLong { path: path.to_owned() });
    }
    String::from_utf8(fs::read(path).map_err(io)?).map_err(|_| ReadError::NotText { path: path.to_owned() })
}

fn collect(
    root: &Path,
    folder: &Path,
    depth: usize,
    files: &mut Vec<Arc<SourceFile>>,
) -> Result<(), ReadError> {
    let io = |source| ReadError::Io { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.is_dir() {
            if depth < DEPTH_LIMIT {
                collect(root, &path, depth + 1, files)?;
            }
        } else if path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known)) {
            if files.len() == FILE_COUNT_LIMIT {
                return Err(ReadError::TooMany { path: root.to_owned() });
            }
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            let text = read_text(&path)?;
            files.push(Arc::new(SourceFile { name: name.into(), text: text.into() }));
        }
    }
    Ok(())
}
