//! Promise 2, quiescence: a pipeline's blocking work is counted, and waited for or reported as running.

use std::future::IntoFuture as _;

use crate::library::pipeline::EmittingTask;
use crate::library::{CancellableTask as _, TimedTask as _};

use crate::kit::no_jobs;
use crate::kit::prelude::*;
use crate::kit::script::Step::{SetsLatch, Waits};
use crate::kit::script::{ReaderKind, Script, gives, lines};

/// The latches of blocking work that runs until `open` is set, and is then dropped.
#[derive(Default)]
struct Blocked {
    begun: Latch,
    open: Latch,
    dropped: Latch,
}

impl Blocked {
    /// A pipeline of a reader that gives a line, and then waits.
    fn reader<R: Runtime>(
        &self,
        rt: &R,
        chunk: usize,
    ) -> impl FnOnce() -> EmittingTask<FinalEvent, R> + use<R> {
        let steps = [gives("1\n"), SetsLatch(self.begun.clone()), Waits(self.open.clone()), gives("2\n")];
        let script = Script::new(steps).marked(&self.dropped);
        let run = AsyncTask::emits::<u64>()
            .on(rt)
            .with_timeout(1.hours())
            .sender(move |sources| lines(sources, ReaderKind::Blocking, script, chunk))
            .for_each(|_: Event<u64>| {});
        move || run.spawn()
    }

    /// A pipeline whose receiver blocks its thread.
    fn receiver<R: Runtime>(&self, rt: &R) -> impl FnOnce() -> EmittingTask<FinalEvent, R> + use<R> {
        let (begun, open, guard) = (self.begun.clone(), self.open.clone(), self.dropped.on_drop());
        let run = AsyncTask::emits::<u64>()
            .on(rt)
            .with_timeout(1.hours())
            .sender(|sources| sources.of(0..5).into_chunks(1.items()))
            .for_each(move |_: Event<u64>| {
                let _held = &guard;
                begun.set();
                open.wait_blocking();
            })
            .blocking();
        move || run.spawn()
    }

    /// Runs `case` with a blocked reader, and with a blocked receiver.
    async fn both<R: Runtime, F: Future<Output = Outcome>>(
        rt: &R,
        facts: Facts,
        case: impl Fn(EmittingTask<FinalEvent, R>, Self) -> F,
    ) -> Outcome {
        for reads in [true, false] {
            let blocked = Self::default();
            let run = if reads { blocked.reader(rt, 1)() } else { blocked.receiver(rt)() };
            blocked.begun.wait().await;
            case(run, blocked).await.with_context(|| if reads { "a reader" } else { "a receiver" })?;
            no_jobs(rt, facts).await;
        }
        Ok(())
    }
}

pub async fn a_kill_waits_for_a_started_read<R: Runtime>(rt: R, facts: Facts) -> Outcome {
    Blocked::both(&rt, facts, |run, blocked| {
        let rt = rt.clone();
        async move {
            ensure!(rt.root().active_blocking_jobs() > 0, "it is counted");
            let mut kill = std::pin::pin!(run.canceller().cancel(CancelLevel::Kill));
            for _ in 0..100 {
                ensure!(poll_once(&mut kill).await.is_none(), "it is waited for");
                yield_now().await;
            }
            blocked.open.set();
            ensure!(kill.await.was_cancelled() && blocked.dropped.is_set(), "it is gone");
            ensure!(failed(run.await)?.is_cancelled());
            Ok(())
        }
    })
    .await
}

pub async fn a_hard_kill_reports_that_the_read_goes_on<R: Runtime>(rt: R, facts: Facts) -> Outcome {
    Blocked::both(&rt, facts, |run, blocked| async move {
        let answer = run.cancel(CancelLevel::KillHard).await;
        ensure!(answer.outcome() == crate::library::CancelOutcome::Abandoned, "{answer:?}");
        ensure!(!blocked.dropped.is_set());
        blocked.open.set();
        ensure!(failed(run.await)?.is_cancelled() && blocked.dropped.is_set());
        Ok(())
    })
    .await
}

pub async fn a_time_limit_leaves_the_read_and_reports_it<R: Runtime>(rt: R, facts: Facts) -> Outcome {
    Blocked::both(&rt, facts, |run, blocked| {
        let rt = rt.clone();
        async move {
            run.set_timeout(5.millis())?;
            let AsyncTaskError::Timeout(error) = failed(run.await)? else { bail!("not a timeout") };
            ensure!(error.still_running(), "{error}");
            ensure!(!blocked.dropped.is_set() && rt.root().active_blocking_jobs() > 0, "it goes on");
            blocked.open.set();
            blocked.dropped.wait().await;
            Ok(())
        }
    })
    .await
}

pub async fn the_limit_of_an_enclosing_task_leaves_the_read_and_reports_it<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let blocked = Blocked::default();
    let steps = [SetsLatch(blocked.begun.clone()), Waits(blocked.open.clone())];
    let script = Script::new(steps).marked(&blocked.dropped);
    let run = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(move |sources| lines(sources, ReaderKind::Blocking, script, 1))
        .for_each(|_: Event<u64>| {})
        .into_future();
    let task = AsyncTask::to::<FinalEvent>().on(&rt).timeout(1.hours()).spawn(|| run);
    blocked.begun.wait().await;
    task.set_timeout(5.millis())?;
    let AsyncTaskError::Timeout(error) = failed(task.await)? else { bail!("not a timeout") };
    ensure!(error.still_running() && !blocked.dropped.is_set(), "{error}");
    blocked.open.set();
    blocked.dropped.wait().await;
    Ok(())
}

pub async fn a_failed_source_waits_for_a_read_of_another_source<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let blocked = Blocked::default();
    let steps = [SetsLatch(blocked.begun.clone()), Waits(blocked.open.clone()), gives("2\n")];
    let script = Script::new(steps).marked(&blocked.dropped);
    let begun = blocked.begun.clone();
    let fails = futures_lite::stream::once_future(async move {
        begun.wait().await;
        crate::kit::explode("the source")
    });
    let run = AsyncTask::emits::<u64>()
        .on(&rt)
        .with_concurrency(2)
        .sender(move |sources| {
            lines(sources, ReaderKind::Blocking, script, 1);
            sources.of_stream(Box::pin(fails)).into_chunks(1.items());
        })
        .for_each(|_: Event<u64>| {});
    let mut run = run.spawn();
    for _ in 0..100 {
        ensure!(poll_once(&mut run).await.is_none(), "the read is waited for");
        yield_now().await;
    }
    blocked.open.set();
    let error = failed((&mut run).await)?;
    ensure!(error.is_panic() && blocked.dropped.is_set(), "{error:?}");
    let counts = run.progress();
    ensure!((counts.read, counts.handled) == (1, 1), "what was read is handled: {counts:?}");
    Ok(())
}

pub async fn a_polled_reader_is_dropped_by_a_kill<R: Runtime>(rt: R, facts: Facts) -> Outcome {
    let (begun, dropped) = (Latch::new(), Latch::new());
    let script = Script::new([gives("1\n"), SetsLatch(begun.clone()), Waits(Latch::new())]).marked(&dropped);
    let run = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(move |sources| lines(sources, ReaderKind::Polled, script, 10))
        .for_each(|_: Event<u64>| {})
        .spawn();
    begun.wait().await;
    ensure!(facts.shares_root || rt.root().active_blocking_jobs() == 0, "it takes no thread");
    ensure!(run.cancel(CancelLevel::Kill).await.was_cancelled() && dropped.is_set());
    Ok(())
}
