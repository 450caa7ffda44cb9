//! Priorities, retries and breakers under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Instant;

use crate::library::{
    BreakerState, CancellableTask as _, CircuitBreaker, DynRuntime, Limiter, RetryStrategy, TaskPriority,
};

use super::Scale;
use crate::Flavour;
use crate::kit::prelude::*;

/// The counts of a stream of critical work.
#[derive(Default)]
struct Stream {
    ended: AtomicBool,
    /// The number of pieces admitted so far.
    begun: AtomicUsize,
    /// The number admitted after the bound had passed, while the background task still waited.
    unfair: AtomicUsize,
}

/// Row 12: under an endless stream of critical work, a background task begins within the stated bound. Once
/// it has waited four intervals, nothing that came after it is admitted before it.
pub(super) fn starvation(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let harness = flavour.start()?;
    let rt = harness.runtime();
    let interval = 10.millis();
    harness.block_on(async {
        let limiter = Limiter::builder().max_concurrent(1).ageing(interval).build()?;
        let (mut longest, mut most) = (Duration::ZERO, 0);
        for _ in 0..scale.of(500) {
            let stream = Arc::new(Stream::default());
            // With three feeders for the one permit, two critical pieces always wait.
            let held = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
            let (open, opened) = (Latch::new(), Latch::new());
            let (hold, entered) = (open.clone(), opened.clone());
            let first = held.spawn(move || async move {
                entered.set();
                hold.wait().await;
            });
            opened.wait().await;
            let begun = stream.clone();
            let low = AsyncTask::to::<usize>().on(&rt).priority(TaskPriority::Background).limiter(&limiter);
            let low = low.spawn(move || async move {
                begun.ended.store(true, Ordering::SeqCst);
                begun.begun.load(Ordering::SeqCst)
            });
            // It has come once the limiter knows of it.
            while limiter.waiting() == 0 {
                yield_now().await;
            }
            let came = rt.now();
            let due = came + interval * 4;
            let feeders: Vec<_> =
                (0..3).map(|_| feed(rt.clone(), limiter.clone(), stream.clone(), due)).collect();
            open.set();
            most = most.max(low.await?);
            longest = longest.max(rt.now().saturating_duration_since(came));
            first.await?;
            for feeder in feeders {
                feeder.await?;
            }
            // One may have been admitted at the very moment of the bound.
            let unfair = stream.unfair.load(Ordering::SeqCst);
            ensure!(unfair <= 1, "{unfair} that came later were let in before it, after the bound");
        }
        Ok(format!("bound 40 ms; at most {} ms, after {most} critical ones", longest.as_millis()))
    })?
}

/// A task that runs critical work, one piece after the other, until the background task has begun.
fn feed(rt: DynRuntime, limiter: Limiter, stream: Arc<Stream>, due: Instant) -> Task<(), DynRuntime> {
    let inner = rt.clone();
    AsyncTask::to::<()>().on(&rt).try_spawn(move || async move {
        while !stream.ended.load(Ordering::SeqCst) {
            let (here, clock) = (stream.clone(), inner.clone());
            let urgent = AsyncTask::to::<()>().on(&inner).priority(TaskPriority::Critical).limiter(&limiter);
            let task = urgent.try_spawn(move || async move {
                here.begun.fetch_add(1, Ordering::SeqCst);
                if clock.now() > due && !here.ended.load(Ordering::SeqCst) {
                    here.unfair.fetch_add(1, Ordering::SeqCst);
                }
                Ok(clock.sleep(1.millis()).await?)
            });
            task.await?;
        }
        Ok(())
    })
}

