//! Looks at all files before any source is read: an error at the start is better than one after an hour.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::run::read::blocking_call::BlockingCall;
use crate::run::read::text_blocks::failed;
use crate::source::Plan;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::Runtime;

/// A file's place among the sources, its name, and its path.
type Named = (usize, Arc<str>, PathBuf);

/// The files that are to be looked at. One that is the only source is opened next anyway.
pub(crate) fn files<T>(plans: &[Plan<T>]) -> Vec<Named> {
    match plans {
        [_] => Vec::new(),
        plans => {
            let named = |(place, plan): (usize, &Plan<T>)| {
                let (name, path) = plan.file()?;
                Some((place, name, path))
            };
            plans.iter().enumerate().filter_map(named).collect()
        }
    }
}

/// Looks at all files. Gives the places and lengths of those that have a length.
///
/// # Errors
///
/// As it would be told when the file is opened.
pub(crate) async fn look<R: Runtime>(
    runtime: &R,
    files: Vec<Named>,
) -> Result<Vec<(usize, u64)>, AsyncTaskError> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let all = move || {
        let look = |(place, name, path): &Named| {
            let length = one(path).map_err(|error| failed("opening", name, error));
            length.map(|length| length.map(|length| (*place, length))).transpose()
        };
        files.iter().filter_map(look).collect()
    };
    BlockingCall::start(runtime, all)?.await?
}

/// Says how long it is, if it is a file.
fn one(path: &Path) -> io::Result<Option<u64>> {
    let about = fs::metadata(path)?;
    if about.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // A pipe's opening waits for a writer.
    if !about.is_file() {
        return Ok(None);
    }
    File::open(path)?;
    Ok(Some(about.len()))
}
