//! P13: a policy that is used and has nothing to do, around work in place, against its specialist. One task
//! after the other, builders included, inside a task of the executor.

use std::future::Future;
use std::hint::black_box;
use std::num::NonZero;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable as _};
use failsafe::futures::CircuitBreaker as _;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use sweet_async::{AsyncTask, CircuitBreaker, DurationExt as _, Limiter};
use tokio::sync::Semaphore;

use crate::backend::Backend;
use crate::measure::{Row, check};
use crate::{Failure, Size};

/// The greatest number of pieces under way at the same time.
const CONCURRENT: usize = 8;
/// Work that may begin in a second: more than there is.
const RATE: NonZero<u32> = match NonZero::new(1_000_000_000) {
    Some(rate) => rate,
    None => NonZero::<u32>::MAX,
};
const HOUR: Duration = Duration::from_secs(3600);

/// A policy, or all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// A time limit.
    Timeout,
    /// Retries.
    Retry,
    /// A circuit breaker.
    Breaker,
    /// A limit on the concurrency.
    Concurrency,
    /// A limit on the rate.
    Rate,
    /// All of these.
    Together,
}

impl Used {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Timeout, Self::Retry, Self::Breaker, Self::Concurrency, Self::Rate, Self::Together];

    /// The name in the results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Retry => "retry",
            Self::Breaker => "circuit breaker",
            Self::Concurrency => "concurrency",
            Self::Rate => "rate",
            Self::Together => "all five",
        }
    }

    /// The specialist that it is compared with.
    pub fn peer(self) -> &'static str {
        match self {
            Self::Timeout => "the executor's timeout",
            Self::Retry => "backon",
            Self::Breaker => "failsafe",
            Self::Concurrency => "tokio::sync::Semaphore",
            Self::Rate => "governor",
            Self::Together => "the five by hand",
        }
    }

    /// The greatest ratio to the specialist.
    pub fn goal(self) -> f64 {
        if self == Self::Together { 1.0 } else { 2.0 }
    }

    /// Runs `count` pieces of work with the library's policy; returns the sum of their values.
    ///
    /// # Errors
    ///
    /// The error of a task.
    pub async fn ours<B: Backend>(self, backend: &B, count: usize) -> Result<u64, Failure> {
        let breaker = CircuitBreaker::builder().build()?;
        let concurrency = Limiter::builder().max_concurrent(CONCURRENT).build()?;
        let rate = Limiter::builder().rate(RATE.get(), 1.seconds()).build()?;
        let both = Limiter::builder().max_concurrent(CONCURRENT).rate(RATE.get(), 1.seconds()).build()?;
        let mut sum = 0;
        macro_rules! with {
            (|$task:ident| $build:expr) => {
                for number in 0..count as u64 {
                    let $task = AsyncTask::to::<u64>().on(backend.runtime());
                    sum += $build.run(move || async move { black_box(number) }).await?;
                }
            };
        }
        match self {
            Self::Timeout => with!(|task| task.timeout(HOUR)),
            Self::Retry => with!(|task| task.retry(3)),
            Self::Breaker => with!(|task| task.circuit_breaker(&breaker)),
            Self::Concurrency => with!(|task| task.limiter(&concurrency)),
            Self::Rate => with!(|task| task.limiter(&rate)),
            Self::Together => {
                with!(|task| task.timeout(HOUR).retry(3).circuit_breaker(&breaker).limiter(&both));
            }
        }
        Ok(sum)
    }

    /// As [`ours`](Self::ours), with the specialist.
    ///
    /// # Errors
    ///
    /// The error of the specialist.
    pub async fn theirs<B: Backend>(self, count: usize) -> Result<u64, Failure> {
        let breaker = failsafe::Config::new().build();
        let semaphore = Semaphore::new(CONCURRENT);
        let rate: Arc<DefaultDirectRateLimiter> = Arc::new(RateLimiter::direct(Quota::per_second(RATE)));
        let mut sum = 0;
        for number in 0..count as u64 {
            let work = || async move { Ok::<_, Failure>(black_box(number)) };
            sum += match self {
                Self::Timeout => B::raw_timeout(HOUR, work()).await.ok_or("out of time")??,
                Self::Retry => work.retry(ExponentialBuilder::default().with_max_times(3)).await?,
                Self::Breaker => breaker.call(work()).await.map_err(|_| "refused, or failed")?,
                Self::Concurrency => {
                    let _permit = semaphore.acquire().await?;
                    work().await?
                }
                Self::Rate => {
                    rate.until_ready().await;
                    work().await?
                }
                Self::Together => {
                    let attempt = || async {
                        let admitted = async {
                            let _permit = semaphore.acquire().await?;
                            rate.until_ready().await;
                            work().await
                        };
                        breaker.call(admitted).await.map_err(|_| Failure::from("refused, or failed"))
                    };
                    let retried = attempt.retry(ExponentialBuilder::default().with_max_times(3));
                    B::raw_timeout(HOUR, retried).await.ok_or("out of time")??
                }
            };
        }
        Ok(sum)
    }
}

/// Measures the row.
///
/// # Errors
///
/// The error of a side.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    let count = size.tasks;
    let inside = |work: Pin<Box<dyn Future<Output = Result<u64, Failure>> + Send>>| {
        let timed = async move {
            let start = Instant::now();
            let sum = work.await?;
            Ok::<(u64, Duration), Failure>((sum, start.elapsed()))
        };
        let (sum, took) =
            backend.block_on(async { backend.raw_spawn(timed).await })?.ok_or("the executor has ended")??;
        check(&sum, &(0..count as u64).sum())?;
        Ok(took)
    };
    for used in Used::ALL {
        let (ours, theirs) = (used.name(), used.peer());
        let owned = backend.clone();
        let run = move || {
            let backend = owned.clone();
            async move { used.ours(&backend, count).await }
        };
        Row::new(format!("P13 {}: {ours}, used, in place, {count} tasks", B::NAME), size.rounds)
            .side(theirs, count as f64, || inside(Box::pin(used.theirs::<B>(count))))
            .side(ours, count as f64, || inside(Box::pin(run())))
            .ratio(ours, theirs, Some(used.goal()))
            .measure()?;
    }
    Ok(())
}
