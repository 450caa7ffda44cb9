//! Dead letters: messages that are handed out no more, until they are given back or dropped.

use anyhow::ensure;
use sweet_async_pipeline::{Queue as _, QueueMessage};

use crate::Outcome;
use crate::bench::{Bench, Found, add, keys, message, text};
use crate::erased::AnyQueue;

/// Claims the message with this key, and buries it.
async fn bury(bench: &Bench, queue: &AnyQueue, key: &str, reason: &str) -> Outcome {
    let claimed = bench.claim_one(queue, key, 1).await?;
    ensure!(queue.bury(&claimed, reason).await.map_err(text)? == 1);
    Ok(())
}

pub(crate) async fn dead_letters_are_listed_given_back_and_dropped(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1", "2", "3"]).await?;
    queue.seal("job").await.map_err(text)?;
    for key in ["1", "2", "3"] {
        bury(bench, &queue, key, "bad").await?;
    }
    ensure!(queue.purge(&keys(&["1", "unknown"])).await.map_err(text)? == 1);
    ensure!(queue.redrive(&keys(&["1", "2"])).await.map_err(text)? == 1);
    let claimed = bench.claim_one(&queue, "2", 1).await?;
    ensure!(queue.ack(&claimed).await.map_err(text)? == 1);
    let dead = queue.dead(9).await.map_err(text)?;
    ensure!(dead.iter().map(|letter| letter.message.key()).eq(["3"]), "{dead:?}");
    for known in ["1", "2", "3"] {
        ensure!(!queue.publish(message("job", known)).await.map_err(text)?, "the key of {known} is known");
    }
    let depth = queue.depth().await.map_err(text)?;
    ensure!((depth.waiting, depth.claimed, depth.done, depth.dead) == (0, 0, 1, 1), "{depth}");
    Ok(())
}

pub(crate) async fn a_dead_letter_is_not_handed_out(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1", "2"]).await?;
    bury(bench, &queue, "1", "bad").await?;
    ensure!(bench.found(&queue, None).await? == Found::Messages(vec!["2".to_owned()]));
    Ok(())
}

pub(crate) async fn a_dead_letter_says_what_it_was(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    let reason = "line 3: \"x\" is no number\n(100 %, it's ü)";
    ensure!(queue.publish(QueueMessage::new("a job", "a key", vec![0, 159, 255])).await.map_err(text)?);
    for deliveries in 1..=3 {
        let claimed = bench.claim_one(&queue, "a key", deliveries).await?;
        let changed = if deliveries < 3 {
            queue.nack(&claimed, "back", std::time::Duration::ZERO).await
        } else {
            queue.bury(&claimed, reason).await
        };
        ensure!(changed.map_err(text)? == 1);
    }
    let dead = queue.dead(9).await.map_err(text)?;
    let [letter] = dead.as_slice() else { anyhow::bail!("{dead:?}") };
    ensure!(letter.message.job() == "a job" && letter.message.key() == "a key", "{letter:?}");
    ensure!(letter.message.body().as_ref() == [0, 159, 255] && letter.deliveries == 3, "{letter:?}");
    ensure!(&*letter.reason == reason, "{letter:?}");
    Ok(())
}

pub(crate) async fn dead_letters_are_listed_oldest_first_and_no_more_than_asked(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    ensure!(queue.dead(9).await.map_err(text)?.is_empty());
    add(&queue, "job", &["b", "a", "c"]).await?;
    for key in ["b", "a", "c"] {
        bury(bench, &queue, key, key).await?;
    }
    let found = queue.dead(2).await.map_err(text)?;
    ensure!(found.iter().map(|letter| letter.message.key()).eq(["b", "a"]), "{found:?}");
    ensure!(queue.dead(9).await.map_err(text)?.len() == 3);
    Ok(())
}

pub(crate) async fn a_receipt_from_before_a_redrive_changes_nothing(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1"]).await?;
    let first = bench.claim_one(&queue, "1", 1).await?;
    ensure!(queue.bury(&first, "bad").await.map_err(text)? == 1);
    ensure!(queue.redrive(&keys(&["1"])).await.map_err(text)? == 1);
    ensure!(queue.ack(&first).await.map_err(text)? == 0);
    let second = bench.claim_one(&queue, "1", 1).await?;
    ensure!(
        queue.ack(&first).await.map_err(text)? == 0 && queue.bury(&first, "late").await.map_err(text)? == 0
    );
    drop(first);
    ensure!(queue.ack(&second).await.map_err(text)? == 1);
    Ok(())
}

pub(crate) async fn a_redriven_message_opens_its_job_again(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1", "2"]).await?;
    queue.seal("job").await.map_err(text)?;
    bury(bench, &queue, "1", "bad").await?;
    let last = bench.claim_one(&queue, "2", 1).await?;
    ensure!(queue.ack(&last).await.map_err(text)? == 1 && bench.is_over(&queue, None).await?);
    ensure!(queue.redrive(&keys(&["1"])).await.map_err(text)? == 1);
    ensure!(bench.found(&queue, Some("job")).await? == Found::Messages(vec!["1".to_owned()]));
    let again = bench.claim_one(&queue, "1", 1).await?;
    ensure!(!bench.is_over(&queue, None).await? && !bench.is_over(&queue, Some("job")).await?);
    ensure!(queue.ack(&again).await.map_err(text)? == 1 && bench.is_over(&queue, None).await?);
    Ok(())
}

pub(crate) async fn only_dead_letters_are_redriven_and_purged(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["held", "done", "waiting"]).await?;
    let held = bench.claim_one(&queue, "held", 1).await?;
    let done = bench.claim_one(&queue, "done", 1).await?;
    ensure!(queue.ack(&done).await.map_err(text)? == 1);
    let all = keys(&["held", "done", "waiting", "unknown"]);
    ensure!(queue.redrive(&all).await.map_err(text)? == 0 && queue.purge(&all).await.map_err(text)? == 0);
    ensure!(queue.ack(&held).await.map_err(text)? == 1);
    bench.claim_one(&queue, "waiting", 1).await?;
    Ok(())
}
