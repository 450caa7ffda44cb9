//! Pipelines, back-pressure: a channel source is bounded, loses no event, and returns events once closed.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;

use crate::library::pipeline::{EmittingTask, EventSender, SendError, TrySendError};
use futures_sink::Sink;

use crate::kit::prelude::*;

const CAPACITY: usize = 2;

/// A pipeline of one worker that reads a channel.
struct ChannelReader<T: Send + 'static, R: Runtime> {
    events: EventSender<T>,
    /// The events that were handled, in order.
    handled: async_channel::Receiver<T>,
    /// The latch that receivers wait for.
    open: Latch,
    run: EmittingTask<FinalEvent, R>,
}

async fn reader<T: Send + 'static, R: Runtime>(rt: &R) -> Result<ChannelReader<T, R>, Failure> {
    let (give, given) = async_channel::bounded(1);
    let (done, handled) = async_channel::unbounded();
    let open = Latch::new();
    let opened = open.clone();
    let run = AsyncTask::emits::<T>()
        .on(rt)
        .workers(1)
        .queue(1)
        .sender(move |sources| {
            let _ = give.try_send(sources.channel(CAPACITY));
        })
        .for_each(move |event: Event<T>| {
            let (opened, done) = (opened.clone(), done.clone());
            async move {
                opened.wait().await;
                let _ = done.try_send(event.take_data());
            }
        })
        .spawn();
    Ok(ChannelReader { events: given.recv().await?, handled, open, run })
}

impl<T: Send + 'static, R: Runtime> ChannelReader<T, R> {
    /// Sends until nothing more fits, while nothing is handled. Returns the number of events sent.
    async fn fill(&self, rt: &R, mut event: impl FnMut() -> T) -> Result<usize, Failure> {
        let mut sent = 0;
        let mut full = 0;
        // Many turns in which the pipeline can take what it has room for.
        while full < 300 {
            match self.events.try_send(event()) {
                Ok(()) => (sent, full) = (sent + 1, 0),
                Err(TrySendError::Full(_)) => full += 1,
                Err(TrySendError::Closed(_)) => bail!("the pipeline is gone"),
            }
            AsyncTask::to::<()>().on(rt).spawn(|| async {}).await?;
        }
        Ok(sent)
    }
}

fn all<T>(handled: &async_channel::Receiver<T>) -> Vec<T> {
    std::iter::from_fn(|| handled.try_recv().ok()).collect()
}

pub async fn the_source_ends_with_its_senders<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let reader = reader::<(u64, u64), _>(&rt).await?;
    reader.open.set();
    for sender in 0..3 {
        let events = reader.events.clone();
        let send = move || async move {
            for n in 0..100 {
                events.send((sender, n)).await?;
            }
            Ok::<_, SendError<_>>(())
        };
        AsyncTask::to::<()>().on(&rt).spawn(send).detach();
    }
    let ChannelReader { events, handled, run, .. } = reader;
    drop(events);
    let summary = run.await?;
    ensure!((summary.read(), summary.handled()) == (300, 300));
    ensure!(summary.sources().iter().map(|source| &**source).eq(["a channel"]));
    let handled = all(&handled);
    for sender in 0..3 {
        let own = handled.iter().filter(|(by, _)| *by == sender).map(|(_, n)| *n);
        ensure!(own.eq(0..100), "what one sender sends comes in its order");
    }
    Ok(())
}

pub async fn a_full_channel_pauses_its_senders<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let reader = reader::<usize, _>(&rt).await?;
    let mut next = 0..;
    let sent = reader.fill(&rt, || next.next().unwrap_or(0)).await?;
    // The events in the channel, on the way into a chunk, in the queue, and with the worker.
    ensure!((CAPACITY..=4 * CAPACITY).contains(&sent), "{sent} were sent");
    reader.open.set();
    for n in 0..200 {
        reader.events.send(n).await?;
    }
    let ChannelReader { events, run, .. } = reader;
    drop(events);
    ensure!(run.await?.handled() == sent as u64 + 200);
    Ok(())
}

pub async fn a_send_that_is_given_up_sent_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let reader = reader::<u64, _>(&rt).await?;
    let sent = reader.fill(&rt, || 1).await?;
    for _ in 0..10 {
        ensure!(poll_once(reader.events.send(2)).await.is_none());
    }
    reader.open.set();
    reader.events.send(3).await?;
    let ChannelReader { events, handled, run, .. } = reader;
    drop(events);
    ensure!(run.await?.handled() == sent as u64 + 1);
    let handled = all(&handled);
    ensure!(handled.iter().all(|event| *event != 2) && handled.last() == Some(&3), "{handled:?}");
    Ok(())
}

