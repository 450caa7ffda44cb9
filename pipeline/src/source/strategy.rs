//! How sources are read.

use std::time::Duration;

use crate::source::Plan;
use crate::source::input::{Blocking, Input};
use crate::source::text::TextPlan;
use sweet_async_core::error::AsyncTaskError;

/// How a pipeline reads its sources.
///
/// Whatever it is, the queue in front of the receivers is bounded, and who finds it full waits. Where several sources are
/// read at the same time, an event's [`sequence`](crate::Event::sequence) is the number of its source,
/// shifted left by 44 bits, and its row: unique and in source order, as before, but with gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SenderStrategy {
    /// One source after the other.
    #[default]
    Serial,
    /// Several sources at the same time, each by a task of its own; when one has ended, the next is begun. Under
    /// [`StopOnFirst`](crate::ErrorStrategy::StopOnFirst) the error is that of the first bad row in source order
    /// among those that had been read when the reading stopped: an earlier source may hold one that nobody has come to.
    ///
    /// With [`ordered`](crate::PipelineBuilder::ordered), what is read ahead of its turn waits, two chunks of
    /// each source that is being read.
    Parallel {
        /// How many, at least one.
        sources: usize,
    },
    /// One source after the other. What streams and channels give is gathered until there are `size` events, whatever
    /// `into_chunks` was told, or `delay` has passed since the first of them, or the source has ended. Iterators, files and
    /// bytes are not waited for: they give `size` events at a time. A named pipe is a file here: its rows wait until there are
    /// `size` of them, or the pipe ends. A reader and a queue cannot be gathered from, and are refused
    /// ([`AsyncTaskError::InvalidConfig`]).
    Batched {
        /// Most events in a batch, at least one.
        size: usize,
        /// Longest wait of an event for others, by the runtime's clock; more than zero.
        delay: Duration,
    },
    /// As [`Parallel`](Self::Parallel), with as many sources at the same time as the queue wants: it begins with `min`, and
    /// looks at the queue a hundred times a second. While that is empty the number doubles, and later grows by one; when it
    /// is full, the number falls by a quarter, and those that are too many pause. Each decision is told through `tracing`.
    Adaptive {
        /// The fewest, at least one.
        min: usize,
        /// The most, at least `min`.
        max: usize,
    },
}

impl SenderStrategy {
    pub(crate) fn check(self) -> Result<(), AsyncTaskError> {
        let reason = match self {
            Self::Serial => return Ok(()),
            Self::Parallel { sources: 0 } => {
                "at least one source is read at a time: SenderStrategy::Parallel was given zero"
            }
            Self::Batched { size: 0, .. } => {
                "a batch holds at least one event: SenderStrategy::Batched was given zero"
            }
            Self::Batched { delay: Duration::ZERO, .. } => {
                "a batch that waits for no time is a chunk: SenderStrategy::Batched was given a delay of zero"
            }
            Self::Adaptive { min: 0, .. } => {
                "at least one source is read at a time: SenderStrategy::Adaptive was given zero"
            }
            Self::Adaptive { min, max } if max < min => {
                "SenderStrategy::Adaptive was given a most that is less than the least"
            }
            Self::Parallel { .. } | Self::Adaptive { .. } | Self::Batched { .. } => return Ok(()),
        };
        Err(AsyncTaskError::config(reason))
    }

    /// How many events there are in a chunk, where `into_chunks` does not say it.
    pub(crate) fn batch(self) -> Option<usize> {
        match self {
            Self::Batched { size, .. } => Some(size),
            _ => None,
        }
    }

    /// Whether these can be read so.
    pub(crate) fn suits<T>(self, plans: &[Plan<T>]) -> Result<(), AsyncTaskError> {
        let gathers = |plan: &Plan<T>| match plan {
            Plan::Items(_) | Plan::Stream(_) => true,
            Plan::Text(TextPlan { input, .. }) => {
                matches!(input, Input::Blocking(Blocking::File(_) | Blocking::Bytes(_), _))
            }
            Plan::Queue(_) => false,
        };
        match plans.iter().find(|plan| !gathers(plan)).filter(|_| self.batch().is_some()) {
            None => Ok(()),
            Some(plan) => Err(AsyncTaskError::config(format!(
                "SenderStrategy::Batched gathers from streams and channels, and cuts iterators, files and bytes: not {}, a reader or a queue",
                plan.name()
            ))),
        }
    }
}
