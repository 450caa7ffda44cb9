//! A histogram of durations.
//!
//! A bucket is a quarter of a power of two, from a nanosecond to centuries: its upper bound is less than a
//! quarter above any duration in it, and its middle at most an eighth from it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::sync::shard::{SHARDS, mine};

/// The number of buckets in a power of two, and in all.
const PARTS: usize = 4;
const BUCKETS: usize = 63 * PARTS;

fn bucket(nanos: u64) -> usize {
    let power = (u64::BITS - 1).saturating_sub(nanos.leading_zeros()) as usize;
    if power < 2 {
        return nanos as usize;
    }
    let part = (nanos >> (power - 2)) as usize & (PARTS - 1);
    (power - 1) * PARTS + part
}

/// The greatest number of nanoseconds in a bucket.
fn most(bucket: usize) -> u64 {
    if bucket < PARTS {
        return bucket as u64;
    }
    let (shift, part) = (bucket / PARTS - 1, bucket % PARTS);
    let next = (PARTS + part + 1) as u128;
    u64::try_from((next << shift) - 1).unwrap_or(u64::MAX)
}

/// Durations, counted as they come, by many threads that do not contend. Relaxed throughout: each number
/// stands for itself.
#[derive(Default)]
pub(crate) struct Histogram {
    /// Each is made on first use.
    shards: [OnceLock<Box<Shard>>; SHARDS],
}

struct Shard {
    buckets: [AtomicU64; BUCKETS],
    sum: AtomicU64,
}

impl Default for Shard {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub(crate) fn record(&self, duration: Duration) {
        let [first, ..] = &self.shards;
        let shard = self.shards.get(mine()).unwrap_or(first).get_or_init(Box::default);
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = shard.buckets.get(bucket(nanos)) {
            count.fetch_add(1, Ordering::Relaxed);
            shard.sum.fetch_add(nanos, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Latencies {
        let (mut counts, mut sum) = ([0_u64; BUCKETS], 0_u64);
        for shard in self.shards.iter().filter_map(OnceLock::get) {
            for (count, more) in counts.iter_mut().zip(&shard.buckets) {
                *count += more.load(Ordering::Relaxed);
            }
            sum = sum.saturating_add(shard.sum.load(Ordering::Relaxed));
        }
        let buckets = counts.into_iter().enumerate().filter(|(_, count)| *count > 0).collect();
        Latencies { buckets, sum: Duration::from_nanos(sum) }
    }
}

/// A distribution of durations: their number in each size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    /// The buckets that are not empty.
    buckets: Vec<(usize, u64)>,
    sum: Duration,
}

impl Latencies {
    /// The number of durations.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// The sum of all durations.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// The upper bound of each size with the number of durations in it, the shortest first, without empty
    /// sizes. A size is a quarter of a power of two of nanoseconds.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        self.buckets.iter().map(|(bucket, count)| (Duration::from_nanos(most(*bucket)), *count))
    }

    /// The duration that the given part of them did not exceed, to a quarter of a power of two; `None` if
    /// there are none.
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let (count, part) = (self.count(), part.clamp(0.0, 1.0));
        let rank = (count as f64 * part).ceil().max(1.0) as u64;
        let mut seen = 0;
        self.buckets().find_map(|(most, count)| {
            seen += count;
            (seen >= rank).then_some(most)
        })
    }
}
