//! A limit on hedges that many tasks share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::AsyncTaskError;

/// The parts of one token, so that a call may pay far less than one.
const PARTS: u64 = 1_000_000_000;

/// The parts that a call pays for each per cent.
const PARTS_FOR_ONE_PERCENT: f64 = 10_000_000.0;

/// The most tokens that are saved up.
const MOST_TOKENS: u64 = 10;

/// A limit on the hedges of many tasks together, in per cent of their calls. Without one, hedges do the most
/// harm when a dependency is slow for all: each call is then made twice, and the dependency becomes slower
/// still. Clones are the same budget.
///
/// It begins empty. Each call pays in its share of a token: a tenth at 10 per cent. Each attempt beside the
/// first takes one token; where there is none, it is not begun. At most ten tokens are saved up, so that a
/// quiet hour does not permit a burst. So there are never more hedges than this share of all calls since the
/// making of the budget. The scheme is that of [`RetryBudget`](crate::RetryBudget), with calls in place of
/// successes, and needs no clock.
///
/// ```
/// use sweet_async_core::HedgeBudget;
///
/// let budget = HedgeBudget::percent(25.0);
/// assert!(!budget.take(), "nothing has paid yet");
/// (0..4).for_each(|_| budget.called());
/// assert!(budget.take() && !budget.take(), "four calls pay for one hedge");
/// ```
#[derive(Clone, Debug)]
pub struct HedgeBudget(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    percent: f64,
    parts: AtomicU64,
    /// The parts that a call pays.
    share: u64,
}

impl HedgeBudget {
    /// An empty budget for hedges of `percent` per cent of the calls: above 0, and at most 100. It is rounded
    /// to a ten-millionth of a per cent, and is at least that. Other values, `NaN` included, are refused with
    /// [`AsyncTaskError::InvalidConfig`] when work with this budget starts.
    pub fn percent(percent: f64) -> Self {
        // The cast saturates, and makes 0 of NaN. Such a budget is refused before it is used.
        let share = (percent * PARTS_FOR_ONE_PERCENT).round() as u64;
        let share = share.clamp(1, PARTS);
        Self(Arc::new(Budget { percent, parts: AtomicU64::new(0), share }))
    }

    /// The tokens that are left.
    pub fn tokens(&self) -> f64 {
        // Relaxed, as everywhere here: the number stands for itself, and nothing is published with it.
        self.0.parts.load(Ordering::Relaxed) as f64 / PARTS as f64
    }

    /// Notes a call, which pays its share.
    #[doc(hidden)]
    pub fn called(&self) {
        const MOST: u64 = MOST_TOKENS * PARTS;
        let Budget { parts, share, .. } = &*self.0;
        // In the common case the budget is full, and nothing is written that other threads read.
        if parts.load(Ordering::Relaxed) < MOST {
            let pay = |parts: u64| Some(parts.saturating_add(*share).min(MOST));
            let _ = parts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay);
        }
    }

    /// Takes a token for one hedge; false if there is none.
    #[doc(hidden)]
    pub fn take(&self) -> bool {
        let take = |parts: u64| parts.checked_sub(PARTS);
        self.0.parts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// Fails with `InvalidConfig` for a number of per cent that is out of its range.
    pub(crate) fn check(&self) -> Result<(), AsyncTaskError> {
        let percent = self.0.percent;
        if percent > 0.0 && percent <= 100.0 {
            return Ok(());
        }
        Err(AsyncTaskError::config(format!(
            "a `HedgeBudget` of {percent} per cent of the calls: it must be above 0, and at most 100"
        )))
    }
}
