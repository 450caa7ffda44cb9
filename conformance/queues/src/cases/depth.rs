//! The number of messages in each state.

use anyhow::ensure;
use sweet_async_pipeline::{Depth, Queue as _};

use crate::Outcome;
use crate::bench::{Bench, LONG, add, text};

pub(crate) async fn the_depth_counts_each_message_in_its_state(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1", "2", "3"]).await?;
    add(&queue, "another", &["4", "5"]).await?;
    let [done, dead] = [bench.claim_one(&queue, "1", 1).await?, bench.claim_one(&queue, "2", 1).await?];
    queue.ack(&done).await.map_err(text)?;
    queue.bury(&dead, "bad").await.map_err(text)?;
    let _held = bench.claim_one(&queue, "3", 1).await?;
    let due = Depth { waiting: 2, delayed: 0, claimed: 1, done: 1, dead: 1 };
    let found = queue.depth().await.map_err(text)?;
    ensure!(found == due, "{found}");
    Ok(())
}

pub(crate) async fn a_new_queue_is_empty(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    let found = queue.depth().await.map_err(text)?;
    ensure!(found == Depth::default(), "{found}");
    Ok(())
}

pub(crate) async fn a_delayed_message_is_counted_as_such(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    add(&queue, "job", &["1", "2"]).await?;
    let claimed = bench.claim_one(&queue, "1", 1).await?;
    ensure!(queue.nack(&claimed, "later", LONG).await.map_err(text)? == 1);
    let due = Depth { waiting: 1, delayed: 1, ..Depth::default() };
    let found = queue.depth().await.map_err(text)?;
    ensure!(found == due, "{found}");
    Ok(())
}
