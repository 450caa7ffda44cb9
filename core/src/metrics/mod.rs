//! The usage of tasks: processor time, memory, input and output, and polls.
//!
//! A figure is real, or it is `None`; a figure that is not known is never zero. A task is measured only once
//! metrics are on: by `.metrics(true)` on its builder, by
//! [`MetricsEnabledTask::enable_metrics`](crate::MetricsEnabledTask::enable_metrics), or while its runtime is
//! [watched](crate::RootScope::watch).
//!
//! - **Processor time** is that of the task's polls and of its blocking work. Other work on the thread in
//!   between does not count. Blocking work is measured by the thread's own clock; polls are measured or
//!   estimated, as [`MetricsMode`] says.
//! - **Memory** is what the thread allocates meanwhile, as reported by an allocator that the program brings:
//!   jemalloc with the feature `jemalloc`, or another through [`count_allocations`].
//! - **Input and output** is what goes through [`metered`] readers and writers, and the files that a pipeline reads.
//! - **Polls** are counted and timed, and so is how long the task waited for them.
//!
//! All times are those of the real clock, also in a simulation: they are about the machine. The usage of a
//! poll or a blocking job is recorded at its end.
//!
//! The usage of children that have metrics, ended or live, is also their parent's. The usage of a detached child
//! counts for the runtime alone; see [`RuntimeMetrics`](crate::runtime::RuntimeMetrics). A reported figure of a
//! task never falls, with one exception: the user's part of processor time, which is the total without the
//! system's part. While children end, the usage of one of them may be missing for a moment.

mod attribution;
mod clock;
pub(crate) mod counters;
mod histogram;
mod io;
#[cfg(feature = "jemalloc")]
mod jemalloc;
mod memory;
mod meter;
mod mode;
mod polled;
mod processor;
pub(crate) mod sequence_counter;
mod usage;

pub(crate) use crate::metrics::attribution::{Attribution, active};
pub(crate) use crate::metrics::clock::moment;
pub(crate) use crate::metrics::counters::{Counters, Sums};
pub(crate) use crate::metrics::histogram::Histogram;
pub use crate::metrics::histogram::Latencies;
pub use crate::metrics::io::{Metered, metered};
pub use crate::metrics::memory::{Allocations, count_allocations};
pub(crate) use crate::metrics::meter::{HasMeter, Meter};
pub use crate::metrics::mode::MetricsMode;
pub use crate::metrics::usage::{CpuUsage, IoCount, IoUsage, MemoryUsage, PollUsage, TaskMetrics};
