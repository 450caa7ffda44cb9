//! Queues, the engine: fencing by delivery, jobs that end, delays, and dead letters, for each queue of ours.

use std::sync::Arc;

use crate::library::pipeline::{Claim, Claims, Depth, Queue, QueueMessage};

use crate::kit::leases::LeasedQueue;
use crate::kit::prelude::*;
use crate::kit::published::{LONG, bounded};

fn message(job: &str, key: &str) -> QueueMessage {
    QueueMessage::new(job, key, key.to_owned())
}

async fn add(queue: &impl Queue, job: &str, keys: &[&str]) -> Outcome {
    for key in keys {
        ensure!(queue.publish(message(job, key)).await.map_err(text)?, "{key} is known");
    }
    Ok(())
}

fn text(error: impl Into<crate::library::BoxError>) -> Failure {
    Failure::msg(format!("{:#}", error.into()))
}

async fn claim<Q: Queue>(queue: &Q, most: usize) -> Result<Vec<Claim<Q::Receipt>>, Failure> {
    match queue.claim(None, most, LONG).await.map_err(text)? {
        Claims::Messages(claims) => Ok(claims),
        Claims::Empty => bail!("empty for now"),
        Claims::Over => bail!("over"),
    }
}

/// Claims one message, and checks its key and the number of its deliveries.
async fn claim_one<Q: Queue>(queue: &Q, key: &str, deliveries: u32) -> Result<[Q::Receipt; 1], Failure> {
    let mut claims = claim(queue, 1).await?;
    let claim = claims.pop().context("no message")?;
    ensure!(
        claim.message.key() == key && claim.deliveries == deliveries,
        "{:?}, {} times, in place of {key:?}, {deliveries} times",
        claim.message.key(),
        claim.deliveries
    );
    Ok([claim.receipt])
}

async fn is_over(queue: &impl Queue, job: Option<&str>) -> Result<bool, Failure> {
    // An engine may wait where there is nothing for now.
    match poll_once(queue.claim(job, 1, LONG)).await.transpose().map_err(text)? {
        Some(Claims::Messages(claims)) => bail!("{} messages", claims.len()),
        Some(Claims::Over) => Ok(true),
        Some(Claims::Empty) | None => Ok(false),
    }
}

/// Runs a case on each queue.
macro_rules! on_each_queue {
    ($($name:ident => $case:ident;)+) => {$(
        pub async fn $name<R: Runtime>(rt: R, _: Facts) -> Outcome {
            $case(bounded(100)).await.context("BoundedQueue")?;
            $case(LeasedQueue::new(&rt)).await.context("LeasedQueue")
        }
    )+};
}

on_each_queue! {
    messages_are_claimed_in_the_order_in_which_they_came => order;
    a_receipt_of_an_earlier_delivery_changes_nothing => fencing;
    a_message_is_settled_once => settling;
    a_receipt_from_before_a_redrive_changes_nothing => fencing_across_redrive;
    a_released_delivery_does_not_count => releasing;
    a_key_is_taken_once => keys;
    a_sealed_job_takes_no_new_message => sealing;
    a_job_is_over_once_it_is_sealed_and_settled => ends;
    a_queue_is_over_once_all_of_its_jobs_are => all_jobs;
    a_job_is_claimed_by_its_name => by_name;
    dead_letters_are_listed_given_back_and_dropped => dead_letters;
    the_depth_counts_each_message_in_its_state => depth;
}

async fn order(queue: impl Queue) -> Outcome {
    add(&queue, "job", &["1", "2", "3", "4"]).await?;
    let first = claim(&queue, 2).await?;
    ensure!(first.iter().map(|claim| claim.message.key()).eq(["1", "2"]));
    ensure!(first.iter().all(|claim| claim.message.body() == claim.message.key() && claim.deliveries == 1));
    // What comes back goes before what was published later.
    let receipts: Vec<_> = first.into_iter().map(|claim| claim.receipt).collect();
    ensure!(queue.nack(&receipts, "back", Duration::ZERO).await.map_err(text)? == 2);
    let all = claim(&queue, 9).await?;
    ensure!(all.iter().map(|claim| claim.message.key()).eq(["1", "2", "3", "4"]));
    ensure!(all.iter().map(|claim| claim.deliveries).eq([2, 2, 1, 1]));
    Ok(())
}

async fn fencing(queue: impl Queue) -> Outcome {
    add(&queue, "job", &["1"]).await?;
    let first = claim_one(&queue, "1", 1).await?;
    ensure!(queue.extend(&first, LONG).await.map_err(text)? == 1);
    ensure!(queue.nack(&first, "back", Duration::ZERO).await.map_err(text)? == 1);
    let second = claim_one(&queue, "1", 2).await?;
    let late = [
        queue.ack(&first).await.map_err(text)?,
        queue.extend(&first, LONG).await.map_err(text)?,
        queue.nack(&first, "late", Duration::ZERO).await.map_err(text)?,
        queue.bury(&first, "late").await.map_err(text)?,
    ];
    ensure!(late == [0; 4], "{late:?}");
    ensure!(queue.ack(&second).await.map_err(text)? == 1);
    Ok(())
}

