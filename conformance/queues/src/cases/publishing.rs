//! Publishing: a message is kept as it is, and once for each key.

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use sweet_async_pipeline::{Queue as _, QueueMessage};

use crate::Outcome;
use crate::bench::{Bench, Found, add, message, text};

/// Publishes a message, claims it, and checks that it is the same.
async fn check_kept(bench: &Bench, published: QueueMessage) -> Outcome {
    let queue = bench.queue().await?;
    ensure!(queue.publish(published.clone()).await.map_err(text)?);
    let claim = bench.claim(&queue, 9).await?.pop().context("no message")?;
    ensure!(
        claim.message.job() == published.job() && claim.message.key() == published.key(),
        "{:?} of {:?}",
        claim.message.key(),
        claim.message.job()
    );
    ensure!(claim.message.body() == published.body(), "{} bytes", claim.message.body().len());
    ensure!(claim.deliveries == 1 && queue.ack(&[claim.receipt]).await.map_err(text)? == 1);
    Ok(())
}

pub(crate) async fn a_message_comes_back_as_it_was_published(bench: &Bench) -> Outcome {
    let all_bytes: Vec<u8> = (0..=255).collect();
    check_kept(bench, QueueMessage::new("a job", "a key", all_bytes)).await
}

pub(crate) async fn an_empty_body_is_kept(bench: &Bench) -> Outcome {
    check_kept(bench, QueueMessage::new("job", "key", Bytes::new())).await
}

pub(crate) async fn a_body_of_megabytes_is_kept(bench: &Bench) -> Outcome {
    // No byte pattern that a compressing engine makes small.
    let mut state = 1_u64;
    let body: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    })
    .take(5 << 20)
    .collect();
    check_kept(bench, QueueMessage::new("job", "key", body)).await
}

pub(crate) async fn names_with_quotes_and_wildcards_are_plain(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    let names = [
        "it's",
        "\"quoted\"",
        "100%",
        "a_b",
        "*",
        "a?[b]",
        "'; drop table jobs; --",
        "ü→\n\t",
        "{a}:b",
        " ",
        "\\",
    ];
    for name in names {
        add(&queue, name, &[name]).await?;
        queue.seal(name).await.map_err(text)?;
    }
    for name in names {
        let found = bench.found(&queue, Some(name)).await?;
        ensure!(found == Found::Messages(vec![name.to_owned()]), "{name:?}: {found:?}");
        let claims = queue.claim(Some(name), 9, crate::bench::LONG).await.map_err(text)?.into_messages();
        ensure!(claims.len() == 1 && claims.iter().all(|claim| claim.message.job() == name));
        ensure!(queue.ack(&crate::bench::receipts(&claims)).await.map_err(text)? == 1);
        ensure!(bench.is_over(&queue, Some(name)).await?, "{name:?} is not over");
    }
    ensure!(bench.is_over(&queue, None).await?);
    Ok(())
}

pub(crate) async fn a_key_is_taken_once(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "job", &["1", "2"]).await?;
    let mut is_known = Vec::new();
    is_known.push(!queue.publish(message("job", "1")).await.map_err(text)?);
    let claimed = bench.claim_one(&queue, "1", 1).await?;
    is_known.push(!queue.publish(message("job", "1")).await.map_err(text)?);
    ensure!(queue.ack(&claimed).await.map_err(text)? == 1);
    is_known.push(!queue.publish(message("job", "1")).await.map_err(text)?);
    let buried = bench.claim_one(&queue, "2", 1).await?;
    ensure!(queue.bury(&buried, "bad").await.map_err(text)? == 1);
    is_known.push(!queue.publish(message("job", "2")).await.map_err(text)?);
    ensure!(is_known == [true; 4], "waiting, claimed, done, dead: {is_known:?}");
    ensure!(!bench.is_over(&queue, None).await?, "it is not sealed");
    Ok(())
}

pub(crate) async fn a_key_is_taken_once_over_all_jobs(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    add(&queue, "first", &["key"]).await?;
    ensure!(!queue.publish(message("second", "key")).await.map_err(text)?, "it is taken by another job");
    let claims = bench.claim(&queue, 9).await?;
    ensure!(claims.len() == 1 && claims.iter().all(|claim| claim.message.job() == "first"));
    queue.seal("first").await.map_err(text)?;
    ensure!(queue.ack(&crate::bench::receipts(&claims)).await.map_err(text)? == 1);
    ensure!(bench.is_over(&queue, None).await?, "the message that changed nothing has opened a job");
    Ok(())
}

pub(crate) async fn keys_that_look_alike_are_different(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    let alike = ["key", "Key", "key ", " key", "k\u{e9}y", "ke\u{301}y", "k_y", "k%"];
    add(&queue, "job", &alike).await?;
    let claims = bench.claim(&queue, 99).await?;
    ensure!(claims.iter().map(|claim| claim.message.key()).eq(alike), "{} messages", claims.len());
    Ok(())
}

pub(crate) async fn queues_of_different_names_share_nothing(bench: &Bench) -> Outcome {
    let (one, other) = (bench.open("chunks").await?, bench.open("results").await?);
    add(&one, "job", &["key"]).await?;
    ensure!(bench.found(&other, None).await? == Found::Empty);
    add(&other, "job", &["key"]).await?;
    one.seal("job").await.map_err(text)?;
    let claimed = bench.claim_one(&one, "key", 1).await?;
    ensure!(
        other.ack(&claimed).await.map_err(text)? == 0 || !bench.is_over(&one, None).await?,
        "a receipt of another queue"
    );
    ensure!(one.ack(&claimed).await.map_err(text)? == 1 && bench.is_over(&one, None).await?);
    ensure!(bench.found(&other, None).await? == Found::Messages(vec!["key".to_owned()]));
    Ok(())
}
