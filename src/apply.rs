//! A single policy around one piece of work, on the ambient runtime.

use std::future::Future;

use crate::task::{Applied, HedgedAlone, Retried};
use crate::{Ambient, AsyncTaskError, Chaos, CircuitBreaker, Hedge, Limiter, Retry};
use sweet_async_core::internals::{AttemptOf, Attempted, ValueOf};

/// A policy that can stand alone, around work that is done once, without a task or a builder. It uses the
/// ambient runtime's clock and timers; `apply_on` takes a runtime.
///
/// ```
/// use sweet_async::prelude::*;
///
/// # #[cfg(any(feature = "tokio", feature = "smol"))]
/// # fn main() -> Result<(), AsyncTaskError> {
/// # async fn query() -> Result<u32, std::io::Error> { Ok(7) }
/// let limiter = Limiter::builder().max_concurrent(8).max_waiting(100).build()?;
/// sweet_async::block_on(async {
///     assert_eq!(limiter.apply(|| query()).await?, 7);
///     Ok(())
/// })?
/// # }
/// # #[cfg(not(any(feature = "tokio", feature = "smol")))]
/// # fn main() {}
/// ```
pub trait Apply {
    /// Runs `work` under this policy, when awaited. A panic is caught.
    ///
    /// # Errors
    ///
    /// The policy's refusal, the work's error, or the error that no runtime was found.
    fn apply<F, O>(&self, work: F) -> Applied<F, O, Ambient>
    where
        F: FnOnce() -> O,
        O: Future<Output: Attempted>;
}

impl Apply for Limiter {
    fn apply<F, O>(&self, work: F) -> Applied<F, O, Ambient>
    where
        F: FnOnce() -> O,
        O: Future<Output: Attempted>,
    {
        self.apply_on(&Ambient, work)
    }
}

impl Apply for CircuitBreaker {
    fn apply<F, O>(&self, work: F) -> Applied<F, O, Ambient>
    where
        F: FnOnce() -> O,
        O: Future<Output: Attempted>,
    {
        self.apply_on(&Ambient, work)
    }
}

impl Apply for Chaos {
    fn apply<F, O>(&self, work: F) -> Applied<F, O, Ambient>
    where
        F: FnOnce() -> O,
        O: Future<Output: Attempted>,
    {
        self.apply_on(&Ambient, work)
    }
}

/// As [`Apply`], for work that may be run several times.
///
/// ```
/// use sweet_async::prelude::*;
/// use sweet_async::Retry;
///
/// # #[cfg(any(feature = "tokio", feature = "smol"))]
/// # fn main() -> Result<(), AsyncTaskError> {
/// sweet_async::block_on(async {
///     let mut calls = 0;
///     let work = || {
///         calls += 1;
///         std::future::ready(if calls < 3 { Err("not yet") } else { Ok(calls) })
///     };
///     assert_eq!(Retry::new(5).backoff(RetryStrategy::Immediate).apply(work).await?, 3);
///     Ok(())
/// })?
/// # }
/// # #[cfg(not(any(feature = "tokio", feature = "smol")))]
/// # fn main() {}
/// ```
pub trait ApplyAgain {
    /// The future of the work under this policy.
    type Applied<F, O>: Future<Output = Result<ValueOf<O>, AsyncTaskError>>
    where
        F: FnMut() -> O,
        O: Future<Output: Attempted>;

    /// Runs `work`, when awaited, and again as the policy says. A panic is caught.
    ///
    /// # Errors
    ///
    /// As [`Retry::apply_on`] and [`Hedge::apply_on`].
    fn apply<F, O>(&self, work: F) -> Self::Applied<F, O>
    where
        F: FnMut() -> O,
        O: Future<Output: Attempted>;
}

impl ApplyAgain for Retry {
    type Applied<F, O>
        = Retried<F, O, ValueOf<O>, AttemptOf<O>, Ambient>
    where
        F: FnMut() -> O,
        O: Future<Output: Attempted>;

    #[track_caller]
    fn apply<F, O>(&self, work: F) -> Self::Applied<F, O>
    where
        F: FnMut() -> O,
        O: Future<Output: Attempted>,
    {
        self.apply_on(&Ambient, work)
    }
}

impl ApplyAgain for Hedge {
    type Applied<F, O>
        = HedgedAlone<F, O, ValueOf<O>, AttemptOf<O>, Ambient>
    where
        F: FnMut() -> O,
        O: Future<Output: Attempted>;

    #[track_caller]
    fn apply<F, O>(&self, work: F) -> Self::Applied<F, O>
    where
        F: FnMut() -> O,
        O: Future<Output: Attempted>,
    {
        self.apply_on(&Ambient, work)
    }
}
