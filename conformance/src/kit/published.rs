//! Numbers that are published, and who reads them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use sweet_async::pipeline::{BoundedQueue, Queue};

use super::prelude::*;

/// Far longer than any case takes.
pub(crate) const LONG: Duration = Duration::from_secs(3_600);

pub(crate) fn bounded(capacity: usize) -> BoundedQueue {
    BoundedQueue::new(NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN))
}

/// The lines from 0 to `lines`, `chunk` of them to a message, in order, under the name of `job`.
pub(crate) async fn publish<R: Runtime>(
    rt: &R,
    queue: &impl Queue,
    job: &str,
    lines: u64,
    chunk: usize,
) -> Result<FinalEvent, AsyncTaskError> {
    let text: String = (0..lines).map(|n| format!("{n}\n")).collect();
    AsyncTask::emits::<u64>()
        .on(rt)
        .workers(1)
        .sender(move |sources| sources.of_bytes(text).lines().into_chunks(chunk.lines()))
        .publish(queue, job)
        .await
}

/// What consumers have seen of each number.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<BTreeMap<u64, usize>>>);

impl Seen {
    pub(crate) fn see(&self, n: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(n).or_default() += 1;
    }

    pub(crate) fn get(&self) -> BTreeMap<u64, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn total(&self) -> usize {
        self.get().values().sum()
    }

    /// Each of these once.
    pub(crate) fn once(&self, lines: u64) -> Outcome {
        let seen = self.get();
        ensure!(seen.len() as u64 == lines && seen.values().all(|times| *times == 1), "{seen:?}");
        Ok(())
    }
}

/// Reads the queue to its end.
pub(crate) async fn consume<R: Runtime>(
    rt: &R,
    queue: &impl Queue,
    seen: &Seen,
) -> Result<FinalEvent, AsyncTaskError> {
    let seen = seen.clone();
    AsyncTask::emits::<u64>()
        .on(rt)
        .workers(2)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender({
            let queue = queue.clone();
            move |sources| sources.of_queue(&queue).with_lease(LONG).lines()
        })
        .for_each(move |event| seen.see(event.take_data()))
        .await
}
