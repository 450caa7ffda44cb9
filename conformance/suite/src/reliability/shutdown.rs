//! A shutdown that cannot finish within its limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::library::RuntimeError;

use super::Scale;
use crate::Flavour;
use crate::kit::prelude::*;

/// More than the blocking pools of Tokio (512) and of smol (500) take at once.
const JOBS: usize = 600;

/// Row 11: asynchronous tasks go on beside a full pool. The shutdown returns in bounded time, and reports
/// what it left.
pub(super) fn saturated(flavour: &Flavour, _: Scale) -> Result<String, Failure> {
    let harness = flavour.start()?;
    let rt = harness.runtime();
    let (open, begun_jobs) = (Latch::new(), Arc::new(AtomicUsize::new(0)));
    let (latency, took) = harness.block_on(async {
        let jobs: Vec<_> = (0..JOBS)
            .map(|_| {
                let (open, begun_jobs) = (open.clone(), begun_jobs.clone());
                AsyncTask::to::<()>().on(&rt).spawn_blocking(move || {
                    begun_jobs.fetch_add(1, Ordering::SeqCst);
                    open.wait_blocking();
                })
            })
            .collect();
        let begun = Instant::now();
        for _ in 0..100 {
            AsyncTask::to::<()>().on(&rt).spawn(yield_now).await?;
        }
        let latency = begun.elapsed() / 100;
        if flavour.never_ends {
            open.set();
            for job in jobs {
                job.await?;
            }
            return Ok::<_, Failure>((latency, None));
        }
        let limit = 50.millis();
        let (begun, stuck) = (Instant::now(), begun_jobs.load(Ordering::SeqCst));
        let ended = rt.shutdown(limit).await;
        let took = begun.elapsed();
        let Err(RuntimeError::TasksLeft { tasks, blocking, .. }) = ended else {
            bail!("not reported: {ended:?}")
        };
        // A thread that comes late drops jobs that were killed before they began.
        let is_told = stuck <= blocking && blocking <= tasks && tasks <= JOBS;
        ensure!(is_told, "{tasks} tasks and {blocking} blocking jobs, of which {stuck} had begun");
        // Two orders of magnitude beyond the limit: the assertion is that the shutdown returns.
        ensure!(took < 10.seconds(), "the shutdown took {took:?}");
        open.set();
        for job in jobs {
            // A job's value, where its thread returned one, or the shutdown.
            if let Err(error) = job.await {
                ensure!(error.is_shutdown(), "{error:?}");
            }
        }
        Ok((latency, Some(took)))
    })??;
    let beside = format!("a task beside them takes {latency:.1?}");
    Ok(match took {
        Some(took) => format!("{beside}; back after {took:.0?} of 50 ms, with what is stuck named"),
        None => format!("{beside}; this executor never ends"),
    })
}
