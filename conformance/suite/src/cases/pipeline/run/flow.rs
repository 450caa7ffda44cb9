//! Pipelines, flow: time limits end them, a slow receiver pauses the source, progress ends with the totals.
//! Nothing is left of a pipeline that is dropped, killed or timed out.

use std::future::IntoFuture as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::library::pipeline::Progress;

use crate::kit::explode;
use crate::kit::prelude::*;

/// A pipeline whose receiver never ends, each of its events a resident.
fn endless<R: Runtime>(
    rt: &R,
    limit: Duration,
    alive: &Census,
) -> impl Future<Output = Result<FinalEvent, AsyncTaskError>> + Send + 'static {
    let residents = alive.clone();
    AsyncTask::emits::<u64>()
        .on(rt)
        .name("endless")
        .workers(2)
        .with_timeout(limit)
        .sender(|sources| sources.of(0..1_000u64).into_chunks(1.items()))
        .for_each(move |_: Event<u64>| {
            let resident = residents.enter();
            async move {
                let _resident = resident;
                pending::<()>().await
            }
        })
        .into_future()
}

pub async fn a_receiver_that_never_ends_times_out<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let error = failed(endless(&rt, 20.millis(), &alive).await)?;
    let AsyncTaskError::Timeout(error) = error else { bail!("not a timeout: {error:?}") };
    ensure!(error.limit() == 20.millis() && error.to_string().contains("endless"), "{error}");
    ensure!(alive.alive() == 0, "receivers are gone when the error is given");
    Ok(())
}

pub async fn a_zero_limit_is_a_timeout_and_the_longest_is_none<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    ensure!(failed(endless(&rt, Duration::ZERO, &alive).await)?.is_timeout());
    ensure!(alive.alive() == 0);
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .with_timeout(Duration::MAX)
        .sender(|sources| sources.of(0..10u64).into_chunks(1.items()))
        .for_each(|_: Event<u64>| {})
        .await?;
    ensure!(summary.handled() == 10);
    Ok(())
}

pub async fn a_stalled_stream_times_out<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let dropped = Latch::new();
    let guard = dropped.on_drop();
    let stream = futures_lite::stream::unfold(guard, |guard| async move {
        pending::<()>().await;
        Some((1u64, guard))
    });
    let error = failed(
        AsyncTask::emits::<u64>()
            .on(&rt)
            .with_timeout(20.millis())
            .sender(|sources| sources.of_stream(stream).into_chunks(1.items()))
            .for_each(|_: Event<u64>| {})
            .await,
    )?;
    ensure!(error.is_timeout() && dropped.is_set());
    Ok(())
}

#[cfg(unix)]
fn fifo(folder: &tempfile::TempDir) -> Result<std::path::PathBuf, Failure> {
    let path = folder.path().join("no-writer.csv");
    ensure!(std::process::Command::new("mkfifo").arg(&path).status()?.success(), "mkfifo did not work");
    Ok(path)
}

#[cfg(not(unix))]
fn fifo(_: &tempfile::TempDir) -> Result<std::path::PathBuf, Failure> {
    bail!("no named pipes here")
}

/// Opens the pipe for writing, once it has a reader. A reader that is still opening the pipe counts, and goes
/// on when its writer has come.
#[cfg(unix)]
async fn writer(path: &std::path::Path) -> Result<std::fs::File, Failure> {
    use std::os::unix::fs::OpenOptionsExt as _;
    loop {
        let opened = std::fs::OpenOptions::new().write(true).custom_flags(nix::libc::O_NONBLOCK).open(path);
        match opened {
            Err(error) if error.raw_os_error() == Some(nix::libc::ENXIO) => yield_now().await,
            opened => return Ok(opened?),
        }
    }
}

#[cfg(not(unix))]
async fn writer(_: &std::path::Path) -> Result<std::fs::File, Failure> {
    bail!("no named pipes here")
}