async fn fencing_across_redrive(queue: impl Queue) -> Outcome {
    add(&queue, "job", &["1"]).await?;
    let first = claim_one(&queue, "1", 1).await?;
    ensure!(queue.bury(&first, "bad").await.map_err(text)? == 1);
    ensure!(queue.redrive(&["1".into()]).await.map_err(text)? == 1);
    let second = claim_one(&queue, "1", 1).await?;
    ensure!(
        queue.ack(&first).await.map_err(text)? == 0 && queue.bury(&first, "late").await.map_err(text)? == 0
    );
    drop(first);
    ensure!(queue.ack(&second).await.map_err(text)? == 1);
    Ok(())
}

async fn releasing(queue: impl Queue) -> Outcome {
    add(&queue, "job", &["1"]).await?;
    for _ in 0..3 {
        let claimed = claim_one(&queue, "1", 1).await?;
        ensure!(queue.release(&claimed).await.map_err(text)? == 1);
        ensure!(queue.release(&claimed).await.map_err(text)? == 0);
    }
    let claimed = claim_one(&queue, "1", 1).await?;
    ensure!(queue.nack(&claimed, "back", Duration::ZERO).await.map_err(text)? == 1);
    claim_one(&queue, "1", 2).await?;
    Ok(())
}

async fn settling(queue: impl Queue) -> Outcome {
    add(&queue, "job", &["1", "2"]).await?;
    let (first, second) = (claim_one(&queue, "1", 1).await?, claim_one(&queue, "2", 1).await?);
    ensure!(queue.ack(&[first.as_slice(), &second].concat()).await.map_err(text)? == 2);
    ensure!(queue.ack(&first).await.map_err(text)? == 0);
    ensure!(queue.nack(&first, "late", Duration::ZERO).await.map_err(text)? == 0);
    queue.seal("job").await.map_err(text)?;
    ensure!(is_over(&queue, None).await?);
    Ok(())
}

async fn keys(queue: impl Queue) -> Outcome {
    add(&queue, "job", &["1", "2"]).await?;
    let mut is_known = Vec::new();
    is_known.push(!queue.publish(message("job", "1")).await.map_err(text)?);
    let claimed = claim_one(&queue, "1", 1).await?;
    is_known.push(!queue.publish(message("job", "1")).await.map_err(text)?);
    ensure!(queue.ack(&claimed).await.map_err(text)? == 1);
    is_known.push(!queue.publish(message("job", "1")).await.map_err(text)?);
    let buried = claim_one(&queue, "2", 1).await?;
    ensure!(queue.bury(&buried, "bad").await.map_err(text)? == 1);
    is_known.push(!queue.publish(message("job", "2")).await.map_err(text)?);
    ensure!(is_known == [true; 4], "waiting, claimed, done, dead: {is_known:?}");
    ensure!(!is_over(&queue, None).await?, "it is not sealed");
    Ok(())
}

async fn sealing(queue: impl Queue) -> Outcome {
    add(&queue, "job", &["1"]).await?;
    queue.seal("job").await.map_err(text)?;
    queue.seal("job").await.map_err(text)?;
    queue.open("job").await.map_err(text)?;
    ensure!(queue.publish(message("job", "2")).await.is_err(), "it is sealed");
    ensure!(!queue.publish(message("job", "1")).await.map_err(text)?, "known, and so no error");
    add(&queue, "another", &["2"]).await
}

async fn ends(queue: impl Queue) -> Outcome {
    ensure!(!is_over(&queue, None).await? && !is_over(&queue, Some("job")).await?, "before its first job");
    queue.open("job").await.map_err(text)?;
    ensure!(!is_over(&queue, None).await? && !is_over(&queue, Some("job")).await?, "it is open");
    add(&queue, "job", &["1"]).await?;
    let claimed = claim_one(&queue, "1", 1).await?;
    queue.seal("job").await.map_err(text)?;
    ensure!(!is_over(&queue, None).await? && !is_over(&queue, Some("job")).await?, "a message is claimed");
    ensure!(queue.nack(&claimed, "back", Duration::ZERO).await.map_err(text)? == 1);
    let claimed = claim_one(&queue, "1", 2).await?;
    ensure!(queue.ack(&claimed).await.map_err(text)? == 1);
    ensure!(is_over(&queue, None).await? && is_over(&queue, Some("job")).await?);
    // A job without a message.
    queue.seal("empty").await.map_err(text)?;
    ensure!(is_over(&queue, Some("empty")).await? && is_over(&queue, None).await?);
    Ok(())
}

async fn all_jobs(queue: impl Queue) -> Outcome {
    queue.open("second").await.map_err(text)?;
    queue.seal("first").await.map_err(text)?;
    ensure!(is_over(&queue, Some("first")).await? && !is_over(&queue, None).await?);
    queue.seal("second").await.map_err(text)?;
    ensure!(is_over(&queue, None).await?);
    // Another job: the queue is not over any more.
    add(&queue, "third", &["1"]).await?;
    let claimed = claim_one(&queue, "1", 1).await?;
    ensure!(queue.ack(&claimed).await.map_err(text)? == 1 && !is_over(&queue, None).await?);
    Ok(())
}

