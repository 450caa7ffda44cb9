//! Numbers that are published to a queue, and their consumers.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use crate::library::pipeline::{BoundedQueue, Queue};

use super::prelude::*;

/// A lease far longer than any case takes.
pub(crate) const LONG: Duration = Duration::from_secs(3_600);

pub(crate) fn bounded(capacity: usize) -> BoundedQueue {
    BoundedQueue::new(NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN))
}

/// Publishes the lines from 0 to `lines` in order, `chunk` of them to a message, under the name of `job`.
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

/// The number of times that consumers have seen each number. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Deliveries(Arc<Mutex<BTreeMap<u64, usize>>>);

impl Deliveries {
    pub(crate) fn record(&self, n: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(n).or_default() += 1;
    }

    pub(crate) fn get(&self) -> BTreeMap<u64, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn total(&self) -> usize {
        self.get().values().sum()
    }

    /// Checks that each of the numbers below `lines` was seen once, and no other.
    pub(crate) fn check_each_once(&self, lines: u64) -> Outcome {
        let deliveries = self.get();
        ensure!(
            deliveries.len() as u64 == lines && deliveries.values().all(|times| *times == 1),
            "{deliveries:?}"
        );
        Ok(())
    }
}

/// Reads the queue to its end.
pub(crate) async fn consume<R: Runtime>(
    rt: &R,
    queue: &impl Queue,
    deliveries: &Deliveries,
) -> Result<FinalEvent, AsyncTaskError> {
    let deliveries = deliveries.clone();
    AsyncTask::emits::<u64>()
        .on(rt)
        .workers(2)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender({
            let queue = queue.clone();
            move |sources| sources.of_queue(&queue).with_lease(LONG).lines()
        })
        .for_each(move |event| deliveries.record(event.take_data()))
        .await
}
