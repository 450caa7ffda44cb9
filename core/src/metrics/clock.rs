//! The clocks of measurements: that of the machine, and the processor time of the calling thread.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

static START: OnceLock<Instant> = OnceLock::new();

/// The current moment by the real clock, as nanoseconds since the first call in this process; never 0.
pub(crate) fn moment() -> u64 {
    nanos(START.get_or_init(Instant::now).elapsed()).max(1)
}

fn nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(duration.subsec_nanos()))
}

/// Nanoseconds since the start of the thread: in all, and the part that the system spent for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CpuTime {
    pub(super) total: u64,
    pub(super) system: u64,
}

impl CpuTime {
    /// The time between `earlier` and this.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            total: self.total.saturating_sub(earlier.total),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}

/// The total is the scheduler's, to the nanosecond. The parts are sampled; the call for the total has brought
/// them up to date.
#[cfg(any(target_os = "linux", target_os = "freebsd"))]
pub(super) fn thread_time() -> Option<CpuTime> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike as _;
    use nix::time::{ClockId, clock_gettime};

    let total = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok()?.num_nanoseconds();
    let system = getrusage(UsageWho::RUSAGE_THREAD).ok()?.system_time().num_microseconds();
    let system = u64::try_from(system).ok()?.saturating_mul(1000);
    Some(CpuTime { total: u64::try_from(total).ok()?, system })
}

/// `None`: there is no clock that could be read here without `unsafe`.
#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
pub(super) fn thread_time() -> Option<CpuTime> {
    None
}
