//! The state holds virtual keys in plain, so its file is its owner's alone. Where files have no such permissions, it is
//! left to the folder.

#[cfg(unix)]
pub(super) use unix::{make, narrow};

#[cfg(not(unix))]
pub(super) fn make(_path: &std::path::Path) {}

#[cfg(not(unix))]
pub(super) fn narrow(_path: &std::path::Path) {}

#[cfg(unix)]
mod unix {
    use std::fs::{self, OpenOptions, Permissions};
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    const OWNER_ONLY: u32 = 0o600;

    /// Makes the file where there is none. What the database writes beside it takes its permissions.
    pub(in super::super) fn make(path: &Path) {
        // Where it cannot be made, the database says why.
        let _ = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(path);
    }

    /// Takes a file of before, which held no secrets yet, from all others.
    pub(in super::super) fn narrow(path: &Path) {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        for file in [path, Path::new(&log)] {
            // Some file systems know no permissions, and the log is not always there.
            let _ = fs::set_permissions(file, Permissions::from_mode(OWNER_ONLY));
        }
    }
}
