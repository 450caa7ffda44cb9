//! Pipelines, rate limit: each event is passed on at its time, whatever the chunks and the receiver.

use std::future::IntoFuture as _;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::kit::prelude::*;

const GAP: Duration = Duration::from_millis(4);

/// The times at which events were passed to the receiver, by the runtime's clock.
#[derive(Clone)]
struct Times<R>(R, Arc<Mutex<Vec<Instant>>>);

impl<R: Runtime> Times<R> {
    fn new(rt: &R) -> Self {
        Self(rt.clone(), Arc::default())
    }

    fn note(&self) {
        if let Ok(mut times) = self.1.lock() {
            times.push(self.0.now());
        }
    }

    /// Checks that `events` came, at most `burst` of them before their time; exactly then, if time is
    /// virtual.
    fn check(&self, begun: Instant, events: u32, burst: u32, at: Facts) -> Outcome {
        let mut times = self.1.lock().map_err(|_| Failure::msg("poisoned"))?.clone();
        times.sort_unstable();
        ensure!(times.len() == events as usize);
        for (n, time) in (0..).zip(times) {
            let due = GAP * u32::saturating_sub(n + 1, burst);
            let came = time.saturating_duration_since(begun);
            ensure!(came >= due, "event {n} came after {came:?}, and not after {due:?}");
            ensure!(!at.virtual_time || came == due, "event {n} came after {came:?} and not {due:?}");
        }
        Ok(())
    }
}

fn paced<R: Runtime>(rt: &R, burst: u32) -> crate::library::pipeline::PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(3).rate_limit(burst, GAP * burst)
}

pub async fn events_come_at_the_rate_whatever_the_receiver<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for chunk in [1, 7, 100] {
        let (times, begun) = (Times::new(&rt), rt.now());
        let note = times.clone();
        let run = paced(&rt, 1)
            .sender(move |sources| sources.of(0..20u64).into_chunks(chunk.items()))
            .for_each(move |_: Event<u64>| note.note());
        ensure!(run.await?.handled() == 20);
        times.check(begun, 20, 1, at)?;

        let (times, begun) = (Times::new(&rt), rt.now());
        let note = times.clone();
        let run = paced(&rt, 1)
            .ordered()
            .sender(move |sources| sources.of(0..20u64).into_chunks(chunk.items()))
            .for_each(move |_: Event<u64>| {
                note.note();
                async { yield_now().await }
            });
        ensure!(run.await?.handled() == 20);
        times.check(begun, 20, 1, at)?;

        let (times, begun) = (Times::new(&rt), rt.now());
        let note = times.clone();
        let (sum, _) = paced(&rt, 1)
            .sender(move |sources| sources.of(0..20u64).into_chunks(chunk.items()))
            .fold(
                || 0,
                move |sum, event: Event<u64>| {
                    note.note();
                    *sum += event.take_data();
                },
                |left, right| left + right,
            )
            .await?;
        ensure!(sum == 190);
        times.check(begun, 20, 1, at)?;
    }
    Ok(())
}

pub async fn a_burst_has_as_many_events_as_the_rate_permits<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (times, begun) = (Times::new(&rt), rt.now());
    let note = times.clone();
    let text: String =
        (0..30).map(|n| if n % 3 == 0 { "bad\n".to_owned() } else { format!("{n}\n") }).collect();
    let summary = paced(&rt, 5)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of_bytes(text).lines().into_chunks(100.lines()))
        .for_each(move |_: Event<u64>| note.note())
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (20, 10));
    // Rows that could not be parsed do not count.
    times.check(begun, 20, 5, at)
}

pub async fn a_wait_for_the_rate_ends_with_the_pipeline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let begun = rt.now();
    let slow = || AsyncTask::emits::<u64>().on(&rt).workers(2).rate_limit(1, 10.hours());
    let handled = Latch::new();
    let first = handled.clone();
    let run = slow()
        .sender(|sources| sources.of(0..100u64).into_chunks(7.items()))
        .for_each(move |_: Event<u64>| first.set());
    let task = AsyncTask::to::<FinalEvent>().on(&rt).spawn(|| run.into_future());
    handled.wait().await;
    ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled());

    let run = slow()
        .with_timeout(20.millis())
        .sender(|sources| sources.of(0..100u64).into_chunks(7.items()))
        .for_each(|_: Event<u64>| {});
    ensure!(failed(run.await)?.is_timeout());

    // The first event is refused once the second has come: the second is then not wanted any more.
    let (begins, arrive) = (Latch::new(), Latch::new());
    let (has_begun, arrived) = (begins.clone(), arrive.clone());
    let events = futures_lite::stream::unfold(0u64, move |n| {
        let (begins, arrive) = (begins.clone(), arrive.clone());
        async move {
            match n {
                0 => {}
                1 => begins.wait().await,
                _ => {
                    arrive.set();
                    pending::<()>().await;
                }
            }
            Some((n, n + 1))
        }
    });
    let run = slow().sender(|sources| sources.of_stream(events).into_chunks(1.items())).for_each(
        move |_: Event<u64>| {
            let (has_begun, arrived) = (has_begun.clone(), arrived.clone());
            async move {
                has_begun.set();
                arrived.wait().await;
                Err::<(), _>("no")
            }
        },
    );
    ensure!(source_text(&failed(run.await)?) == "no");
    ensure!(rt.now().saturating_duration_since(begun) < 1.hours());
    Ok(())
}
