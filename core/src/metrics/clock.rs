//! The processor time of the calling thread.

/// Nanoseconds since the start of the thread: in all, and the part that the system spent for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CpuTime {
    pub(super) total: u64,
    pub(super) system: u64,
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
