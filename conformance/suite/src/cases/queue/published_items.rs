//! Queues, results: what stages have made comes back as messages, once for each chunk however often it is handled.

use serde::{Deserialize, Serialize};

use crate::library::pipeline::{Queue, QueueError};

use crate::kit::leases::LeasedQueue;
use crate::kit::prelude::*;
use crate::kit::published::{LONG, bounded, publish};

/// A value that stages have made of a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Square {
    of: u64,
    square: u64,
    text: String,
}

fn square(of: u64) -> Square {
    Square { of, square: of * of, text: format!("the \"square\"\nof {of}") }
}

/// Reads the results to their end, in their order.
async fn gathered<R: Runtime>(rt: &R, results: &impl Queue) -> Result<Vec<Square>, AsyncTaskError> {
    let results = results.clone();
    let (mut all, _) = AsyncTask::emits::<Square>()
        .on(rt)
        .sender(move |sources| sources.of_queue(&results).with_lease(LONG).json_lines())
        .collect_vec()
        .await?;
    all.sort();
    Ok(all)
}

/// Publishes the squares of the numbers in `chunks`, which must be closed, into `results`.
async fn squares<R: Runtime>(
    rt: &R,
    workers: usize,
    chunks: &impl Queue,
    results: &impl Queue,
) -> Result<FinalEvent, AsyncTaskError> {
    let chunks = chunks.clone();
    AsyncTask::emits::<u64>()
        .on(rt)
        .workers(workers)
        .sender(move |sources| sources.of_queue(&chunks).with_lease(LONG).lines())
        .map(square)
        .publish_items(results, "squares")
        .await
}

pub async fn published_items_come_back_as_they_were<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (workers, size) in [(1, 1), (3, 7), (2, 1_000)] {
        let results = bounded(1_000);
        let summary = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(workers)
            .sender(move |sources| sources.of(0..100).into_chunks(size.items()))
            .filter(|n| n % 3 != 0)
            .map(square)
            .publish_items(&results, "squares")
            .await?;
        results.close();
        ensure!(summary.handled() == 100, "{summary:?}");
        let due: Vec<_> = (0..100).filter(|n| n % 3 != 0).map(square).collect();
        ensure!(gathered(&rt, &results).await? == due, "{workers} workers, chunks of {size}");
    }
    Ok(())
}

pub async fn results_of_claimed_chunks_are_gathered<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (chunks, results) = (bounded(100), bounded(100));
    publish(&rt, &chunks, "numbers", 50, 4).await?;
    chunks.close();
    let summary = squares(&rt, 3, &chunks, &results).await?;
    results.close();
    ensure!(summary.handled() == 50, "{summary:?}");
    ensure!(gathered(&rt, &results).await?.into_iter().eq((0..50).map(square)));
    Ok(())
}

pub async fn a_chunk_that_is_handled_twice_gives_one_result<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let results = LeasedQueue::new(&rt);
    for (round, workers) in [(0, 1), (1, 4)] {
        // The same messages again, as after the death of their consumer.
        let chunks = LeasedQueue::new(&rt);
        publish(&rt, &chunks, "numbers", 20, 3).await?;
        chunks.close();
        squares(&rt, workers, &chunks, &results).await?;
        ensure!((chunks.len(), results.len()) == (0, 7), "round {round}: {} results", results.len());
    }
    results.close();
    ensure!(gathered(&rt, &results).await?.into_iter().eq((0..20).map(square)));
    Ok(())
}

pub async fn a_large_result_is_several_messages_with_their_own_keys<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const ROWS: u64 = 700;
    let results = LeasedQueue::new(&rt);
    let large = |of| Square { of, square: 0, text: "x".repeat(1_000) };
    for workers in [1, 2] {
        AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(workers)
            .sender(|sources| sources.of(0..ROWS).into_chunks(1_000.items()))
            .map(large)
            .publish_items(&results, "large")
            .await?;
        ensure!((2..=4).contains(&results.len()), "{} messages", results.len());
    }
    results.close();
    ensure!(gathered(&rt, &results).await?.into_iter().eq((0..ROWS).map(large)));
    Ok(())
}

