//! Pipelines, counts: rows of a source that failed or was stopped are handled, or counted as dropped.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::pipeline::{EmittingTask, Sources};
use crate::library::{CancellableTask as _, TimedTask as _};
use futures_lite::stream;

use crate::kit::prelude::*;
use crate::kit::script::Step::{Fails, Panics, SetsLatch, Waits};
use crate::kit::script::{BOTH, ReaderKind, Script, gives, lines};
use crate::kit::{count, explode, no_jobs};

/// The lines of these numbers.
fn text(numbers: std::ops::Range<u64>) -> String {
    numbers.map(|n| format!("{n}\n")).collect()
}

/// Runs a pipeline to its error, and checks that it has handled all that it has read.
async fn handles_all<R: Runtime>(
    rt: &R,
    due: u64,
    sender: impl FnOnce(&mut Sources<u64>) + Send + 'static,
) -> Result<AsyncTaskError, Failure> {
    let (error, summary) = AsyncTask::emits::<u64>()
        .on(rt)
        .workers(2)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(sender)
        .receiver(|_: Event<u64>, _: Collector<u64, u64>| {})
        .await_final_event(|event, collection| (event.err(), collection.summary().clone()))
        .await;
    let counts = (summary.read(), summary.handled(), summary.dropped());
    ensure!(counts == (due, due, 0), "read, handled, dropped: {counts:?} of {due}");
    error.context("an error was due")
}

pub async fn items_of_an_iterator_before_its_panic_are_handled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let numbers = (0..).map(|n: u64| if n < 150 { n } else { explode("the iterator") });
    let error = handles_all(&rt, 150, |sources| sources.of(numbers).into_chunks(100.items())).await?;
    ensure!(error.is_panic() && error.to_string().contains("the iterator"), "{error:?}");
    Ok(())
}

pub async fn items_of_a_stream_before_its_panic_are_handled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let numbers = stream::iter((0..).map(|n: u64| if n < 150 { n } else { explode("the stream") }));
    let error = handles_all(&rt, 150, |sources| sources.of_stream(numbers).into_chunks(100.items())).await?;
    ensure!(error.is_panic() && error.to_string().contains("the stream"), "{error:?}");
    Ok(())
}

pub async fn lines_of_a_reader_before_its_failure_are_handled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for kind in BOTH {
        for end in [Panics, Fails(std::io::ErrorKind::BrokenPipe)] {
            let panics = matches!(end, Panics);
            // The last line is cut short, and so is no row.
            let script = Script::new([gives(text(0..70)), gives(text(70..150)), gives("15"), end]);
            let error = handles_all(&rt, 150, move |sources| lines(sources, kind, script, 100)).await?;
            ensure!(error.is_panic() == panics, "{kind:?}: {error:?}");
        }
    }
    Ok(())
}

/// The counts of a pipeline that has ended, which must add up.
fn counts<R: Runtime>(run: &EmittingTask<FinalEvent, R>) -> Result<(u64, u64, u64), Failure> {
    let counts = run.progress();
    ensure!(counts.read == counts.handled + counts.rejected + counts.dropped, "{counts:?}");
    Ok((counts.read, counts.handled, counts.dropped))
}

/// Gives a block of lines for each read, forever, and counts the lines.
struct Endless(std::sync::Arc<AtomicU64>);

impl Endless {
    fn give(&self, into: &mut [u8]) -> usize {
        let lines = into.len().min(2_000) / 2;
        into.chunks_exact_mut(2).take(lines).for_each(|line| line.copy_from_slice(b"7\n"));
        self.0.fetch_add(lines as u64, Ordering::SeqCst);
        lines * 2
    }
}

impl std::io::Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        Ok(self.give(into))
    }
}

impl futures_lite::AsyncRead for Endless {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        into: &mut [u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::task::Poll::Ready(Ok(self.give(into)))
    }
}

pub async fn a_graceful_stop_handles_all_lines_of_a_reader<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for kind in BOTH {
        let (given, some) = (count(), Latch::new());
        let (reader, handled) = (Endless(given.clone()), some.clone());
        let mut run = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(1)
            .grace(1.hours())
            .sender(move |sources| {
                let source = match kind {
                    ReaderKind::Blocking => sources.of_reader(reader),
                    ReaderKind::Polled => sources.of_async_reader(reader),
                };
                source.lines().into_chunks(700.lines());
            })
            .for_each(move |_: Event<u64>| handled.set())
            .spawn();
        some.wait().await;
        run.cancel(CancelLevel::Graceful).await;
        ensure!(failed((&mut run).await)?.is_cancelled(), "{kind:?}");
        let given = given.load(Ordering::SeqCst);
        let counts = counts(&run)?;
        ensure!(counts == (given, given, 0), "{kind:?}: read, handled, dropped: {counts:?} of {given}");
    }
    Ok(())
}

