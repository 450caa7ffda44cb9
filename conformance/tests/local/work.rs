//! Local tasks are tasks like others: values, errors, limits and cancellations.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::thread::{self, ThreadId};

use anyhow::{Context as _, bail, ensure};
use conformance::Outcome;
use futures_lite::future::{block_on, yield_now};
use sweet_async::{
    AsyncTask, AsyncTaskError, CancelCause, CancelLevel, Chaos, ChaosError, DurationExt as _,
    MetricsEnabledTask as _, PrioritizedTask as _, RecoverableTask as _, TaskPriority, TaskStatus,
    TimedTask as _,
};

use super::{Local, begun, held, is_dropped};

pub(super) fn work_that_holds_an_rc_across_an_await_gives_its_value(harness: &impl Local) -> Outcome {
    harness.scope(async {
        let shared = Rc::new(RefCell::new(Vec::new()));
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let own = shared.clone();
                AsyncTask::to::<usize>().spawn_local(move || async move {
                    own.borrow_mut().push(n);
                    yield_now().await;
                    own.borrow().len()
                })
            })
            .collect();
        for task in tasks {
            let seen = task.await?;
            ensure!((1..=20).contains(&seen));
        }
        ensure!(Rc::strong_count(&shared) == 1, "the work outlives its handle");
        let mut pushed = shared.take();
        pushed.sort_unstable();
        ensure!(pushed.into_iter().eq(0..20));
        Ok(())
    })
}

pub(super) fn local_tasks_spawn_local_tasks(harness: &impl Local) -> Outcome {
    harness.scope(async {
        let sum = Rc::new(Cell::new(0));
        let (outer, inner) = (sum.clone(), sum.clone());
        let task = AsyncTask::to::<u32>().spawn_local(move || async move {
            outer.set(outer.get() + 1);
            yield_now().await;
            let child = AsyncTask::to::<u32>().spawn_local(move || async move {
                inner.set(inner.get() + 10);
                yield_now().await;
                AsyncTask::to::<u32>().spawn_local(move || async move { inner.get() }).await
            });
            child.await
        });
        ensure!((task.await?, sum.get()) == (11, 11));
        Ok(())
    })
}

fn is_invalid_state<T>(result: &Result<T, AsyncTaskError>) -> bool {
    matches!(result, Err(AsyncTaskError::InvalidState(_)))
}

pub(super) fn outside_of_a_scope_it_is_an_error(harness: &impl Local) -> Outcome {
    let rt = harness.runtime();
    let alone = || AsyncTask::to::<()>().spawn_local(|| async {});
    ensure!(is_invalid_state(&block_on(alone())), "outside of everything");
    harness.block_on(async {
        let mut task = alone();
        ensure!(is_invalid_state(&(&mut task).await), "outside of a scope");
        ensure!(task.status() == TaskStatus::Failed);
        Outcome::Ok(())
    })??;
    harness.scope(async {
        ensure!(alone().await.is_ok());
        // On the runtime's own threads there is no scope, also where that is this thread.
        let elsewhere =
            AsyncTask::to::<bool>().on(&rt).spawn(move || async move { is_invalid_state(&alone().await) });
        ensure!(elsewhere.await?, "in a task of the runtime");
        let pool = move || is_invalid_state(&block_on(alone()));
        ensure!(AsyncTask::to::<bool>().on(&rt).run_blocking(pool).await?, "in blocking work");
        Ok(())
    })?;
    harness.block_on(async {
        ensure!(is_invalid_state(&alone().await), "after a scope");
        Ok(())
    })?
}

#[allow(clippy::panic, reason = "a case about panics needs one")]
fn explode() -> u32 {
    std::panic::panic_any("no")
}

pub(super) fn errors_panics_and_limits_are_as_for_other_tasks(harness: &impl Local) -> Outcome {
    harness.scope(async {
        let builder = || AsyncTask::to::<u32>().name("local");
        let own = Rc::new(1);
        let failing = own.clone();
        let failed =
            builder().spawn_local(move || async move { Err::<u32, _>(format!("own {failing}")) }).await;
        ensure!(failed.is_err_and(|error| format!("{error:#}") == "task `local` failed: own 1"));

        let exploding = builder().spawn_local(|| async {
            yield_now().await;
            explode()
        });
        ensure!(exploding.name().as_deref() == Some("local"));
        ensure!(exploding.await.is_err_and(|error| error.is_panic() && error.to_string().contains("no")));

        let limited = builder().timeout(5.millis()).spawn_local(move || async move {
            let _own = own;
            pending::<u32>().await
        });
        let AsyncTaskError::Timeout(error) = limited.await.err().context("a value")? else {
            bail!("not a timeout")
        };
        ensure!(error.limit() == 5.millis() && error.to_string().contains("local"), "{error}");
        ensure!(builder().timeout(0.millis()).spawn_local(|| async { 2 }).await? == 2);

        let own = Rc::new(3);
        let chaos = Chaos::new().failure(1.0).latency(1.0, 1.millis());
        let injected = builder().chaos(chaos).spawn_local(move || async move { *own }).await;
        ensure!(injected.is_err_and(|error| error.downcast_ref::<ChaosError>().is_some()));
        Ok(())
    })
}

