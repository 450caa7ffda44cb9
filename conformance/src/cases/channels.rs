//! Events that are sent by hand: bounded, never lost, and given back by a pipeline that is gone.

use std::future::poll_fn;
use std::pin::Pin;

use futures_sink::Sink;
use sweet_async::pipeline::{EmittingTask, EventSender, SendError, TrySendError};

use crate::kit::prelude::*;

const CAPACITY: usize = 2;

/// A pipeline of one worker that reads a channel.
struct Line<T: Send + 'static, R: Runtime> {
    events: EventSender<T>,
    /// What has been handled, in its order.
    handled: async_channel::Receiver<T>,
    /// Receivers wait for it.
    open: Latch,
    run: EmittingTask<FinalEvent, R>,
}

async fn line<T: Send + 'static, R: Runtime>(rt: &R) -> Result<Line<T, R>, Failure> {
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
    Ok(Line { events: given.recv().await?, handled, open, run })
}

impl<T: Send + 'static, R: Runtime> Line<T, R> {
    /// Sends until nothing more fits, with nobody handling anything. Gives how many were sent.
    async fn fill(&self, rt: &R, mut event: impl FnMut() -> T) -> Result<usize, Failure> {
        let mut sent = 0;
        let mut full = 0;
        // Plenty of chances for the pipeline to take what it has room for.
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
    let line = line::<(u64, u64), _>(&rt).await?;
    line.open.set();
    for sender in 0..3 {
        let events = line.events.clone();
        let send = move || async move {
            for n in 0..100 {
                events.send((sender, n)).await?;
            }
            Ok::<_, SendError<_>>(())
        };
        AsyncTask::to::<()>().on(&rt).spawn(send).detach();
    }
    let Line { events, handled, run, .. } = line;
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
    let line = line::<usize, _>(&rt).await?;
    let mut next = 0..;
    let sent = line.fill(&rt, || next.next().unwrap_or(0)).await?;
    // In the channel, on its way into a chunk, in the queue, with the worker.
    ensure!((CAPACITY..=4 * CAPACITY).contains(&sent), "{sent} were sent");
    line.open.set();
    for n in 0..200 {
        line.events.send(n).await?;
    }
    let Line { events, run, .. } = line;
    drop(events);
    ensure!(run.await?.handled() == sent as u64 + 200);
    Ok(())
}

pub async fn a_send_that_is_given_up_sent_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let line = line::<u64, _>(&rt).await?;
    let sent = line.fill(&rt, || 1).await?;
    for _ in 0..10 {
        ensure!(poll_once(line.events.send(2)).await.is_none());
    }
    line.open.set();
    line.events.send(3).await?;
    let Line { events, handled, run, .. } = line;
    drop(events);
    ensure!(run.await?.handled() == sent as u64 + 1);
    let handled = all(&handled);
    ensure!(handled.iter().all(|event| *event != 2) && handled.last() == Some(&3), "{handled:?}");
    Ok(())
}

pub async fn events_come_back_from_a_pipeline_that_is_gone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let line = line::<String, _>(&rt).await?;
    line.fill(&rt, || "waits".to_owned()).await?;
    let blocked = line.events.clone();
    let blocked = AsyncTask::to::<Option<String>>()
        .on(&rt)
        .spawn(|| async move { blocked.send("mine".to_owned()).await.err().map(|error| error.0) });
    ensure!(line.run.canceller().cancel(CancelLevel::Kill).await.was_cancelled());
    ensure!(blocked.await?.as_deref() == Some("mine"), "who waits for room hears of the end");
    ensure!(line.events.is_closed());
    ensure!(line.events.send("later".to_owned()).await == Err(SendError("later".to_owned())));
    ensure!(line.events.try_send("now".to_owned()) == Err(TrySendError::Closed("now".to_owned())));
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
    ensure!(sent > 3 && said(&failed(run.await)?) == "three is enough");
    Ok(())
}

pub async fn what_waits_in_the_channel_goes_with_the_pipeline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (line, alive) = (line(&rt).await?, Census::default());
    let sent = line.fill(&rt, || alive.enter()).await?;
    ensure!(alive.alive() == sent);
    ensure!(line.run.canceller().cancel(CancelLevel::Kill).await.was_cancelled());
    ensure!(alive.alive() == 0, "{} events are left, and their senders with them", alive.alive());
    ensure!(line.events.is_closed());
    Ok(())
}

pub async fn close_ends_the_source_for_all<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let line = line::<u64, _>(&rt).await?;
    let other = line.events.clone();
    other.send(1).await?;
    line.events.close();
    ensure!(other.try_send(2) == Err(TrySendError::Closed(2)) && other.is_closed());
    line.open.set();
    ensure!(line.run.await?.handled() == 1, "what was sent before is handled");
    ensure!(all(&line.handled) == [1]);
    Ok(())
}

/// Sends as a sink does.
async fn feed(events: &mut EventSender<u64>, event: u64) -> Result<(), SendError<()>> {
    poll_fn(|cx| Pin::new(&mut *events).poll_ready(cx)).await?;
    Pin::new(&mut *events).start_send(event)
}

pub async fn a_sender_is_a_sink<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let Line { mut events, handled, open, run } = line::<u64, _>(&rt).await?;
    open.set();
    for n in 0..50 {
        feed(&mut events, n).await?;
    }
    poll_fn(|cx| Pin::new(&mut events).poll_flush(cx)).await?;
    for n in 50..100 {
        feed(&mut events, n).await?;
    }
    // Flushes, and ends the source: it is the only one.
    poll_fn(|cx| Pin::new(&mut events).poll_close(cx)).await?;
    ensure!(run.await?.handled() == 100);
    ensure!(all(&handled).into_iter().eq(0..100));
    ensure!(events.is_closed() && events.try_send(1) == Err(TrySendError::Closed(1)));
    Ok(())
}

pub async fn a_sink_hears_that_the_pipeline_is_gone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut line = line::<u64, _>(&rt).await?;
    line.fill(&rt, || 0).await?;
    // It keeps one of its own, and is not ready for another.
    feed(&mut line.events, 1).await?;
    ensure!(poll_once(feed(&mut line.events, 2)).await.is_none());
    ensure!(Pin::new(&mut line.events).start_send(2).is_err(), "it was not ready");
    ensure!(line.run.canceller().cancel(CancelLevel::Kill).await.was_cancelled());
    ensure!(feed(&mut line.events, 3).await.is_err());
    ensure!(
        poll_fn(|cx| Pin::new(&mut line.events).poll_close(cx)).await.is_ok(),
        "the kept one was told of already"
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
    ensure!(run.await? == (0..5).map(|n| (n, n + 1)).collect());
    Ok(())
}
