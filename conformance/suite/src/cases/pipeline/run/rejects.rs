//! Pipelines, error strategies: a rejected row is retried, decided on or kept, and too many end the pipeline.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::library::pipeline::{ErrorAction, PipelineBuilder, RowError, TooManyErrors};
use crate::library::{CancellableTask as _, Jitter, Retry, RetryStrategy};

use crate::kit::explode;
use crate::kit::prelude::*;

#[derive(Debug)]
struct Refused(u64);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused {}", self.0)
    }
}

impl std::error::Error for Refused {}

fn numbers<R: Runtime>(rt: &R) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt)
}

fn at_once(retries: u32) -> Retry {
    Retry::new(retries).backoff(RetryStrategy::Immediate)
}

/// The number of calls for each of a hundred numbers.
#[derive(Clone)]
struct Calls(Arc<[AtomicU32; 100]>);

impl Calls {
    fn new() -> Self {
        Self(Arc::new(std::array::from_fn(|_| AtomicU32::new(0))))
    }

    /// Counts one more call for `n`. Returns how many that makes.
    fn of(&self, n: u64) -> u32 {
        let calls = usize::try_from(n).ok().and_then(|n| self.0.get(n));
        calls.map_or(0, |calls| calls.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn all(&self) -> Vec<u32> {
        self.0.iter().map(|calls| calls.load(Ordering::SeqCst)).collect()
    }
}

/// Fails until the third call for a number; 50 always fails.
fn third_time(calls: &Calls, n: u64) -> Result<(), Refused> {
    if calls.of(n) < 3 || n == 50 { Err(Refused(n)) } else { Ok(()) }
}

pub async fn a_failed_event_is_retried<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 3] {
        let builder = || {
            numbers(&rt)
                .workers(workers)
                .on_error(ErrorStrategy::retry_with(at_once(3)))
                .sender(|sources| sources.of(0..100u64).into_chunks(7.items()))
        };
        let (one, two, three) = (Calls::new(), Calls::new(), Calls::new());
        let (calls, again, folded) = (one.clone(), two.clone(), three.clone());
        let sync = builder().for_each(move |event: Event<u64>| third_time(&calls, event.take_data())).await?;
        let asynchronous = builder().for_each(move |event: Event<u64>| {
            let again = again.clone();
            async move {
                yield_now().await;
                third_time(&again, event.take_data())
            }
        });
        let asynchronous = asynchronous.await?;
        let fold = builder().fold(
            || 0u64,
            move |sum: &mut u64, event: Event<u64>| {
                let n = event.take_data();
                third_time(&folded, n).map(|()| *sum += n)
            },
            |a, b| a + b,
        );
        let (sum, folded) = fold.await?;
        ensure!(sum == (0..100).sum::<u64>() - 50);
        for (summary, calls) in [(sync, one), (asynchronous, two), (folded, three)] {
            ensure!((summary.read(), summary.handled(), summary.rejected()) == (100, 99, 1), "{summary:?}");
            let calls = calls.all();
            ensure!(
                calls.iter().enumerate().all(|(n, calls)| *calls == if n == 50 { 4 } else { 3 }),
                "{calls:?}"
            );
            let row = summary.errors().first().context("one is kept")?;
            let AsyncTaskError::RetriesExhausted(error) = row.error() else { bail!("{row:?}") };
            ensure!(error.attempts() == 4 && row.sequence() == 50);
            ensure!(row.error().downcast_ref::<Refused>().map(|refused| refused.0) == Some(50));
        }
    }
    Ok(())
}

pub async fn errors_that_a_retry_cannot_change_are_not_retried<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::new();
    let counting = calls.clone();
    let retry =
        at_once(5).retry_if(|error| error.downcast_ref::<Refused>().is_some_and(|refused| refused.0 != 1));
    let summary = numbers(&rt)
        .workers(1)
        .on_error(ErrorStrategy::retry_with(retry))
        .sender(|sources| sources.of_bytes("0\n1\nx\n3\n4\n").lines().into_chunks(2.lines()))
        .for_each(move |event: Event<u64>| {
            let n = event.take_data();
            match (n, counting.of(n)) {
                (1, _) | (4, 1) => Err(Refused(n)),
                (3, _) => explode("in a receiver"),
                _ => Ok(()),
            }
        })
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (2, 3), "{summary:?}");
    ensure!(calls.all().starts_with(&[1, 1, 0, 1, 2]), "{:?}", calls.all());
    let kinds: Vec<_> = summary.errors().iter().map(RowError::error).collect();
    ensure!(matches!(
        kinds.as_slice(),
        [AsyncTaskError::Failure(_), AsyncTaskError::Parse { .. }, AsyncTaskError::Panic(_)]
    ));
    Ok(())
}

