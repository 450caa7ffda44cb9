//! Schedules: each run of repeated work is a child with a status and policies
//! of its own; failures are counted, and a cancellation reaches the wait and the runs.

use std::collections::HashSet;

use crate::library::{
    CancelOutcome, ContextualizedTask as _, MissedTicks, OnFailure, Repeated, Schedule, TaskContext,
};

use crate::cases::restarts::{Broken, Calls};
use crate::cases::scopes::stays_pending;
use crate::kit::prelude::*;
use crate::kit::{cause_of, explode};

/// `runs` runs, one each millisecond.
fn often(runs: u64) -> Schedule {
    Schedule::every(1.millis()).take(runs)
}

/// Work that is repeated forever, with long waits between, and sets the latch with each run.
fn rarely<R: Runtime>(rt: &R, ran: &Latch) -> Task<Repeated, R> {
    let ran = ran.clone();
    AsyncTask::to::<()>().on(rt).repeat(Schedule::every(1.days())).spawn(move || {
        ran.set();
        async {}
    })
}

pub async fn each_run_is_a_child_with_a_status_of_its_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (report, reported) = async_channel::unbounded();
    let whole =
        AsyncTask::to::<()>().on(&rt).name("sync").repeat(often(3)).spawn_with(move |cx: TaskContext| {
            let report = report.clone();
            async move {
                let parent = cx.relationships().parent().map(|parent| parent.id);
                let _ = report.try_send((cx.id(), cx.name(), cx.status(), parent));
            }
        });
    let id = whole.id();
    ensure!(whole.name().as_deref() == Some("sync"));
    ensure!(whole.await?.runs == 3);
    let runs: Vec<_> = std::iter::from_fn(|| reported.try_recv().ok()).collect();
    for (_, name, status, parent) in &runs {
        ensure!(name.as_deref() == Some("sync") && *status == TaskStatus::Running && *parent == Some(id));
    }
    let ids: HashSet<_> = runs.iter().map(|(own, ..)| *own).collect();
    ensure!(ids.len() == 3 && !ids.contains(&id));
    Ok(())
}

pub async fn a_snapshot_shows_the_run_below_the_whole<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (started, latch) = (Latch::new(), Latch::new());
    let (start, open) = (started.clone(), latch.clone());
    let mut whole = AsyncTask::to::<()>().on(&rt).name("sync").repeat(often(1)).spawn(move || {
        start.set();
        let open = open.clone();
        async move { open.wait().await }
    });
    started.wait().await;
    let children = whole.relationships().children();
    ensure!(children.len() == 1 && children.iter().all(|run| run.name.as_deref() == Some("sync")));
    // The run may have begun before the first poll of the whole has ended.
    while !rt.snapshot().tasks.iter().any(|task| task.parent == Some(whole.id())) {
        yield_now().await;
    }
    stays_pending(&rt, &mut whole).await?;
    latch.set();
    ensure!(whole.await?.runs == 1);
    Ok(())
}

pub async fn a_run_begins_only_after_the_end_of_the_last<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, inner) = (Census::default(), rt.clone());
    let counted = alive.clone();
    let schedule = often(4).missed(MissedTicks::Burst);
    let task = AsyncTask::to::<()>().on(&rt).repeat(schedule).try_spawn(move || {
        let (resident, inner) = (counted.enter(), inner.clone());
        async move {
            let _resident = resident;
            Ok(inner.sleep(3.millis()).await?)
        }
    });
    ensure!(task.await?.runs == 4);
    ensure!((alive.ever(), alive.most()) == (4, 1));
    Ok(())
}

pub async fn runs_overlap_up_to_the_permitted_number<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, calls, second) = (Census::default(), Calls::default(), Latch::new());
    let counted = alive.clone();
    let task = AsyncTask::to::<()>().on(&rt).repeat(often(6).overlapping(2)).spawn(move || {
        let (resident, call, second) = (counted.enter(), calls.next(), second.clone());
        async move {
            let _resident = resident;
            // The first run ends only once the second has begun.
            match call {
                1 => second.wait().await,
                _ => second.set(),
            }
        }
    });
    ensure!(task.await?.runs == 6);
    ensure!((alive.ever(), alive.most(), alive.alive()) == (6, 2, 0));
    Ok(())
}

pub async fn failures_are_counted_and_the_schedule_goes_on<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let task = AsyncTask::to::<()>().on(&rt).repeat(often(5)).spawn(move || {
        let call = calls.next();
        if call == 2 {
            explode::<()>("a closure");
        }
        async move {
            match call {
                1 | 4 => Err(Broken(call)),
                3 => explode("a future"),
                _ => Ok(()),
            }
        }
    });
    let report = task.await?;
    ensure!((report.runs, report.failures) == (5, 4), "{report:?}");
    let last = report.last_failure.context("it is kept")?;
    ensure!(last.downcast_ref() == Some(&Broken(4)), "{last:?}");
    Ok(())
}

