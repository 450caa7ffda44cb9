//! The concurrency of an orchestrator, which may follow the load, by the controller that pipelines use for
//! their workers.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sweet_async_core::RuntimeExt as _;
use sweet_async_core::extend::{Change, Observer, Sample, WINDOW};
use sweet_async_core::limit::Limiter;
use sweet_async_core::runtime::Runtime;

/// The number of tasks of an orchestrator that may be under way at the same time.
pub(crate) struct Concurrency {
    pub(crate) limiter: Option<Limiter>,
    /// The current maximum; 0 for any number.
    pub(crate) current: AtomicUsize,
    /// The least and the greatest maximum, where the load decides.
    pub(crate) range: Option<(usize, usize)>,
    /// Set while one of the sessions adjusts `current`.
    is_scaled: AtomicBool,
}

impl Concurrency {
    pub(crate) fn new(limiter: Option<Limiter>, current: usize, range: Option<(usize, usize)>) -> Self {
        Self { limiter, current: AtomicUsize::new(current), range, is_scaled: AtomicBool::new(false) }
    }
}

/// The right to change the concurrency: of two sessions, one has it.
struct ScalingLock<'a>(&'a AtomicBool);

impl<'a> ScalingLock<'a> {
    fn take(is_scaled: &'a AtomicBool) -> Option<Self> {
        (!is_scaled.swap(true, Ordering::AcqRel)).then_some(Self(is_scaled))
    }
}

impl Drop for ScalingLock<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Changes the concurrency within a range, for as long as it is polled. `ended` returns the number of tasks
/// that have ended. Where a timer fails, the runtime has ended, and nothing is changed any more.
pub(crate) async fn scale<R: Runtime>(
    (min, max): (usize, usize),
    concurrency: &Concurrency,
    ended: impl Fn() -> u64,
    runtime: &R,
) {
    let Some(limiter) = &concurrency.limiter else {
        return std::future::pending().await;
    };
    let _lock = loop {
        if let Some(lock) = ScalingLock::take(&concurrency.is_scaled) {
            break lock;
        }
        if runtime.sleep(WINDOW).await.is_err() {
            return std::future::pending().await;
        }
    };
    let mut observer = Observer::new((min, max), runtime.now(), ended());
    limiter.set_permits(observer.number(), runtime.now());
    while runtime.sleep(Observer::PERIOD).await.is_ok() {
        let now = runtime.now();
        let waiting = limiter.waiting() > 0;
        let sample = Sample { now, done: ended(), busy: limiter.under_way(), waiting };
        if let Some(Change { before, decided, window }) = observer.sample(&sample) {
            tracing::debug!(permits = decided, before, ?window, "an orchestrator changes its concurrency");
            limiter.set_permits(decided, now);
            concurrency.current.store(decided, Ordering::Relaxed);
        }
    }
    std::future::pending().await
}

/// The bounds of `range`; `None` if it is empty, or begins at zero.
pub(crate) fn bounds(range: &RangeInclusive<usize>) -> Option<(usize, usize)> {
    let (min, max) = (*range.start(), *range.end());
    (1..=max).contains(&min).then_some((min, max))
}
