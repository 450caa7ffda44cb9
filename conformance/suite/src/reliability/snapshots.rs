//! Numbers that are read while they change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Scale;
use crate::Flavour;
use crate::kit::prelude::*;

/// Row 19: spawned = completed + failed + cancelled + live, at every read.
pub(super) fn under_load(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let tasks = scale.of(1_000_000);
    let harness = flavour.start()?;
    let rt = harness.runtime();
    // Smol's global executor has counts of earlier work.
    let before = rt.root().statistics();
    let over = Arc::new(AtomicBool::new(false));
    let (watched, until, has_threads) = (rt.clone(), over.clone(), flavour.has_threads);
    let read = move || -> Result<usize, Failure> {
        let (mut reads, mut spawned) = (0usize, 0);
        loop {
            let now = watched.root().statistics();
            let ended = now.completed + now.failed + now.cancelled;
            ensure!(now.spawned == ended + now.live && now.live <= now.spawned, "{now:?}");
            ensure!(now.spawned >= spawned, "fewer than before: {now:?}");
            spawned = now.spawned;
            reads += 1;
            if !has_threads || until.load(Ordering::SeqCst) {
                return Ok(reads);
            }
            std::thread::yield_now();
        }
    };
    let watcher = has_threads.then(|| std::thread::spawn(read.clone()));
    let mut reads = 0;
    harness.block_on(async {
        for batch in 0..tasks.div_ceil(100) {
            let handles: Vec<_> = (0..100)
                .map(|index| {
                    AsyncTask::to::<()>().on(&rt).try_spawn(move || async move {
                        yield_now().await;
                        match index % 4 {
                            0 => Err("it fails".into()),
                            1 => pending().await,
                            _ => Ok(()),
                        }
                    })
                })
                .collect();
            for (index, task) in handles.into_iter().enumerate() {
                if index % 4 == 1 {
                    task.cancel(CancelLevel::Kill).await;
                } else {
                    let _ = task.await;
                }
            }
            if !has_threads && batch % 10 == 0 {
                reads += read()?;
            }
        }
        Ok::<_, Failure>(())
    })??;
    over.store(true, Ordering::SeqCst);
    if let Some(watcher) = watcher {
        reads += watcher.join().map_err(|_| Failure::msg("the watcher panicked"))??;
    }
    let after = rt.root().statistics();
    let all = tasks.div_ceil(100) * 100;
    let of = |now: usize, then: usize| now - then;
    ensure!(of(after.spawned, before.spawned) == all && of(after.completed, before.completed) == all / 2);
    ensure!(of(after.failed, before.failed) == all / 4 && of(after.cancelled, before.cancelled) == all / 4);
    ensure!(after.live == before.live, "{after:?}");
    Ok(format!("{all} tasks, {reads} looks, all of which added up"))
}
