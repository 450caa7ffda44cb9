//! Races between handles: nothing is lost, and nothing is handed out twice.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use sweet_async_core::RuntimeExt as _;
use sweet_async_pipeline::{Claims, Queue as _};

use crate::bench::{Bench, LONG, message, receipts, text};
use crate::erased::AnyQueue;
use crate::{Failure, Outcome};

/// The number of messages in these cases.
const MESSAGES: usize = 120;

/// Claims and acknowledges messages until the queue is over, and returns their keys. Those for whose key `dies` is true
/// are left, with the rest of a short lease.
async fn consumed(
    queue: AnyQueue,
    runtime: sweet_async_core::DynRuntime,
    short: Duration,
    dies: fn(&str, u32) -> bool,
) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    loop {
        match queue.claim(None, 7, LONG).await.map_err(text)? {
            Claims::Over => return Ok(found),
            Claims::Empty => runtime.sleep(Duration::from_millis(2)).await?,
            Claims::Messages(mut claims) => {
                let dying = claims.extract_if(.., |claim| dies(claim.message.key(), claim.deliveries));
                let dying = receipts(&dying.collect::<Vec<_>>());
                ensure!(queue.extend(&dying, short).await.map_err(text)? == dying.len(), "they are held");
                let held = queue.ack(&receipts(&claims)).await.map_err(text)?;
                ensure!(held == claims.len(), "{held} of {} are held", claims.len());
                found.extend(claims.iter().map(|claim| claim.message.key().to_owned()));
            }
        }
    }
}

/// Checks that each of the keys `0..messages` was found once.
fn check_each_once(found: impl IntoIterator<Item = String>, messages: usize) -> Outcome {
    let mut times = BTreeMap::<String, usize>::new();
    for key in found {
        *times.entry(key).or_default() += 1;
    }
    let wrong: Vec<_> = times.iter().filter(|(_, times)| **times != 1).collect();
    ensure!(wrong.is_empty() && times.len() == messages, "{} of {messages} keys; {wrong:?}", times.len());
    Ok(())
}

pub(crate) async fn concurrent_claims_hand_out_each_message_once(bench: &Bench) -> Outcome {
    let first = bench.queue().await?;
    let mut consumers = Vec::new();
    for _ in 0..3 {
        let queue = bench.queue().await?;
        consumers.push(bench.spawn(consumed(queue, bench.runtime.clone(), bench.short, |_, _| false)));
    }
    for n in 0..MESSAGES {
        ensure!(first.publish(message("job", &n.to_string())).await.map_err(text)?);
    }
    first.seal("job").await.map_err(text)?;
    let mut found = Vec::new();
    for consumer in consumers {
        found.extend(consumer.await?);
    }
    check_each_once(found, MESSAGES)
}

pub(crate) async fn a_key_that_many_publish_at_once_is_taken_once(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    let mut publishers = Vec::new();
    for _ in 0..4 {
        let queue = bench.queue().await?;
        publishers.push(bench.spawn(async move {
            let mut new = 0;
            for n in 0..20 {
                new += usize::from(queue.publish(message("job", &n.to_string())).await.map_err(text)?);
            }
            Ok(new)
        }));
    }
    let mut new = 0;
    for publisher in publishers {
        new += publisher.await?;
    }
    ensure!(new == 20, "{new} were new");
    let claims = bench.claim(&queue, 99).await?;
    check_each_once(claims.iter().map(|claim| claim.message.key().to_owned()), 20)
}

pub(crate) async fn a_seal_that_races_publishers_loses_no_message(bench: &Bench) -> Outcome {
    for round in 0..10 {
        let queue = bench.open(&format!("chunks{round}")).await?;
        let mut publishers = Vec::new();
        for publisher in 0..3 {
            let queue = bench.open(&format!("chunks{round}")).await?;
            publishers.push(bench.spawn(async move {
                let mut accepted = Vec::new();
                for n in 0..40 {
                    let key = format!("{publisher}-{n}");
                    match queue.publish(message("job", &key)).await {
                        Ok(true) => accepted.push(key),
                        Ok(false) => anyhow::bail!("{key} is known"),
                        Err(_) => break,
                    }
                }
                Ok(accepted)
            }));
        }
        let consumer = bench.spawn(consumed(queue.clone(), bench.runtime.clone(), bench.short, |_, _| false));
        let sealer = queue.clone();
        let runtime = bench.runtime.clone();
        let sealer = bench.spawn(async move {
            // At another moment in each round; whichever it is, the case holds.
            runtime.sleep(Duration::from_millis(round)).await?;
            sealer.seal("job").await.map_err(text)
        });
        sealer.await?;
        ensure!(queue.publish(message("job", "late")).await.is_err(), "it is sealed");
        let mut accepted = Vec::new();
        for publisher in publishers {
            accepted.extend(publisher.await?);
        }
        let mut found = consumer.await?;
        accepted.sort_unstable();
        found.sort_unstable();
        ensure!(found == accepted, "{} of {} accepted messages were found", found.len(), accepted.len());
    }
    Ok(())
}

pub(crate) async fn consumers_that_die_lose_no_message(bench: &Bench) -> Outcome {
    let Some(first) = bench.timed_queue().await? else { return Ok(()) };
    for n in 0..MESSAGES {
        ensure!(first.publish(message("job", &n.to_string())).await.map_err(text)?);
    }
    first.seal("job").await.map_err(text)?;
    let mut consumers = Vec::new();
    for _ in 0..3 {
        let queue = bench.queue().await?;
        consumers.push(bench.spawn(consumed(
            queue,
            bench.runtime.clone(),
            bench.short,
            |key, deliveries| deliveries == 1 && key.ends_with('3'),
        )));
    }
    let mut found = Vec::new();
    for consumer in consumers {
        found.extend(consumer.await.context("a consumer")?);
    }
    check_each_once(found, MESSAGES)
}
