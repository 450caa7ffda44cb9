//! A whole pipeline as a task of its own.

use std::future::Future;
use std::sync::Arc;

use crate::error::AsyncTaskError;
use crate::pipeline::EmittingTask;
use crate::pipeline::progress::Counters;
use crate::runtime::RuntimeSource;
use crate::task::{Birthplace, Configured, Fallible, InPlace, Task};

/// Starts `body`, a whole pipeline that keeps `counters`, as a task.
#[track_caller]
pub(super) fn spawn_whole<U, S, B>(
    source: S,
    named: Configured,
    counters: Arc<Counters>,
    body: B,
) -> EmittingTask<U, S::Runtime>
where
    U: Send + 'static,
    S: RuntimeSource,
    B: Future<Output = Result<U, AsyncTaskError>> + Send + 'static,
{
    let birth = Birthplace::here().birth(Some(&named));
    let body = InPlace::<_, _, U, Fallible<AsyncTaskError>>::new(move || body);
    let task = match source.into_runtime() {
        Ok(runtime) => crate::task::spawn(runtime, birth, body),
        Err(error) => Task::refused(error),
    };
    EmittingTask::new(task, counters)
}
