//! How many tasks may be under way at the same time, as the load says: by the controller of the pipelines' workers.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::execution::session::Session;
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::extend::{Change, Look, Observer, WINDOW};
use sweet_async_core::runtime::Runtime;

/// Changes the number: of two runs, one does.
struct Scales<'a>(&'a AtomicBool);

impl<'a> Scales<'a> {
    fn take(is_scaled: &'a AtomicBool) -> Option<Self> {
        (!is_scaled.swap(true, Ordering::AcqRel)).then_some(Self(is_scaled))
    }
}

impl Drop for Scales<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Changes the number for as long as it is polled. A timer that fails says that the runtime has ended, and this with it.
pub(crate) async fn scale<R: Runtime>((min, max): (usize, usize), run: &Session<R>) {
    let (Some(limiter), runtime) = (&run.shared.limiter, &run.runtime) else {
        return std::future::pending().await;
    };
    let _scales = loop {
        if let Some(scales) = Scales::take(&run.shared.is_scaled) {
            break scales;
        }
        if runtime.sleep(WINDOW).await.is_err() {
            return std::future::pending().await;
        }
    };
    let done = || run.shared.done.load(Ordering::Relaxed);
    let mut observer = Observer::new((min, max), runtime.now(), done());
    limiter.set_places(observer.number(), runtime.now());
    while runtime.sleep(Observer::PERIOD).await.is_ok() {
        let now = runtime.now();
        let waiting = limiter.waiting() > 0;
        let look = Look { now, done: done(), busy: limiter.under_way(), waiting };
        if let Some(Change { before, decided, window }) = observer.look(&look) {
            tracing::debug!(places = decided, before, ?window, "an orchestrator changes its concurrency");
            limiter.set_places(decided, now);
            run.shared.places.store(decided, Ordering::Relaxed);
        }
    }
    std::future::pending().await
}

/// The ends of `range`, if they make sense.
pub(crate) fn ends(range: &RangeInclusive<usize>) -> Option<(usize, usize)> {
    let (min, max) = (*range.start(), *range.end());
    (1..=max).contains(&min).then_some((min, max))
}
