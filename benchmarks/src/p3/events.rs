//! The cost of each policy of a pipeline's events where it is used: for one event of a receiver that does
//! nothing, with one worker.

use std::hint::black_box;

use sweet_async::pipeline::{ChunkSizeExt as _, ErrorStrategy, Event, PipelineBuilder};
use sweet_async::{Chaos, CircuitBreaker, DurationExt as _, Limiter};

use crate::Failure;
use crate::backend::Backend;
use crate::measure::check;
use crate::p3::NEVER;

/// Items of a chunk.
const CHUNK: usize = 256;

/// One policy of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventPolicy {
    /// No policy.
    None,
    /// A time limit on each event.
    Timeout,
    /// Retries, none of which is needed.
    Retry,
    /// A closed breaker.
    Breaker,
    /// A limiter with room.
    Limiter,
    /// Faults at rates so low that none occurs.
    Chaos,
}

impl EventPolicy {
    /// All policies, each with a synchronous receiver and with an asynchronous one, which are told apart by the
    /// flag. A time limit is refused for a synchronous one, which cannot be interrupted.
    pub fn all() -> impl Iterator<Item = (Self, bool)> {
        [Self::None, Self::Timeout, Self::Retry, Self::Breaker, Self::Limiter, Self::Chaos]
            .into_iter()
            .flat_map(|policy| [(policy, false), (policy, true)])
            .filter(|side| *side != (Self::Timeout, false))
    }

    /// The name in the results.
    pub fn name(self, is_async: bool) -> String {
        let policy = match self {
            Self::None => "no policy",
            Self::Timeout => "event_timeout",
            Self::Retry => "on_error, retry",
            Self::Breaker => "event_circuit_breaker",
            Self::Limiter => "event_limiter",
            Self::Chaos => "chaos",
        };
        format!("events, {policy}, {}", if is_async { "async" } else { "sync" })
    }

    /// Sends `count` events through a pipeline with the policy, whose receiver is async if `is_async`.
    ///
    /// # Errors
    ///
    /// The error of the pipeline, or a wrong number of events.
    pub fn measure<B: Backend>(self, backend: &B, is_async: bool, count: usize) -> Result<(), Failure> {
        let items = count as u64;
        let rows = PipelineBuilder::<u64, _>::new(backend.runtime().clone()).workers(1);
        let rows = match self {
            Self::None => rows,
            Self::Timeout => rows.event_timeout(1.hours()),
            Self::Retry => rows.on_error(ErrorStrategy::retry(3)),
            Self::Breaker => rows.event_circuit_breaker(&CircuitBreaker::builder().build()?),
            Self::Limiter => rows.event_limiter(&Limiter::builder().max_concurrent(8).build()?),
            Self::Chaos => rows.chaos(Chaos::new().failure(NEVER).latency(NEVER, 1.hours()).panic(NEVER)),
        };
        let rows = rows.sender(move |sources| sources.of(0..items).into_chunks(CHUNK.items()));
        let nothing = |event: Event<u64>| {
            black_box(event.take_data());
        };
        let summary = backend.block_on(async {
            match is_async {
                true => rows.for_each(move |event: Event<u64>| async move { nothing(event) }).await,
                false => rows.for_each(nothing).await,
            }
        })??;
        check(&summary.handled(), &items)
    }
}
