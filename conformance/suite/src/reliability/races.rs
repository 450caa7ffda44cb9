//! Races between two events that end a task.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::library::Canceller;

use super::Scale;
use crate::Flavour;
use crate::kit::prelude::*;

const BATCH: usize = 100;

/// Row 5: each task ends once, as completed or as cancelled.
pub(super) fn cancel_and_completion(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let rounds = scale.of(1_000_000).div_ceil(BATCH);
    let harness = flavour.start()?;
    let rt = harness.runtime();
    harness.block_on(async {
        let (sender, cancellers) = async_channel::unbounded::<Canceller>();
        let racer = async move {
            while let Ok(canceller) = cancellers.recv().await {
                drop(canceller.cancel(CancelLevel::Kill));
            }
        };
        // On a thread of its own where there are threads, so that the two run in parallel.
        let (thread, task) = if flavour.has_threads {
            (Some(std::thread::spawn(move || futures_lite::future::block_on(racer))), None)
        } else {
            (None, Some(AsyncTask::to::<()>().on(&rt).spawn(|| racer)))
        };
        let (mut completed, mut cancelled) = (0usize, 0usize);
        for _ in 0..rounds {
            let mut tasks = Vec::with_capacity(BATCH);
            for index in 0..BATCH {
                let task = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
                    for _ in 0..index % 4 {
                        yield_now().await;
                    }
                });
                sender.send(task.canceller()).await?;
                tasks.push(task);
            }
            for mut task in tasks {
                let result = (&mut task).await;
                match (&result, task.status()) {
                    (Ok(()), TaskStatus::Completed) => completed += 1,
                    (Err(error), TaskStatus::Cancelled) if error.is_cancelled() => cancelled += 1,
                    (result, status) => bail!("the handle says {result:?}, the status {status:?}"),
                }
            }
        }
        drop(sender);
        if let Some(task) = task {
            task.await?;
        }
        ensure!(thread.is_none_or(|thread| thread.join().is_ok()));
        let total = rounds * BATCH;
        ensure!(completed + cancelled == total, "{completed} + {cancelled} is not {total}");
        Ok(format!("{completed} completed + {cancelled} cancelled = {total}"))
    })?
}

/// Row 6: a value that was ready is returned, whatever the clock shows.
pub(super) fn timeout_and_completion(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let rounds = scale.of(20_000).div_ceil(BATCH);
    let harness = flavour.start()?;
    let rt = harness.runtime();
    harness.block_on(async {
        let ready = Arc::new(AtomicUsize::new(0));
        let (mut values, mut timeouts) = (0usize, 0usize);
        for _ in 0..rounds {
            let tasks: Vec<_> = (0..BATCH)
                .map(|index| {
                    // From 1 ms before the limit to 1 ms after it.
                    let micros = u64::try_from(index * 2_000 / BATCH).unwrap_or(0);
                    let (inner, ready) = (rt.clone(), ready.clone());
                    AsyncTask::to::<()>().on(&rt).timeout(2.millis()).try_spawn(move || async move {
                        inner.sleep(1.millis() + Duration::from_micros(micros)).await?;
                        ready.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    })
                })
                .collect();
            for task in tasks {
                match task.await {
                    Ok(()) => values += 1,
                    Err(error) if error.is_timeout() => timeouts += 1,
                    Err(other) => bail!("neither a value nor a timeout: {other:?}"),
                }
            }
        }
        let ready = ready.load(Ordering::SeqCst);
        ensure!(values == ready, "{ready} values were ready and {values} were given");
        ensure!(values + timeouts == rounds * BATCH);
        Ok(format!("{values} values, all that were ready; {timeouts} timeouts"))
    })?
}
