//! Pipelines, sources: a reader, blocking or polled, is cut as a file is, and its faults name it.

use std::future::IntoFuture as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_lite::AsyncRead;

use crate::kit::prelude::*;
use crate::kit::script::Step::{Fails, Overreports, Panics, Waits};
use crate::kit::script::{BOTH, ReaderKind, Script, Step, gives, lines};
use crate::kit::{Person, collect_rows};

pub async fn one_byte_at_a_time_changes_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "\u{feff}id,name\r\n1,\"Ada, Countess\"\r\n2,\"two\nlines\"\n\n3,\"a \"\"quote\"\"\"";
    let (due, _) =
        collect_rows::<Person, _, _>(&rt, 2, move |sources| sources.of_bytes(text).into_chunks(2.rows()))
            .await?;
    ensure!(due.len() == 3);
    let bytes: Vec<_> =
        text.char_indices().map(|(at, char)| text.get(at..at + char.len_utf8()).unwrap_or("")).collect();
    for kind in BOTH {
        let script = Script::new(bytes.iter().copied().map(gives));
        let (rows, summary) = collect_rows::<Person, _, _>(&rt, 2, move |sources| {
            match kind {
                ReaderKind::Blocking => sources.of_reader(script),
                ReaderKind::Polled => sources.of_async_reader(script),
            }
            .into_chunks(2.rows());
        })
        .await?;
        ensure!(rows == due, "{kind:?}");
        ensure!(summary.bytes() == text.len() as u64 && summary.sources().len() == 1);
    }
    Ok(())
}

pub async fn an_interrupted_read_is_tried_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for kind in BOTH {
        let interrupted = || Fails(io::ErrorKind::Interrupted);
        let script = Script::new([interrupted(), gives("1\n"), interrupted(), interrupted(), gives("2\n")]);
        let (rows, _) =
            collect_rows::<u64, _, _>(&rt, 1, move |sources| lines(sources, kind, script, 1)).await?;
        ensure!(rows == [(0, 1), (1, 2)], "{kind:?}");
    }
    Ok(())
}

/// Runs a script of lines to its error. Returns the error, and the lines that were handled before.
async fn fails<R: Runtime>(
    rt: &R,
    kind: ReaderKind,
    strategy: ErrorStrategy<u64>,
    steps: impl IntoIterator<Item = Step>,
) -> Result<(AsyncTaskError, Vec<u64>), Failure> {
    let (send, handled) = async_channel::unbounded();
    let script = Script::new(steps);
    let run = AsyncTask::emits::<u64>()
        .on(rt)
        .on_error(strategy)
        .ordered()
        .sender(move |sources| lines(sources, kind, script, 100))
        .for_each(move |event: Event<u64>| {
            let _ = send.try_send(event.take_data());
        });
    let error = failed(run.await)?;
    Ok((error, std::iter::from_fn(|| handled.try_recv().ok()).collect()))
}

pub async fn a_failed_reader_is_named_and_the_rows_before_the_failure_stand<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for kind in BOTH {
        for strategy in [ErrorStrategy::StopOnFirst, ErrorStrategy::ContinueOnError] {
            for error_kind in
                [io::ErrorKind::ConnectionReset, io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock]
            {
                let steps = [gives("1\n2\n"), gives("3\n4"), Fails(error_kind), gives("5\n")];
                let (error, handled) = fails(&rt, kind, strategy.clone(), steps).await?;
                let text = error.to_string();
                ensure!(
                    matches!(&error, AsyncTaskError::Io { error, .. } if error.kind() == error_kind),
                    "{error:?}"
                );
                ensure!(text.contains("reading script") && text.contains("the line is dead"), "{text}");
                ensure!(
                    handled == [1, 2, 3],
                    "{error_kind:?}: a line that was cut short is none: {handled:?}"
                );
            }
        }
    }
    Ok(())
}

pub async fn a_reader_that_panics_is_an_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for kind in BOTH {
        for strategy in [ErrorStrategy::StopOnFirst, ErrorStrategy::ContinueOnError] {
            let (error, _) = fails(&rt, kind, strategy, [gives("1\n"), Panics]).await?;
            ensure!(error.is_panic() && error.to_string().contains("in a reader"), "{error:?}");
        }
    }
    Ok(())
}

pub async fn a_reader_that_overreports_its_bytes_is_an_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for kind in BOTH {
        let (error, handled) =
            fails(&rt, kind, ErrorStrategy::ContinueOnError, [gives("1\n"), Overreports]).await?;
        ensure!(format!("{error:#}").contains("script") && handled == [1], "{error}");
    }
    Ok(())
}

pub async fn a_polled_reader_that_stalls_can_be_timed_out_and_cancelled<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let stalled = |limit: Duration, dropped: &Latch| {
        let script = Script::new([gives("1\n"), Waits(Latch::new())]).marked(dropped);
        AsyncTask::emits::<u64>()
            .on(&rt)
            .with_timeout(limit)
            .sender(move |sources| lines(sources, ReaderKind::Polled, script, 1))
            .for_each(|_: Event<u64>| {})
            .into_future()
    };
    for level in [CancelLevel::Graceful, CancelLevel::Kill, CancelLevel::KillHard] {
        let dropped = Latch::new();
        let run = stalled(1.hours(), &dropped);
        let task = AsyncTask::to::<FinalEvent>().on(&rt).spawn(|| run);
        while task.status() != TaskStatus::Running {
            yield_now().await;
        }
        task.cancel(level).await;
        ensure!(failed(task.await)?.is_cancelled(), "{level}");
        ensure!(dropped.is_set(), "{level}: the reader is gone when the error is given");
    }
    let dropped = Latch::new();
    ensure!(failed(stalled(20.millis(), &dropped).await)?.is_timeout());
    ensure!(dropped.is_set(), "the reader is gone when the error is given");
    Ok(())
}

pub async fn a_polled_reader_that_pauses_keeps_no_line_back<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Each line comes only once the one before it, of a chunk of a hundred, has been handled.
    let latches: [Latch; 2] = std::array::from_fn(|_| Latch::new());
    let [first, second] = latches.clone();
    let script = Script::new([gives("0\n"), Waits(first), gives("1\n"), Waits(second), gives("2")]);
    let run = AsyncTask::emits::<usize>()
        .on(&rt)
        .sender(move |sources| lines(sources, ReaderKind::Polled, script, 100))
        .for_each(move |event: Event<usize>| {
            if let Some(latch) = latches.get(event.take_data()) {
                latch.set();
            }
        });
    ensure!(run.await?.handled() == 3);
    Ok(())
}

pub async fn a_polled_reader_that_is_always_ready_lets_others_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    struct Endless(Latch);
    impl AsyncRead for Endless {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
            into.fill(b'\n');
            Poll::Ready(Ok(if self.0.is_set() { 0 } else { into.len() }))
        }
    }
    let (open, handled) = (Latch::new(), Arc::new(AtomicUsize::new(0)));
    let (reader, counter) = (Endless(open.clone()), handled.clone());
    let run = AsyncTask::emits::<String>()
        .on(&rt)
        .sender(|sources| sources.of_async_reader(reader).lines().into_chunks(4.kib()))
        .for_each(move |_: Event<String>| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
    let pipeline = AsyncTask::to::<FinalEvent>().on(&rt).spawn(|| run.into_future());
    while handled.load(Ordering::SeqCst) < 1_000 {
        yield_now().await;
    }
    open.set();
    ensure!(pipeline.await?.handled() >= 1_000);
    Ok(())
}
