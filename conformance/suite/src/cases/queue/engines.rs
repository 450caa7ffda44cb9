//! Queues, the bounded queue: its room, and receipts that are dropped. What holds for each engine is in the suite for
//! queues.

use crate::library::pipeline::{BoundedQueue, BoundedReceipt, Queue as _, QueueMessage};

use crate::kit::prelude::*;
use crate::kit::published::{LONG, bounded};

fn message(job: &str, key: &str) -> QueueMessage {
    QueueMessage::new(job, key, key.to_owned())
}

async fn add(queue: &BoundedQueue, keys: &[&str]) -> Outcome {
    for key in keys {
        ensure!(queue.publish(message("job", key)).await?, "{key} is known");
    }
    Ok(())
}

/// Claims the one message that there is, and checks its key and the number of its deliveries.
async fn claim_one(queue: &BoundedQueue, key: &str, deliveries: u32) -> Result<[BoundedReceipt; 1], Failure> {
    let claim = queue.claim(None, 1, LONG).await?.into_messages().pop().context("no message")?;
    ensure!(
        claim.message.key() == key && claim.deliveries == deliveries,
        "{key}: {} deliveries",
        claim.deliveries
    );
    Ok([claim.receipt])
}

pub async fn a_known_message_leaves_its_room_to_another<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = bounded(1);
    add(&queue, &["first"]).await?;
    // Two of one key wait for room, and one of another key behind them.
    let publishers: Vec<_> = ["same", "same", "other"]
        .map(|key| {
            let queue = queue.clone();
            AsyncTask::to::<bool>()
                .on(&rt)
                .try_spawn(move || async move { Ok(queue.publish(message("job", key)).await?) })
        })
        .into();
    for _ in 0..3 {
        let claims = queue.claim(None, 1, LONG).await?.into_messages();
        ensure!(queue.ack(&[claims.into_iter().next().context("one")?.receipt]).await? == 1);
    }
    let mut new = 0;
    for publisher in publishers {
        new += usize::from(publisher.await?);
    }
    ensure!(new == 2, "{new} were new");
    Ok(())
}

pub async fn a_dropped_receipt_gives_its_message_back<R: Runtime>(_: R, _: Facts) -> Outcome {
    let queue = bounded(9);
    add(&queue, &["1"]).await?;
    let receipt = claim_one(&queue, "1", 1).await?;
    let clone = receipt.clone();
    drop(receipt);
    ensure!(poll_once(queue.claim(None, 1, LONG)).await.is_none(), "a clone holds it");
    drop(clone);
    let acked = claim_one(&queue, "1", 2).await?;
    ensure!(queue.ack(&acked).await? == 1);
    drop(acked);
    // A receipt of another queue is of no message here.
    let other = bounded(9);
    add(&other, &["1"]).await?;
    let foreign = claim_one(&other, "1", 1).await?;
    add(&queue, &["2"]).await?;
    let own = claim_one(&queue, "2", 1).await?;
    ensure!(queue.ack(&foreign).await? == 0 && queue.extend(&foreign, LONG).await? == 0);
    ensure!(queue.ack(&own).await? == 1);
    Ok(())
}
