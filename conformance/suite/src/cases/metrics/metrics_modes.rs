//! Metrics, modes: sampled processor time is not too small and leaves out long waits; exact time leaves out
//! short ones too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crate::library::MetricsEnabledTask as _;
use crate::library::metrics::{CpuUsage, MetricsMode};

use super::task_metrics::is_about;
use crate::kit::load::{Burnt, SLACK, thread_time};
use crate::kit::prelude::*;

/// The time for which threads were asleep, in all.
#[derive(Clone, Default)]
struct Asleep(Arc<AtomicU64>);

impl Asleep {
    /// Sleeps for much less than the polls whose processor time is measured in any mode.
    fn nap(&self) {
        let begun = Instant::now();
        thread::sleep(10.micros());
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanos, Ordering::SeqCst);
    }

    fn all(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::SeqCst))
    }
}

/// The naps of one case.
const NAPS: u64 = 300;

/// Checks that the naps are not in the figure.
fn leaves_out_naps(cpu: Option<CpuUsage>, asleep: &Asleep) -> Outcome {
    if thread_time().is_none() {
        ensure!(cpu.is_none(), "{cpu:?} without a clock");
        return Ok(());
    }
    let (cpu, asleep) = (cpu.context("it is known")?, asleep.all());
    ensure!(asleep >= 10.micros() * 300 && cpu.total() <= asleep / 2, "{cpu:?}, asleep for {asleep:?}");
    Ok(())
}

pub async fn sampled_time_of_short_polls_is_not_too_small<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let burnt = Burnt::default();
    let work = burnt.clone();
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(MetricsMode::Sampled).spawn(|| async move {
        for _ in 0..500 {
            work.burn(10.micros());
            yield_now().await;
        }
    });
    (&mut task).await?;
    is_about(task.cpu_usage(), &burnt)
}

pub async fn a_long_wait_within_a_poll_is_no_processor_time<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for mode in [MetricsMode::Sampled, MetricsMode::Exact] {
        let mut task = AsyncTask::to::<()>().on(&rt).metrics(mode).spawn(|| async {
            for _ in 0..6 {
                thread::sleep(20.millis());
                yield_now().await;
            }
        });
        (&mut task).await?;
        let polls = task.poll_usage().context("it was measured")?;
        ensure!(polls.time >= 120.millis(), "{polls:?}");
        let cpu = task.cpu_usage();
        ensure!(cpu.is_some() == thread_time().is_some(), "{cpu:?}");
        ensure!(cpu.unwrap_or_default().total() <= SLACK, "{mode:?}: {cpu:?} of {polls:?}");
    }
    Ok(())
}

pub async fn exact_time_leaves_out_short_waits<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let asleep = Asleep::default();
    let work = asleep.clone();
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(MetricsMode::Exact).spawn(|| async move {
        for _ in 0..NAPS {
            work.nap();
            yield_now().await;
        }
    });
    (&mut task).await?;
    leaves_out_naps(task.cpu_usage(), &asleep)
}

pub async fn nodes_are_measured_as_their_orchestra<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let asleep = Asleep::default();
    let work = asleep.clone();
    let all = AsyncTask::orchestrator().on(&rt).metrics(MetricsMode::Exact).build()?;
    all.register_task("naps", AsyncTask::to::<()>(), || async move {
        for _ in 0..NAPS {
            work.nap();
            yield_now().await;
        }
    })?;
    all.run().await?;
    leaves_out_naps(all.cpu_usage(), &asleep)
}

pub async fn the_last_mode_that_a_builder_is_given_counts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let build = || AsyncTask::to::<()>().on(&rt);
    let off = build().metrics(MetricsMode::Exact).metrics(MetricsMode::Off).spawn(|| async {});
    ensure!(!off.is_metrics_enabled());
    off.await?;
    let on = build().metrics(false).metrics(MetricsMode::Sampled).spawn(|| async {});
    ensure!(on.is_metrics_enabled());
    on.await?;
    ensure!(MetricsMode::from(true) == MetricsMode::Sampled && !MetricsMode::from(false).is_on());
    Ok(())
}
