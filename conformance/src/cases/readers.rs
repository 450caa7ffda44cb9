//! Readers, blocking and polled: what they give is cut as a file is, and their faults are told with their names.

use std::collections::VecDeque;
use std::future::IntoFuture as _;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_lite::AsyncRead;
use sweet_async::pipeline::Sources;

use crate::kit::prelude::*;
use crate::kit::{Person, SetOnDrop, collect_rows, explode};

/// What a reader does, read by read.
#[derive(Clone)]
enum Step {
    Gives(&'static str),
    Fails(io::ErrorKind),
    Panics,
    /// Says that it filled more than it was given.
    Lies,
    /// Waits for the latch: without a word if it is polled, on its thread otherwise.
    Waits(Latch),
}

use Step::{Fails, Gives, Lies, Panics, Waits};

/// Follows its steps, and then ends.
struct Script {
    steps: VecDeque<Step>,
    /// Where it waits, when it is polled.
    wait: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    _dropped: Option<SetOnDrop>,
}

impl Script {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), wait: None, _dropped: None }
    }

    fn step(&mut self, into: &mut [u8]) -> Result<io::Result<usize>, Latch> {
        Ok(match self.steps.pop_front() {
            None => Ok(0),
            Some(Gives(text)) => {
                let mut rest = text.as_bytes();
                let read = rest.read(into);
                if let Some(rest) =
                    read.as_ref().ok().and_then(|read| text.get(*read..)).filter(|rest| !rest.is_empty())
                {
                    self.steps.push_front(Gives(rest));
                }
                read
            }
            Some(Fails(kind)) => Err(io::Error::new(kind, "the line is dead")),
            Some(Panics) => explode("in a reader"),
            Some(Lies) => Ok(into.len() + 1),
            Some(Waits(latch)) => return Err(latch),
        })
    }
}

impl Read for Script {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.step(into) {
                Ok(read) => return read,
                Err(latch) => latch.wait_blocking(),
            }
        }
    }
}

impl AsyncRead for Script {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            if let Some(wait) = &mut self.wait {
                std::task::ready!(wait.as_mut().poll(cx));
                self.wait = None;
            }
            match self.step(into) {
                Ok(read) => return Poll::Ready(read),
                Err(latch) => self.wait = Some(Box::pin(async move { latch.wait().await })),
            }
        }
    }
}

/// How a script is read.
#[derive(Clone, Copy, Debug)]
enum How {
    Blocking,
    Polled,
}

const BOTH: [How; 2] = [How::Blocking, How::Polled];

fn lines<T>(sources: &mut Sources<T>, how: How, script: Script, chunk: usize)
where
    T: std::str::FromStr<Err: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let source = match how {
        How::Blocking => sources.of_reader(script),
        How::Polled => sources.of_async_reader(script),
    };
    source.name("script").lines().into_chunks(chunk.lines());
}

pub async fn one_byte_at_a_time_changes_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "\u{feff}id,name\r\n1,\"Ada, Countess\"\r\n2,\"two\nlines\"\n\n3,\"a \"\"quote\"\"\"";
    let (due, _) =
        collect_rows::<Person, _, _>(&rt, 2, move |sources| sources.of_bytes(text).into_chunks(2.rows()))
            .await?;
    ensure!(due.len() == 3);
    let bytes: Vec<_> =
        text.char_indices().map(|(at, char)| text.get(at..at + char.len_utf8()).unwrap_or("")).collect();
    for how in BOTH {
        let script = Script::new(bytes.iter().copied().map(Gives));
        let (rows, summary) = collect_rows::<Person, _, _>(&rt, 2, move |sources| {
            match how {
                How::Blocking => sources.of_reader(script),
                How::Polled => sources.of_async_reader(script),
            }
            .into_chunks(2.rows());
        })
        .await?;
        ensure!(rows == due, "{how:?}");
        ensure!(summary.bytes() == text.len() as u64 && summary.sources().len() == 1);
    }
    Ok(())
}

pub async fn an_interrupted_read_is_tried_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for how in BOTH {
        let interrupted = || Fails(io::ErrorKind::Interrupted);
        let script = Script::new([interrupted(), Gives("1\n"), interrupted(), interrupted(), Gives("2\n")]);
        let (rows, _) =
            collect_rows::<u64, _, _>(&rt, 1, move |sources| lines(sources, how, script, 1)).await?;
        ensure!(rows == [(0, 1), (1, 2)], "{how:?}");
    }
    Ok(())
}

