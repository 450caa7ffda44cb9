//! Pipelines, pull-style use: each event is pulled once, an error is the last item, and counts are exact.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use crate::library::CancellableTask as _;
use crate::library::pipeline::{EmittingTask, Events};
use futures_lite::StreamExt as _;

use crate::kit::prelude::*;

type Pulled<R> = EmittingTask<FinalEvent, R, Events<u64>>;

/// The numbers from 0, in chunks of 3.
fn numbers<R: Runtime>(rt: &R, workers: usize, ordered: bool, count: u64) -> Pulled<R> {
    let builder = AsyncTask::emits::<u64>().on(rt).workers(workers);
    let builder = if ordered { builder.ordered() } else { builder };
    builder.sender(move |sources| sources.of(0..count).into_chunks(3.items())).pull()
}

/// Takes `count` events.
async fn take<R: Runtime>(events: &mut Pulled<R>, count: usize) -> Result<Vec<u64>, Failure> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.push(events.next().await.context("an event was due")??.take_data());
    }
    Ok(taken)
}

pub async fn each_event_is_pulled_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 2, 4] {
        let mut events = numbers(&rt, workers, false, 1_000);
        let taken: BTreeSet<u64> = take(&mut events, 1_000).await?.into_iter().collect();
        ensure!(taken.len() == 1_000 && !events.is_complete());
        ensure!(events.next().await.is_none() && events.is_complete());
        ensure!(events.next().await.is_none(), "the end stays the end");
        let summary = events.summary().context("it has ended well")?;
        ensure!((summary.read(), summary.handled(), summary.dropped()) == (1_000, 1_000, 0), "{summary:?}");
        ensure!(events.finish().await?.handled() == 1_000);
    }
    Ok(())
}

pub async fn ordered_events_are_pulled_in_source_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 2, 4] {
        let mut events = numbers(&rt, workers, true, 1_000);
        ensure!(take(&mut events, 1_000).await? == (0..1_000).collect::<Vec<_>>(), "{workers} workers");
        ensure!(events.next_event().await.is_none());
    }
    Ok(())
}

pub async fn try_next_event_distinguishes_empty_from_ended<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (sender, items) = async_channel::unbounded();
    let mut events = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(|sources| sources.of_stream(items).into_chunks(1.items()))
        .pull();
    ensure!(events.try_next_event().is_pending());
    for n in 0..10 {
        sender.send(n).await?;
        // The event takes a while to arrive, and is then given without another wait.
        let event = loop {
            match events.try_next_event() {
                Poll::Ready(event) => break event.context("not the end")??,
                Poll::Pending => yield_now().await,
            }
        };
        ensure!(event.take_data() == n);
        ensure!(events.try_next_event().is_pending() && !events.is_complete());
    }
    drop(sender);
    while events.try_next_event().is_pending() {
        yield_now().await;
    }
    ensure!(events.is_complete() && events.summary().is_some_and(|summary| summary.handled() == 10));
    ensure!(matches!(events.try_next_event(), Poll::Ready(None)));
    Ok(())
}

pub async fn an_error_is_the_last_item<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text: String = (0..200).map(|n| if n == 100 { "x\n".into() } else { format!("{n}\n") }).collect();
    for workers in [1, 3] {
        let text = text.clone();
        let mut events = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(workers)
            .ordered()
            .sender(move |sources| sources.of_bytes(text).lines().into_chunks(3.lines()))
            .pull();
        ensure!(take(&mut events, 100).await? == (0..100).collect::<Vec<_>>());
        let error = failed(events.next().await.context("the error was due")?)?;
        ensure!(
            matches!(&error, AsyncTaskError::Parse { position, .. } if position.line() == Some(101)),
            "{error}"
        );
        ensure!(events.next().await.is_none() && events.is_complete() && events.summary().is_none());
        let progress = events.progress();
        ensure!(progress.handled == 100 && progress.read == 100 + progress.rejected + progress.dropped);
        ensure!(matches!(events.finish().await, Err(AsyncTaskError::InvalidState(_))));
    }
    Ok(())
}

pub async fn rejected_rows_are_passed_over<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text: String = (0..200).map(|n| if n % 10 == 3 { "x\n".into() } else { format!("{n}\n") }).collect();
    let events = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_bytes(text).lines().into_chunks(3.lines()))
        .pull();
    let mut events = events;
    ensure!(take(&mut events, 180).await?.iter().all(|n| n % 10 != 3));
    ensure!(events.next().await.is_none());
    let summary = events.finish().await?;
    ensure!((summary.read(), summary.handled(), summary.rejected()) == (200, 180, 20));
    ensure!(summary.errors().first().is_some_and(|error| error.position().line() == Some(4)));
    Ok(())
}