pub(super) fn killed_local_work_is_dropped_when_its_end_is_reported(harness: &impl Local) -> Outcome {
    harness.scope(async {
        for by_handle in [true, false] {
            let (guard, dropped) = held();
            let task = begun(guard).await?;
            ensure!(task.status() == TaskStatus::Running);
            let end = task.cancel(CancelLevel::Kill);
            if by_handle {
                let error = task.await.err().context("a value")?;
                ensure!(error.is_cancelled(), "{error:?}");
            } else {
                let end = end.await;
                ensure!(end.was_cancelled() && end.cause() == Some(CancelCause::Requested));
            }
            ensure!(is_dropped(&dropped));
        }
        let called = Rc::new(Cell::new(false));
        let call = called.clone();
        let task = AsyncTask::to::<()>().spawn_local(move || async move { call.set(true) });
        // Nothing else runs on this thread before the next await.
        let end = task.cancel(CancelLevel::Kill);
        ensure!(end.await.was_cancelled() && !called.get());
        Ok(())
    })
}

pub(super) fn a_dropped_handle_cancels_and_a_detached_task_goes_on(harness: &impl Local) -> Outcome {
    harness.scope(async {
        let (guard, dropped) = held();
        drop(begun(guard).await?);
        ensure!(dropped.recv().await.is_err());

        let done = Rc::new(Cell::new(false));
        let finish = done.clone();
        AsyncTask::to::<()>()
            .spawn_local(move || async move {
                yield_now().await;
                finish.set(true);
            })
            .detach();
        while !done.get() {
            yield_now().await;
        }
        Ok(())
    })
}

pub(super) fn synchronous_work_may_stay_or_go_to_the_pool(harness: &impl Local) -> Outcome {
    harness.scope(async {
        let here = thread::current().id();
        let own = Rc::new(5);
        let inline = AsyncTask::to::<i32>().inline().spawn_local(move || *own);
        ensure!(inline.await? == 5);
        let pooled = AsyncTask::to::<ThreadId>().spawn_local(|| thread::current().id());
        ensure!(pooled.await? != here, "synchronous work goes to the pool by default");
        Ok(())
    })
}

pub(super) fn a_handle_can_run_the_recovery(harness: &impl Local) -> Outcome {
    harness.scope(async {
        let builder = AsyncTask::to::<u32>().recover_with(|_| async { 7 });
        let task = builder.spawn_local(|| async move { Err::<u32, _>("no") });
        ensure!(task.can_recover_from(&AsyncTaskError::failure("no")));
        ensure!(task.recover(AsyncTaskError::failure("no")).await? == 7);
        ensure!(task.await? == 7);
        let task = AsyncTask::to::<u32>().spawn_local(|| async move { 3 });
        ensure!(!task.can_recover_from(&AsyncTaskError::failure("no")));
        ensure!(task.await? == 3);
        Ok(())
    })
}

pub(super) fn builder_settings_are_reported_and_can_be_changed(harness: &impl Local) -> Outcome {
    harness.scope(async {
        let builder = AsyncTask::to::<()>().name("kind").priority(TaskPriority::High).timeout(1.hours());
        let task = builder.tracing(true).metrics(true).spawn_local(pending::<()>);
        ensure!(task.name().as_deref() == Some("kind") && task.priority() == TaskPriority::High);
        ensure!(task.timeout() == Some(1.hours()) && task.is_metrics_enabled());
        task.set_priority(TaskPriority::Low);
        task.disable_metrics();
        ensure!(task.priority() == TaskPriority::Low && !task.is_metrics_enabled());
        task.set_timeout(20.millis())?;
        let Err(error) = task.await else { anyhow::bail!("it never ends by itself") };
        ensure!(error.is_timeout(), "{error:?}");
        Ok(())
    })
}