pub async fn an_error_is_dropped_before_the_next_attempt<R: Runtime>(rt: R, _: Facts) -> Outcome {
    /// An error that holds what the next attempt needs.
    #[derive(Debug)]
    struct Holds(#[allow(dead_code, reason = "held until it is dropped")] Arc<()>);

    impl fmt::Display for Holds {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("held")
        }
    }

    impl std::error::Error for Holds {}

    let (held, calls) = (Arc::new(()), AtomicU32::new(0));
    let summary = numbers(&rt)
        .workers(1)
        .on_error(ErrorStrategy::retry_with(at_once(1)))
        .sender(|sources| sources.of(0..3u64).into_chunks(3.items()))
        .for_each(move |_: Event<u64>| {
            let is_first = calls.fetch_add(1, Ordering::Relaxed) % 2 == 0;
            // The second attempt succeeds if nothing is held any more.
            if is_first || Arc::strong_count(&held) > 1 { Err(Holds(held.clone())) } else { Ok(()) }
        })
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (3, 0), "{summary:?}");
    Ok(())
}

pub async fn panics_of_dropped_rows_do_not_replace_the_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    /// A value whose destructor panics.
    struct Bomb(u64);

    impl Drop for Bomb {
        fn drop(&mut self) {
            if self.0 > 1 {
                explode::<()>("in a destructor");
            }
        }
    }

    let ended = AsyncTask::emits::<Bomb>()
        .on(&rt)
        .workers(1)
        .sender(|sources| sources.of((0..10).map(Bomb)).into_chunks(10.items()))
        .for_each(|event: Event<Bomb>| if event.data().0 == 1 { Err(Refused(1)) } else { Ok(()) })
        .await;
    let is_first = |error: &AsyncTaskError| error.downcast_ref::<Refused>().is_some_and(|error| error.0 == 1);
    ensure!(ended.as_ref().is_err_and(is_first), "{ended:?}");
    Ok(())
}

pub async fn an_attempt_waits_without_holding_up_others<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The first row succeeds only after all the others were handled: by the other worker or, if the same
    // thread runs both, while the first row waits for another attempt.
    let (calls, others) = (Calls::new(), Calls::new());
    let (counting, seen) = (calls.clone(), others.clone());
    let retry = Retry::new(2_000).backoff(RetryStrategy::Fixed { delay: 2.millis() }).jitter(Jitter::None);
    let started = rt.now();
    let summary = numbers(&rt)
        .workers(2)
        .on_error(ErrorStrategy::retry_with(retry))
        .sender(|sources| sources.of(0..100u64).into_chunks(1.items()))
        .for_each(move |event: Event<u64>| {
            let n = event.take_data();
            if n > 0 {
                seen.of(n);
                return Ok(());
            }
            counting.of(0);
            let done = seen.all().iter().filter(|calls| **calls > 0).count();
            if done == 99 { Ok(()) } else { Err(Refused(0)) }
        })
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (100, 0), "{summary:?}");
    let attempts = calls.all().first().copied().unwrap_or(0);
    let least = Duration::from_millis(2) * attempts.saturating_sub(1);
    ensure!(rt.now() - started >= least, "{attempts} attempts");
    Ok(())
}

pub async fn a_stop_wakes_an_event_in_backoff<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let patient = || Retry::new(5).backoff(RetryStrategy::Fixed { delay: 100.days() }).jitter(Jitter::None);
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let failed = Latch::new();
        let fails = failed.clone();
        let mut task = numbers(&rt)
            .workers(1)
            .on_error(ErrorStrategy::retry_with(patient()))
            .sender(|sources| sources.of(0..1u64).into_chunks(1.items()))
            .receiver(move |event: Event<u64>, _: Collector<u64, u64>| {
                fails.set();
                Err::<(), _>(Refused(event.take_data()))
            })
            .spawn(|_, collection| Ok::<_, AsyncTaskError>(collection.summary().clone()));
        failed.wait().await;
        let asked = task.cancel(level);
        let ended = (&mut task).await;
        asked.await;
        let progress = task.progress();
        ensure!((progress.read, progress.handled) == (1, 0), "{progress:?}");
        if level == CancelLevel::Graceful {
            // Cancelled gracefully, the row is rejected with the error that it has.
            let summary = ended?;
            let row = summary.errors().first().context("it is rejected")?;
            ensure!(matches!(row.error(), AsyncTaskError::Failure(_)) && progress.rejected == 1);
        } else {
            // The kill may come in the receiver's own poll: the row is then rejected with the error that it
            // has.
            let given_up = progress.rejected + progress.dropped;
            ensure!(ended.is_err_and(|error| error.is_cancelled()) && given_up == 1, "{progress:?}");
        }
    }
    Ok(())
}

