//! Recovery, supervision: failed work is restarted as often as permitted, once its children have ended.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::library::{CancellableTask as _, RestartPolicy, RetryStrategy, TaskContext};

use crate::cases::adoption::held;
use crate::cases::scopes::stays_pending;
use crate::kit::prelude::*;
use crate::kit::{cause_of, explode};

#[derive(Debug, PartialEq)]
pub(crate) struct Broken(pub(crate) u32);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken {}", self.0)
    }
}

impl std::error::Error for Broken {}

/// At most `intensity` restarts in all.
pub(super) fn in_all(intensity: u32) -> RestartPolicy {
    RestartPolicy { intensity, period: Duration::MAX }
}

/// Counts calls; the first is 1.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<AtomicU32>);

impl Calls {
    pub(crate) fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn made(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

pub async fn errors_panics_and_limits_of_one_attempt_are_restarted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, alive) = (Calls::default(), Census::default());
    let (counted, below) = (calls.clone(), alive.clone());
    let builder = AsyncTask::to::<u32>().on(&rt).attempt_timeout(50.millis());
    let task = builder.supervise(in_all(3)).spawn(move || {
        let (call, resident) = (counted.next(), below.enter());
        async move {
            let _resident = resident;
            match call {
                1 => Err("an error"),
                2 => explode("a panic"),
                3 => pending().await,
                _ => Ok(call),
            }
        }
    });
    ensure!(task.await? == 4);
    ensure!((calls.made(), alive.alive(), alive.most()) == (4, 0, 1));
    Ok(())
}

pub async fn the_closure_may_panic_and_work_may_be_synchronous<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, again) = (Calls::default(), Calls::default());
    let (counted, recounted) = (calls.clone(), again.clone());
    let builder = AsyncTask::to::<u32>().on(&rt);
    let closure = builder.clone().supervise(in_all(1)).spawn(move || {
        let call = counted.next();
        if call == 1 {
            explode::<()>("no future");
        }
        async move { call }
    });
    ensure!(closure.await? == 2);
    let sync = builder.supervise(in_all(2)).spawn(move || match recounted.next() {
        1 => Err("an error"),
        2 => explode("a panic"),
        call => Ok(call),
    });
    ensure!(sync.await? == 3);
    ensure!((calls.made(), again.made()) == (2, 3));
    Ok(())
}

pub async fn the_last_failure_is_reported_with_the_number_of_attempts<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for intensity in [0, 1, 5] {
        let calls = Calls::default();
        let counted = calls.clone();
        let task = AsyncTask::to::<()>().on(&rt).supervise(in_all(intensity));
        let task = task.backoff(RetryStrategy::Immediate).spawn(move || {
            let call = counted.next();
            async move { Err::<(), _>(Broken(call)) }
        });
        let error = failed(task.await)?;
        let AsyncTaskError::RetriesExhausted(retries) = &error else { bail!("{error:?}") };
        let (attempts, last) = (retries.attempts(), retries.last());
        ensure!(attempts == intensity + 1 && calls.made() == intensity + 1, "{attempts} attempts");
        ensure!(last.is_failure() && last.downcast_ref() == Some(&Broken(attempts)));
        ensure!(error.downcast_ref() == Some(&Broken(intensity + 1)));
        ensure!(error.downcast::<Broken>().ok() == Some(Broken(intensity + 1)));
    }
    Ok(())
}

pub async fn a_restart_counts_for_one_period<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // Failures 5 ms apart. A failure that lies a whole period back does not count; a moment less, and it
    // does.
    for (period, is_enough) in [(5.millis(), true), (10.millis() + Duration::from_nanos(1), false)] {
        let (calls, clock) = (Calls::default(), rt.clone());
        let counted = calls.clone();
        let policy = RestartPolicy { intensity: if is_enough { 1 } else { 2 }, period };
        let builder = AsyncTask::to::<u32>().on(&rt).supervise(policy).backoff(RetryStrategy::Immediate);
        let task = builder.spawn(move || {
            let (call, clock) = (counted.next(), clock.clone());
            async move {
                let _ = clock.sleep(5.millis()).await;
                if call < 8 { Err(Broken(call)) } else { Ok(call) }
            }
        });
        let result = task.await;
        if is_enough {
            // A timer is never early, so this holds on every clock.
            ensure!(result? == 8);
        } else if at.virtual_time {
            // Only a clock that jumps is never late either: the failures are at 5, 10 and 15 ms.
            let error = failed(result)?;
            ensure!(
                matches!(&error, AsyncTaskError::RetriesExhausted(retries) if retries.attempts() == 3),
                "{error:?}"
            );
        }
    }
    Ok(())
}

