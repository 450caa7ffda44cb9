//! A limit on retries that many tasks share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::AsyncTaskError;

/// The parts of one token, so that a success may give back less than one.
const PARTS: u64 = 1000;

/// A limit on the retries of many tasks together, so that retries do not keep down a dependency of all of
/// them: while most calls fail, nothing is tried again. Clones are the same budget.
///
/// It begins with `max_tokens`. Each failed attempt that may be tried again takes one token, each success gives
/// back `token_ratio`; retries are permitted while more than half is left. The rule is that of gRPC's retry
/// throttling (gRFC A6), and needs no clock.
#[derive(Clone, Debug)]
pub struct RetryBudget(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    parts: AtomicU64,
    most: u64,
    back: u64,
    /// As it was given, for the check.
    token_ratio: f64,
}

impl RetryBudget {
    /// A full budget. gRPC's own example has 10 tokens and a ratio of 0.1. The ratio must be finite, and at
    /// least 0; otherwise, work with this budget is refused when it starts
    /// ([`AsyncTaskError::InvalidConfig`]). It is rounded to a thousandth. With 0 tokens no retry is
    /// permitted.
    pub fn new(max_tokens: u32, token_ratio: f64) -> Self {
        let most = u64::from(max_tokens) * PARTS;
        // The cast saturates, and makes 0 of NaN.
        let back = (token_ratio * PARTS as f64).round() as u64;
        Self(Arc::new(Budget { parts: AtomicU64::new(most), most, back, token_ratio }))
    }

    /// Fails with `InvalidConfig` for a ratio that is out of its range.
    pub(crate) fn check(&self) -> Result<(), AsyncTaskError> {
        let ratio = self.0.token_ratio;
        if ratio.is_finite() && ratio >= 0.0 {
            return Ok(());
        }
        let range = "finite, and at least 0";
        Err(AsyncTaskError::out_of_range("`token_ratio` of a retry budget", ratio, range))
    }

    /// The tokens that are left.
    pub fn tokens(&self) -> f64 {
        // Relaxed: the number stands for itself.
        self.0.parts.load(Ordering::Relaxed) as f64 / PARTS as f64
    }

    /// True if a failure now may be retried.
    pub fn permits(&self) -> bool {
        self.0.parts.load(Ordering::Relaxed) > self.0.most / 2
    }

    /// Notes a failed attempt.
    #[doc(hidden)]
    pub fn failed(&self) {
        self.change(|parts| parts.saturating_sub(PARTS));
    }

    /// Notes a successful attempt.
    #[doc(hidden)]
    pub fn succeeded(&self) {
        let Budget { most, back, .. } = *self.0;
        // In the common case the budget is full, and nothing is written that other threads read.
        if self.0.parts.load(Ordering::Relaxed) < most {
            self.change(|parts| parts.saturating_add(back).min(most));
        }
    }

    fn change(&self, to: impl Fn(u64) -> u64) {
        // Relaxed: nothing else is published with the number.
        let _ = self.0.parts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |parts| Some(to(parts)));
    }
}
