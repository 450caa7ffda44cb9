//! Durations from integers.

use std::time::Duration;

/// `60.seconds()`, `5.millis()`: durations from bare integer literals and variables.
///
/// A negative number gives [`Duration::ZERO`]; a number too large gives [`Duration::MAX`].
///
/// ```
/// use std::time::Duration;
/// use sweet_async_core::DurationExt as _;
///
/// assert_eq!(60.seconds(), Duration::from_secs(60));
/// assert_eq!(2.minutes(), Duration::from_secs(120));
/// ```
pub trait DurationExt {
    /// This many nanoseconds.
    fn nanos(self) -> Duration;
    /// This many microseconds.
    fn micros(self) -> Duration;
    /// This many milliseconds.
    fn millis(self) -> Duration;
    /// This many seconds.
    fn seconds(self) -> Duration;
    /// This many minutes.
    fn minutes(self) -> Duration;
    /// This many hours.
    fn hours(self) -> Duration;
    /// This many days of 24 hours.
    fn days(self) -> Duration;
}

fn scaled(count: u64, unit: Duration) -> Duration {
    let nanos = u128::from(count) * unit.as_nanos();
    let subsecond = u32::try_from(nanos % 1_000_000_000).unwrap_or(0);
    u64::try_from(nanos / 1_000_000_000).map_or(Duration::MAX, |seconds| Duration::new(seconds, subsecond))
}

macro_rules! durations {
    ($($int:ty),*) => {$(
        impl DurationExt for $int {
            fn nanos(self) -> Duration { scaled(u64::try_from(self).unwrap_or(0), Duration::from_nanos(1)) }
            fn micros(self) -> Duration { scaled(u64::try_from(self).unwrap_or(0), Duration::from_micros(1)) }
            fn millis(self) -> Duration { scaled(u64::try_from(self).unwrap_or(0), Duration::from_millis(1)) }
            fn seconds(self) -> Duration { scaled(u64::try_from(self).unwrap_or(0), Duration::from_secs(1)) }
            fn minutes(self) -> Duration { scaled(u64::try_from(self).unwrap_or(0), Duration::from_secs(60)) }
            fn hours(self) -> Duration { scaled(u64::try_from(self).unwrap_or(0), Duration::from_secs(3_600)) }
            fn days(self) -> Duration { scaled(u64::try_from(self).unwrap_or(0), Duration::from_secs(86_400)) }
        }
    )*};
}

// `i32` among them: without it a bare literal does not infer.
durations!(i32, u32, u64, usize);
