//! The entry points of a whole program: `block_on`, and the same with an end by signals.

use std::future::Future;
use std::time::Duration;

#[cfg(doc)]
use crate::runtime::Termination;
use crate::runtime::{Ended, Termination as _};
use crate::{Ambient, AsyncTaskError, BlockOn as _, RuntimeSource as _, ambient};

/// Runs a program: `future` runs on this thread. Its tasks run on the installed default runtime, else on a
/// new Tokio runtime if Tokio is compiled in, else on a new smol pool. The last two have one thread for each
/// core. A new runtime ends when `future` does, and with it everything that is left on it;
/// [`run_until_terminated`] waits for that. This function is for applications: libraries take a runtime and
/// say `.on(&runtime)`.
///
/// # Errors
///
/// [`AsyncTaskError::InvalidState`] inside a task, another `block_on`, or a Tokio context;
/// [`AsyncTaskError::NoRuntime`] with no backend compiled in and no default installed; an error of the
/// operating system if it refuses threads.
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use sweet_async::prelude::*;
///
/// let answer = sweet_async::block_on(async { AsyncTask::to::<u32>().spawn(|| async { 6 * 7 }).await })??;
/// assert_eq!(answer, 42);
/// # }
/// # Ok::<_, sweet_async::AsyncTaskError>(())
/// ```
pub fn block_on<F: Future>(future: F) -> Result<F::Output, AsyncTaskError> {
    if let Some(runtime) = ambient::installed() {
        return runtime.block_on(future);
    }
    on_new_runtime(future)
}

/// As [`block_on`], for a program that ends in order on Ctrl-C or SIGTERM. `future` and all tasks, detached
/// ones included, then have `grace` to end by themselves; see [`Termination::run_until_terminated`]. The same
/// holds when `future` ends by itself. An installed default takes no tasks after it.
///
/// # Errors
///
/// As [`block_on`]; and if the runtime cannot receive signals. [`Ended::shutdown`] reports how the other
/// tasks ended.
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use sweet_async::prelude::*;
///
/// let ended = sweet_async::run_until_terminated(10.seconds(), async {
///     AsyncTask::to::<()>().name("flush").spawn(|| async { /* ... */ }).detach();
///     "served"
/// })?;
/// // The detached task has ended too.
/// ended.shutdown?;
/// assert_eq!(ended.output, Some("served"));
/// # }
/// # Ok::<_, sweet_async::AsyncTaskError>(())
/// ```
pub fn run_until_terminated<F: Future>(
    grace: Duration,
    future: F,
) -> Result<Ended<F::Output>, AsyncTaskError> {
    block_on(async { Ok(Ambient.resolve()?.run_until_terminated(grace, future).await?) })?
}

#[cfg(feature = "tokio")]
fn on_new_runtime<F: Future>(future: F) -> Result<F::Output, AsyncTaskError> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    crate::tokio::OwnedTokio::multi_thread(workers)?.block_on(future)
}

#[cfg(all(feature = "smol", not(feature = "tokio")))]
fn on_new_runtime<F: Future>(future: F) -> Result<F::Output, AsyncTaskError> {
    crate::smol::SmolPool::per_core()?.block_on(future)
}

#[cfg(not(any(feature = "tokio", feature = "smol")))]
fn on_new_runtime<F: Future>(future: F) -> Result<F::Output, AsyncTaskError> {
    // No runtime can be made here, but one may be entered: then this reports the nesting.
    Ambient.resolve()?.block_on(future)
}