pub async fn children_have_ended_before_the_next_attempt<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, latch, started) = (Census::default(), Latch::new(), Latch::new());
    let (calls, inner) = (Calls::default(), rt.clone());
    let (counted, below, open, starts) = (calls.clone(), alive.clone(), latch.clone(), started.clone());
    let mut task = AsyncTask::to::<u32>().on(&rt).supervise(in_all(1)).spawn(move || {
        let (call, rt) = (counted.next(), inner.clone());
        let (below, open, started) = (below.clone(), open.clone(), starts.clone());
        async move {
            if call == 2 {
                return if below.alive() == 0 { Ok(call) } else { Err("a child of the first is alive") };
            }
            // The child cannot be stopped before the latch is set, and no handle of it is left.
            let starts = started.clone();
            let child = AsyncTask::to::<()>().on(&rt).spawn(|| held(starts, open, below));
            started.wait().await;
            drop(child);
            Err("the first attempt")
        }
    });
    started.wait().await;
    stays_pending(&rt, &mut task).await?;
    ensure!((calls.made(), alive.alive()) == (1, 1));
    latch.set();
    ensure!(task.await? == 2);
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn killed_work_is_not_restarted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for by_handle in [true, false] {
        let (calls, alive, started) = (Calls::default(), Census::default(), Latch::new());
        let (counted, below, start) = (calls.clone(), alive.clone(), started.clone());
        let task = AsyncTask::to::<()>().on(&rt).supervise(in_all(5)).spawn(move || {
            let (resident, start, call) = (below.enter(), start.clone(), counted.next());
            async move {
                let _resident = resident;
                if call == 1 {
                    return Err("the first attempt");
                }
                start.set();
                pending().await
            }
        });
        let canceller = task.canceller();
        started.wait().await;
        if by_handle {
            drop(task);
        } else {
            drop(task.cancel(CancelLevel::Kill));
            ensure!(cause_of(&failed(task.await)?) == Some(CancelCause::Requested));
        }
        let end = canceller.cancel(CancelLevel::Kill).await;
        let cause = if by_handle { CancelCause::HandleDropped } else { CancelCause::Requested };
        ensure!(end.was_cancelled() && end.cause() == Some(cause), "{end:?}");
        ensure!((calls.made(), alive.alive()) == (2, 0));
    }
    Ok(())
}

pub async fn a_kill_while_the_children_of_an_attempt_end_is_the_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, latch, started) = (Census::default(), Latch::new(), Latch::new());
    let (calls, inner) = (Calls::default(), rt.clone());
    let (counted, below, open, starts) = (calls.clone(), alive.clone(), latch.clone(), started.clone());
    let task = AsyncTask::to::<()>().on(&rt).supervise(in_all(5)).spawn(move || {
        counted.next();
        let (below, open, started, rt) = (below.clone(), open.clone(), starts.clone(), inner.clone());
        async move {
            let starts = started.clone();
            let scope = AsyncTask::to::<()>().on(&rt).scope(|s| async move {
                drop(s.spawn(|| held(starts, open, below)));
                started.wait().await;
                Err::<(), _>("an attempt".into())
            });
            scope.await
        }
    });
    started.wait().await;
    let mut end = task.cancel(CancelLevel::Kill);
    stays_pending(&rt, &mut end).await?;
    latch.set();
    ensure!(end.await.was_cancelled() && alive.alive() == 0 && calls.made() == 1);
    Ok(())
}

pub async fn no_attempt_begins_after_a_cancellation<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (calls, (give, own)) = (Calls::default(), async_channel::bounded(1));
        let counted = calls.clone();
        let task = AsyncTask::to::<()>().on(&rt).supervise(in_all(5)).spawn(move || {
            counted.next();
            let own = own.clone();
            async move {
                let canceller: crate::library::Canceller = own.recv().await.map_err(|_| "no canceller")?;
                // The failure comes in the poll in which the task was cancelled, or within its grace period.
                drop(canceller.cancel(level));
                Err::<(), _>("an attempt")
            }
        });
        let canceller = task.canceller();
        give.send(canceller.clone()).await?;
        let error = failed(task.await)?;
        ensure!(calls.made() == 1, "{} attempts, {error}", calls.made());
        ensure!(!error.is_retries_exhausted(), "{error:?}");
    }
    Ok(())
}

pub async fn the_value_of_an_attempt_counts_after_a_graceful_request<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, started) = (Calls::default(), Latch::new());
    let (counted, start) = (calls.clone(), started.clone());
    let task = AsyncTask::to::<u32>().on(&rt).supervise(in_all(5)).spawn(move || {
        let (call, start) = (counted.next(), start.clone());
        async move {
            if call == 1 {
                return Err("the first attempt");
            }
            let cx = TaskContext::current().ok_or("no context")?;
            start.set();
            cx.cancelled().await;
            Ok(call)
        }
    });
    started.wait().await;
    drop(task.cancel_gracefully());
    ensure!(task.await? == 2 && calls.made() == 2);
    Ok(())
}

pub async fn the_overall_timeout_covers_all_attempts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, clock) = (Census::default(), rt.clone());
    let below = alive.clone();
    let builder = AsyncTask::to::<()>().on(&rt).name("whole").timeout(20.millis());
    let task = builder.supervise(in_all(u32::MAX)).backoff(RetryStrategy::Immediate).spawn(move || {
        let (resident, clock) = (below.enter(), clock.clone());
        async move {
            let _resident = resident;
            let _ = clock.sleep(1.millis()).await;
            Err::<(), _>("an attempt")
        }
    });
    let error = failed(task.await)?;
    ensure!(error.is_timeout() && error.to_string().contains("whole"), "{error:?}");
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn errors_that_a_restart_cannot_change_are_passed_on<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let counted = calls.clone();
    let task = AsyncTask::to::<u32>().on(&rt).supervise(in_all(5)).spawn(move || {
        counted.next();
        async { crate::library::any(std::iter::empty::<Task<u32, R>>()).await }
    });
    let error = failed(task.await)?;
    ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)) && calls.made() == 1, "{error:?}");
    Ok(())
}

pub async fn each_attempt_has_the_values_and_the_name_of_the_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let counted = calls.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).name("again").with(7u32);
    let task = builder.supervise(in_all(2)).spawn(move || {
        let call = counted.next();
        async move {
            let cx = TaskContext::current().ok_or("no context")?;
            let value = cx.get::<u32>().filter(|_| cx.name().as_deref() == Some("again"));
            // Without them it fails three times.
            if call < 3 { Err("an attempt") } else { value.map(|value| *value).ok_or("no value, or no name") }
        }
    });
    ensure!(task.await? == 7);
    Ok(())
}
