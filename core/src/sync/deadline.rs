//! A deadline that can be moved while other threads read it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

static BASE: OnceLock<Instant> = OnceLock::new();

const NEVER: i64 = i64::MAX;

/// A deadline, or none: nanoseconds before or after the first use of this type in the process, which reaches
/// 292 years either way.
pub(crate) struct Moment(AtomicI64);

impl Default for Moment {
    fn default() -> Self {
        Self(AtomicI64::new(NEVER))
    }
}

impl Moment {
    /// Sets the deadline. `None`, and an instant that is too far away to count, is never.
    pub(crate) fn set(&self, moment: Option<Instant>) {
        let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(NEVER);
        let base = BASE.get_or_init(Instant::now);
        let offset = moment.map_or(NEVER, |moment| match moment.checked_duration_since(*base) {
            Some(after) => nanos(after),
            None => -nanos(base.saturating_duration_since(moment)),
        });
        // Release: pairs with the Acquire in `get`.
        self.0.store(offset, Ordering::Release);
    }

    pub(crate) fn get(&self) -> Option<Instant> {
        let offset = self.0.load(Ordering::Acquire);
        if offset == NEVER {
            return None;
        }
        let base = BASE.get_or_init(Instant::now);
        let distance = Duration::from_nanos(offset.unsigned_abs());
        if offset < 0 { base.checked_sub(distance) } else { base.checked_add(distance) }
    }
}
