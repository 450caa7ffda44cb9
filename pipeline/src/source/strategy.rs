//! The strategies by which a pipeline reads its sources.

use std::time::Duration;

use crate::source::input::{Blocking, Input};
use crate::source::plan::{Plan, TextPlan};
use sweet_async_core::error::AsyncTaskError;

/// The strategy by which a pipeline reads its sources.
///
/// With every strategy the queue in front of the receivers is bounded, and a reader that finds it full waits.
/// If several sources are read at the same time, an event's [`sequence`](crate::Event::sequence) is the
/// number of its source, shifted left by 44 bits, and its row: unique and in source order, but with gaps.
/// More than 1,048,576 sources cannot be read at the same time, and are refused
/// ([`AsyncTaskError::InvalidConfig`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SenderStrategy {
    /// One source after the other.
    #[default]
    Serial,
    /// Several sources at the same time, each by a task of its own; when one has ended, the next is begun.
    /// Under [`StopOnFirst`](crate::ErrorStrategy::StopOnFirst) the error is that of the first bad row in
    /// source order among those that had been read when the reading stopped: an earlier source may hold one
    /// that was not reached. So may a receiver's [`ControlFlow::Break`](std::ops::ControlFlow::Break) leave rows of an
    /// earlier source unread. One worker alone handles chunks in the order in which they are read, which is no source
    /// order then.
    ///
    /// With [`ordered`](crate::PipelineBuilder::ordered) and with [keys](crate::PipelineSender::key_by), chunks that are
    /// read ahead of their turn wait, two of each source that is being read.
    Parallel {
        /// The number of sources, at least one.
        sources: usize,
    },
    /// One source after the other. Events of streams and channels are gathered until there are `size` of
    /// them, whatever the size given to `into_chunks`, or `delay` has passed since the first of them, or the
    /// source has ended. Iterators, files and bytes are not waited for: they give `size` events at a time. A
    /// named pipe is a file here: its rows wait until there are `size` of them, or the pipe ends. A reader
    /// and a queue cannot be gathered from, and are refused ([`AsyncTaskError::InvalidConfig`]).
    Batched {
        /// The most events in a batch, at least one.
        size: usize,
        /// The longest time that an event waits for others, by the runtime's clock; more than zero.
        delay: Duration,
    },
    /// As [`Parallel`](Self::Parallel), with a number of sources that follows the load of the queue. It
    /// begins with `min`, and the queue is looked at a hundred times a second. When the queue is empty the
    /// number doubles; once the queue has been full, it grows by one instead. When the queue is full the
    /// number falls by a quarter, at least by one, and the surplus readers pause. Each change is reported
    /// through `tracing`.
    Adaptive {
        /// The fewest sources, at least one.
        min: usize,
        /// The most sources, at least `min`.
        max: usize,
    },
}

/// Fails with `InvalidConfig` for batches that cannot be gathered; `setting` is where they were set.
pub(crate) fn check_batches(setting: &str, size: usize, delay: Duration) -> Result<(), AsyncTaskError> {
    let name = |part: &str| format!("`{part}` of {setting}");
    if size == 0 {
        return Err(AsyncTaskError::out_of_range(&name("size"), 0, "at least 1"));
    }
    if delay.is_zero() {
        return Err(AsyncTaskError::out_of_range(&name("delay"), "0 s", "longer than zero"));
    }
    Ok(())
}

impl SenderStrategy {
    /// Fails with `InvalidConfig` for a number that is out of its range.
    pub(crate) fn check(self) -> Result<(), AsyncTaskError> {
        match self {
            Self::Parallel { sources: 0 } => {
                Err(AsyncTaskError::out_of_range("`sources` of `SenderStrategy::Parallel`", 0, "at least 1"))
            }
            Self::Batched { size, delay } => check_batches("`SenderStrategy::Batched`", size, delay),
            Self::Adaptive { min: 0, .. } => {
                Err(AsyncTaskError::out_of_range("`min` of `SenderStrategy::Adaptive`", 0, "at least 1"))
            }
            Self::Adaptive { min, max } if max < min => Err(AsyncTaskError::out_of_range(
                "`max` of `SenderStrategy::Adaptive`",
                max,
                &format!("at least `min`, which is {min}"),
            )),
            Self::Serial | Self::Parallel { .. } | Self::Adaptive { .. } => Ok(()),
        }
    }

    /// True if several sources may be read at the same time.
    pub(crate) fn reads_at_once(self) -> bool {
        matches!(self, Self::Parallel { .. } | Self::Adaptive { .. })
    }

    /// Returns the number of events in a chunk, where the strategy sets it and not `into_chunks`.
    pub(crate) fn batch(self) -> Option<usize> {
        match self {
            Self::Batched { size, .. } => Some(size),
            _ => None,
        }
    }

    /// Checks that these sources can be read with this strategy.
    pub(crate) fn suits(self, plans: &[Plan]) -> Result<(), AsyncTaskError> {
        let gathers = |plan: &Plan| match plan {
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
