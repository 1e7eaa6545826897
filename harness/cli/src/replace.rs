//! Writes a file in one step: whoever reads it meanwhile finds the old one or the new one.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Writes a file in place of an earlier one, with its permissions. Where that fails, the earlier one is left as it is.
///
/// # Errors
/// Those of `write`, and of the file system.
pub(crate) fn replace<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    // Of a link, the file that it names is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let file = File::create_new(&temporary)?;
    let replaced = fill(file, &path, write).and_then(|()| Ok(fs::rename(&temporary, &path)?));
    if replaced.is_err() {
        // What matters more is told already.
        let _ = fs::remove_file(&temporary);
    }
    replaced
}

/// Writes a new file, with the permissions of the one that it is to replace.
fn fill<E: From<io::Error>>(
    mut file: File,
    old: &Path,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    if let Ok(old) = fs::metadata(old) {
        file.set_permissions(old.permissions())?;
    }
    write(&mut file)?;
    Ok(file.sync_all()?)
}
