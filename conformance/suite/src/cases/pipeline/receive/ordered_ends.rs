//! Pipelines, order: an ordered pipeline that is stopped ends, also while later rows wait for an earlier one.
//!
//! A field report: in Effect (issue 7338), the interruption of an ordered concurrent `Stream.mapEffect` never
//! ended where several calls were under way and their cleanup took time; the unordered one ended.

use std::future::pending;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::library::pipeline::{EmittingTask, PipelineBuilder};
use crate::library::{CancellableTask as _, TaskContext, TimedTask as _};

use crate::kit::explode;
use crate::kit::prelude::*;

/// A row. The parsing of the second sets the pipeline's [`SecondParsed`].
struct Row(u64);

/// Set once a worker has parsed the second row, which then waits for the first.
struct SecondParsed(Latch);

impl FromStr for Row {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let n: u64 = text.parse()?;
        let parsed = TaskContext::current().and_then(|cx| cx.get::<SecondParsed>());
        if let (1, Some(parsed)) = (n, parsed) {
            parsed.0.set();
        }
        Ok(Self(n))
    }
}

type Rows<R> = PipelineBuilder<Row, R>;

/// The end of a receiver's call.
type End = fn(u64) -> Result<(), &'static str>;

/// An ordered pipeline of ten rows and three workers.
struct Held<R: Runtime> {
    task: EmittingTask<FinalEvent, R>,
    /// Lets the receiver go on.
    open: Latch,
    /// The calls of the receiver.
    inside: Census,
    handled: Arc<Mutex<Vec<u64>>>,
}

/// Starts the pipeline. On return the receiver has the first row, and waits there. The second row is parsed,
/// and waits for its turn.
async fn held<R: Runtime>(rt: &R, set: impl FnOnce(Rows<R>) -> Rows<R>, end: End) -> Held<R> {
    let (started, parsed, open) = (Latch::new(), Latch::new(), Latch::new());
    let (inside, handled) = (Census::default(), Arc::<Mutex<Vec<u64>>>::default());
    let (start, opened, census, list) = (started.clone(), open.clone(), inside.clone(), handled.clone());
    let builder = AsyncTask::emits::<Row>().on(rt).workers(3).ordered().with(SecondParsed(parsed.clone()));
    let task = set(builder)
        .sender(|sources| sources.of_bytes("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n").lines().into_chunks(1.lines()))
        .for_each(move |event: Event<Row>| {
            let (resident, start, opened, list) =
                (census.enter(), start.clone(), opened.clone(), list.clone());
            async move {
                let _resident = resident;
                start.set();
                opened.wait().await;
                let Row(n) = event.take_data();
                end(n)?;
                list.lock().unwrap_or_else(PoisonError::into_inner).push(n);
                Ok::<(), &'static str>(())
            }
        })
        .spawn();
    started.wait().await;
    parsed.wait().await;
    Held { task, open, inside, handled }
}

impl<R: Runtime> Held<R> {
    /// Waits for the end, and returns its error. Nothing is left then, the counts add up, and the rows were
    /// handled in their order, one at a time.
    async fn error(&mut self) -> Result<Option<AsyncTaskError>, Failure> {
        let error = (&mut self.task).await.err();
        let progress = self.task.progress();
        let sum = progress.handled + progress.rejected + progress.dropped;
        ensure!(progress.read == sum, "the counts do not add up: {progress:?}");
        ensure!((self.inside.alive(), self.inside.most()) == (0, 1), "calls are left, or were at one time");
        let handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ensure!(handled.iter().copied().eq(0..progress.handled), "{handled:?}, {progress:?}");
        Ok(error)
    }
}

fn succeeds(_: u64) -> Result<(), &'static str> {
    Ok(())
}

fn fails(_: u64) -> Result<(), &'static str> {
    Err("the first row")
}

fn panics(_: u64) -> Result<(), &'static str> {
    explode("the first row")
}

pub async fn a_kill_ends_a_pipeline_whose_rows_wait_for_their_turn<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Kill, CancelLevel::KillHard] {
        let mut held = held(&rt, |builder| builder, succeeds).await;
        let end = held.task.cancel(level);
        let error = held.error().await?.context("it was killed")?;
        ensure!(error.is_cancelled() && held.task.progress().handled == 0, "{error:?}");
        end.await;
    }
    Ok(())
}

pub async fn a_dropped_handle_ends_a_pipeline_whose_rows_wait_for_their_turn<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let Held { task, inside, handled, .. } = held(&rt, |builder| builder, succeeds).await;
    let canceller = task.canceller();
    drop(task);
    ensure!(canceller.cancel(CancelLevel::Kill).await.was_cancelled());
    let handled = handled.lock().unwrap_or_else(PoisonError::into_inner).len();
    ensure!((inside.alive(), handled) == (0, 0), "{handled} were handled");
    Ok(())
}

