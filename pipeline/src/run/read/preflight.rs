//! The preflight: a check of all files before any source is read. An error at the start is better than one
//! after an hour.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::run::read::blocking_call::BlockingCall;
use crate::run::read::text_blocks::failed;
use crate::source::plan::Plan;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::DynRuntime;

/// A file's index among the sources, its name, and its path.
type Named = (usize, Arc<str>, PathBuf);

/// The files to be checked. The only source of a pipeline is not among them: it is opened next anyway.
pub(crate) fn files(plans: &[Plan]) -> Vec<Named> {
    match plans {
        [_] => Vec::new(),
        plans => {
            let named = |(index, plan): (usize, &Plan)| {
                let (name, path) = plan.file()?;
                Some((index, name, path))
            };
            plans.iter().enumerate().filter_map(named).collect()
        }
    }
}

/// Checks all files. Returns the indices and lengths of those that have a length. With `skips`, a file that
/// cannot be opened has a length of 0: its error is reported when its turn comes.
///
/// # Errors
///
/// The same error as for opening the file.
pub(crate) async fn check_all(
    runtime: &DynRuntime,
    files: Vec<Named>,
    skips: bool,
) -> Result<Vec<(usize, u64)>, AsyncTaskError> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let all = move || {
        let check_named = |(index, name, path): &Named| match check(path) {
            Ok(length) => length.map(|length| Ok((*index, length))),
            Err(_) if skips => Some(Ok((*index, 0))),
            Err(error) => Some(Err(failed("opening", name, error))),
        };
        files.iter().filter_map(check_named).collect()
    };
    BlockingCall::start(runtime, all)?.await?
}

/// Checks that a file can be opened, and returns its length. `None` for a pipe or a device, which is not
/// opened.
fn check(path: &Path) -> io::Result<Option<u64>> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // Opening a pipe waits for a writer.
    if !metadata.is_file() {
        return Ok(None);
    }
    File::open(path)?;
    Ok(Some(metadata.len()))
}
