//! Known loads: processor time by the thread's own clock, and memory that is only reported as allocated.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::library::metrics::{Allocations, count_allocations};
use anyhow::ensure;

use crate::Outcome;

/// The most processor time that a task uses beside what a case burns: far more than it takes. The time of
/// other threads is not in it, since it is not in a thread's clock.
pub(crate) const SLACK: Duration = Duration::from_millis(40);

/// The processor time that has been burnt. A machine that takes the processor away meanwhile may charge the
/// thread for that, so that more is burnt than was meant.
#[derive(Clone, Default)]
pub(crate) struct Burnt(Arc<AtomicU64>);

impl Burnt {
    /// As [`burn`], and counted.
    pub(crate) fn burn(&self, time: Duration) {
        let nanos = u64::try_from(spend(time).as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanos, Ordering::SeqCst);
    }

    /// Returns all of it so far.
    pub(crate) fn all(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::SeqCst))
    }
}

/// Uses so much processor time of this thread by the thread's own clock, or so much time where it has no such
/// clock.
pub(crate) fn burn(time: Duration) {
    spend(time);
}

/// As [`burn`]. Returns the time that it used.
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

/// Returns the processor time of this thread, where the system reports it.
#[cfg(any(target_os = "linux", target_os = "freebsd"))]
pub(crate) fn thread_time() -> Option<Duration> {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).ok()?;
    Some(now.into())
}

/// Returns the processor time of this thread, where the system reports it.
#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
pub(crate) fn thread_time() -> Option<Duration> {
    None
}

thread_local! {
    static ALLOCATED: Cell<Allocations> = const { Cell::new(Allocations { allocated: 0, freed: 0, count: Some(0) }) };
}

static INSTALLED: OnceLock<bool> = OnceLock::new();

/// Installs a made-up allocator count. It holds what [`allocate`] and [`free`] report, and nothing else.
pub(crate) fn pretend() -> Outcome {
    let install = || count_allocations(|| ALLOCATED.try_with(Cell::get).ok()).is_ok();
    ensure!(
        INSTALLED.get_or_init(install),
        "the process counts allocations already, and cases bring a count of their own"
    );
    Ok(())
}

/// Reports that this thread allocates so many bytes, in one allocation.
pub(crate) fn allocate(bytes: u64) {
    change(|now| {
        now.allocated += bytes;
        now.count = now.count.map(|count| count + 1);
    });
}

/// Reports that this thread frees so many bytes.
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
