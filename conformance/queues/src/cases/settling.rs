//! Settling: a receipt names one delivery, and settles it once.

use std::time::Duration;

use anyhow::ensure;
use sweet_async_pipeline::Queue as _;

use crate::Outcome;
use crate::bench::{Bench, LONG, add, receipts, text};

pub(crate) async fn a_receipt_of_an_earlier_delivery_changes_nothing(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1"]).await?;
    let first = bench.claim_one(&queue, "1", 1).await?;
    ensure!(queue.extend(&first, LONG).await.map_err(text)? == 1);
    ensure!(queue.nack(&first, "back", Duration::ZERO).await.map_err(text)? == 1);
    let second = bench.claim_one(&queue, "1", 2).await?;
    let late = [
        queue.ack(&first).await.map_err(text)?,
        queue.extend(&first, Duration::from_millis(1)).await.map_err(text)?,
        queue.nack(&first, "late", Duration::ZERO).await.map_err(text)?,
        queue.release(&first).await.map_err(text)?,
        queue.bury(&first, "late").await.map_err(text)?,
    ];
    ensure!(late == [0; 5], "ack, extend, nack, release, bury: {late:?}");
    ensure!(queue.ack(&second).await.map_err(text)? == 1, "the second delivery is held");
    Ok(())
}

pub(crate) async fn a_message_is_settled_once(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1", "2", "3", "4"]).await?;
    queue.seal("job").await.map_err(text)?;
    let claims = receipts(&bench.claim(&queue, 4).await?);
    let one = |at: usize| claims.get(at..=at).unwrap_or_default();
    let firsts = [
        queue.ack(one(0)).await.map_err(text)?,
        queue.bury(one(1), "bad").await.map_err(text)?,
        queue.nack(one(2), "back", Duration::ZERO).await.map_err(text)?,
        queue.release(one(3)).await.map_err(text)?,
    ];
    ensure!(firsts == [1; 4], "ack, bury, nack, release: {firsts:?}");
    for at in 0..4 {
        let more = [
            queue.ack(one(at)).await.map_err(text)?,
            queue.extend(one(at), LONG).await.map_err(text)?,
            queue.nack(one(at), "late", Duration::ZERO).await.map_err(text)?,
            queue.release(one(at)).await.map_err(text)?,
            queue.bury(one(at), "late").await.map_err(text)?,
        ];
        ensure!(more == [0; 5], "message {at}, ack, extend, nack, release, bury: {more:?}");
    }
    let depth = queue.depth().await.map_err(text)?;
    ensure!((depth.waiting, depth.done, depth.dead) == (2, 1, 1), "{depth}");
    Ok(())
}

pub(crate) async fn a_receipt_that_is_given_twice_counts_once(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1", "2", "3"]).await?;
    let [a, b, c] = [
        bench.claim_one(&queue, "1", 1).await?,
        bench.claim_one(&queue, "2", 1).await?,
        bench.claim_one(&queue, "3", 1).await?,
    ];
    let twice = |receipt: &[crate::erased::AnyReceipt; 1]| [receipt.as_slice(), receipt].concat();
    let counts = [
        queue.ack(&twice(&a)).await.map_err(text)?,
        queue.nack(&twice(&b), "back", Duration::ZERO).await.map_err(text)?,
        queue.bury(&twice(&c), "bad").await.map_err(text)?,
    ];
    ensure!(counts == [1; 3], "ack, nack, bury: {counts:?}");
    let again = bench.claim_one(&queue, "2", 2).await?;
    ensure!(queue.release(&twice(&again)).await.map_err(text)? == 1);
    bench.claim_one(&queue, "2", 2).await?;
    Ok(())
}

pub(crate) async fn only_held_messages_are_counted(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1", "2", "3"]).await?;
    queue.seal("job").await.map_err(text)?;
    let all = receipts(&bench.claim(&queue, 3).await?);
    ensure!(queue.ack(all.get(1..2).unwrap_or_default()).await.map_err(text)? == 1);
    ensure!(queue.extend(&all, LONG).await.map_err(text)? == 2);
    ensure!(queue.ack(&all).await.map_err(text)? == 2);
    ensure!(bench.is_over(&queue, None).await?);
    Ok(())
}

pub(crate) async fn no_receipts_change_nothing(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1", "2"]).await?;
    let held = bench.claim_one(&queue, "1", 1).await?;
    let counts = [
        queue.ack(&[]).await.map_err(text)?,
        queue.extend(&[], LONG).await.map_err(text)?,
        queue.nack(&[], "none", Duration::ZERO).await.map_err(text)?,
        queue.release(&[]).await.map_err(text)?,
        queue.bury(&[], "none").await.map_err(text)?,
        queue.redrive(&[]).await.map_err(text)?,
        queue.purge(&[]).await.map_err(text)?,
    ];
    ensure!(counts == [0; 7], "{counts:?}");
    let depth = queue.depth().await.map_err(text)?;
    ensure!((depth.waiting, depth.claimed) == (1, 1), "{depth}");
    ensure!(queue.ack(&held).await.map_err(text)? == 1);
    Ok(())
}

/// More than an engine may hand out in one claim, or take in one command.
const MANY: usize = 1_200;

pub(crate) async fn many_receipts_are_acknowledged_at_once(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    for n in 0..MANY {
        add(&queue, "job", &[&n.to_string()]).await?;
    }
    queue.seal("job").await.map_err(text)?;
    let mut held = Vec::new();
    while held.len() < MANY {
        held.extend(receipts(&bench.claim(&queue, MANY).await?));
    }
    let acknowledged = queue.ack(&held).await.map_err(text)?;
    ensure!(acknowledged == MANY, "{acknowledged} of {MANY}");
    ensure!(bench.is_over(&queue, Some("job")).await?, "the job is not over");
    let depth = queue.depth().await.map_err(text)?;
    ensure!((depth.waiting, depth.claimed, depth.done) == (0, 0, MANY as u64), "{depth}");
    Ok(())
}