pub async fn rows_that_are_handled_one_by_one_give_keys_of_their_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for by_key in [true, false] {
        let results = LeasedQueue::new(&rt);
        let sender = AsyncTask::emits::<u64>().on(&rt).workers(2);
        let sender = if by_key { sender } else { sender.rate_limit(1_000_000, 1.seconds()) };
        let sender = sender.sender(|sources| sources.of(0..30).into_chunks(10.items())).map(square);
        let summary = match by_key {
            true => sender.key_by(|square| square.of % 2).publish_items(&results, "squares").await?,
            false => sender.publish_items(&results, "squares").await?,
        };
        results.close();
        ensure!(summary.handled() == 30, "{summary:?}");
        ensure!(gathered(&rt, &results).await?.into_iter().eq((0..30).map(square)), "by key: {by_key}");
    }
    Ok(())
}

pub async fn a_row_that_fails_leaves_no_value_in_the_results<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let results = bounded(100);
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of(0..20).into_chunks(5.items()))
        .flat_map(|n| [2 * n, 2 * n + 1])
        .try_map(|n| if n == 7 { Err("seven") } else { Ok(square(n)) })
        .publish_items(&results, "squares")
        .await?;
    results.close();
    ensure!((summary.handled(), summary.rejected()) == (19, 1), "{summary:?}");
    let due = (0..40).filter(|n| ![6, 7].contains(n)).map(square);
    ensure!(gathered(&rt, &results).await?.into_iter().eq(due));
    Ok(())
}

pub async fn a_queue_that_takes_no_result_ends_the_pipeline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (chunks, results) = (LeasedQueue::new(&rt), LeasedQueue::new(&rt));
    publish(&rt, &chunks, "numbers", 9, 3).await?;
    chunks.close();
    results.breaks("publish");
    let error = failed(squares(&rt, 1, &chunks, &results).await)?;
    ensure!(error.downcast_ref::<QueueError>().is_some(), "{error:?}");
    ensure!(source_text(&error).contains("publishing squares: the engine is away"), "{error:#}");
    // The chunk comes back, and nothing is lost.
    ensure!(chunks.acknowledged().is_empty() && chunks.held() == 0, "{:?}", chunks.acknowledged());
    squares(&rt, 1, &chunks, &results).await?;
    results.close();
    ensure!(gathered(&rt, &results).await?.into_iter().eq((0..9).map(square)));
    Ok(())
}

pub async fn a_chunk_that_an_error_ends_publishes_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // In the middle of the chunk, and in its last row.
    for bad in [5, 9] {
        let (chunks, results) = (LeasedQueue::new(&rt), LeasedQueue::new(&rt));
        publish(&rt, &chunks, "numbers", 10, 10).await?;
        chunks.close();
        let source = chunks.clone();
        let failing = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(1)
            .sender(move |sources| sources.of_queue(&source).with_lease(LONG).lines())
            .try_map(move |n| if n == bad { Err("the bad one") } else { Ok(square(n)) })
            .publish_items(&results, "squares")
            .await;
        ensure!(source_text(&failed(failing)?).contains("the bad one"));
        ensure!((results.len(), chunks.len(), chunks.held()) == (0, 1, 0), "{} results", results.len());
        // The same rows under the same name, without the fault.
        squares(&rt, 1, &chunks, &results).await?;
        results.close();
        ensure!(gathered(&rt, &results).await?.into_iter().eq((0..10).map(square)));
    }
    Ok(())
}

pub async fn enough_of_a_claimed_chunk_is_published<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (chunks, results) = (LeasedQueue::new(&rt), LeasedQueue::new(&rt));
    publish(&rt, &chunks, "numbers", 10, 10).await?;
    chunks.close();
    let source = chunks.clone();
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(1)
        .sender(move |sources| sources.of_queue(&source).with_lease(LONG).lines())
        .take(4)
        .publish_items(&results, "numbers")
        .await?;
    ensure!((summary.handled(), results.len(), chunks.len()) == (4, 1, 1), "{summary:?}");
    Ok(())
}
