//! Pipelines, ends: `forward` passes each value to a sink once, waits for it, and closes it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use crate::library::CancellableTask as _;
use crate::library::pipeline::PipelineBuilder;
use futures_sink::Sink;

use crate::kit::prelude::*;
use crate::kit::{Resident, explode};

/// The values and requests that a sink was given, shared with its case.
struct Tray<T>(Arc<Mutex<Content<T>>>);

struct Content<T> {
    values: Vec<T>,
    flushed: usize,
    is_closed: bool,
    is_dropped: bool,
}

impl<T> Default for Content<T> {
    fn default() -> Self {
        Self { values: Vec::new(), flushed: 0, is_closed: false, is_dropped: false }
    }
}

impl<T> Clone for Tray<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Tray<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Tray<T> {
    fn with<O>(&self, f: impl FnOnce(&mut Content<T>) -> O) -> O {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A sink that is ready once `open` is set, and does `at` for the value of this index.
    fn sink(&self, open: &Latch, at: Option<(usize, Fault)>) -> TraySink<T> {
        TraySink { tray: self.clone(), open: open.clone(), wait: None, at }
    }

    /// A sink that takes everything.
    fn open(&self) -> TraySink<T> {
        let open = Latch::new();
        open.set();
        self.sink(&open, None)
    }
}

#[derive(Clone, Copy)]
enum Fault {
    Fails,
    Panics,
}

struct TraySink<T> {
    tray: Tray<T>,
    open: Latch,
    wait: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    at: Option<(usize, Fault)>,
}

impl<T> Unpin for TraySink<T> {}

impl<T> Drop for TraySink<T> {
    fn drop(&mut self) {
        self.tray.with(|content| content.is_dropped = true);
    }
}

impl<T> Sink<T> for TraySink<T> {
    type Error = &'static str;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        if !self.open.is_set() {
            let open = self.open.clone();
            let wait = self.wait.get_or_insert_with(|| Box::pin(async move { open.wait().await }));
            std::task::ready!(wait.as_mut().poll(cx));
        }
        match self.at.filter(|(at, _)| self.tray.with(|content| content.values.len()) == *at) {
            Some((_, Fault::Fails)) => Poll::Ready(Err("the tray is full")),
            Some((_, Fault::Panics)) => explode("in a sink"),
            None => Poll::Ready(Ok(())),
        }
    }

    fn start_send(self: Pin<&mut Self>, value: T) -> Result<(), &'static str> {
        self.tray.with(|content| content.values.push(value));
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.tray.with(|content| content.flushed = content.values.len());
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.tray.with(|content| content.is_closed = true);
        Poll::Ready(Ok(()))
    }
}

fn numbers<R: Runtime>(rt: &R, workers: usize) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(workers)
}

pub async fn a_sink_gets_the_values_that_stages_make<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 3] {
        let sender = || {
            let events = AsyncTask::emits::<u64>().on(&rt).workers(workers).ordered();
            events.sender(|sources| sources.of(0..1_000u64).into_chunks(7.items()))
        };
        let (one, other) = (Tray::default(), Tray::default());
        let summaries = [
            sender().filter(|n| n % 3 != 0).flat_map(|n| [n, n]).forward(one.open()).await?,
            sender()
                .filter_async(|n| std::future::ready(n % 3 != 0))
                .flat_map(|n| [n, n])
                .forward(other.open())
                .await?,
        ];
        for (tray, summary) in [one, other].iter().zip(summaries) {
            let due = (0..1_000u64).filter(|n| n % 3 != 0).flat_map(|n| [n, n]);
            ensure!(tray.with(|content| content.is_closed && content.values.iter().copied().eq(due)));
            ensure!((summary.read(), summary.handled()) == (1_000, 1_000), "{summary:?}");
        }
    }
    Ok(())
}

pub async fn a_sink_takes_each_value_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (workers, chunk) in [(1, 7), (3, 1), (3, 1_000)] {
        let tray = Tray::default();
        let summary = numbers(&rt, workers)
            .sender(move |sources| sources.of(0..2_000u64).into_chunks(chunk.items()))
            .forward(tray.open())
            .await?;
        let mut values = tray.with(|content| std::mem::take(&mut content.values));
        values.sort_unstable();
        ensure!(values.into_iter().eq(0..2_000) && summary.handled() == 2_000, "{summary:?}");
    }
    Ok(())
}

