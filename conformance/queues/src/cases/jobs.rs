//! Jobs: "empty for now" and "over" are told apart.

use std::time::Duration;

use anyhow::ensure;
use sweet_async_pipeline::Queue as _;

use crate::Outcome;
use crate::bench::{Bench, Found, LONG, add, message, text};

pub(crate) async fn a_sealed_job_takes_no_new_message(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1"]).await?;
    queue.seal("job").await.map_err(text)?;
    queue.seal("job").await.map_err(text)?;
    queue.open("job").await.map_err(text)?;
    ensure!(queue.publish(message("job", "2")).await.is_err(), "it is sealed");
    ensure!(!queue.publish(message("job", "1")).await.map_err(text)?, "known, and so no error");
    // The refused key was not taken.
    add(&queue, "another", &["2"]).await
}

pub(crate) async fn a_job_is_over_once_it_is_sealed_and_settled(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    queue.open("job").await.map_err(text)?;
    ensure!(!bench.is_over(&queue, None).await? && !bench.is_over(&queue, Some("job")).await?, "it is open");
    add(&queue, "job", &["1"]).await?;
    let claimed = bench.claim_one(&queue, "1", 1).await?;
    queue.seal("job").await.map_err(text)?;
    ensure!(
        !bench.is_over(&queue, None).await? && !bench.is_over(&queue, Some("job")).await?,
        "one is claimed"
    );
    ensure!(queue.nack(&claimed, "back", Duration::ZERO).await.map_err(text)? == 1);
    drop(claimed);
    let claimed = bench.claim_one(&queue, "1", 2).await?;
    ensure!(queue.ack(&claimed).await.map_err(text)? == 1);
    ensure!(bench.is_over(&queue, None).await? && bench.is_over(&queue, Some("job")).await?);
    Ok(())
}

pub(crate) async fn a_queue_is_over_once_all_of_its_jobs_are(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    queue.open("second").await.map_err(text)?;
    queue.seal("first").await.map_err(text)?;
    ensure!(bench.is_over(&queue, Some("first")).await? && !bench.is_over(&queue, None).await?);
    queue.seal("second").await.map_err(text)?;
    ensure!(bench.is_over(&queue, None).await?);
    // Another job: the queue is not over any more.
    add(&queue, "third", &["1"]).await?;
    let claimed = bench.claim_one(&queue, "1", 1).await?;
    ensure!(queue.ack(&claimed).await.map_err(text)? == 1 && !bench.is_over(&queue, None).await?);
    Ok(())
}

pub(crate) async fn a_job_without_a_message_is_over_once_it_is_sealed(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    queue.seal("empty").await.map_err(text)?;
    ensure!(bench.is_over(&queue, Some("empty")).await? && bench.is_over(&queue, None).await?);
    ensure!(queue.publish(message("empty", "1")).await.is_err(), "it is sealed");
    Ok(())
}

pub(crate) async fn a_queue_without_a_job_is_not_over(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    ensure!(bench.found(&queue, None).await? == Found::Empty);
    ensure!(bench.found(&queue, Some("job")).await? == Found::Empty);
    Ok(())
}

pub(crate) async fn a_delayed_message_keeps_its_job_open(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    add(&queue, "job", &["1"]).await?;
    queue.seal("job").await.map_err(text)?;
    let claimed = bench.claim_one(&queue, "1", 1).await?;
    ensure!(queue.nack(&claimed, "later", LONG).await.map_err(text)? == 1);
    ensure!(bench.found(&queue, None).await? == Found::Empty);
    ensure!(bench.found(&queue, Some("job")).await? == Found::Empty);
    Ok(())
}

pub(crate) async fn a_claimed_message_keeps_its_job_open(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    add(&queue, "job", &["1"]).await?;
    queue.seal("job").await.map_err(text)?;
    let (claim, _) = bench.claim_shortly(&queue).await?;
    ensure!(!bench.is_over(&queue, Some("job")).await?, "it is claimed");
    // Also once its lease has run out.
    let again = bench.claim_soon(&queue).await?;
    ensure!(!bench.is_over(&queue, Some("job")).await? && !bench.is_over(&queue, None).await?);
    drop(claim);
    ensure!(queue.ack(&[again.receipt]).await.map_err(text)? == 1 && bench.is_over(&queue, None).await?);
    Ok(())
}

pub(crate) async fn a_dead_letter_keeps_no_job_open(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1"]).await?;
    queue.seal("job").await.map_err(text)?;
    let claimed = bench.claim_one(&queue, "1", 1).await?;
    ensure!(queue.bury(&claimed, "bad").await.map_err(text)? == 1);
    ensure!(bench.is_over(&queue, Some("job")).await? && bench.is_over(&queue, None).await?);
    Ok(())
}