pub async fn a_custom_strategy_decides_about_each_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 3] {
        let strategy = ErrorStrategy::custom(|row| match row.error().downcast_ref::<Refused>() {
            Some(Refused(n)) if *n < 60 => ErrorAction::Reject,
            _ => ErrorAction::Stop,
        });
        let (error, summary) = numbers(&rt)
            .workers(workers)
            .on_error(strategy)
            .sender(|sources| sources.of(0..100u64).into_chunks(3.items()))
            .receiver(|event, _: Collector<u64, u64>| match event.take_data() {
                n if n % 10 == 5 => Err(Refused(n)),
                _ => Ok(()),
            })
            .await_final_event(|event, collection| (event.err(), collection.summary().clone()))
            .await;
        let error = error.context("it was stopped")?;
        ensure!(error.downcast_ref::<Refused>().map(|refused| refused.0) == Some(65), "{error:?}");
        let kept: Vec<_> = summary.errors().iter().map(RowError::sequence).filter(|n| *n < 65).collect();
        ensure!(kept == [5, 15, 25, 35, 45, 55], "{kept:?}");
        ensure!(summary.read() == summary.handled() + summary.rejected() + summary.dropped());
    }
    Ok(())
}

pub async fn a_custom_strategy_that_panics_ends_the_pipeline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let error = failed(
        numbers(&rt)
            .on_error(ErrorStrategy::custom(|_| explode("while deciding")))
            .sender(|sources| sources.of_bytes("1\nx\n3\n").lines().into_chunks(1.lines()))
            .for_each(|_: Event<u64>| {})
            .await,
    )?;
    ensure!(error.is_panic() && error.to_string().contains("while deciding"), "{error:?}");
    Ok(())
}

pub async fn too_many_rejected_rows_end_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (workers, max_errors) in [(1, 1_000), (3, 1_000), (3, 0)] {
        let (error, summary) = numbers(&rt)
            .workers(workers)
            .on_error(ErrorStrategy::ContinueOnError)
            .max_errors(max_errors)
            .fail_after(4)
            .sender(|sources| sources.of(0..1_000u64).into_chunks(3.items()))
            .receiver(|event, _: Collector<u64, u64>| match event.take_data() {
                n if n % 10 == 5 => Err(Refused(n)),
                _ => Ok(()),
            })
            .await_final_event(|event, collection| (event.err(), collection.summary().clone()))
            .await;
        let error = error.context("there were too many")?;
        let many: &TooManyErrors = error.downcast_ref().context("it says so")?;
        ensure!(many.rejected() >= 4 && many.rejected() == summary.rejected(), "{many}");
        ensure!(workers > 1 || many.rejected() == 4);
        let first = many.source().and_then(|first| first.downcast_ref::<RowError>()).context("the first")?;
        ensure!(first.sequence() == 5 && many.to_string().contains("refused 5"), "{many}");
        ensure!(summary.read() == summary.handled() + summary.rejected() + summary.dropped());
    }
    // As many rejections as are permitted are no error.
    let summary = numbers(&rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .fail_after(4)
        .sender(|sources| sources.of_bytes("x\ny\n1\nz\n").lines().into_chunks(1.lines()))
        .for_each(|_: Event<u64>| {})
        .await?;
    ensure!(summary.rejected() == 3);
    Ok(())
}

pub async fn the_text_of_a_rejected_row_is_kept_on_request<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let long = format!("x{}", "y".repeat(10_000));
    for (keep, ordered) in [(true, false), (true, true), (false, false)] {
        let text = format!("1\nx2\r\n3\n\n{long}\n5\n");
        let mut builder = numbers(&rt).workers(2).on_error(ErrorStrategy::ContinueOnError).keep_raw(keep);
        if ordered {
            builder = builder.ordered();
        }
        let summary = builder
            .sender(move |sources| sources.of_bytes(text).lines().into_chunks(2.lines()))
            .for_each(|event: Event<u64>| if *event.data() == 5 { Err(Refused(5)) } else { Ok(()) })
            .await?;
        let raw: Vec<_> = summary.errors().iter().map(RowError::raw).collect();
        let shortened = long.as_bytes().get(..4096).context("it is longer")?;
        let due = [b"x2".as_slice(), b"", shortened, b"5"].map(|raw| keep.then_some(raw));
        ensure!(raw == due, "{raw:?}");
    }
    Ok(())
}