/// A pipeline that has read 150 lines and handled a chunk of 100, with a reader that waits for the latch
/// before it gives more. The receiver calls `first` for the first line.
async fn stalled<R: Runtime>(
    rt: &R,
    first: impl Fn() + Send + Sync + 'static,
) -> (EmittingTask<FinalEvent, R>, Latch) {
    let (open, stalls, handled) = (Latch::new(), Latch::new(), Latch::new());
    let script = Script::new([
        gives(text(0..150)),
        SetsLatch(stalls.clone()),
        Waits(open.clone()),
        gives(text(150..160)),
        gives("16"),
    ]);
    let (counter, report) = (count(), handled.clone());
    let run = AsyncTask::emits::<u64>()
        .on(rt)
        .workers(1)
        .grace(1.hours())
        .with_timeout(1.hours())
        .sender(move |sources| lines(sources, ReaderKind::Blocking, script, 100))
        .for_each(move |_: Event<u64>| match counter.fetch_add(1, Ordering::SeqCst) {
            0 => first(),
            99 => report.set(),
            _ => {}
        })
        .spawn();
    stalls.wait().await;
    handled.wait().await;
    (run, open)
}

pub async fn a_graceful_stop_handles_the_lines_of_a_stalled_reader<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (mut run, open) = stalled(&rt, || {}).await;
    let mut stop = std::pin::pin!(run.canceller().cancel(CancelLevel::Graceful));
    ensure!(poll_once(&mut stop).await.is_none(), "what is being read may still come");
    open.set();
    stop.await;
    // If the request reaches the sender after the end of the text, there was nothing left to stop.
    ensure!((&mut run).await.err().is_none_or(|error| error.is_cancelled()));
    // The line without an end is a row only if the end of the text was read before the request was seen.
    let (read, handled, dropped) = counts(&run)?;
    ensure!(read == handled && dropped == 0 && (160..=161).contains(&read), "{read}, {handled}, {dropped}");
    Ok(())
}

pub async fn a_kill_counts_the_lines_of_a_stalled_reader<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // A task of the worker is dropped once the kill has reached the worker, which then handles nothing more.
    let (killed, children, inner) = (Latch::new(), async_channel::unbounded(), rt.clone());
    let (guard, keep) = (std::sync::Mutex::new(Some(killed.on_drop())), children.0);
    let child = move || {
        let guard = guard.lock().ok().and_then(|mut guard| guard.take());
        let child = AsyncTask::to::<()>().on(&inner).spawn(|| async {
            let _guard = guard;
            pending::<()>().await
        });
        let _ = keep.try_send(child);
    };
    let (mut run, open) = stalled(&rt, child).await;
    let mut kill = std::pin::pin!(run.canceller().cancel(CancelLevel::Kill));
    ensure!(poll_once(&mut kill).await.is_none(), "the read is waited for");
    killed.wait().await;
    open.set();
    kill.await;
    ensure!(failed((&mut run).await)?.is_cancelled());
    let (read, handled, dropped) = counts(&run)?;
    // The kill reaches the sender after the worker: the end of the text may have been read by then.
    ensure!(handled == 100 && (160..=161).contains(&read), "{read}, {handled}, {dropped}");
    Ok(())
}

pub async fn a_time_limit_counts_the_lines_of_a_stalled_reader_until_then<R: Runtime>(
    rt: R,
    facts: Facts,
) -> Outcome {
    let (mut run, open) = stalled(&rt, || {}).await;
    run.set_timeout(5.millis())?;
    let AsyncTaskError::Timeout(error) = failed((&mut run).await)? else { bail!("not a timeout") };
    ensure!(error.still_running() && error.to_string().contains("still runs"), "{error}");
    let due = (150, 100, 50);
    ensure!(counts(&run)? == due, "{:?}", counts(&run)?);
    // A late read changes nothing.
    open.set();
    no_jobs(&rt, facts).await;
    ensure!(counts(&run)? == due, "{:?}", counts(&run)?);
    Ok(())
}
