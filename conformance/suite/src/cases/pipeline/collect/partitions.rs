//! Pipelines, collector: the iterators of a partition have names, for functions and structs of a user's own.

use crate::library::pipeline::{Partition, PartitionIntoIter, PartitionIter};

use crate::kit::prelude::*;

/// The numbers from 0 to 500, each under itself as text.
async fn numbers<R: Runtime>(rt: &R) -> Result<Vec<Partition<String, u64>>, AsyncTaskError> {
    AsyncTask::emits::<u64>()
        .on(rt)
        .workers(2)
        .sender(|sources| sources.of(0..500u64).into_chunks(7.items()))
        .receiver(|event: Event<u64>, collector: Collector<String, u64>| {
            collector.collect(event.data().to_string(), event.take_data());
        })
        .await_final_event(|event, collection| event.map(|_| collection.into_partitions()))
        .await
}

/// The keys and values of the partition that has the most.
fn largest<K, V>(partitions: &[Partition<K, V>]) -> Option<PartitionIter<'_, K, V>> {
    partitions.iter().max_by_key(|partition| partition.len()).map(Partition::iter)
}

pub async fn a_function_may_return_an_iterator_of_one<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let partitions = numbers(&rt).await?;
    let most = partitions.iter().map(Partition::len).max().context("there are some")?;
    let entries = largest(&partitions).context("there are some")?;
    ensure!(most > 0 && entries.size_hint() == (most, Some(most)), "{most}: {:?}", entries.size_hint());
    let entries: Vec<(&String, &u64)> = entries.collect();
    ensure!(entries.len() == most && entries.iter().all(|(key, value)| **key == value.to_string()));
    ensure!(largest::<String, u64>(&[]).is_none());
    Ok(())
}

/// The values of some partitions, one partition after the other.
struct Values<K, V> {
    now: Option<PartitionIntoIter<K, V>>,
    later: std::vec::IntoIter<Partition<K, V>>,
}

impl<K, V> Iterator for Values<K, V> {
    type Item = V;

    fn next(&mut self) -> Option<V> {
        loop {
            if let Some((_, value)) = self.now.as_mut().and_then(Iterator::next) {
                return Some(value);
            }
            self.now = Some(self.later.next()?.into_iter());
        }
    }
}

pub async fn a_struct_may_hold_an_iterator_of_one<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let later = numbers(&rt).await?.into_iter();
    let mut values: Vec<u64> = Values { now: None, later }.collect();
    values.sort_unstable();
    ensure!(values.into_iter().eq(0..500), "each value once");
    Ok(())
}