async fn by_name(queue: impl Queue) -> Outcome {
    add(&queue, "first", &["1"]).await?;
    add(&queue, "second", &["2", "3"]).await?;
    let claims = queue.claim(Some("second"), 9, LONG).await.map_err(text)?.into_messages();
    ensure!(
        claims
            .iter()
            .map(|claim| (claim.message.job(), claim.message.key()))
            .eq([("second", "2"), ("second", "3")])
    );
    queue.seal("first").await.map_err(text)?;
    ensure!(!is_over(&queue, Some("second")).await? && !is_over(&queue, Some("unknown")).await?);
    let first = claim_one(&queue, "1", 1).await?;
    ensure!(queue.ack(&first).await.map_err(text)? == 1 && is_over(&queue, Some("first")).await?);
    Ok(())
}

async fn dead_letters(queue: impl Queue) -> Outcome {
    add(&queue, "job", &["1", "2", "3"]).await?;
    queue.seal("job").await.map_err(text)?;
    for key in ["1", "2", "3"] {
        let claimed = claim_one(&queue, key, 1).await?;
        ensure!(queue.bury(&claimed, &format!("{key} is bad")).await.map_err(text)? == 1);
    }
    ensure!(is_over(&queue, None).await?, "a dead letter keeps no job open");
    let dead = queue.dead(2).await.map_err(text)?;
    let found: Vec<_> =
        dead.iter().map(|letter| (letter.message.key(), letter.deliveries, &*letter.reason)).collect();
    ensure!(found == [("1", 1, "1 is bad"), ("2", 1, "2 is bad")], "{found:?}");
    let keys = |keys: &[&str]| keys.iter().map(|key| Arc::from(*key)).collect::<Vec<Arc<str>>>();
    ensure!(queue.purge(&keys(&["1", "unknown"])).await.map_err(text)? == 1);
    ensure!(queue.redrive(&keys(&["1", "2"])).await.map_err(text)? == 1);
    ensure!(!is_over_after_redrive(&queue).await?, "it is handed out as if for the first time");
    ensure!(queue.dead(9).await.map_err(text)?.len() == 1);
    ensure!(!queue.publish(message("job", "1")).await.map_err(text)?, "its key is known");
    Ok(())
}

async fn is_over_after_redrive(queue: &impl Queue) -> Result<bool, Failure> {
    let claimed = claim_one(queue, "2", 1).await?;
    let is_over = is_over(queue, None).await?;
    ensure!(queue.ack(&claimed).await.map_err(text)? == 1);
    Ok(is_over)
}

async fn depth(queue: impl Queue) -> Outcome {
    add(&queue, "job", &["1", "2", "3", "4", "5"]).await?;
    let [done, dead] = [claim_one(&queue, "1", 1).await?, claim_one(&queue, "2", 1).await?];
    queue.ack(&done).await.map_err(text)?;
    queue.bury(&dead, "bad").await.map_err(text)?;
    let _held = claim_one(&queue, "3", 1).await?;
    let due = Depth { waiting: 2, delayed: 0, claimed: 1, done: 1, dead: 1 };
    let found = queue.depth().await.map_err(text)?;
    ensure!(found == due, "{found}");
    Ok(())
}

pub async fn a_delay_is_kept_by_the_engines_clock<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    add(&queue, "job", &["1"]).await?;
    let claimed = claim_one(&queue, "1", 1).await?;
    let (before, delay) = (rt.now(), if at.virtual_time { 1.hours() } else { 50.millis() });
    ensure!(queue.nack(&claimed, "later", delay).await.map_err(text)? == 1);
    if at.virtual_time {
        ensure!(queue.depth().await.map_err(text)?.delayed == 1);
        ensure!(!is_over(&queue, None).await?);
    }
    claim_one(&queue, "1", 2).await?;
    let took = rt.now() - before;
    ensure!(if at.virtual_time { took == delay } else { took >= delay }, "{took:?}");
    Ok(())
}

pub async fn a_known_message_leaves_its_room_to_another<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = bounded(1);
    add(&queue, "job", &["first"]).await?;
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
    add(&queue, "job", &["1"]).await?;
    let receipt = claim_one(&queue, "1", 1).await?;
    let clone = receipt.clone();
    drop(receipt);
    ensure!(!is_over(&queue, None).await?, "a clone holds it");
    drop(clone);
    let acked = claim_one(&queue, "1", 2).await?;
    ensure!(queue.ack(&acked).await.map_err(text)? == 1);
    drop(acked);
    // A receipt of another queue is of no message here.
    let other = bounded(9);
    add(&other, "job", &["1"]).await?;
    let foreign = claim_one(&other, "1", 1).await?;
    add(&queue, "job", &["2"]).await?;
    let own = claim_one(&queue, "2", 1).await?;
    ensure!(
        queue.ack(&foreign).await.map_err(text)? == 0
            && queue.extend(&foreign, LONG).await.map_err(text)? == 0
    );
    ensure!(queue.ack(&own).await.map_err(text)? == 1);
    Ok(())
}
