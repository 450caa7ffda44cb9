//! Pipelines whose two ends run at different speeds, or end at different times.

use std::time::Instant;

use crate::library::DynRuntime;
use crate::library::pipeline::{EmittingTask, EventSender};

use super::Scale;
use super::system::resident;
use crate::Flavour;
use crate::kit::explode;
use crate::kit::prelude::*;

const CHUNK: usize = 10;
const WORKERS: usize = 2;
const QUEUE: usize = 4;

/// Row 17: a receiver that takes a thousand times as long as the source. The number of events in flight is
/// bounded, and so is the memory, however many events there are.
pub(super) fn slow_receiver(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    const SIZE: usize = 4096;
    let harness = flavour.start()?;
    let rt = harness.runtime();
    let events = scale.of(200_000);
    harness.block_on(async {
        let alive = Census::default();
        let residents = alive.clone();
        let items = (0..events).map(move |_| (residents.enter(), vec![1u8; SIZE]));
        let before = resident();
        let summary = AsyncTask::emits()
            .on(&rt)
            .workers(WORKERS)
            .queue(QUEUE)
            .sender(|sources| sources.of(items).into_chunks(CHUNK.items()))
            .for_each(|event: Event<_>| {
                // Making an event takes well below a microsecond.
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_micros(100) {
                    std::hint::spin_loop();
                }
                drop(event.take_data());
            })
            .await?;
        ensure!(summary.handled() == events as u64 && alive.ever() == events && alive.alive() == 0);
        // The chunks in the queue, those with the workers, and the one that waits for room.
        let most = (QUEUE + WORKERS + 1) * CHUNK;
        ensure!(alive.most() <= most, "{} were in flight, {most} is the bound", alive.most());
        let grown = before.zip(resident()).map(|(before, after)| after.saturating_sub(before) >> 20);
        // All of the events together would be 800 MiB.
        ensure!(scale == Scale::Test || grown.is_none_or(|grown| grown < 32), "{grown:?} MiB more");
        let grown = grown.map_or("unknown".to_owned(), |grown| grown.to_string());
        Ok(format!("{events} events of 4 KiB: at most {} in flight, bound {most}; resident memory grew by {grown} MiB", alive.most()))
    })?
}

/// A way in which all receivers end while the sender is blocked.
#[derive(Clone, Copy, Debug)]
enum End {
    Killed,
    Dropped,
    TimedOut,
    Refused,
    Panicked,
}

struct Blocked {
    events: EventSender<u64>,
    open: Latch,
    run: EmittingTask<u64, DynRuntime>,
}

/// Starts a pipeline whose receivers wait, and whose channel and queue are full.
async fn blocked(rt: &DynRuntime, end: End) -> Result<Blocked, Failure> {
    let (give, given) = async_channel::bounded(1);
    let open = Latch::new();
    let opened = open.clone();
    let limit = if matches!(end, End::TimedOut) { 1.millis() } else { 1.hours() };
    let run = AsyncTask::emits::<u64>()
        .on(rt)
        .workers(WORKERS)
        .queue(1)
        .with_timeout(limit)
        .sender(move |sources| {
            let _ = give.try_send(sources.channel(1));
        })
        .receiver(move |event: Event<u64>, collector: Collector<u64, u64>| {
            let opened = opened.clone();
            async move {
                opened.wait().await;
                collector.collect_item(event.take_data());
                match end {
                    End::Panicked => explode("in a receiver"),
                    _ => Err::<(), _>("refused"),
                }
            }
        })
        .spawn(|event, collector| event.map(|_| collector.len() as u64));
    Ok(Blocked { events: given.recv().await?, open, run })
}

/// Row 18: all receivers end while the sender is blocked, or the pipeline and its collector are dropped. The
/// sending task is notified with an error, and nothing hangs.
pub(super) fn receivers_dropped(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let harness = flavour.start()?;
    let rt = harness.runtime();
    harness.block_on(async {
        let rounds = scale.of(1_000);
        let mut worst = Duration::ZERO;
        for end in [End::Killed, End::Dropped, End::TimedOut, End::Refused, End::Panicked] {
            for _ in 0..rounds {
                let Blocked { events, open, run } = blocked(&rt, end).await?;
                // Sends until nothing more fits, and then until the end of the pipeline is reported.
                let sender = AsyncTask::to::<u64>().on(&rt).spawn(move || async move {
                    let mut sent = 0;
                    while events.send(sent).await.is_ok() {
                        sent += 1;
                    }
                    sent
                });
                // The events in the channel and in a chunk, in the queue, with the workers, and one that is
                // being sent.
                let most = 4 + WORKERS as u64;
                let begun = Instant::now();
                let error = match end {
                    End::Killed => {
                        run.canceller().cancel(CancelLevel::Kill).await;
                        failed(run.await)?
                    }
                    End::Dropped => {
                        drop(run);
                        AsyncTaskError::Shutdown
                    }
                    End::TimedOut => failed(run.await)?,
                    End::Refused | End::Panicked => {
                        open.set();
                        failed(run.await)?
                    }
                };
                let sent = sender.await?;
                worst = worst.max(begun.elapsed());
                let fits = match end {
                    End::Killed => error.is_cancelled(),
                    End::Dropped => true,
                    End::TimedOut => error.is_timeout(),
                    End::Refused => error.is_failure() && format!("{error:#}").ends_with(": refused"),
                    End::Panicked => error.is_panic(),
                };
                ensure!(fits, "{end:?}: {error:?}");
                ensure!(
                    matches!(end, End::Refused | End::Panicked) || sent <= most,
                    "{end:?}: {sent} were sent"
                );
            }
        }
        Ok(format!("{rounds} times each of five ends: each sender stopped, at most {worst:.1?} later"))
    })?
}
