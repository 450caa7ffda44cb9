//! Looks at all files before any source is read: an error at the start is better than one after an hour.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::read::failed;
use super::visit::Visit;
use crate::error::AsyncTaskError;
use crate::pipeline::sources::Plan;
use crate::runtime::Runtime;

/// A file's name, and its path.
type Named = (Arc<str>, PathBuf);

/// The files that are to be looked at. One that is the only source is opened next anyway.
pub(crate) fn files<T>(plans: &[Plan<T>]) -> Vec<Named> {
    match plans {
        [_] => Vec::new(),
        plans => plans.iter().filter_map(Plan::file).collect(),
    }
}

/// Says what is wrong with the first file that cannot be read.
///
/// # Errors
///
/// As it would be told when the file is opened.
pub(crate) async fn look<R: Runtime>(runtime: &R, files: Vec<Named>) -> Result<(), AsyncTaskError> {
    if files.is_empty() {
        return Ok(());
    }
    let all = move || {
        files.iter().try_for_each(|(name, path)| one(path).map_err(|error| failed("opening", name, error)))
    };
    Visit::start(runtime, all)?.await?
}

fn one(path: &Path) -> io::Result<()> {
    let about = fs::metadata(path)?;
    if about.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // Not a pipe, whose opening waits for a writer.
    if about.is_file() {
        File::open(path)?;
    }
    Ok(())
}
