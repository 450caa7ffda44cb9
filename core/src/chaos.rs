//! Chaos: faults that are injected into work on purpose, for tests and rehearsals of failure.
//!
//! The practice is fault injection as in "Principles of Chaos Engineering" (principlesofchaos.org): a program
//! that is to survive slow, failing and crashing dependencies is run with them.

use std::error::Error;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{AsyncTaskError, BoxError};
use crate::panic::caught;

/// The message of an injected panic.
const PANIC: &str = "a panic injected by `Chaos`";

type MakeError = Arc<dyn Fn() -> BoxError + Send + Sync>;
type IsEnabled = Arc<dyn Fn() -> bool + Send + Sync>;

/// Faults that are injected into attempts at work, each at a rate of its own: latency, panics and failures.
/// It is a value: clonable, and without state.
///
/// It is for tests, and for rehearsals in production ("game days"): whether retries, breakers, time limits
/// and recoveries do what they are there for. Its faults are real. A `Chaos` that is left in a builder harms
/// the program in production, too; [`enabled_if`](Self::enabled_if) turns it off at run time. Each injected
/// fault is reported by `tracing`, at the level of warnings.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// use sweet_async_core::{AsyncTaskError, Chaos, ChaosError, DurationExt as _, Runtime, TaskBuilder};
///
/// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
/// let on = Arc::new(AtomicBool::new(true));
/// let switch = on.clone();
/// let chaos = Chaos::new()
///     .failure(1.0)
///     .latency(0.05, 200.millis())
///     .enabled_if(move || switch.load(Ordering::Relaxed));
///
/// let builder = TaskBuilder::<u32, _>::new(runtime.clone()).chaos(chaos);
/// let failed = builder.clone().run(|| async { 7 }).await;
/// assert!(failed.is_err_and(|error| error.downcast_ref::<ChaosError>().is_some()));
/// on.store(false, Ordering::Relaxed);
/// assert_eq!(builder.run(|| async { 7 }).await?, 7);
/// # Ok(()) }
/// ```
///
/// # Chance
///
/// The faults of an attempt are drawn when it begins, by the runtime's random numbers
/// ([`Runtime::entropy`](crate::Runtime::entropy)), so that a simulation repeats them. One number is drawn
/// for each fault with a rate above zero, in a fixed order: latency, panic, failure. If several are drawn,
/// the latency comes first; then the panic, or else the failure, takes the place of the work.
///
/// # Rates
///
/// A rate is a probability, from 0.0 (never, the default) to 1.0 (always). Other values, `NaN` included, are
/// refused with [`AsyncTaskError::InvalidConfig`] when the task starts.
#[derive(Clone, Default)]
pub struct Chaos {
    latency: f64,
    delay: Duration,
    panic: f64,
    failure: f64,
    /// The maker of the error of an injected failure; `None` for a [`ChaosError`].
    error: Option<MakeError>,
    is_enabled: Option<IsEnabled>,
}

/// The error of an injected failure, unless [`Chaos::failure_with`] gives another. It is the source of an
/// [`AsyncTaskError::Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChaosError;

impl fmt::Display for ChaosError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a failure injected by `Chaos`")
    }
}

impl Error for ChaosError {}

/// The faults of one attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// The wait before the work begins.
    pub(crate) latency: Option<Duration>,
    /// The fault that takes the place of the work.
    pub(crate) fault: Option<Fault>,
}

/// A fault in place of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Panic,
    Failure,
}

impl Chaos {
    /// A chaos that injects nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets attempts fail at this rate, with a [`ChaosError`]. The work is then not called. It replaces an
    /// earlier [`failure_with`](Self::failure_with).
    pub fn failure(self, rate: f64) -> Self {
        Self { failure: rate, error: None, ..self }
    }

    /// As [`failure`](Self::failure), with the errors that `error` makes: such as those of the dependency
    /// that the work calls. A panic in it is the error of the attempt.
    pub fn failure_with<E: Into<BoxError>>(
        self,
        rate: f64,
        error: impl Fn() -> E + Send + Sync + 'static,
    ) -> Self {
        let make: MakeError = Arc::new(move || -> BoxError { error().into() });
        Self { failure: rate, error: Some(make), ..self }
    }

    /// Lets attempts wait for `duration` at this rate, before their work begins. The wait is part of the
    /// attempt: it is under the attempt's time limit, and cancelled as the work is. With [`Duration::MAX`] it
    /// does not end by itself.
    pub fn latency(self, rate: f64, duration: Duration) -> Self {
        Self { latency: rate, delay: duration, ..self }
    }

    /// Lets attempts panic at this rate. The work is then not called. As any panic of the work it is caught
    /// and becomes an [`AsyncTaskError::Panic`], whose message says that it was injected; no retry follows
    /// it. The panic hook is not called.
    pub fn panic(self, rate: f64) -> Self {
        Self { panic: rate, ..self }
    }

    /// Injects faults only while `is_enabled` is true. It is called at the beginning of each attempt; where
    /// it is false, nothing is drawn. A later one replaces an earlier one. A panic in it is the error of the
    /// attempt.
    pub fn enabled_if(self, is_enabled: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { is_enabled: Some(Arc::new(is_enabled)), ..self }
    }

    /// Fails with `InvalidConfig` for a rate that is out of its range.
    #[doc(hidden)]
    pub fn check(&self) -> Result<(), AsyncTaskError> {
        let rates = [("latency", self.latency), ("panic", self.panic), ("failure", self.failure)];
        match rates.into_iter().find(|(_, rate)| !(0.0..=1.0).contains(rate)) {
            Some((fault, rate)) => Err(AsyncTaskError::config(format!(
                "a `{fault}` rate of {rate} in a `Chaos`: it must be from 0.0 to 1.0"
            ))),
            None => Ok(()),
        }
    }

    /// False if no rate is above zero.
    pub(crate) fn is_possible(&self) -> bool {
        self.latency > 0.0 || self.panic > 0.0 || self.failure > 0.0
    }

    /// Draws the faults of one attempt; `entropy` gives 64 random bits.
    pub(crate) fn draw(&self, mut entropy: impl FnMut() -> u64) -> Faults {
        if self.is_enabled.as_ref().is_some_and(|is_enabled| !is_enabled()) {
            return Faults::default();
        }
        let mut strikes = |rate: f64| rate > 0.0 && unit(entropy()) < rate;
        // In this order, on which the replay of a seed depends. No draw depends on the result of another.
        let latency = strikes(self.latency);
        let panic = strikes(self.panic);
        let failure = strikes(self.failure);
        let fault = if panic { Some(Fault::Panic) } else { failure.then_some(Fault::Failure) };
        Faults { latency: latency.then_some(self.delay).filter(|delay| !delay.is_zero()), fault }
    }

    /// The error of a fault in place of the work.
    pub(crate) fn strike(&self, fault: Fault) -> Result<(), AsyncTaskError> {
        match (fault, &self.error) {
            (Fault::Panic, _) => caught::<()>(|| resume_unwind(Box::new(PANIC))),
            (Fault::Failure, None) => Err(AsyncTaskError::failure(ChaosError)),
            (Fault::Failure, Some(make)) => Err(AsyncTaskError::failure(caught(&**make)?)),
        }
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos")
            .field("latency", &self.latency)
            .field("delay", &self.delay)
            .field("panic", &self.panic)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

/// A number from zero, included, to one, excluded, of 64 random bits.
fn unit(bits: u64) -> f64 {
    // Of 53 bits, which a float holds exactly.
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}
