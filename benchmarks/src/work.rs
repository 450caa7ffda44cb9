//! Work that takes processor time.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Keeps the processor busy for about the same time whenever it is called.
#[derive(Clone, Copy, Debug)]
pub struct Spin(u32);

impl Spin {
    /// Measured once, here: a clock that is read in the work would be part of what is compared.
    pub fn of(time: Duration) -> Self {
        let turns = 4_000_000;
        let once = || {
            let start = Instant::now();
            Self(turns).on(1);
            start.elapsed()
        };
        // The best of some: the others were disturbed.
        let took = (0..5).map(|_| once()).min().unwrap_or_default();
        Self((f64::from(turns) * time.as_secs_f64() / took.as_secs_f64()) as u32)
    }

    /// Does it.
    pub fn on(self, item: u64) {
        let mut state = item | 1;
        for _ in 0..self.0 {
            // Each turn needs the one before.
            state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        black_box(state);
    }
}
