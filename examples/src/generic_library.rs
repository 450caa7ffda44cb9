//! A small library as a third party would write it: it runs on whatever executor its user has, and names none. It needs
//! `sweet-async` with `default-features = false`, and nothing else; `generic_library.rs` uses it.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use sweet_async::{AsyncTask, AsyncTaskError, BoxError, CancelLevel, Runtime, Task};

/// How [`fetch_all`] goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many inputs are being fetched at a time.
    pub at_once: NonZeroUsize,
    /// How long one may take.
    pub each: Duration,
}

/// An input could not be fetched.
#[derive(Debug, thiserror::Error)]
#[error("input {input}")]
pub struct FetchError {
    /// Which, counted from 0.
    pub input: usize,
    /// Why not.
    #[source]
    pub error: AsyncTaskError,
}

/// Fetches all `inputs` on `runtime`, some at a time, each in a task of its own that is named after its input. The
/// results are in the order of the inputs.
///
/// When it returns, with results or without, nothing that it started is left.
///
/// # Errors
///
/// The first input that fails, takes too long or panics ends it; the others are cancelled, and those that were not
/// begun never are.
///
/// # Cancel safety
///
/// Dropped, it cancels what it has begun, and waits for nothing.
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

/// Takes out the next task to end; `None` if there is none. All are polled each time, which is right for the few that
/// run at once.
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
    let (place, result) = poll_fn(|cx| {
        for (place, (_, task)) in running.iter_mut().enumerate() {
            if let Poll::Ready(result) = Pin::new(task).poll(cx) {
                return Poll::Ready((place, result));
            }
        }
        Poll::Pending
    })
    .await;
    let (index, _) = running.swap_remove(place);
    Some((index, result))
}

/// Cancels the tasks and waits until they are gone. Dropping their handles would cancel them too, and not wait.
async fn stop<T: Send + 'static, R: Runtime>(running: Vec<(usize, Task<T, R>)>) {
    // All are asked first, so that they end side by side.
    for (_, task) in &running {
        // The request stands without the future that it gives: the handles are awaited instead.
        drop(task.cancel(CancelLevel::Kill));
    }
    for (_, task) in running {
        let _ = task.await;
    }
}
