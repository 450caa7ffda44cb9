//! Claiming: the oldest messages first, each to one consumer.

use anyhow::ensure;
use sweet_async_pipeline::Queue as _;

use crate::Outcome;
use crate::bench::{Bench, Found, LONG, add, keys_of, receipts, text};

pub(crate) async fn messages_are_claimed_in_the_order_in_which_they_came(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    let keys: Vec<String> = (0..40).map(|n| format!("{}", 97 * n % 40)).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    add(&queue, "job", &keys).await?;
    let (mut first, second) = (bench.claim(&queue, 7).await?, bench.claim(&queue, 99).await?);
    first.extend(second);
    ensure!(keys_of(&first) == keys, "{:?}", keys_of(&first));
    ensure!(first.iter().all(|claim| claim.deliveries == 1));
    Ok(())
}

pub(crate) async fn a_claim_takes_no_more_than_it_asks_for(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1", "2", "3"]).await?;
    let first = bench.claim(&queue, 2).await?;
    ensure!(keys_of(&first) == ["1", "2"], "{:?}", keys_of(&first));
    let second = bench.claim(&queue, 2).await?;
    ensure!(keys_of(&second) == ["3"], "{:?}", keys_of(&second));
    ensure!(bench.found(&queue, None).await? == Found::Empty);
    drop((first, second));
    Ok(())
}

pub(crate) async fn a_claimed_message_is_not_handed_out(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1", "2"]).await?;
    let held = bench.claim_one(&queue, "1", 1).await?;
    ensure!(bench.found(&queue, None).await? == Found::Messages(vec!["2".to_owned()]));
    ensure!(bench.found(&queue, Some("job")).await? == Found::Messages(vec!["2".to_owned()]));
    ensure!(queue.ack(&held).await.map_err(text)? == 1);
    Ok(())
}

pub(crate) async fn a_job_is_claimed_by_its_name(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "first", &["1"]).await?;
    add(&queue, "second", &["2", "3"]).await?;
    let claims = queue.claim(Some("second"), 9, LONG).await.map_err(text)?.into_messages();
    let found: Vec<_> = claims.iter().map(|claim| (claim.message.job(), claim.message.key())).collect();
    ensure!(found == [("second", "2"), ("second", "3")], "{found:?}");
    queue.seal("first").await.map_err(text)?;
    ensure!(!bench.is_over(&queue, Some("second")).await? && !bench.is_over(&queue, Some("unknown")).await?);
    let first = bench.claim_one(&queue, "1", 1).await?;
    ensure!(queue.ack(&first).await.map_err(text)? == 1 && bench.is_over(&queue, Some("first")).await?);
    Ok(())
}

pub(crate) async fn another_handle_sees_all_changes(bench: &Bench) -> Outcome {
    let (one, other) = (bench.queue().await?, bench.queue().await?);
    add(&one, "job", &["1", "2"]).await?;
    let claimed = bench.claim(&other, 9).await?;
    ensure!(keys_of(&claimed) == ["1", "2"], "{:?}", keys_of(&claimed));
    ensure!(bench.found(&one, None).await? == Found::Empty);
    let receipts = receipts(&claimed);
    // A receipt names a delivery, and not who has claimed it.
    ensure!(other.ack(receipts.get(..1).unwrap_or_default()).await.map_err(text)? == 1);
    ensure!(
        other
            .nack(receipts.get(1..).unwrap_or_default(), "back", std::time::Duration::ZERO)
            .await
            .map_err(text)?
            == 1
    );
    drop((claimed, receipts));
    let again = bench.claim_one(&one, "2", 2).await?;
    one.seal("job").await.map_err(text)?;
    ensure!(one.ack(&again).await.map_err(text)? == 1);
    ensure!(bench.is_over(&other, None).await? && bench.is_over(&other, Some("job")).await?);
    Ok(())
}

pub(crate) async fn the_messages_of_one_claim_are_settled_one_by_one(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["done", "back", "dead", "held"]).await?;
    let claims = receipts(&bench.claim(&queue, 4).await?);
    let one = |at: usize| claims.get(at..=at).unwrap_or_default();
    ensure!(queue.ack(one(0)).await.map_err(text)? == 1);
    ensure!(queue.nack(one(1), "back", std::time::Duration::ZERO).await.map_err(text)? == 1);
    ensure!(queue.bury(one(2), "bad").await.map_err(text)? == 1);
    ensure!(bench.found(&queue, None).await? == Found::Messages(vec!["back".to_owned()]));
    ensure!(queue.extend(one(3), LONG).await.map_err(text)? == 1);
    Ok(())
}
