//! The pipeline in the spelling of the documentation.
#![cfg(all(feature = "csv", any(feature = "tokio", feature = "smol")))]

use serde::Deserialize;
use sweet_async::prelude::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[derive(Debug, Deserialize, PartialEq)]
struct Person {
    id: u64,
    name: String,
}

const PEOPLE: &str = "id,name\n1,\"Ada, Countess\"\n2,\"two\nlines\"\nx,bad\n3,Grace\n";

/// Collects 100 000 numbers, each under its `key`.
async fn many<K: std::hash::Hash + Eq + Send + 'static>(
    key: impl Fn(u64) -> K + Copy + Send + Sync + 'static,
) -> Result<(), AsyncTaskError> {
    let map = AsyncTask::emits::<u64>()
        .sender(|sources| sources.of(0..100_000).into_chunks(1000.items()))
        .receiver(move |event: Event<u64>, collector: Collector<K, u64>| {
            let n = event.take_data();
            collector.collect(key(n), n);
        })
        .await_final_event(|event, collector| event.map(|_| collector.collected()))
        .await?;
    assert_eq!(map.len(), 100_000);
    assert!((0..100_000).all(|n| map.get(&key(n)) == Some(&n)));
    let map = map.into_hash_map();
    assert_eq!(map.len(), 100_000);
    assert!((0..100_000).all(|n| map.get(&key(n)) == Some(&n)));
    Ok(())
}

#[test]
fn a_large_collection_is_one_map() -> TestResult {
    sweet_async::block_on(async {
        many(|n| n).await?;
        many(|n| (n as u8, [n; 9])).await?;
        many(|n| n.to_string()).await?;
        Ok(())
    })?
}

#[test]
fn typed_rows_are_collected_by_key_and_bad_ones_reported() -> TestResult {
    sweet_async::block_on(async {
        let (summary, people) = AsyncTask::emits::<Person>()
            .with_timeout(60.seconds())
            .on_error(ErrorStrategy::ContinueOnError)
            .sender(|sources| sources.of_bytes(PEOPLE).with_delimiter(Delimiter::Comma).into_chunks(2.rows()))
            .receiver(|event, collector| {
                let person = event.take_data();
                collector.collect(person.id, person);
            })
            .await_final_event(|event, collector| event.map(|summary| (summary, collector.collected())))
            .await?;
        assert_eq!(people.len(), 3);
        assert_eq!(people.get(&2).map(|p| p.name.as_str()), Some("two\nlines"));
        assert_eq!((summary.read(), summary.handled(), summary.rejected()), (4, 3, 1));
        let error = summary.errors().first().ok_or("one error is kept")?;
        assert_eq!((error.position().line(), error.position().byte()), (Some(5), Some(40)));
        assert_eq!(error.reason(), "field 1 (id): invalid digit found in string");
        Ok(())
    })?
}

#[test]
fn asynchronous_receivers_collect_too() -> TestResult {
    sweet_async::block_on(async {
        let pipeline = AsyncTask::emits::<u64>()
            .sender(|sources| sources.of(0..10_000u64).into_chunks(100.items()))
            .receiver(|event, collector| async move {
                futures_lite::future::yield_now().await;
                let n = event.take_data();
                collector.collect(n, n * n);
            });
        let squares: Result<Collected<u64, u64>, AsyncTaskError> = await_final_event!(pipeline, |event, collector| { OK(_summary) => collector.collected(), ERR(e) => Err(e) });
        let squares = squares?;
        assert_eq!(squares.len(), 10_000);
        assert!(squares.iter().all(|(n, square)| n * n == *square));
        Ok(())
    })?
}

#[test]
fn a_fold_holds_no_rows() -> TestResult {
    sweet_async::block_on(async {
        let (sum, summary) = AsyncTask::emits::<u64>()
            .sender(|sources| sources.of(0..100_000u64).into_chunks(1_000.items()))
            .fold(|| 0u64, |sum, event| *sum += event.take_data(), |a, b| a + b)
            .await?;
        assert_eq!((sum, summary.handled()), (4_999_950_000, 100_000));
        let summary = AsyncTask::emits::<String>()
            .ordered()
            .sender(|sources| sources.of_bytes("a\nb\n\nc").lines().into_chunks(1.lines()))
            .for_each(drop)
            .await?;
        assert_eq!(summary.handled(), 4);
        Ok(())
    })?
}
