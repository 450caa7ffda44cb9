//! The work of the table of tasks, with its policies, started in each way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::library::{Chaos, DynRuntime, Hedge, Keyed, Limiter, OnFailure, Retry, RetryStrategy, Schedule};

use super::super::drive::moment;
use super::{Combination, Fault, Policy, SHORT, Start};
use crate::kit::explode;
use crate::kit::orchestras::orchestra;
use crate::kit::prelude::*;

/// The work of a combination, and what it did. Clones are the same one.
#[derive(Clone)]
pub(super) struct Work {
    rt: DynRuntime,
    fault: Fault,
    pub(super) attempts: Arc<AtomicU32>,
    pub(super) successes: Arc<AtomicU32>,
    pub(super) alive: Census,
    /// Set once an attempt waits for the fault.
    pub(super) reached: Latch,
}

/// The error of the work: it asks for a wait.
#[derive(Debug)]
pub(super) struct Busy;

impl std::fmt::Display for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("busy")
    }
}

impl std::error::Error for Busy {}

impl Work {
    pub(super) fn new(rt: &DynRuntime, fault: Fault) -> Self {
        let (attempts, successes) = (Arc::default(), Arc::default());
        Self { rt: rt.clone(), fault, attempts, successes, alive: Census::default(), reached: Latch::new() }
    }

    fn begin(&self) -> impl Future<Output = Result<u32, Busy>> + Send + use<> {
        let number = self.attempts.fetch_add(1, Ordering::SeqCst) + 1;
        let (work, resident) = (self.clone(), self.alive.enter());
        async move {
            let _resident = resident;
            moment(&work.rt).await;
            match work.fault {
                Fault::Fails => return Err(Busy),
                Fault::FailsOnce if number == 1 => return Err(Busy),
                Fault::Panics => explode("the work panics"),
                Fault::Nothing | Fault::FailsOnce => {}
                _ => {
                    work.reached.set();
                    pending::<()>().await;
                }
            }
            Ok(work.successes.fetch_add(1, Ordering::SeqCst) + 1)
        }
    }
}

/// The limiters of a combination: that around the work, and that of its spawn.
pub(super) struct Limiters {
    around: Option<Limiter>,
    spawning: Limiter,
}

impl Limiters {
    pub(super) fn of(combination: Combination) -> Result<Self, AsyncTaskError> {
        let (adaptive, keyed) = (combination.has(Policy::Adaptive), combination.has(Policy::Keyed));
        let make = move || match adaptive {
            true => Limiter::builder().adaptive(1..=4).build(),
            false => Limiter::builder().max_concurrent(1).build(),
        };
        let around = match (keyed, adaptive) {
            (true, _) => Some(Keyed::new(4, move |_: &u32| make())?.get(&7)?),
            (false, true) => Some(make()?),
            (false, false) => None,
        };
        Ok(Self { around, spawning: Limiter::builder().max_concurrent(1).build()? })
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Limiter> {
        self.around.iter().chain([&self.spawning])
    }
}

/// Starts the work with a builder, and awaits its end.
macro_rules! start {
    ($rt:expr, $start:expr, $spawning:expr, $builder:expr, $work:expr) => {{
        let (rt, builder, work) = ($rt, $builder, $work);
        match $start {
            Start::InPlace => builder.run(move || work.begin()).await,
            Start::Spawned => builder.spawn(move || work.begin()).await,
            Start::SpawnedIn => builder.spawn_in($spawning, move || work.begin()).await?.await,
            Start::Member => {
                let scope = AsyncTask::to::<u32>().on(rt);
                scope.scope(|s| async move { Ok(s.spawn_as(builder, move || work.begin()).await?) }).await
            }
            Start::Daemon => {
                let scope = AsyncTask::to::<u32>().on(rt);
                scope
                    .scope(|s| async move { Ok(s.spawn_daemon_as(builder, move || work.begin()).await?) })
                    .await
            }
            Start::Scheduled => {
                let runs = builder.repeat(Schedule::every(SHORT).take(1)).on_failure(OnFailure::Stop);
                runs.spawn(move || work.begin()).await.map(|report| report.runs as u32)
            }
            Start::Node => {
                let all = orchestra(rt).build()?;
                let node = all.register_task("node", builder, move || work.begin())?;
                all.run().await?;
                node.output().map(|output| *output).ok_or(AsyncTaskError::InvalidState("no output"))
            }
            Start::AdHoc => {
                let all = orchestra(rt).build()?;
                builder.orchestrator(&all).spawn(move || work.begin()).await
            }
        }
    }};
}

/// The work with its policies, started as the combination says.
pub(super) async fn started(
    rt: &DynRuntime,
    combination: Combination,
    limiters: &Limiters,
    work: Work,
) -> Result<u32, AsyncTaskError> {
    let retry = Retry::new(if combination.has(Policy::RetryAfter) { 2 } else { 0 });
    let retry = retry.backoff(RetryStrategy::Fixed { delay: SHORT });
    let retry = retry.retry_after(|error| error.downcast_ref::<Busy>().map(|_| SHORT * 2));
    let retry = retry.retry_if(|error| !error.is_timeout());
    let mut builder = AsyncTask::to::<u32>().on(rt).retry_as(retry).grace(SHORT);
    if let Some(limiter) = &limiters.around {
        builder = builder.limiter(limiter);
    }
    if combination.has(Policy::Chaos) {
        builder = builder.chaos(Chaos::new().failure(0.2).panic(0.1).latency(0.2, SHORT));
    }
    match combination.fault {
        Fault::AttemptTimeout => builder = builder.attempt_timeout(SHORT * 4),
        Fault::Timeout => builder = builder.timeout(SHORT * 4),
        _ => {}
    }
    let (start, spawning) = (combination.start, &limiters.spawning);
    match combination.has(Policy::Hedge) {
        true => start!(rt, start, spawning, builder.hedge(Hedge::after(SHORT)), work),
        false => start!(rt, start, spawning, builder, work),
    }
}
