//! What tasks use: processor time, memory, input and output, and how their polls go.
//!
//! A figure is real, or it is `None`; it is never zero for what is not known. Nothing is measured of a task until it is told
//! `.metrics(true)`, or [`MetricsEnabledTask::enable_metrics`](crate::MetricsEnabledTask::enable_metrics).
//!
//! - **Processor time** is the thread's own clock, read around each poll of the task, and around its blocking work. What
//!   else runs on the thread in between is not in it.
//! - **Memory** is what the thread has allocated meanwhile, told by an allocator that the program brings: jemalloc
//!   with the feature `jemalloc`, or another through [`count_allocations`].
//! - **Input and output** is what goes through [`metered`] readers and writers, and a pipeline's files.
//! - **Polls** are counted and timed, and so is how long the task waited for them.
//!
//! All times are those of the real clock, also in a simulation: they are about the machine. What a poll or a blocking job
//! uses is booked at its end.
//!
//! What children use is their parent's, too: of those that have ended, and of those that live. A child that was detached
//! is nobody's, and goes to the runtime's account; see [`RuntimeMetrics`](crate::tree::totals::RuntimeMetrics). What was told of a
//! task is never taken back: its figures only grow, but for the user's part of processor time, which is what the system's part
//! leaves of the whole. While children end, one of them may be missing for a moment.

mod charge;
mod clock;
pub(crate) mod counters;
mod histogram;
mod io;
#[cfg(feature = "jemalloc")]
mod jemalloc;
mod ledger;
mod memory;
mod meter;
mod polled;
mod usage;

pub(crate) use crate::metrics::charge::{Charge, active};
pub(crate) use crate::metrics::counters::{Counters, Sums};
pub(crate) use crate::metrics::histogram::Histogram;
pub use crate::metrics::histogram::Latencies;
pub use crate::metrics::io::{Metered, metered};
pub use crate::metrics::memory::{Allocations, count_allocations};
pub(crate) use crate::metrics::meter::Meter;
pub use crate::metrics::usage::{CpuUsage, IoCount, IoUsage, MemoryUsage, PollUsage, TaskMetrics};