/// Row 14: the number of attempts is the number of failures and one more. A cancellation in the wait between
/// two attempts ends the task at once.
pub(super) fn retries(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let harness = flavour.start()?;
    let rt = harness.runtime();
    harness.block_on(async {
        let count = scale.of(100_000);
        let made = Arc::new(AtomicUsize::new(0));
        let mut due = 0;
        let mut tasks = Vec::new();
        for number in 0..count {
            let (fails, calls, all) = ((number % 6) as u32, AtomicU32::new(0), made.clone());
            due += (fails as usize).min(4) + 1;
            let task = AsyncTask::to::<u32>().on(&rt).retry(4).backoff(RetryStrategy::Immediate);
            let task = task.spawn(move || {
                all.fetch_add(1, Ordering::SeqCst);
                let call = calls.fetch_add(1, Ordering::SeqCst);
                async move { if call < fails { Err("not yet") } else { Ok(call) } }
            });
            tasks.push((fails, task));
        }
        for (fails, task) in tasks {
            match task.await {
                Ok(call) => ensure!(call == fails && fails <= 4),
                Err(error) => ensure!(fails == 5 && error.is_retries_exhausted(), "{fails}: {error}"),
            }
        }
        ensure!(made.load(Ordering::SeqCst) == due, "{made:?} attempts, and {due} were due");
        for number in 0..scale.of(10_000) {
            let (tried, calls) = (Latch::new(), Arc::new(AtomicU32::new(0)));
            let (has_tried, called) = (tried.clone(), calls.clone());
            let waits = RetryStrategy::Fixed { delay: 1.hours() };
            let task = AsyncTask::to::<()>().on(&rt).grace(1.hours()).retry(9).backoff(waits);
            let task = task.spawn(move || {
                called.fetch_add(1, Ordering::SeqCst);
                has_tried.set();
                async { Err::<(), _>("no") }
            });
            tried.wait().await;
            let level = if number % 2 == 0 { CancelLevel::Graceful } else { CancelLevel::Kill };
            ensure!(task.cancel(level).await.has_ended());
            ensure!(failed(task.await).is_ok() && calls.load(Ordering::SeqCst) == 1, "a further attempt");
        }
        Ok(format!("{due} attempts in {count} tasks, each of them due"))
    })?
}

/// Row 15: of a thousand callers at a half-open breaker only the permitted number pass, and one that is
/// cancelled gives its permit back.
pub(super) fn probes(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    const PROBES: usize = 3;
    let harness = flavour.start()?;
    let rt = harness.runtime();
    harness.block_on(async {
        let (rounds, callers) = (scale.of(200), 1_000);
        for _ in 0..rounds {
            let breaker = CircuitBreaker::builder().failure_threshold(1).open_timeout(1.millis());
            let breaker = breaker.half_open_calls(PROBES as u32).build()?;
            ensure!(failed(breaker.apply_on(&rt, || async { Err::<(), _>("down") }).await)?.is_failure());
            rt.sleep(2.millis()).await?;
            let (open, inside) = (Latch::new(), Arc::new(AtomicUsize::new(0)));
            let call = || {
                let (opened, inside) = (open.clone(), inside.clone());
                AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker).spawn(move || async move {
                    inside.fetch_add(1, Ordering::SeqCst);
                    opened.wait().await;
                })
            };
            let mut running: Vec<_> = (0..callers).map(|_| call()).collect();
            while running.len() > PROBES {
                let mut left = Vec::new();
                for mut task in running {
                    match poll_once(&mut task).await {
                        Some(result) => ensure!(failed(result)?.is_circuit_open()),
                        None => left.push(task),
                    }
                }
                ensure!(left.len() >= PROBES && inside.load(Ordering::SeqCst) <= PROBES, "{inside:?} probes");
                running = left;
                yield_now().await;
            }
            let mut running = running.into_iter();
            let stopped = running.next().context("no probe")?;
            ensure!(stopped.cancel_forcefully().await.was_cancelled());
            ensure!(breaker.state() == BreakerState::HalfOpen);
            let another = call();
            // The call has the permit once it is inside, and not before: tasks run in no order.
            while inside.load(Ordering::SeqCst) <= PROBES {
                yield_now().await;
            }
            ensure!(failed(call().await)?.is_circuit_open(), "the permit was taken again");
            open.set();
            another.await?;
            for probe in running {
                probe.await?;
            }
            ensure!(breaker.state() == BreakerState::Closed, "{breaker:?}");
            ensure!(inside.load(Ordering::SeqCst) <= PROBES + 1, "more were inside");
        }
        Ok(format!("{rounds} times {callers} callers, {PROBES} passed each time"))
    })?
}
