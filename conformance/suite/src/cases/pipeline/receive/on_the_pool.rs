//! Pipelines, receivers: synchronous ones run on the blocking pool when asked, with the same results.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::pipeline::{Batch, PipelineBuilder};
use crate::library::{CancellableTask as _, Retry, RetryStrategy, TaskContext};

use crate::kit::explode;
use crate::kit::prelude::*;

fn numbers<R: Runtime>(rt: &R) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt)
}

pub async fn a_receiver_that_blocks_leaves_the_executor_free<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // As many receivers as the executor has threads. They end only once a task on the executor has run
    // meanwhile.
    let (open, inside) = (Latch::new(), Census::default());
    let (opened, residents) = (open.clone(), inside.clone());
    let workers = rt.worker_count();
    let task = numbers(&rt)
        .sender(move |sources| sources.of(0..workers as u64).into_chunks(1.items()))
        .for_each(move |_: Event<u64>| {
            let _resident = residents.enter();
            opened.wait_blocking();
        })
        .blocking()
        .spawn();
    while inside.alive() < workers {
        yield_now().await;
    }
    AsyncTask::to::<()>().on(&rt).spawn(move || async move { open.set() }).await?;
    ensure!(task.await?.handled() == workers as u64);
    Ok(())
}

pub async fn results_are_the_same_as_on_the_executor<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (workers, ordered) in [(1, false), (3, false), (3, true)] {
        let order = Arc::new(Mutex::new(Vec::new()));
        let seen = order.clone();
        let mut builder = numbers(&rt).with(17u32).workers(workers).on_error(ErrorStrategy::ContinueOnError);
        if ordered {
            builder = builder.ordered();
        }
        let text: String = (0..200).map(|n| if n == 33 { "x\n".into() } else { format!("{n}\n") }).collect();
        let (summary, collected) = builder
            .sender(move |sources| sources.of_bytes(text).lines().into_chunks(7.lines()))
            .receiver(move |event: Event<u64>, collector: Collector<u64, u32>| {
                let n = event.take_data();
                let given = TaskContext::current().and_then(|cx| cx.get::<u32>());
                collector.collect(n, given.map_or(0, |given| *given));
                if let Ok(mut seen) = seen.lock() {
                    seen.push(n);
                }
                match n {
                    50 => Err("refused"),
                    60 => explode("in a receiver"),
                    _ => Ok(()),
                }
            })
            .blocking()
            .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
            .await?;
        ensure!((summary.read(), summary.handled(), summary.rejected()) == (200, 197, 3), "{summary:?}");
        ensure!(collected.len() == 197 && collected.values().all(|given| *given == 17));
        let mut order = order.lock().map_err(|_| Failure::msg("poisoned"))?;
        if !ordered {
            order.sort_unstable();
        }
        ensure!(*order == (0..200).filter(|n| *n != 33).collect::<Vec<_>>(), "{order:?}");
    }
    Ok(())
}

pub async fn folds_batches_and_retries_work_on_the_pool<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = || {
        let retry = Retry::new(1).backoff(RetryStrategy::Fixed { delay: 1.millis() });
        numbers(&rt)
            .workers(2)
            .on_error(ErrorStrategy::retry_with(retry))
            .sender(|sources| sources.of(0..100u64).into_chunks(9.items()))
    };
    let fails = AtomicU64::new(0);
    let fold = builder().fold(
        || 0,
        move |sum: &mut u64, event: Event<u64>| {
            let n = event.take_data();
            if n % 20 == 3 && fails.fetch_or(1 << (n / 20), Ordering::SeqCst) & (1 << (n / 20)) == 0 {
                return Err("not yet");
            }
            *sum += n;
            Ok(())
        },
        |a, b| a + b,
    );
    let (sum, summary) = fold.blocking().await?;
    ensure!(sum == (0..100).sum::<u64>() && summary.handled() == 100, "{summary:?}");
    let sum = Arc::new(AtomicU64::new(0));
    let adding = sum.clone();
    let summary = builder()
        .batched(8, 1.seconds())
        .for_each(move |batch: Batch<u64>| {
            adding.fetch_add(batch.iter().map(|event| event.data()).sum(), Ordering::SeqCst);
        })
        .blocking()
        .await?;
    ensure!(sum.load(Ordering::SeqCst) == (0..100).sum::<u64>() && summary.handled() == 100);
    Ok(())
}

pub async fn a_kill_waits_for_the_event_under_way_and_counts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (open, entered, left) = (Latch::new(), Latch::new(), Latch::new());
    let (opened, enter, leave) = (open.clone(), entered.clone(), left.clone());
    let task = numbers(&rt)
        .workers(1)
        .sender(|sources| sources.of(0..1_000u64).into_chunks(1_000.items()))
        .for_each(move |event: Event<u64>| {
            if *event.data() == 1 {
                enter.set();
                opened.wait_blocking();
                leave.set();
            }
        })
        .blocking()
        .spawn();
    entered.wait().await;
    let killed = task.cancel(CancelLevel::Kill);
    open.set();
    killed.await;
    ensure!(left.is_set(), "the end was reported before the event's");
    let progress = task.progress();
    ensure!(progress.handled >= 2 && progress.read == progress.handled + progress.dropped, "{progress:?}");
    Ok(())
}

pub async fn a_time_limit_holds_on_the_pool<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let clock = rt.clone();
    let endless = numbers(&rt)
        .with_timeout(10.millis())
        .sender(|sources| sources.of(0..).into_chunks(10.items()))
        .for_each(move |_: Event<u64>| {
            clock.now();
        })
        .blocking();
    ensure!(failed(endless.await)?.is_timeout());
    Ok(())
}
