//! Queues, source order: an ordered pipeline claims from a queue only in its turn, and reads it to its end.

use std::sync::{Arc, Mutex};

use crate::kit::leases::LeasedQueue;
use crate::kit::prelude::*;
use crate::kit::published::{LONG, bounded, publish};

pub async fn a_queue_is_not_claimed_before_its_turn<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    publish(&rt, &queue, "numbers", 20, 1).await?;
    queue.close();
    let (more, first) = async_channel::bounded::<u64>(1);
    more.try_send(100)?;
    let (consumer, looked) = (queue.clone(), queue.clone());
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .ordered()
        .with_concurrency(2)
        .sender(move |sources| {
            sources.of_stream(Box::pin(first)).into_chunks(1.items());
            sources.of_queue(&consumer).with_lease(LONG).lines();
        })
        .for_each(move |event: Event<u64>| {
            let (queue, more) = (looked.clone(), more.clone());
            async move {
                let n = event.take_data();
                if n >= 100 && queue.held() > 0 {
                    return Err(format!(
                        "{} messages are held before the source before has ended",
                        queue.held()
                    ));
                }
                if n == 100 {
                    // Turns in which the other source could be read.
                    for _ in 0..100 {
                        yield_now().await;
                    }
                    let _ = more.send(101).await;
                } else {
                    more.close();
                }
                Ok(())
            }
        })
        .await?;
    ensure!((summary.handled(), queue.len()) == (22, 0), "{summary:?}");
    Ok(())
}

pub async fn a_queue_that_is_named_twice_is_read_to_its_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for sources in [1, 2] {
        let (queue, order) = (bounded(30), Arc::<Mutex<Vec<u64>>>::default());
        publish(&rt, &queue, "numbers", 30, 1).await?;
        queue.close();
        let (consumer, seen) = (queue.clone(), order.clone());
        let run = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(2)
            .ordered()
            .with_concurrency(sources)
            .sender(move |sources| {
                sources.of_queue(&consumer).lines();
                sources.of_queue(&consumer).lines();
            })
            .for_each(move |event: Event<u64>| {
                if let Ok(mut seen) = seen.lock() {
                    seen.push(event.take_data());
                }
            });
        ensure!(run.await?.handled() == 30 && queue.unacknowledged() == 0);
        ensure!(order.lock().is_ok_and(|order| order.iter().copied().eq(0..30)));
    }
    Ok(())
}
