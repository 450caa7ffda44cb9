//! How long to wait before each attempt.

use std::time::Duration;

use crate::error::AsyncTaskError;

/// How the time between two attempts grows.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RetryStrategy {
    /// No wait: for failures that are over as soon as they are seen, such as a lost race.
    Immediate,
    /// The same wait each time.
    Fixed {
        /// How long.
        delay: Duration,
    },
    /// Longer by `step` each time: `base`, `base + step`, `base + 2 * step`, at most `max`.
    Linear {
        /// Before the first retry.
        base: Duration,
        /// What is added for each further one.
        step: Duration,
        /// Never longer than this.
        max: Duration,
    },
    /// Longer by `factor` each time: `base`, `base * factor`, `base * factor^2`, at most `max`.
    Exponential {
        /// Before the first retry.
        base: Duration,
        /// What the wait is multiplied with for each further one: finite, and at least 1.
        factor: f64,
        /// Never longer than this.
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
    /// The wait before retry `number`, which counts from 1; without jitter. What is too long to count is `max`, or
    /// [`Duration::MAX`] where there is none.
    pub fn delay(&self, number: u32) -> Duration {
        let before = number.saturating_sub(1);
        match *self {
            Self::Immediate => Duration::ZERO,
            Self::Fixed { delay } => delay,
            Self::Linear { base, step, max } => base.saturating_add(step.saturating_mul(before)).min(max),
            Self::Exponential { base, factor, max } => {
                let seconds = base.as_secs_f64() * factor.powf(f64::from(before));
                // Beyond what a duration holds, and where zero was multiplied with infinity, there is no better answer.
                Duration::try_from_secs_f64(seconds)
                    .map_or(if base.is_zero() { base } else { max }, |d| d.min(max))
            }
        }
    }

    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidConfig`] for a factor that is no number from 1 on.
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

/// What chance does to a wait, so that many who failed together do not all come back together.
///
/// The names and the rules are those of "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// The wait as it is.
    None,
    /// Anything from nothing to the wait.
    #[default]
    Full,
    /// Anything from half of the wait to the wait.
    Equal,
}

impl Jitter {
    /// `delay` with `chance`, 64 random bits, applied to it.
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

/// Evenly from nothing to `most`, both included.
fn up_to(most: Duration, chance: u64) -> Duration {
    let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    let part = ((u128::from(nanos) + 1) * u128::from(chance)) >> 64;
    Duration::from_nanos(u64::try_from(part).unwrap_or(nanos))
}
