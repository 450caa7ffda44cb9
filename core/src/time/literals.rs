//! Durations from numbers.

use std::time::Duration;

/// `60.seconds()`, `5.millis()`, `0.5.seconds()`: durations from bare literals and variables.
///
/// Nothing here panics. A negative number, and NaN, give [`Duration::ZERO`]; a number too large, and positive
/// infinity, give [`Duration::MAX`]. A fraction is rounded to the nearest nanosecond.
///
/// ```
/// use std::time::Duration;
/// use sweet_async_core::DurationExt as _;
///
/// assert_eq!(60.seconds(), Duration::from_secs(60));
/// assert_eq!(2.minutes(), Duration::from_secs(120));
/// assert_eq!(0.5.seconds(), Duration::from_millis(500));
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

/// As [`scaled`], for a fraction; `unit` is in seconds.
fn scaled_fraction(count: f64, unit: f64) -> Duration {
    let seconds = count * unit;
    // NaN is not greater than zero either.
    if seconds > 0.0 { Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX) } else { Duration::ZERO }
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

macro_rules! fractions {
    ($($float:ty),*) => {$(
        impl DurationExt for $float {
            fn nanos(self) -> Duration { scaled_fraction(self.into(), 1e-9) }
            fn micros(self) -> Duration { scaled_fraction(self.into(), 1e-6) }
            fn millis(self) -> Duration { scaled_fraction(self.into(), 1e-3) }
            fn seconds(self) -> Duration { scaled_fraction(self.into(), 1.0) }
            fn minutes(self) -> Duration { scaled_fraction(self.into(), 60.0) }
            fn hours(self) -> Duration { scaled_fraction(self.into(), 3_600.0) }
            fn days(self) -> Duration { scaled_fraction(self.into(), 86_400.0) }
        }
    )*};
}

fractions!(f32, f64);

// `i32` among them: without it a bare literal does not infer.
durations!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);
