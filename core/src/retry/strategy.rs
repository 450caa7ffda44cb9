//! The wait before each attempt: its growth, and its random part.

use std::time::Duration;

use crate::error::AsyncTaskError;

/// The growth of the wait between two attempts.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RetryStrategy {
    /// No wait: for failures that are over as soon as they are seen, such as a lost race.
    Immediate,
    /// The same wait each time.
    Fixed {
        /// The wait.
        delay: Duration,
    },
    /// Longer by `step` each time: `base`, `base + step`, `base + 2 * step`, at most `max`.
    Linear {
        /// The wait before the first retry.
        base: Duration,
        /// The time that is added for each further retry.
        step: Duration,
        /// The longest wait.
        max: Duration,
    },
    /// Longer by `factor` each time: `base`, `base * factor`, `base * factor^2`, at most `max`.
    Exponential {
        /// The wait before the first retry.
        base: Duration,
        /// The factor of the wait for each further retry: finite, and at least 1.
        factor: f64,
        /// The longest wait.
        max: Duration,
    },
}

/// Exponential from 100 ms, doubled each time, at most 20 s.
impl Default for RetryStrategy {
    fn default() -> Self {
        Self::Exponential { base: Duration::from_millis(100), factor: 2.0, max: Duration::from_secs(20) }
    }
}

impl RetryStrategy {
    /// The wait before retry `number`, which counts from 1; without jitter. A wait that is too long to count
    /// is `max`.
    pub fn delay(&self, number: u32) -> Duration {
        let before = number.saturating_sub(1);
        match *self {
            Self::Immediate => Duration::ZERO,
            Self::Fixed { delay } => delay,
            Self::Linear { base, step, max } => base.saturating_add(step.saturating_mul(before)).min(max),
            Self::Exponential { base, factor, max } => {
                let seconds = base.as_secs_f64() * factor.powf(f64::from(before));
                // There is no better answer for a wait beyond what a duration holds, and for zero multiplied
                // by infinity.
                Duration::try_from_secs_f64(seconds)
                    .map_or(if base.is_zero() { base } else { max }, |d| d.min(max))
            }
        }
    }

    /// Checks that the strategy can work.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidConfig`] for a factor that is not finite, or less than 1.
    pub(crate) fn check(&self) -> Result<(), AsyncTaskError> {
        match *self {
            Self::Exponential { factor, .. } if !(factor.is_finite() && factor >= 1.0) => {
                Err(AsyncTaskError::config(format!(
                    "an exponential backoff with the factor {factor}: it must be finite, and at least 1"
                )))
            }
            _ => Ok(()),
        }
    }
}

/// The random part of a wait, so that callers that failed together do not all come back together.
///
/// The names and the rules are those of "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// The wait as it is, without a random part.
    None,
    /// A random time from zero to the wait.
    #[default]
    Full,
    /// A random time from half of the wait to the wait.
    Equal,
}

impl Jitter {
    /// As [`apply`](Self::apply). Without a random part, `chance` is not called.
    pub(crate) fn of(self, delay: Duration, chance: impl FnOnce() -> u64) -> Duration {
        let chance = if self == Self::None { 0 } else { chance() };
        self.apply(delay, chance)
    }

    /// Applies `chance`, 64 random bits, to `delay`.
    pub fn apply(self, delay: Duration, chance: u64) -> Duration {
        match self {
            Self::None => delay,
            Self::Full => up_to(delay, chance),
            Self::Equal => {
                let half = delay / 2;
                half + up_to(delay - half, chance)
            }
        }
    }
}

/// A time from zero to `most`, both included, evenly distributed.
fn up_to(most: Duration, chance: u64) -> Duration {
    let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    let part = ((u128::from(nanos) + 1) * u128::from(chance)) >> 64;
    Duration::from_nanos(u64::try_from(part).unwrap_or(nanos))
}