pub async fn values_are_in_source_order_where_they_are_ordered<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let tray = Tray::default();
    numbers(&rt, 4)
        .ordered()
        .sender(|sources| sources.of(0..2_000u64).into_chunks(3.items()))
        .forward(tray.open())
        .spawn()
        .await?;
    ensure!(tray.with(|content| content.values.iter().copied().eq(0..2_000)));
    Ok(())
}

pub async fn a_sink_that_is_not_ready_pauses_the_source<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, open, tray) = (Census::default(), Latch::new(), Tray::<Resident>::default());
    let entering = alive.clone();
    let run = AsyncTask::emits::<Resident>()
        .on(&rt)
        .workers(2)
        .queue(2)
        .sender(move |sources| {
            let items = (0..10_000).map(move |_| entering.enter());
            sources.of(items).into_chunks(10.items());
        })
        .forward(tray.sink(&open, None))
        .spawn();
    while alive.ever() == 0 {
        yield_now().await;
    }
    for _ in 0..1_000 {
        yield_now().await;
    }
    // Two workers, two chunks that wait, one that is being sent and one that is being filled.
    ensure!(alive.ever() <= 60, "{} values were made", alive.ever());
    open.set();
    ensure!(run.await?.handled() == 10_000 && alive.ever() == 10_000);
    Ok(())
}

pub async fn a_sink_is_flushed_and_closed_before_the_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let tray = Tray::default();
    numbers(&rt, 2).sender(|sources| sources.of(0..5u64).into_chunks(2.items())).forward(tray.open()).await?;
    ensure!(tray.with(|content| (content.flushed, content.is_closed, content.is_dropped)) == (5, true, true));
    // A pipeline that fails does not say that all is there.
    let tray = Tray::default();
    let run = numbers(&rt, 1)
        .sender(|sources| sources.of_bytes("1\n2\nx\n").lines().into_chunks(1.lines()))
        .forward(tray.open());
    ensure!(matches!(failed(run.await)?, AsyncTaskError::Parse { .. }));
    ensure!(
        tray.with(|content| (content.flushed, content.is_closed, content.is_dropped)) == (2, false, true)
    );
    Ok(())
}

pub async fn the_error_of_a_sink_ends_the_pipeline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for strategy in [ErrorStrategy::StopOnFirst, ErrorStrategy::ContinueOnError] {
        let (tray, open) = (Tray::default(), Latch::new());
        open.set();
        let run = numbers(&rt, 2)
            .on_error(strategy)
            .sender(|sources| sources.of(0..).into_chunks(3.items()))
            .forward(tray.sink(&open, Some((100, Fault::Fails))));
        ensure!(source_text(&failed(run.await)?) == "the tray is full");
        ensure!(tray.with(|content| (content.values.len(), content.is_closed)) == (100, false));
    }
    Ok(())
}

pub async fn a_sink_that_panics_fails_its_pipeline_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (tray, open) = (Tray::default(), Latch::new());
    open.set();
    let run = numbers(&rt, 2)
        .sender(|sources| sources.of(0..).into_chunks(3.items()))
        .forward(tray.sink(&open, Some((10, Fault::Panics))));
    ensure!(failed(run.await)?.is_panic());
    ensure!(tray.with(|content| (content.values.len(), content.is_dropped)) == (10, true));
    Ok(())
}

pub async fn a_kill_drops_the_sink<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (tray, open) = (Tray::default(), Latch::new());
    let run = numbers(&rt, 2)
        .sender(|sources| sources.of(0..).into_chunks(3.items()))
        .forward(tray.sink(&open, None))
        .spawn();
    while run.progress().read == 0 {
        yield_now().await;
    }
    ensure!(run.cancel(CancelLevel::Kill).await.was_cancelled());
    ensure!(
        tray.with(|content| (content.values.len(), content.is_closed, content.is_dropped))
            == (0, false, true)
    );
    let progress = run.progress();
    ensure!(progress.handled == 0 && progress.dropped == progress.read, "{progress:?}");
    Ok(())
}

pub async fn a_pipeline_may_feed_another<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (give, given) = async_channel::bounded(1);
    let second = numbers(&rt, 2)
        .sender(move |sources| {
            let _ = give.try_send(sources.channel(4));
        })
        .collect_vec()
        .spawn();
    let first = numbers(&rt, 3)
        .ordered()
        .sender(|sources| sources.of(0..500u64).into_chunks(7.items()))
        .forward(given.recv().await?);
    ensure!(first.await?.handled() == 500);
    ensure!(second.await?.0.into_iter().eq(0..500), "the sink was closed, so the second has ended");
    Ok(())
}
