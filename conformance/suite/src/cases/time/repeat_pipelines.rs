//! Schedules: a pipeline can be the work of a run. It is begun anew each time, and gone before the run has ended.

use crate::library::Schedule;

use crate::cases::restarts::{Broken, Calls};
use crate::kit::prelude::*;

const ROWS: u64 = 10;

/// `runs` runs, one each millisecond.
fn often(runs: u64) -> Schedule {
    Schedule::every(1.millis()).take(runs)
}

pub async fn each_run_is_a_pipeline_of_its_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (tell, told) = async_channel::unbounded();
    let inner = rt.clone();
    let work = move || {
        let (inner, tell) = (inner.clone(), tell.clone());
        async move {
            let rows = AsyncTask::emits::<u64>().on(&inner).workers(2);
            let rows = rows.sender(|sources| sources.of(0..ROWS).into_chunks(3.items()));
            let add = |sum: &mut u64, event: Event<u64>| *sum += event.take_data();
            let sum = rows.fold(|| 0, add, |a, b| a + b);
            let (sum, summary) = sum.await?;
            let _ = tell.try_send((sum, summary.handled()));
            Ok(())
        }
    };
    let report = AsyncTask::to::<()>().on(&rt).repeat(often(3)).try_spawn(work).await?;
    ensure!((report.runs, report.failures) == (3, 0), "{report:?}");
    let sums: Vec<_> = std::iter::from_fn(|| told.try_recv().ok()).collect();
    ensure!(sums == [(45_u64, ROWS); 3], "{sums:?}");
    Ok(())
}

pub async fn a_row_that_fails_is_a_failure_of_its_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, inner) = (Calls::default(), rt.clone());
    let work = move || {
        let (inner, run) = (inner.clone(), calls.next());
        async move {
            let rows = AsyncTask::emits::<u64>().on(&inner).workers(1);
            let rows = rows.sender(|sources| sources.of(0..ROWS).into_chunks(3.items()));
            rows.for_each(move |event: Event<u64>| match (run, *event.data()) {
                (2, 7) => Err(Broken(7)),
                _ => Ok(()),
            })
            .await?;
            Ok(())
        }
    };
    let report = AsyncTask::to::<()>().on(&rt).repeat(often(3)).try_spawn(work).await?;
    ensure!((report.runs, report.failures) == (3, 1), "{report:?}");
    let error = report.last_failure.context("a run has failed")?;
    ensure!(error.downcast_ref::<Broken>() == Some(&Broken(7)), "{error:?}");
    Ok(())
}

pub async fn the_limit_of_a_run_stops_its_pipeline_and_the_schedule_goes_on<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let (calls, alive, inner) = (Calls::default(), Census::default(), rt.clone());
    let census = alive.clone();
    let work = move || {
        let (inner, run, census) = (inner.clone(), calls.next(), census.clone());
        async move {
            // A run begins after the end of the last, and so after that of its pipeline.
            let _resident = census.enter();
            let rows = AsyncTask::emits::<u64>().on(&inner).workers(2);
            let rows = rows.sender(|sources| sources.of(0..ROWS).into_chunks(1.items()));
            let below = census.clone();
            let hang = move |_: Event<u64>| {
                let resident = (run == 2).then(|| below.enter());
                async move {
                    if resident.is_some() {
                        pending::<()>().await;
                    }
                }
            };
            rows.for_each(hang).await?;
            Ok(())
        }
    };
    // Where the clock runs, the other runs take their time, too.
    let limit = if at.virtual_time { 20.millis() } else { 1.seconds() };
    let builder = AsyncTask::to::<()>().on(&rt).timeout(limit);
    let report = builder.repeat(often(3)).try_spawn(work).await?;
    ensure!((report.runs, report.failures) == (3, 1), "{report:?}");
    ensure!(report.last_failure.is_some_and(|error| error.is_timeout()));
    // Three runs, and the calls of two workers in one of them.
    ensure!(alive.most() <= 3 && alive.ever() <= 5 && alive.alive() == 0, "{} at a time", alive.most());
    Ok(())
}

pub async fn a_pipeline_in_a_run_drains_after_a_graceful_cancellation<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (begun, open, inner) = (Latch::new(), Latch::new(), rt.clone());
    let (begin, opened) = (begun.clone(), open.clone());
    let (tell, told) = async_channel::unbounded();
    let work = move || {
        let (inner, begin, opened, tell) = (inner.clone(), begin.clone(), opened.clone(), tell.clone());
        async move {
            let rows = AsyncTask::emits::<u64>().on(&inner).workers(1).queue(1);
            let rows = rows.sender(|sources| sources.of(0..).into_chunks(1.items()));
            let receiver = move |_: Event<u64>, _: Collector<u64, u64>| {
                begin.set();
                let opened = opened.clone();
                async move { opened.wait().await }
            };
            let rows = rows.receiver(receiver);
            let end = rows.await_final_event(|event, collection| (event.err(), collection.summary().clone()));
            let _ = tell.try_send(end.await);
            Ok(())
        }
    };
    let builder = AsyncTask::to::<()>().on(&rt).grace(1.hours());
    let task = builder.repeat(Schedule::every(1.days())).try_spawn(work);
    begun.wait().await;
    let end = task.cancel(CancelLevel::Graceful);
    open.set();
    end.await;
    let report = task.await?;
    ensure!((report.runs, report.failures) == (1, 0), "{report:?}");
    let (error, summary) = told.recv().await?;
    ensure!(error.is_some_and(|error| error.is_cancelled()), "it was not cancelled");
    ensure!(summary.read() == summary.handled() && summary.handled() > 0, "{summary:?}");
    Ok(())
}
