//! A file that appears whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of temporary files that this process has named.
static NAMED: AtomicU64 = AtomicU64::new(0);

/// A temporary file beside its target. [`commit`](Self::commit) puts it in the place of the target; dropped
/// before that, it is removed. All of it blocks the thread.
pub(crate) struct Target {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    is_committed: bool,
}

impl Target {
    /// Creates the temporary file. Where `path` is a link to a file, that file is the target.
    ///
    /// # Errors
    ///
    /// The directory is not there or may not be written to, or something else than a file is at `path`.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let (path, old) = match fs::canonicalize(path) {
            Ok(path) => {
                let old = fs::metadata(&path)?;
                if !old.is_file() {
                    return Err(refused("it is there already, and is no regular file"));
                }
                (path, Some(old))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_owned(), None),
            Err(error) => return Err(error),
        };
        let Some(name) = path.file_name() else { return Err(refused("it names no file")) };
        let directory = directory(&path);
        let (file, temporary) = create_beside(directory)?;
        let target = Self { file, temporary, path: directory.join(name), is_committed: false };
        if let Some(old) = old {
            // The new file may be read and written by the same users as the old one.
            target.file.set_permissions(old.permissions())?;
        }
        Ok(target)
    }

    /// Puts the file in the place of its target, once its content is on the disk. An older file is replaced
    /// in the same moment. `is_wanted` is asked in between, since to get the content there may take long.
    ///
    /// # Errors
    ///
    /// The system's, and [`Interrupted`](io::ErrorKind::Interrupted) for a file that is not wanted any more.
    /// The older file stays then, and this one is removed.
    pub(crate) fn commit(mut self, is_wanted: impl FnOnce() -> bool) -> io::Result<()> {
        self.file.sync_all()?;
        if !is_wanted() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        fs::rename(&self.temporary, &self.path)?;
        self.is_committed = true;
        // The file is there from now on. Whether its name outlasts a loss of power depends on the directory,
        // which not every system can sync.
        #[cfg(unix)]
        let _ = File::open(directory(&self.path)).and_then(|directory| directory.sync_all());
        Ok(())
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.is_committed {
            // An error has no reader here, and the name says what the file is.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a file with a name that no other file has.
fn create_beside(directory: &Path) -> io::Result<(File, PathBuf)> {
    loop {
        let number = NAMED.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!(".sweet-async-{}-{number}.tmp", process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            // Left by a process that was killed and had the same number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

fn refused(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}
