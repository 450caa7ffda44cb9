//! How many tasks may be under way at the same time, as the load says: by the controller of the pipelines' workers.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::run::Run;
use crate::limit::{Scale, Window};
use crate::runtime::Runtime;

/// How long is looked at before the number changes.
const WINDOW: Duration = Duration::from_millis(10);
/// How often it is looked at meanwhile how many are under way.
const LOOKS: usize = 2;

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
pub(super) async fn scale<R: Runtime>((min, max): (usize, usize), run: &Run<R>) {
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
    let mut scale = Scale::new(min, max);
    limiter.set_places(scale.workers(), runtime.now());
    let (mut since, mut before, mut busy, mut looks) = (runtime.now(), done(), 0, 0);
    while runtime.sleep(WINDOW / LOOKS as u32).await.is_ok() {
        busy += limiter.under_way();
        looks += 1;
        let (now, all) = (runtime.now(), done());
        let window = Window {
            elapsed: now.saturating_duration_since(since),
            done: all - before,
            busy: busy.div_ceil(looks),
            waiting: limiter.waiting() > 0,
        };
        // Where tasks take longer than a window, each place should have had the time for one.
        if looks < LOOKS || window.done < window.busy as u64 {
            continue;
        }
        (since, before, busy, looks) = (now, all, 0, 0);
        let places = scale.workers();
        let decided = scale.observe(&window);
        if decided != places {
            tracing::debug!(
                places = decided,
                before = places,
                ?window,
                "an orchestrator changes its concurrency"
            );
            limiter.set_places(decided, now);
            run.shared.places.store(decided, Ordering::Relaxed);
        }
    }
    std::future::pending().await
}

/// The ends of `range`, if they make sense.
pub(super) fn ends(range: &RangeInclusive<usize>) -> Option<(usize, usize)> {
    let (min, max) = (*range.start(), *range.end());
    (1..=max).contains(&min).then_some((min, max))
}