pub async fn a_time_limit_ends_a_pipeline_whose_rows_wait_for_their_turn<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let mut held = held(&rt, |builder| builder, succeeds).await;
    held.task.set_timeout(5.millis())?;
    let error = held.error().await?.context("its time was up")?;
    ensure!(error.is_timeout() && held.task.progress().handled == 0, "{error:?}");
    Ok(())
}

/// Of the workers that are killed, one that waits may be the first to end. Its row is lost, and no row after it
/// may be handled: neither beside the rows before, nor after them.
pub async fn no_row_after_a_lost_one_is_handled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for is_keyed in [false, true, false, true] {
        let (started, inside) = (Latch::new(), Census::default());
        let (start, census) = (started.clone(), inside.clone());
        let receiver = move |_: Event<u64>| {
            let (resident, start) = (census.enter(), start.clone());
            async move {
                start.set();
                pending::<()>().await;
                drop(resident);
            }
        };
        let builder = AsyncTask::emits::<u64>().on(&rt).workers(8);
        let mut task = match is_keyed {
            false => builder
                .ordered()
                .sender(|sources| sources.of(0..40).into_chunks(1.items()))
                .for_each(receiver)
                .spawn(),
            true => builder
                .sender(|sources| sources.of(0..40).into_chunks(1.items()))
                .key_by(|_| 0)
                .for_each(receiver)
                .spawn(),
        };
        started.wait().await;
        task.set_timeout(2.millis())?;
        let error = (&mut task).await.err().context("its time was up")?;
        ensure!(error.is_timeout(), "{error:?}");
        ensure!((inside.alive(), inside.ever()) == (0, 1), "{} were called", inside.ever());
    }
    Ok(())
}

pub async fn a_pipeline_cancelled_gracefully_handles_waiting_rows_in_order<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let mut held = held(&rt, |builder| builder.grace(1.hours()), succeeds).await;
    let end = held.task.cancel(CancelLevel::Graceful);
    held.open.set();
    // It may have read all of its rows before: then it has succeeded.
    let error = held.error().await?;
    ensure!(error.as_ref().is_none_or(AsyncTaskError::is_cancelled), "{error:?}");
    end.await;
    let progress = held.task.progress();
    ensure!(progress.dropped == 0 && progress.handled >= 2, "{progress:?}");
    Ok(())
}

pub async fn the_end_of_the_grace_period_ends_rows_that_wait_for_their_turn<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let mut held = held(&rt, |builder| builder.grace(5.millis()), succeeds).await;
    let end = held.task.cancel(CancelLevel::Graceful);
    let error = held.error().await?.context("it was killed")?;
    ensure!(error.is_cancelled() && held.task.progress().handled == 0, "{error:?}");
    end.await;
    Ok(())
}

pub async fn the_failure_of_a_row_ends_rows_that_wait_for_their_turn<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (end, is_panic) in [(fails as End, false), (panics as End, true)] {
        let mut held = held(&rt, |builder| builder, end).await;
        held.open.set();
        let error = held.error().await?.context("the first row has failed")?;
        ensure!(error.is_panic() == is_panic, "{error:?}");
        ensure!(format!("{error:#}").contains("the first row"), "{error:#}");
        ensure!(held.task.progress().handled == 0, "{:?}", held.task.progress());
    }
    Ok(())
}

pub async fn calls_whose_cleanup_takes_time_let_the_pipeline_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (ordered, level) in [
        (true, CancelLevel::Graceful),
        (false, CancelLevel::Graceful),
        (true, CancelLevel::Kill),
        (false, CancelLevel::Kill),
    ] {
        let (started, inside, clock) = (Latch::new(), Census::default(), rt.clone());
        let (start, census) = (started.clone(), inside.clone());
        let builder = AsyncTask::emits::<u64>().on(&rt).workers(2).grace(1.hours());
        let builder = if ordered { builder.ordered() } else { builder };
        let mut task = builder
            .sender(|sources| sources.of(0..).into_chunks(1.items()))
            .for_each(move |_: Event<u64>| {
                let (resident, clock) = (census.enter(), clock.clone());
                if ordered || census.alive() == 2 {
                    start.set();
                }
                async move {
                    let _resident = resident;
                    if let Some(cx) = TaskContext::current() {
                        cx.cancelled().await;
                    }
                    clock.sleep(2.millis()).await
                }
            })
            .spawn();
        started.wait().await;
        let end = task.cancel(level);
        let error = failed((&mut task).await)?;
        end.await;
        ensure!(error.is_cancelled() && inside.alive() == 0, "{level:?}, ordered {ordered}: {error:?}");
    }
    Ok(())
}