/// Runs a script of lines to its error, under each strategy, and says which lines were handled before.
async fn fails<R: Runtime>(
    rt: &R,
    how: How,
    strategy: ErrorStrategy<u64>,
    steps: impl IntoIterator<Item = Step>,
) -> Result<(AsyncTaskError, Vec<u64>), Failure> {
    let (send, handled) = async_channel::unbounded();
    let script = Script::new(steps);
    let run = AsyncTask::emits::<u64>()
        .on(rt)
        .on_error(strategy)
        .ordered()
        .sender(move |sources| lines(sources, how, script, 100))
        .for_each(move |event: Event<u64>| {
            let _ = send.try_send(event.take_data());
        });
    let error = failed(run.await)?;
    Ok((error, std::iter::from_fn(|| handled.try_recv().ok()).collect()))
}

pub async fn a_reader_that_fails_is_named_and_what_came_before_stands<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for how in BOTH {
        for strategy in [ErrorStrategy::StopOnFirst, ErrorStrategy::ContinueOnError] {
            for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock] {
                let steps = [Gives("1\n2\n"), Gives("3\n4"), Fails(kind), Gives("5\n")];
                let (error, handled) = fails(&rt, how, strategy.clone(), steps).await?;
                let text = error.to_string();
                ensure!(
                    matches!(&error, AsyncTaskError::Io { error, .. } if error.kind() == kind),
                    "{error:?}"
                );
                ensure!(text.contains("reading script") && text.contains("the line is dead"), "{text}");
                ensure!(handled == [1, 2, 3], "{how:?}: a line that was cut short is none: {handled:?}");
            }
        }
    }
    Ok(())
}

pub async fn a_reader_that_panics_is_an_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for how in BOTH {
        for strategy in [ErrorStrategy::StopOnFirst, ErrorStrategy::ContinueOnError] {
            let (error, _) = fails(&rt, how, strategy, [Gives("1\n"), Panics]).await?;
            ensure!(error.is_panic() && error.to_string().contains("in a reader"), "{error:?}");
        }
    }
    Ok(())
}

pub async fn a_reader_that_says_too_much_is_an_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for how in BOTH {
        let (error, handled) = fails(&rt, how, ErrorStrategy::ContinueOnError, [Gives("1\n"), Lies]).await?;
        ensure!(format!("{error:#}").contains("script") && handled == [1], "{error}");
    }
    Ok(())
}

/// A pipeline of what `how` reads of a script that waits after its first line, with what it drops.
fn stalled<R: Runtime>(
    rt: &R,
    how: How,
    limit: Duration,
) -> (impl Future<Output = Result<FinalEvent, AsyncTaskError>> + Send + 'static, Latch, Latch) {
    let (open, dropped) = (Latch::new(), Latch::new());
    let script = Script {
        _dropped: Some(dropped.on_drop()),
        ..Script::new([Gives("1\n"), Waits(open.clone()), Gives("2\n")])
    };
    let run = AsyncTask::emits::<u64>()
        .on(rt)
        .with_timeout(limit)
        .sender(move |sources| lines(sources, how, script, 1))
        .for_each(|_: Event<u64>| {})
        .into_future();
    (run, open, dropped)
}

async fn can_be_given_up<R: Runtime>(rt: &R, how: How) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill, CancelLevel::KillHard] {
        let (run, open, dropped) = stalled(rt, how, 1.hours());
        let task = AsyncTask::to::<FinalEvent>().on(rt).spawn(|| run);
        while task.status() != TaskStatus::Running {
            yield_now().await;
        }
        task.cancel(level).await;
        ensure!(failed(task.await)?.is_cancelled(), "{how:?}, {level}");
        open.set();
        dropped.wait().await;
    }
    let (run, open, dropped) = stalled(rt, how, 20.millis());
    ensure!(failed(run.await)?.is_timeout());
    ensure!(
        matches!(how, How::Blocking) || dropped.is_set(),
        "a polled reader is gone when the error is given"
    );
    // So that the thread may end.
    open.set();
    dropped.wait().await;
    Ok(())
}

pub async fn a_reader_that_stalls_can_be_timed_out_and_cancelled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    can_be_given_up(&rt, How::Blocking).await
}

pub async fn a_polled_reader_that_stalls_can_be_timed_out_and_cancelled<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    can_be_given_up(&rt, How::Polled).await
}

pub async fn a_polled_reader_that_pauses_keeps_no_line_back<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Each line comes only once the one before it, of a chunk of a hundred, has been handled.
    let latches: [Latch; 2] = std::array::from_fn(|_| Latch::new());
    let [first, second] = latches.clone();
    let script = Script::new([Gives("0\n"), Waits(first), Gives("1\n"), Waits(second), Gives("2")]);
    let run = AsyncTask::emits::<usize>()
        .on(&rt)
        .sender(move |sources| lines(sources, How::Polled, script, 100))
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
