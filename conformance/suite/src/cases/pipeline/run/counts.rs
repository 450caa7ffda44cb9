//! Pipelines, counts: every row that was read is handled, rejected or dropped, whatever ends the pipeline.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::library::CancellableTask as _;
use crate::library::pipeline::{EmittingTask, Progress};

use crate::kit::explode;
use crate::kit::prelude::*;

/// The number of events that receivers have completed, and the last progress report.
#[derive(Clone, Default)]
struct OwnCount {
    handled: Arc<AtomicU64>,
    reported: Arc<Mutex<Progress>>,
}

impl OwnCount {
    fn handled(&self) {
        self.handled.fetch_add(1, Ordering::SeqCst);
    }

    fn on_progress(&self) -> impl Fn(Progress) + Send + Sync + 'static {
        let reported = self.reported.clone();
        move |progress| {
            if let Ok(mut reported) = reported.lock() {
                *reported = progress;
            }
        }
    }

    fn agree(&self, progress: &Progress) -> Outcome {
        let handled = self.handled.load(Ordering::SeqCst);
        ensure!(progress.handled == handled, "{handled} were handled: {progress:?}");
        let sum = progress.handled + progress.rejected + progress.dropped;
        ensure!(progress.read == sum, "the counts do not add up: {progress:?}");
        Ok(())
    }

    /// Checks that all reports of the end agree with each other, and with the receivers' own count.
    fn agrees(&self, summary: &FinalEvent) -> Outcome {
        let reported = *self.reported.lock().map_err(|_| Failure::msg("poisoned"))?;
        self.agree(&reported)?;
        let of_progress = (reported.read, reported.handled, reported.rejected, reported.dropped);
        let of_summary = (summary.read(), summary.handled(), summary.rejected(), summary.dropped());
        ensure!(of_progress == of_summary, "{of_progress:?} and {of_summary:?}");
        Ok(())
    }
}

/// Runs a pipeline of numbers to its end. Returns its error, if there was one, and its summary.
async fn ended<R: Runtime, O: Future<Output = Result<(), String>> + Send + 'static>(
    rt: &R,
    own_count: &OwnCount,
    workers: usize,
    set: impl FnOnce(Numbers<R>) -> Numbers<R>,
    receiver: impl Fn(u64) -> O + Send + Sync + 'static,
) -> (Option<AsyncTaskError>, FinalEvent) {
    let builder = AsyncTask::emits::<u64>().on(rt).workers(workers).on_progress(own_count.on_progress());
    set(builder)
        .sender(|sources| sources.of(0..1_000u64).into_chunks(7.items()))
        .receiver(move |event, _: Collector<u64, u64>| receiver(event.take_data()))
        .await_final_event(|event, collection| (event.err(), collection.summary().clone()))
        .await
}

type Numbers<R> = crate::library::pipeline::PipelineBuilder<u64, R>;

pub async fn they_add_up_in_a_whole_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 3] {
        let (own_count, count) = (OwnCount::default(), OwnCount::default());
        let counting = count.clone();
        let receiver = move |n: u64| {
            let counting = counting.clone();
            async move {
                yield_now().await;
                if n % 10 == 3 {
                    return Err("refused".to_owned());
                }
                counting.handled();
                Ok(())
            }
        };
        let (error, summary) =
            ended(&rt, &own_count, workers, |b| b.on_error(ErrorStrategy::ContinueOnError), receiver).await;
        ensure!(error.is_none());
        let counts = (summary.read(), summary.handled(), summary.rejected(), summary.dropped());
        ensure!(counts == (1_000, 900, 100, 0), "{counts:?}");
        OwnCount { handled: count.handled, reported: own_count.reported }.agrees(&summary)?;
    }
    Ok(())
}

pub async fn they_add_up_when_the_first_error_stops_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 4] {
        let own_count = OwnCount::default();
        let counting = own_count.clone();
        let receiver = move |n: u64| {
            let counting = counting.clone();
            async move {
                yield_now().await;
                if n == 300 {
                    return Err("refused".to_owned());
                }
                counting.handled();
                Ok(())
            }
        };
        let (error, summary) = ended(&rt, &own_count, workers, |b| b, receiver).await;
        ensure!(error.is_some_and(|error| source_text(&error) == "refused"));
        ensure!(summary.rejected() == 1 && summary.handled() >= 300, "{summary:?}");
        own_count.agrees(&summary)?;
    }
    Ok(())
}

