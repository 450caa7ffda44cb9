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

/// The time of the naps of threads, in all, and the processor time that they took: a machine that takes the
/// processor away meanwhile may charge the thread for that.
#[derive(Clone, Default)]
struct Asleep {
    lasted: Arc<AtomicU64>,
    spent: Arc<AtomicU64>,
}

impl Asleep {
    /// Sleeps for much less than the polls whose processor time is measured in any mode.
    fn nap(&self) {
        self.sleep(10.micros());
    }

    fn sleep(&self, time: Duration) {
        let (begun, before) = (Instant::now(), thread_time());
        thread::sleep(time);
        let spent = thread_time().zip(before).map(|(now, before)| now.saturating_sub(before));
        add(&self.spent, spent.unwrap_or_default());
        add(&self.lasted, begun.elapsed());
    }
}

fn add(sum: &AtomicU64, time: Duration) {
    sum.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::SeqCst);
}

fn read(sum: &AtomicU64) -> Duration {
    Duration::from_nanos(sum.load(Ordering::SeqCst))
}

/// The naps of one case. They last far longer than what a machine may charge between them.
const NAPS: u32 = 1_000;

/// Checks that the naps are not in the figure.
fn leaves_out_naps(cpu: Option<CpuUsage>, asleep: &Asleep) -> Outcome {
    if thread_time().is_none() {
        ensure!(cpu.is_none(), "{cpu:?} without a clock");
        return Ok(());
    }
    let cpu = cpu.context("it is known")?;
    let (lasted, spent) = (read(&asleep.lasted), read(&asleep.spent));
    // Of what was not spent in them, no more than a half.
    let most = (lasted + spent) / 2;
    ensure!(
        lasted >= 10.micros() * NAPS && cpu.total() <= most,
        "{cpu:?}, naps of {lasted:?} took {spent:?}"
    );
    Ok(())
}

pub async fn sampled_time_of_short_polls_is_not_too_small<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let burnt = Burnt::default();
    let work = burnt.clone();
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(MetricsMode::Sampled).spawn(|| async move {
        // So few that all of them, each up to the length from which on it is measured, are within the slack.
        for _ in 0..400 {
            work.burn(10.micros());
            yield_now().await;
        }
    });
    (&mut task).await?;
    is_about(task.cpu_usage(), &burnt)
}

pub async fn a_long_wait_within_a_poll_is_no_processor_time<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for mode in [MetricsMode::Sampled, MetricsMode::Exact] {
        let asleep = Asleep::default();
        let work = asleep.clone();
        let mut task = AsyncTask::to::<()>().on(&rt).metrics(mode).spawn(|| async move {
            for _ in 0..6 {
                work.sleep(20.millis());
                yield_now().await;
            }
        });
        (&mut task).await?;
        let polls = task.poll_usage().context("it was measured")?;
        ensure!(polls.time >= 120.millis(), "{polls:?}");
        let cpu = task.cpu_usage();
        ensure!(cpu.is_some() == thread_time().is_some(), "{cpu:?}");
        let most = read(&asleep.spent) + SLACK;
        ensure!(cpu.unwrap_or_default().total() <= most, "{mode:?}: {cpu:?} of {polls:?}, not {most:?}");
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
