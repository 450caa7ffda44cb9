//! Durations from numbers.

use std::time::Duration;

use sweet_async_core::DurationExt as _;

#[test]
fn bare_literals_and_variables_read_as_durations() {
    let (small, large, count) = (7u32, 8u64, 9usize);
    assert_eq!(5.nanos(), Duration::from_nanos(5));
    assert_eq!(5.micros(), Duration::from_micros(5));
    assert_eq!(5.millis(), Duration::from_millis(5));
    assert_eq!(60.seconds(), Duration::from_secs(60));
    assert_eq!(small.minutes(), Duration::from_secs(7 * 60));
    assert_eq!(large.hours(), Duration::from_secs(8 * 3_600));
    assert_eq!(count.days(), Duration::from_secs(9 * 86_400));
}

#[test]
fn durations_saturate_and_a_negative_one_is_zero() {
    assert_eq!((-1).seconds(), Duration::ZERO);
    assert_eq!(u64::MAX.seconds(), Duration::from_secs(u64::MAX));
    assert_eq!(u64::MAX.minutes(), Duration::MAX);
    assert_eq!(u64::MAX.days(), Duration::MAX);
    assert_eq!(u64::MAX.nanos(), Duration::from_nanos(u64::MAX));
}

#[test]
fn fractions_read_as_durations() {
    assert_eq!(0.5.seconds(), Duration::from_millis(500));
    assert_eq!(2.5.millis(), Duration::from_micros(2_500));
    assert_eq!(0.1.micros(), Duration::from_nanos(100));
    assert_eq!(1.5.nanos(), Duration::from_nanos(2));
    assert_eq!(1.5.minutes(), Duration::from_secs(90));
    assert_eq!(0.25.hours(), Duration::from_secs(900));
    assert_eq!(0.5.days(), Duration::from_secs(43_200));
    let (single, double) = (0.25_f32, 1e-3_f64);
    assert_eq!(single.seconds(), Duration::from_millis(250));
    assert_eq!(double.seconds(), Duration::from_millis(1));
}

#[test]
fn fractions_saturate_and_invalid_or_negative_ones_are_zero() {
    for none in [f64::NAN, -f64::NAN, -0.0, 0.0, -0.5, f64::MIN, f64::NEG_INFINITY, f64::MIN_POSITIVE] {
        assert_eq!(none.seconds(), Duration::ZERO, "{none}");
        assert_eq!(none.days(), Duration::ZERO, "{none}");
    }
    for endless in [f64::INFINITY, f64::MAX, 1e20] {
        assert_eq!(endless.seconds(), Duration::MAX, "{endless}");
        assert_eq!(endless.days(), Duration::MAX, "{endless}");
    }
    assert_eq!(f32::NAN.millis(), Duration::ZERO);
    assert_eq!(f32::INFINITY.millis(), Duration::MAX);
}
