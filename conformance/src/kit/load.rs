//! Known loads: processor time to the clock of the thread, and memory that is only said to be allocated.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::ensure;
use sweet_async::metrics::{Allocations, count_allocations};

use crate::Outcome;

/// What else a task does on its way, at most, in a case that burns some time: far more than that is, and not of
/// other threads, whose time is not in a thread's clock.
pub(crate) const SLACK: Duration = Duration::from_millis(40);

/// What has been burnt: a machine that takes a processor away in between may charge the thread for that, so that more is burnt
/// than was meant.
#[derive(Clone, Default)]
pub(crate) struct Burnt(Arc<AtomicU64>);

impl Burnt {
    /// As [`burn`], and counted.
    pub(crate) fn burn(&self, time: Duration) {
        let nanos = u64::try_from(spend(time).as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanos, Ordering::SeqCst);
    }

    /// All of it so far.
    pub(crate) fn all(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::SeqCst))
    }
}

/// Uses so much processor time of this thread, by its own clock; where it has none, so much time.
pub(crate) fn burn(time: Duration) {
    spend(time);
}

/// As [`burn`]. Says how much it was.
fn spend(time: Duration) -> Duration {
    let begun = (thread_time(), Instant::now());
    let spent = || match (begun.0, thread_time()) {
        (Some(begun), Some(now)) => now.saturating_sub(begun),
        _ => begun.1.elapsed(),
    };
    loop {
        let spent = spent();
        if spent >= time {
            return spent;
        }
        (0..1000u64).for_each(|n| {
            black_box(n);
        });
    }
}

/// The processor time of this thread, where it can be had.
#[cfg(any(target_os = "linux", target_os = "freebsd"))]
pub(crate) fn thread_time() -> Option<Duration> {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).ok()?;
    Some(now.into())
}

/// The processor time of this thread, where it can be had.
#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
pub(crate) fn thread_time() -> Option<Duration> {
    None
}

thread_local! {
    static ALLOCATED: Cell<Allocations> = const { Cell::new(Allocations { allocated: 0, freed: 0, count: Some(0) }) };
}

static INSTALLED: OnceLock<bool> = OnceLock::new();

/// Has a made-up allocator count: what is said to be allocated, and nothing else.
pub(crate) fn pretend() -> Outcome {
    let install = || count_allocations(|| ALLOCATED.try_with(Cell::get).ok()).is_ok();
    ensure!(
        INSTALLED.get_or_init(install),
        "the process counts allocations already, and cases bring a count of their own"
    );
    Ok(())
}

/// Says that this thread allocates so much, at once.
pub(crate) fn allocate(bytes: u64) {
    change(|now| {
        now.allocated += bytes;
        now.count = now.count.map(|count| count + 1);
    });
}

/// Says that this thread frees so much.
pub(crate) fn free(bytes: u64) {
    change(|now| now.freed += bytes);
}

fn change(change: impl FnOnce(&mut Allocations)) {
    let _ = ALLOCATED.try_with(|cell| {
        let mut now = cell.get();
        change(&mut now);
        cell.set(now);
    });
}