/// A pipeline that reads a pipe.
fn of_a_pipe<R: Runtime>(
    rt: &R,
    path: &std::path::Path,
    limit: Duration,
) -> impl Future<Output = Result<FinalEvent, AsyncTaskError>> + Send + 'static {
    let path = path.to_owned();
    AsyncTask::emits::<(u64, u64)>()
        .on(rt)
        .with_timeout(limit)
        .sender(move |sources| sources.of_file(path).into_chunks(1.rows()))
        .for_each(|_: Event<(u64, u64)>| {})
        .into_future()
}

pub async fn a_pipe_without_a_writer_can_be_timed_out<R: Runtime>(rt: R, _: Facts) -> Outcome {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = fifo(&folder)?;
    let mut limit = 20.millis();
    loop {
        let AsyncTaskError::Timeout(error) = failed(of_a_pipe(&rt, &path, limit).await)? else {
            bail!("not a timeout")
        };
        if error.still_running() {
            break;
        }
        // No thread has opened the pipe yet: the threads have work of other cases.
        limit *= 2;
    }
    // The thread that was left goes on.
    writer(&path).await?;
    Ok(())
}

pub async fn a_kill_waits_for_the_reading_of_a_pipe<R: Runtime>(rt: R, _: Facts) -> Outcome {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = fifo(&folder)?;
    let run = of_a_pipe(&rt, &path, 1.hours());
    let task = AsyncTask::to::<FinalEvent>().on(&rt).spawn(|| run);
    let writer = writer(&path).await?;
    let mut kill = std::pin::pin!(task.cancel(CancelLevel::Kill));
    for _ in 0..100 {
        ensure!(poll_once(&mut kill).await.is_none(), "the pipe is being read");
        yield_now().await;
    }
    drop(writer);
    ensure!(kill.await.was_cancelled());
    Ok(())
}

pub async fn dropping_the_pipeline_drops_its_receivers<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, dropped, started) = (Census::default(), Latch::new(), Latch::new());
    let (residents, start, guard) = (alive.clone(), started.clone(), Mutex::new(Some(dropped.on_drop())));
    let mut run = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(1)
        .sender(|sources| sources.of(0..1_000u64).into_chunks(1.items()))
        .for_each(move |_: Event<u64>| {
            let (resident, guard) = (residents.enter(), guard.lock().ok().and_then(|mut guard| guard.take()));
            start.set();
            async move {
                let _guard = (resident, guard);
                pending::<()>().await
            }
        })
        .into_future();
    ensure!(poll_once(&mut run).await.is_none());
    started.wait().await;
    drop(run);
    dropped.wait().await;
    Ok(())
}

pub async fn nothing_is_left_of_a_pipeline_whose_task_is_killed<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let run = endless(&rt, 1.hours(), &alive);
    let task = AsyncTask::to::<FinalEvent>().on(&rt).spawn(|| run);
    while alive.alive() < 2 {
        yield_now().await;
    }
    ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled());
    ensure!(alive.alive() == 0, "{} receivers are left", alive.alive());
    Ok(())
}

pub async fn nothing_is_left_of_a_pipeline_whose_task_times_out<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let run = endless(&rt, 1.hours(), &alive);
    let task = AsyncTask::to::<FinalEvent>().on(&rt).timeout(20.millis()).spawn(|| run);
    ensure!(failed(task.await)?.is_timeout());
    ensure!(alive.alive() == 0, "{} receivers are left", alive.alive());
    Ok(())
}

