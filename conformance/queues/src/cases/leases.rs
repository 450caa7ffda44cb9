//! Leases: a message comes back once its lease has run out, by the engine's clock.

use std::time::Duration;

use anyhow::ensure;
use futures_lite::future::poll_once;
use sweet_async_core::TaskBuilder;
use sweet_async_pipeline::Queue as _;

use crate::Outcome;
use crate::bench::{Bench, Claimed, Found, LONG, add, text};
use crate::clock::Shifted;

pub(crate) async fn a_lease_that_has_run_out_gives_its_message_to_another(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    add(&queue, "job", &["1"]).await?;
    let (first, due) = bench.claim_shortly(&queue).await?;
    let second = bench.claim_soon(&queue).await?;
    bench.check_due(due)?;
    ensure!(second.message.key() == "1" && second.deliveries == 2, "{} deliveries", second.deliveries);
    ensure!(queue.ack(&[first.receipt]).await.map_err(text)? == 0, "somebody else has claimed it since");
    ensure!(queue.ack(&[second.receipt]).await.map_err(text)? == 1);
    Ok(())
}

pub(crate) async fn an_extended_lease_holds(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    add(&queue, "job", &["1"]).await?;
    let (claim, _) = bench.claim_shortly(&queue).await?;
    ensure!(queue.extend(std::slice::from_ref(&claim.receipt), LONG).await.map_err(text)? == 1);
    bench.sleep(bench.short * 2).await?;
    ensure!(bench.found(&queue, None).await? == Found::Empty, "its lease was extended");
    ensure!(queue.ack(&[claim.receipt]).await.map_err(text)? == 1);
    Ok(())
}

pub(crate) async fn an_extension_counts_from_now(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    add(&queue, "job", &["1"]).await?;
    let held = bench.claim_one(&queue, "1", 1).await?;
    ensure!(queue.extend(&held, bench.short).await.map_err(text)? == 1);
    let again = bench.claim_soon(&queue).await?;
    ensure!(again.deliveries == 2, "{} deliveries", again.deliveries);
    Ok(())
}

pub(crate) async fn a_message_that_came_back_is_held_for_its_new_lease_alone(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    add(&queue, "job", &["1"]).await?;
    let (_first, _) = bench.claim_shortly(&queue).await?;
    let second = bench.claim_soon(&queue).await?;
    bench.sleep(bench.short * 2).await?;
    ensure!(bench.found(&queue, None).await? == Found::Empty, "its second lease is long");
    ensure!(queue.ack(&[second.receipt]).await.map_err(text)? == 1);
    Ok(())
}

pub(crate) async fn a_late_ack_stands_or_does_nothing(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    add(&queue, "job", &["1"]).await?;
    queue.seal("job").await.map_err(text)?;
    let (claim, _) = bench.claim_shortly(&queue).await?;
    bench.sleep(bench.short * 2).await?;
    if queue.ack(&[claim.receipt]).await.map_err(text)? == 0 {
        let again = bench.claim_soon(&queue).await?;
        ensure!(again.deliveries == 2 && queue.ack(&[again.receipt]).await.map_err(text)? == 1);
    }
    ensure!(bench.is_over(&queue, None).await?);
    Ok(())
}

pub(crate) async fn an_acknowledged_message_does_not_come_back(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    add(&queue, "job", &["1"]).await?;
    let (claim, _) = bench.claim_shortly(&queue).await?;
    ensure!(queue.ack(&[claim.receipt]).await.map_err(text)? == 1);
    bench.sleep(bench.short * 2).await?;
    ensure!(bench.found(&queue, None).await? == Found::Empty);
    Ok(())
}

pub(crate) async fn a_lease_is_measured_by_the_engines_clock(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    // Clients whose clocks are far behind, and far ahead.
    for (key, is_ahead) in [("behind", false), ("ahead", true)] {
        add(&queue, "job", &[key]).await?;
        let (client, lease) = (queue.clone(), if is_ahead { bench.short } else { bench.short * 20 });
        let claim =
            move || async move { client.claim(None, 1, lease).await.map(|claims| claims.into_messages()) };
        let runtime = Shifted::new(&bench.runtime, Duration::from_secs(3_000), is_ahead);
        let mut claims = TaskBuilder::<Vec<Claimed>, _>::new(runtime).spawn(claim).await?;
        ensure!(claims.pop().is_some_and(|claim| claim.message.key() == key), "it was not claimed");
        if !is_ahead {
            ensure!(bench.found(&queue, None).await? == Found::Empty, "the lease has run out at once");
        }
        // A lease that lasts far too long is a hang here.
        let again = bench.claim_soon(&queue).await?;
        ensure!(again.deliveries == 2 && queue.ack(&[again.receipt]).await.map_err(text)? == 1);
    }
    Ok(())
}

pub(crate) async fn a_claim_that_is_dropped_loses_nothing(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    add(&queue, "job", &["1", "2", "3"]).await?;
    for round in 0..40 {
        let claim = queue.claim(None, 1, bench.short);
        if round % 4 == 0 {
            // Dropped after its first poll.
            drop(poll_once(claim).await);
        } else {
            // Dropped somewhere on its way.
            let limit = async { bench.sleep(Duration::from_micros(50 * round)).await.map(|()| None) };
            let claim = async { Ok(Some(claim.await)) };
            drop(futures_lite::future::or(claim, limit).await?);
        }
    }
    let mut found = Vec::new();
    for _ in 0..3 {
        let claim = bench.claim_soon(&queue).await?;
        found.push(claim.message.key().to_owned());
        ensure!(queue.ack(&[claim.receipt]).await.map_err(text)? == 1);
    }
    found.sort_unstable();
    ensure!(found == ["1", "2", "3"], "{found:?}");
    Ok(())
}
