//! The settings of hedged attempts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::AsyncTaskError;
use crate::hedge::HedgeBudget;

type Predicate = Arc<dyn Fn(&AsyncTaskError) -> bool + Send + Sync>;
type OnHedge = Arc<dyn Fn(u32) + Send + Sync>;

/// A hedge policy: when a further attempt begins beside those that have not ended, and how many. It is a
/// value: clonable, and without state except for a budget that it may share. See
/// [`TaskBuilder::hedge`](crate::TaskBuilder::hedge).
///
/// A call to a service with many replicas is now and then slow for a reason that has nothing to do with the
/// call. A second call beside it is then mostly fast. With a delay at the 95th percentile of the usual
/// latency, some 5 per cent more calls cut the slowest of them to a fraction. Only work that may be done
/// twice may be hedged. The idea is that of "The Tail at Scale" (Dean and Barroso, Communications of the ACM,
/// 2013), the rules are those of gRPC's hedging (gRFC A6).
///
/// ```
/// use sweet_async_core::{AsyncTaskError, DurationExt as _, Hedge, HedgeBudget, Runtime, TaskBuilder};
///
/// # async fn fetch() -> Result<u32, std::io::Error> { Ok(7) }
/// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
/// let hedge = Hedge::after(50.millis()).at_most(2).budget(&HedgeBudget::percent(10.0));
/// let answer = TaskBuilder::<u32, _>::new(runtime.clone()).hedge(hedge).run(fetch).await?;
/// assert_eq!(answer, 7);
/// # Ok(()) }
/// ```
///
/// # Settings
///
/// [`at_most(0)`](Self::at_most) and a [budget](HedgeBudget::percent) that is no share are refused with
/// [`AsyncTaskError::InvalidConfig`] when the work starts, before its first attempt.
#[derive(Clone)]
pub struct Hedge(Arc<Settings>);

/// In one allocation, so that a builder, and each use of it, holds one pointer.
#[derive(Clone)]
struct Settings {
    delay: Duration,
    most: u32,
    budget: Option<HedgeBudget>,
    predicate: Option<Predicate>,
    on_hedge: Option<OnHedge>,
}

impl Hedge {
    /// A further attempt begins `delay` after the one before it, while none has succeeded; one of them,
    /// unless [`at_most`](Self::at_most) permits more. The delay counts from the beginning of an attempt,
    /// with its wait for a permit of a limiter.
    ///
    /// With [`Duration::ZERO`] all permitted attempts begin at once, unless the first succeeds in its first
    /// poll. With [`Duration::MAX`] none begins for being late: only after a failure.
    pub fn after(delay: Duration) -> Self {
        Self(Arc::new(Settings { delay, most: 1, budget: None, predicate: None, on_hedge: None }))
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Sets the number of further attempts: at most `most` beside the first; at least 1, the default.
    pub fn at_most(self, most: u32) -> Self {
        self.with(|settings| settings.most = most)
    }

    /// Shares the limit of `budget` with others. Where it has no token for a further attempt, that is not
    /// begun, and the call is not hedged any more.
    pub fn budget(self, budget: &HedgeBudget) -> Self {
        self.with(|settings| settings.budget = Some(budget.clone()))
    }

    /// Begins a further attempt after a failure only where `predicate` is true. After another error no
    /// attempt begins, the others are stopped, and that error is the result of the round: retries, if there
    /// are any, decide on it. It is asked only while another attempt may begin or is under way, and a panic
    /// in it is the error of the work.
    pub fn hedge_if(self, predicate: impl Fn(&AsyncTaskError) -> bool + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.predicate = Some(Arc::new(predicate)))
    }

    /// Calls `observe` with the number of each further attempt, before that begins; the first attempt of the
    /// work is number 1. For logs and counts: it should be short. A panic in it ends the work with that
    /// panic.
    pub fn on_hedge(self, observe: impl Fn(u32) + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.on_hedge = Some(Arc::new(observe)))
    }

    /// The time after which a further attempt begins.
    pub fn delay(&self) -> Duration {
        self.0.delay
    }

    /// The most further attempts beside the first.
    pub fn max_hedges(&self) -> u32 {
        self.0.most
    }

    /// Notes a first attempt, which pays into the budget if there is one.
    pub(crate) fn called(&self) {
        if let Some(budget) = &self.0.budget {
            budget.called();
        }
    }

    /// Takes a token for a further attempt; false if the budget has none.
    pub(crate) fn take(&self) -> bool {
        self.0.budget.as_ref().is_none_or(HedgeBudget::take)
    }

    /// True if `error` may be followed by a further attempt, or by the success of another one.
    pub(crate) fn goes_on_after(&self, error: &AsyncTaskError) -> bool {
        self.0.predicate.as_ref().is_none_or(|predicate| predicate(error))
    }

    /// Reports that the further attempt `number` begins.
    pub(crate) fn notify(&self, number: u32) {
        if let Some(on_hedge) = &self.0.on_hedge {
            on_hedge(number);
        }
    }

    /// Fails with `InvalidConfig` for a setting that is out of its range.
    pub(crate) fn check(&self) -> Result<(), AsyncTaskError> {
        if self.0.most == 0 {
            return Err(AsyncTaskError::config(
                "`at_most(0)` of a `Hedge`: it must permit at least 1 further attempt, or be left out",
            ));
        }
        self.0.budget.as_ref().map_or(Ok(()), HedgeBudget::check)
    }
}

impl fmt::Debug for Hedge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hedge")
            .field("delay", &self.0.delay)
            .field("at_most", &self.0.most)
            .field("budget", &self.0.budget)
            .finish_non_exhaustive()
    }
}