pub async fn a_slow_receiver_pauses_the_source<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const CHUNK: usize = 5;
    const WORKERS: usize = 2;
    const QUEUE: usize = 3;
    let (read, open, alive) = (Arc::new(AtomicUsize::new(0)), Latch::new(), Census::default());
    let (counter, opened, residents) = (read.clone(), open.clone(), alive.clone());
    let items = (0..10_000u64).inspect(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let mut run = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(WORKERS)
        .queue(QUEUE)
        .sender(move |sources| sources.of(items).into_chunks(CHUNK.items()))
        .for_each(move |_: Event<u64>| {
            let (resident, opened) = (residents.enter(), opened.clone());
            async move {
                let _resident = resident;
                opened.wait().await;
            }
        })
        .into_future();
    ensure!(poll_once(&mut run).await.is_none());
    while alive.alive() < WORKERS {
        yield_now().await;
    }
    // Many turns in which a sender that does not wait would read on.
    for _ in 0..500 {
        AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
    }
    let most = (QUEUE + WORKERS + 1) * CHUNK;
    ensure!(
        read.load(Ordering::SeqCst) <= most,
        "{} were read, {most} is the bound",
        read.load(Ordering::SeqCst)
    );
    open.set();
    ensure!(run.await?.handled() == 10_000);
    Ok(())
}

pub async fn progress_ends_with_the_totals<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text: String = (0..500).map(|n| if n % 50 == 0 { "x\n".into() } else { format!("{n}\n") }).collect();
    let bytes = text.len() as u64;
    let reports = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let report = reports.clone();
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .on_error(ErrorStrategy::ContinueOnError)
        .on_progress(move |progress| {
            if let Ok(mut reports) = report.lock() {
                reports.push(progress);
            }
        })
        .sender(move |sources| sources.of_bytes(text).lines().into_chunks(7.lines()))
        .for_each(|_: Event<u64>| {})
        .await?;
    let reports = reports.lock().map_err(|_| Failure::msg("poisoned"))?;
    let last = reports.last().context("reported at least once, at the end")?;
    ensure!((last.bytes_read, last.bytes_total) == (bytes, Some(bytes)));
    ensure!((last.handled, last.rejected) == (summary.handled(), summary.rejected()));
    ensure!((last.handled, last.rejected) == (490, 10));
    ensure!(last.elapsed <= summary.elapsed() && last.rows_per_second() > 0.0);
    Ok(())
}

pub async fn a_server_on_the_same_threads_stays_responsive<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The receiver never awaits; the pipeline ends only if another task runs in between.
    let open = Latch::new();
    let (opened, handled) = (open.clone(), Arc::new(AtomicUsize::new(0)));
    let counter = handled.clone();
    let endless = std::iter::from_fn(move || (!opened.is_set()).then_some(1u64));
    let run = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(|sources| sources.of(endless).into_chunks(10.items()))
        .for_each(move |_: Event<u64>| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
    let pipeline = AsyncTask::to::<FinalEvent>().on(&rt).spawn(|| run.into_future());
    let server = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
        while handled.load(Ordering::SeqCst) < 10_000 {
            yield_now().await;
        }
        open.set();
    });
    server.await?;
    ensure!(pipeline.await?.handled() >= 10_000);
    Ok(())
}

pub async fn progress_is_also_reported_at_a_timeout<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let reported = Latch::new();
    let report = reported.clone();
    // A limit that is shorter than the time between two reports.
    let run = AsyncTask::emits::<u64>()
        .on(&rt)
        .with_timeout(Duration::ZERO)
        .on_progress(move |_| report.set())
        .sender(|sources| sources.of_stream(futures_lite::stream::pending()).into_chunks(1.items()))
        .for_each(|_: Event<u64>| {});
    ensure!(failed(run.await)?.is_timeout());
    ensure!(reported.is_set(), "`on_progress` says: and at the end");
    Ok(())
}

pub async fn a_progress_callback_that_panics_fails_its_task_alone<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let run = AsyncTask::emits::<u64>()
        .on(&rt)
        .on_progress(|_| explode("the callback"))
        .sender(|sources| sources.of(0..100u64).into_chunks(1.items()))
        .for_each(|_: Event<u64>| {});
    let error = failed(AsyncTask::to::<FinalEvent>().on(&rt).spawn(|| run.into_future()).await)?;
    ensure!(error.is_panic() && error.to_string().contains("the callback"), "{error:?}");
    ensure!(AsyncTask::to::<bool>().on(&rt).spawn(move || async move { at.is_inside() }).await?);
    Ok(())
}