pub async fn they_add_up_when_receivers_panic<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let own_count = OwnCount::default();
    let counting = own_count.clone();
    let receiver = move |n: u64| {
        let counting = counting.clone();
        async move {
            yield_now().await;
            if n % 100 == 7 {
                explode::<()>("in a receiver");
            }
            counting.handled();
            Ok(())
        }
    };
    let (error, summary) =
        ended(&rt, &own_count, 3, |b| b.on_error(ErrorStrategy::ContinueOnError), receiver).await;
    ensure!(error.is_none() && summary.rejected() == 10 && summary.dropped() == 0, "{summary:?}");
    ensure!(summary.errors().iter().all(|row| row.error().is_panic()));
    own_count.agrees(&summary)
}

pub async fn they_add_up_at_the_limit_of_time<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let own_count = OwnCount::default();
    let counting = own_count.clone();
    let receiver = move |n: u64| {
        let counting = counting.clone();
        async move {
            match n {
                2 => return Err("refused".to_owned()),
                0..20 => counting.handled(),
                _ => pending::<()>().await,
            }
            Ok(())
        }
    };
    let limited = |b: Numbers<R>| b.on_error(ErrorStrategy::ContinueOnError).with_timeout(20.millis());
    let (error, summary) = ended(&rt, &own_count, 2, limited, receiver).await;
    ensure!(error.is_some_and(|error| error.is_timeout()));
    own_count.agrees(&summary)?;
    // A worker's own errors are not lost when the limit ends the worker.
    ensure!(summary.errors().len() as u64 == summary.rejected(), "{summary:?}");
    Ok(())
}

/// A pipeline of numbers in chunks of 10 on one worker. It refuses the third number, and never ends with
/// those from the sixth on.
fn stuck<R: Runtime>(rt: &R, own_count: &OwnCount, alive: &Census) -> EmittingTask<FinalEvent, R> {
    let (counting, residents) = (own_count.clone(), alive.clone());
    AsyncTask::emits::<u64>()
        .on(rt)
        .workers(1)
        .on_error(ErrorStrategy::ContinueOnError)
        .on_progress(own_count.on_progress())
        .sender(|sources| sources.of(0..1_000u64).into_chunks(10.items()))
        .for_each(move |event: Event<u64>| {
            let (counting, residents) = (counting.clone(), residents.clone());
            async move {
                match event.take_data() {
                    2 => return Err("refused".to_owned()),
                    0..5 => counting.handled(),
                    _ => {
                        let _resident = residents.enter();
                        pending::<()>().await;
                    }
                }
                Ok(())
            }
        })
        .spawn()
}

pub async fn they_add_up_after_a_kill_in_the_middle_of_a_chunk<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (own_count, alive) = (OwnCount::default(), Census::default());
    let task = stuck(&rt, &own_count, &alive);
    while alive.alive() == 0 {
        yield_now().await;
    }
    ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled());
    let progress = task.progress();
    own_count.agree(&progress)?;
    ensure!((progress.handled, progress.rejected) == (4, 1), "{progress:?}");
    // The sender may be killed in the middle of a chunk as well.
    ensure!(progress.dropped >= 5 && progress.read >= 10, "{progress:?}");
    ensure!(task.progress() == progress, "nothing changes after the end");
    Ok(())
}

pub async fn a_graceful_end_drops_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let own_count = OwnCount::default();
    let counting = own_count.clone();
    let mut task = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .grace(1.hours())
        .on_progress(own_count.on_progress())
        .sender(|sources| sources.of(0..).into_chunks(3.items()))
        .receiver(move |_: Event<u64>, _: Collector<u64, u64>| {
            let counting = counting.clone();
            async move {
                yield_now().await;
                counting.handled();
            }
        })
        .spawn(|event, collection| Ok::<_, AsyncTaskError>((event.err(), collection.summary().clone())));
    while own_count.handled.load(Ordering::SeqCst) < 10 {
        yield_now().await;
    }
    let asked = task.cancel(CancelLevel::Graceful);
    let (error, summary) = (&mut task).await?;
    asked.await;
    ensure!(error.is_some_and(|error| error.is_cancelled()));
    ensure!(summary.dropped() == 0 && summary.read() == summary.handled(), "{summary:?}");
    ensure!(task.progress().read == summary.read());
    own_count.agrees(&summary)
}
