//! Random numbers from a seed, by SplitMix64, whose state is a counter, so that an atomic can hold it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Two to the 64th over the golden ratio, made odd: the step of the counter.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads every bit of `n` over all bits.
pub(crate) fn mix(mut n: u64) -> u64 {
    n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// A stream of random numbers. Streams of one seed with different names are independent.
pub(crate) struct Random(AtomicU64);

impl Random {
    pub(crate) fn new(seed: u64, name: u64) -> Self {
        Self(AtomicU64::new(mix(mix(seed.wrapping_add(STEP)) ^ name)))
    }

    pub(crate) fn next(&self) -> u64 {
        // Relaxed: each number is given once, and nothing is published with it.
        mix(self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP))
    }

    /// A number in `0..bound`; zero if `bound` is zero.
    pub(crate) fn below(&self, bound: usize) -> usize {
        let scaled = (u128::from(self.next()) * bound as u128) >> 64;
        // Less than `bound`, so it fits.
        usize::try_from(scaled).unwrap_or(0)
    }
}