pub async fn a_value_whose_destructor_panics_is_a_failure<R: Runtime>(rt: R, _: Facts) -> Outcome {
    struct Grenade;
    impl Drop for Grenade {
        fn drop(&mut self) {
            explode("the value")
        }
    }
    let task = AsyncTask::to::<Grenade>().on(&rt).repeat(often(2)).spawn(|| async { Grenade });
    let report = task.await?;
    ensure!((report.runs, report.failures) == (2, 2), "{report:?}");
    ensure!(report.last_failure.is_some_and(|error| error.is_panic()));
    Ok(())
}

pub async fn a_failure_that_is_to_stop_the_schedule_ends_all_other_runs<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (calls, dropped) = (Calls::default(), Latch::new());
    let (counted, guarded) = (calls.clone(), dropped.clone());
    let repeat = AsyncTask::to::<()>().on(&rt).repeat(Schedule::every(1.millis()).overlapping(2));
    let task = repeat.on_failure(OnFailure::Stop).spawn(move || {
        let call = counted.next();
        // The first run may be ended before it is polled.
        let guard = (call == 1).then(|| guarded.on_drop());
        async move {
            if guard.is_some() {
                pending::<()>().await;
            }
            Err::<(), _>(Broken(call))
        }
    });
    let error = failed(task.await)?;
    ensure!(error.downcast_ref() == Some(&Broken(2)), "{error:?}");
    ensure!(calls.made() == 2 && dropped.is_set());
    Ok(())
}

pub async fn a_cancellation_ends_the_wait_at_once<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let ran = Latch::new();
        let mut task = rarely(&rt, &ran);
        ran.wait().await;
        stays_pending(&rt, &mut task).await?;
        let before = rt.now();
        let end = task.cancel(level).await;
        ensure!(!at.virtual_time || rt.now() == before, "it was waited for");
        match level {
            CancelLevel::Graceful => {
                ensure!(end.outcome() == CancelOutcome::Success, "{end:?}");
                let report = task.await?;
                ensure!((report.runs, report.failures, report.missed) == (1, 0, 0), "{report:?}");
            }
            _ => match task.await {
                Err(error) => ensure!(cause_of(&error) == Some(CancelCause::Requested), "{error:?}"),
                // It came during the poll that has begun the run: the schedule has seen it first.
                Ok(report) => ensure!(!at.virtual_time && report.runs == 1, "{report:?}"),
            },
        }
    }
    Ok(())
}

pub async fn a_graceful_cancellation_is_passed_on_to_the_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let started = Latch::new();
    let start = started.clone();
    let repeat = AsyncTask::to::<()>().on(&rt).repeat(Schedule::every(1.nanos()));
    let task = repeat.spawn_with(move |cx: TaskContext| {
        let start = start.clone();
        async move {
            start.set();
            cx.cancelled().await;
        }
    });
    started.wait().await;
    ensure!(task.cancel(CancelLevel::Graceful).await.outcome() == CancelOutcome::Success);
    let report = task.await?;
    ensure!((report.runs, report.failures) == (1, 0), "{report:?}");
    Ok(())
}

pub async fn a_run_that_does_not_listen_is_killed_after_the_grace_period<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (started, dropped) = (Latch::new(), Latch::new());
    let (start, guarded) = (started.clone(), dropped.clone());
    let builder = AsyncTask::to::<()>().on(&rt).grace(5.millis());
    let task = builder.repeat(Schedule::after_each(Duration::ZERO)).spawn(move || {
        start.set();
        let guard = guarded.on_drop();
        async move {
            let _guard = guard;
            pending::<()>().await
        }
    });
    started.wait().await;
    task.cancel(CancelLevel::Graceful).await;
    ensure!(dropped.is_set(), "the run is left");
    // The run and the whole have the same time, and either may be the first to be killed.
    if let Err(error) = task.await {
        ensure!(cause_of(&error) == Some(CancelCause::Requested), "{error:?}");
    }
    Ok(())
}

pub async fn a_kill_and_a_dropped_handle_end_the_run_too<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for is_kept in [true, false] {
        let (started, dropped) = (Latch::new(), Latch::new());
        let (start, guarded) = (started.clone(), dropped.clone());
        let task = AsyncTask::to::<()>().on(&rt).repeat(often(9)).spawn(move || {
            start.set();
            let guard = guarded.on_drop();
            async move {
                let _guard = guard;
                pending::<()>().await
            }
        });
        started.wait().await;
        let canceller = task.canceller();
        let kept = is_kept.then_some(task);
        let end = canceller.cancel(CancelLevel::Kill).await;
        ensure!(dropped.is_set(), "{end:?}");
        // On another thread, the poll that has begun the run may still be in progress. Its value would win.
        ensure!(end.was_cancelled() || !at.polls_on_caller, "{end:?}");
        if end.was_cancelled() {
            ensure!((end.cause() == Some(CancelCause::Requested)) == kept.is_some(), "{end:?}");
        }
    }
    Ok(())
}
