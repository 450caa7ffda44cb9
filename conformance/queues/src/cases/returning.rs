//! Giving back: a message comes back at once or after a delay, before those that were published later.

use std::time::Duration;

use anyhow::ensure;
use sweet_async_core::Runtime as _;
use sweet_async_pipeline::Queue as _;

use crate::Outcome;
use crate::bench::{Bench, Found, add, keys_of, receipts, text};

pub(crate) async fn a_message_that_is_given_back_goes_before_later_ones(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1", "2", "3", "4"]).await?;
    let first = bench.claim(&queue, 2).await?;
    ensure!(queue.nack(&receipts(&first), "back", Duration::ZERO).await.map_err(text)? == 2);
    drop(first);
    add(&queue, "job", &["5"]).await?;
    let third = bench.claim(&queue, 3).await?;
    ensure!(queue.release(&receipts(&third)).await.map_err(text)? == 3);
    drop(third);
    let all = bench.claim(&queue, 9).await?;
    ensure!(keys_of(&all) == ["1", "2", "3", "4", "5"], "{:?}", keys_of(&all));
    ensure!(all.iter().map(|claim| claim.deliveries).eq([2, 2, 1, 1, 1]));
    Ok(())
}

pub(crate) async fn a_message_that_is_given_back_is_handed_out_again(bench: &Bench) -> Outcome {
    let (one, other) = (bench.queue().await?, bench.queue().await?);
    add(&one, "job", &["1"]).await?;
    let claimed = bench.claim_one(&one, "1", 1).await?;
    ensure!(bench.found(&other, None).await? == Found::Empty);
    ensure!(one.nack(&claimed, "back", Duration::ZERO).await.map_err(text)? == 1);
    drop(claimed);
    bench.claim_one(&other, "1", 2).await?;
    Ok(())
}

pub(crate) async fn deliveries_are_counted(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1"]).await?;
    for deliveries in 1..=20 {
        let claimed = bench.claim_one(&queue, "1", deliveries).await?;
        ensure!(queue.nack(&claimed, "back", Duration::ZERO).await.map_err(text)? == 1);
    }
    Ok(())
}

pub(crate) async fn a_released_delivery_does_not_count(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1"]).await?;
    for _ in 0..3 {
        let claimed = bench.claim_one(&queue, "1", 1).await?;
        ensure!(queue.release(&claimed).await.map_err(text)? == 1);
    }
    let claimed = bench.claim_one(&queue, "1", 1).await?;
    ensure!(queue.nack(&claimed, "back", Duration::ZERO).await.map_err(text)? == 1);
    drop(claimed);
    bench.claim_one(&queue, "1", 2).await?;
    Ok(())
}

pub(crate) async fn a_delay_is_kept(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    add(&queue, "job", &["1"]).await?;
    let claimed = bench.claim_one(&queue, "1", 1).await?;
    let (before, delay) =
        (bench.runtime.now(), if bench.virtual_time { bench.short * 10_000 } else { bench.short });
    ensure!(queue.nack(&claimed, "later", delay).await.map_err(text)? == 1);
    let again = bench.claim_soon(&queue).await?;
    bench.check_due(before + delay)?;
    ensure!(again.deliveries == 2, "{} deliveries", again.deliveries);
    Ok(())
}

pub(crate) async fn a_delayed_message_lets_others_pass(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    add(&queue, "job", &["1", "2"]).await?;
    let claimed = bench.claim_one(&queue, "1", 1).await?;
    ensure!(queue.nack(&claimed, "later", crate::bench::LONG).await.map_err(text)? == 1);
    bench.claim_one(&queue, "2", 1).await?;
    ensure!(bench.found(&queue, None).await? == Found::Empty);
    Ok(())
}