/// Endless numbers, the count of those that were read, and a latch that is set when the source is dropped.
fn endless<R: Runtime>(rt: &R) -> (Pulled<R>, Arc<AtomicUsize>, Latch) {
    let (read, dropped) = (Arc::new(AtomicUsize::new(0)), Latch::new());
    let (counter, guard) = (read.clone(), dropped.on_drop());
    let items = (0..).inspect(move |_| {
        let _guard = &guard;
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let builder = AsyncTask::emits::<u64>().on(rt).workers(2).queue(3);
    (builder.sender(|sources| sources.of(items).into_chunks(100.items())).pull(), read, dropped)
}

/// Waits until the source is read no further. Returns the number of items read.
async fn stalled<R: Runtime>(rt: &R, read: &AtomicUsize) -> Result<usize, Failure> {
    let (mut last, mut same) = (0, 0);
    while last == 0 || same < 300 {
        AsyncTask::to::<()>().on(rt).spawn(|| async {}).await?;
        let now = read.load(Ordering::SeqCst);
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    Ok(last)
}

pub async fn slow_pulling_pauses_the_source<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (mut events, read, _dropped) = endless(&rt);
    let before = stalled(&rt, &read).await?;
    // Four batches wait, each of at most 256 events and a slice; each worker has another batch, and a chunk;
    // three chunks wait, and one is on its way.
    let most = (4 + 2) * 320 + (2 + 3 + 1) * 100;
    ensure!(before <= most, "{before} were read, {most} is the bound");
    take(&mut events, 5_000).await?;
    let after = stalled(&rt, &read).await?;
    ensure!(after >= 5_000 && after <= 5_000 + most, "{after} were read");
    Ok(())
}

pub async fn dropping_the_handle_kills_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for taken in [0, 1, 99, 700] {
        let (mut events, _, dropped) = endless(&rt);
        take(&mut events, taken).await?;
        drop(events);
        dropped.wait().await;
    }
    Ok(())
}

pub async fn finishing_early_gives_exact_counts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for taken in [0, 1, 99, 700] {
        let (mut events, _, dropped) = endless(&rt);
        take(&mut events, taken).await?;
        let summary = events.finish().await?;
        ensure!(dropped.is_set(), "all of it has stopped");
        ensure!(summary.handled() == taken as u64, "{summary:?}");
        ensure!(summary.read() == summary.handled() + summary.dropped(), "{summary:?}");
    }
    // Also with a silent source.
    let silent = futures_lite::stream::pending::<u64>();
    let events = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(|sources| sources.of_stream(silent).into_chunks(1.items()))
        .pull();
    ensure!(events.finish().await?.read() == 0);
    Ok(())
}

pub async fn a_kill_drops_events_not_yet_pulled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (mut events, read, dropped) = endless(&rt);
    take(&mut events, 10).await?;
    stalled(&rt, &read).await?;
    ensure!(events.cancel(CancelLevel::Kill).await.was_cancelled());
    ensure!(dropped.is_set(), "nothing of it is left");
    // The rest of the batch that the caller has begun to take is with the caller; nothing more comes.
    let mut rest = 0;
    let error = loop {
        match events.next().await.context("the error was due")? {
            Ok(_) => rest += 1,
            Err(error) => break error,
        }
    };
    ensure!(
        rest < 320 && matches!(error, AsyncTaskError::Cancelled { level: CancelLevel::Kill, .. }),
        "{rest}: {error:?}"
    );
    ensure!(events.next().await.is_none());
    let progress = events.progress();
    ensure!(progress.handled == 10 + rest, "{progress:?}");
    ensure!(progress.read == progress.handled + progress.rejected + progress.dropped, "{progress:?}");
    Ok(())
}

pub async fn a_graceful_cancellation_gives_the_events_already_read<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (mut events, read, _) = endless(&rt);
    take(&mut events, 10).await?;
    stalled(&rt, &read).await?;
    let end = events.cancel_gracefully();
    let mut taken = 10;
    let error = loop {
        match events.next().await.context("the error was due")? {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    ensure!(matches!(error, AsyncTaskError::Cancelled { level: CancelLevel::Graceful, .. }), "{error:?}");
    end.await;
    let progress = events.progress();
    ensure!((progress.read, progress.handled, progress.dropped) == (taken, taken, 0), "{progress:?}");
    Ok(())
}

pub async fn a_limit_ends_it_with_a_timeout<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut events = AsyncTask::emits::<u64>()
        .on(&rt)
        .with_timeout(20.millis())
        .sender(|sources| sources.of_stream(futures_lite::stream::pending()).into_chunks(1.items()))
        .pull();
    ensure!(failed(events.next().await.context("an error was due")?)?.is_timeout());
    ensure!(events.next().await.is_none());
    Ok(())
}

pub async fn an_await_of_the_next_event_may_be_dropped<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for every in 1..4 {
        let mut events = numbers(&rt, 2, true, 300);
        let (mut taken, mut polls) = (Vec::new(), 0);
        loop {
            polls += 1;
            // Each await is dropped. Every few polls one is waited for, so that the loop goes on even if no
            // task yields.
            let next = if polls % every == 0 {
                Some(events.next_event().await)
            } else {
                poll_once(events.next_event()).await
            };
            match next {
                Some(Some(event)) => taken.push(event?.take_data()),
                Some(None) => break,
                None => yield_now().await,
            }
        }
        ensure!(taken == (0..300).collect::<Vec<_>>(), "every {every}: {taken:?}");
    }
    Ok(())
}

pub async fn a_refused_pipeline_is_an_error_to_pull<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut events =
        AsyncTask::emits::<u64>().on(&rt).sender(|sources| sources.of(0..10).into_chunks(0.items())).pull();
    let error = failed(events.next().await.context("an error was due")?)?;
    ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    ensure!(events.next().await.is_none() && events.progress().read == 0);
    Ok(())
}

pub async fn a_retry_that_has_nothing_to_call_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::emits::<u64>().on(&rt).on_error(ErrorStrategy::retry(2));
    let mut pulled = builder.sender(|sources| sources.of(0..3).into_chunks(1.items())).pull();
    let error = failed(pulled.next_event().await.context("the error")?)?;
    ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    ensure!(error.to_string().contains("ErrorStrategy"), "{error}");
    Ok(())
}
