//! Work that takes a set amount of processor time.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// A loop that takes about the same processor time at each call.
#[derive(Clone, Copy, Debug)]
pub struct Spin(u32);

impl Spin {
    /// Measures once how many iterations take `time`: a clock that is read in the work would be part of what
    /// is compared.
    pub fn of(time: Duration) -> Self {
        let iterations = 4_000_000;
        let once = || {
            let start = Instant::now();
            Self(iterations).run(1);
            start.elapsed()
        };
        // The best of several runs: the others were disturbed.
        let took = (0..5).map(|_| once()).min().unwrap_or_default();
        Self((f64::from(iterations) * time.as_secs_f64() / took.as_secs_f64()) as u32)
    }

    /// Does the work; `item` is the start value of its calculation.
    pub fn run(self, item: u64) {
        let mut state = item | 1;
        for _ in 0..self.0 {
            // Each iteration needs the result of the one before.
            state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        black_box(state);
    }
}