pub async fn events_come_back_from_an_ended_pipeline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let reader = reader::<String, _>(&rt).await?;
    reader.fill(&rt, || "waits".to_owned()).await?;
    let blocked = reader.events.clone();
    let blocked = AsyncTask::to::<Option<String>>()
        .on(&rt)
        .spawn(|| async move { blocked.send("mine".to_owned()).await.err().map(|error| error.0) });
    ensure!(reader.run.canceller().cancel(CancelLevel::Kill).await.was_cancelled());
    ensure!(blocked.await?.as_deref() == Some("mine"), "who waits for room hears of the end");
    ensure!(reader.events.is_closed());
    ensure!(reader.events.send("later".to_owned()).await == Err(SendError("later".to_owned())));
    ensure!(reader.events.try_send("now".to_owned()) == Err(TrySendError::Closed("now".to_owned())));
    Ok(())
}

pub async fn an_error_that_ends_the_pipeline_closes_its_channel<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (give, given) = async_channel::bounded(1);
    let run = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(move |sources| {
            let _ = give.try_send(sources.channel(CAPACITY));
        })
        .for_each(|event: Event<u64>| if event.take_data() == 3 { Err("three is enough") } else { Ok(()) })
        .spawn();
    let events = given.recv().await?;
    let mut sent = 0;
    while events.send(sent).await.is_ok() {
        sent += 1;
    }
    ensure!(sent > 3 && source_text(&failed(run.await)?) == "three is enough");
    Ok(())
}

pub async fn queued_events_are_dropped_with_the_pipeline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (reader, alive) = (reader(&rt).await?, Census::default());
    let sent = reader.fill(&rt, || alive.enter()).await?;
    ensure!(alive.alive() == sent);
    ensure!(reader.run.canceller().cancel(CancelLevel::Kill).await.was_cancelled());
    ensure!(alive.alive() == 0, "{} events are left, and their senders with them", alive.alive());
    ensure!(reader.events.is_closed());
    Ok(())
}

pub async fn close_ends_the_source_for_all<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let reader = reader::<u64, _>(&rt).await?;
    let other = reader.events.clone();
    other.send(1).await?;
    reader.events.close();
    ensure!(other.try_send(2) == Err(TrySendError::Closed(2)) && other.is_closed());
    reader.open.set();
    ensure!(reader.run.await?.handled() == 1, "what was sent before is handled");
    ensure!(all(&reader.handled) == [1]);
    Ok(())
}

/// Sends through the `Sink` interface.
async fn feed(events: &mut EventSender<u64>, event: u64) -> Result<(), SendError<()>> {
    poll_fn(|cx| Pin::new(&mut *events).poll_ready(cx)).await?;
    Pin::new(&mut *events).start_send(event)
}

pub async fn a_sender_is_a_sink<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let ChannelReader { mut events, handled, open, run } = reader::<u64, _>(&rt).await?;
    open.set();
    for n in 0..50 {
        feed(&mut events, n).await?;
    }
    poll_fn(|cx| Pin::new(&mut events).poll_flush(cx)).await?;
    for n in 50..100 {
        feed(&mut events, n).await?;
    }
    // The close flushes, and ends the source, since this is the only sender.
    poll_fn(|cx| Pin::new(&mut events).poll_close(cx)).await?;
    ensure!(run.await?.handled() == 100);
    ensure!(all(&handled).into_iter().eq(0..100));
    ensure!(events.is_closed() && events.try_send(1) == Err(TrySendError::Closed(1)));
    Ok(())
}

pub async fn a_sink_reports_the_end_of_the_pipeline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut reader = reader::<u64, _>(&rt).await?;
    reader.fill(&rt, || 0).await?;
    // The sink keeps one event of its own, and is not ready for another.
    feed(&mut reader.events, 1).await?;
    ensure!(poll_once(feed(&mut reader.events, 2)).await.is_none());
    ensure!(Pin::new(&mut reader.events).start_send(2).is_err(), "it was not ready");
    ensure!(reader.run.canceller().cancel(CancelLevel::Kill).await.was_cancelled());
    ensure!(feed(&mut reader.events, 3).await.is_err());
    ensure!(
        poll_fn(|cx| Pin::new(&mut reader.events).poll_close(cx)).await.is_ok(),
        "the kept one was reported already"
    );
    Ok(())
}

pub async fn a_channel_works_beside_other_sources<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (give, given) = async_channel::bounded(1);
    let run = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(move |sources| {
            sources.of([1, 2]).into_chunks(1.items());
            let _ = give.try_send(sources.channel(CAPACITY));
            sources.of_bytes("4\n5").lines().into_chunks(1.lines());
        })
        .receiver(|event: Event<u64>, collector: Collector<u64, u64>| {
            collector.collect_item(event.take_data())
        })
        .spawn(|event, collector| event.map(|_| collector.collected()));
    let events = given.recv().await?;
    events.send(3).await?;
    drop(events);
    ensure!(run.await? == HashMap::from_iter((0..5).map(|n| (n, n + 1))));
    Ok(())
}
