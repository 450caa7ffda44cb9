//! A small library as a third party would write it: it runs on the executor of its user, and names none. Of
//! Sweet Async it needs only `sweet-async`, with `default-features = false`. `generic_library.rs` uses it.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use sweet_async::{AsyncTask, AsyncTaskError, BoxError, CancelLevel, Runtime, Task};

/// The limits of [`fetch_all`].
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The number of inputs that are fetched at a time.
    pub at_once: NonZeroUsize,
    /// The time limit of one input.
    pub each: Duration,
}

/// The error of an input that could not be fetched.
#[derive(Debug, thiserror::Error)]
#[error("input {input}")]
pub struct FetchError {
    /// The index of the input, from 0.
    pub input: usize,
    /// The reason.
    #[source]
    pub error: AsyncTaskError,
}

/// Fetches all `inputs` on `runtime`, some at a time, each in a task of its own that is named after the index
/// of its input. The results are in the order of the inputs.
///
/// When it returns, with results or with an error, nothing that it started is left.
///
/// # Errors
///
/// The first input that fails, takes too long or panics ends the call. The tasks that are running are
/// cancelled, and no further one is started.
///
/// # Cancel safety
///
/// Dropped, it cancels the tasks that it has started, and does not wait for them.
pub async fn fetch_all<R, I, F, O, T, E>(
    runtime: &R,
    limits: Limits,
    inputs: I,
    fetch: F,
) -> Result<Vec<T>, FetchError>
where
    R: Runtime,
    I: IntoIterator,
    F: Fn(I::Item) -> O,
    O: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Into<BoxError> + 'static,
{
    let mut inputs = inputs.into_iter().enumerate();
    let mut running = Vec::new();
    let mut fetched = BTreeMap::new();
    loop {
        while running.len() < limits.at_once.get()
            && let Some((index, input)) = inputs.next()
        {
            let work = fetch(input);
            let task = AsyncTask::to::<T>()
                .on(runtime)
                .name(format!("fetch {index}"))
                .timeout(limits.each)
                .spawn(move || work);
            running.push((index, task));
        }
        match next_ended(&mut running).await {
            None => return Ok(fetched.into_values().collect()),
            Some((index, Ok(value))) => {
                fetched.insert(index, value);
            }
            Some((input, Err(error))) => {
                stop(running).await;
                return Err(FetchError { input, error });
            }
        }
    }
}

/// Removes the next task that ends; `None` if there is none. All are polled each time, which is right for the
/// few that run at a time.
async fn next_ended<T, R>(
    running: &mut Vec<(usize, Task<T, R>)>,
) -> Option<(usize, Result<T, AsyncTaskError>)>
where
    T: Send + 'static,
    R: Runtime,
{
    if running.is_empty() {
        return None;
    }
    let (position, result) = poll_fn(|cx| {
        for (position, (_, task)) in running.iter_mut().enumerate() {
            if let Poll::Ready(result) = Pin::new(task).poll(cx) {
                return Poll::Ready((position, result));
            }
        }
        Poll::Pending
    })
    .await;
    let (index, _) = running.swap_remove(position);
    Some((index, result))
}

/// Cancels the tasks and waits until they have ended. Dropping their handles would cancel them, but not wait.
async fn stop<T: Send + 'static, R: Runtime>(running: Vec<(usize, Task<T, R>)>) {
    // All cancellations are requested first, so that the tasks end at the same time.
    for (_, task) in &running {
        // The request stands without the future that it returns: the handles are awaited instead.
        drop(task.cancel(CancelLevel::Kill));
    }
    for (_, task) in running {
        let _ = task.await;
    }
}
