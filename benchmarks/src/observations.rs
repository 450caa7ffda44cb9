//! P3, observations of tasks: the cost of one, such as a snapshot, or of one operation that is measured.

use std::hint::black_box;
use std::io::{self, Read};

use sweet_async::metrics::metered;
use sweet_async::{AsyncTask, CancelLevel, MetricsEnabledTask as _};

use crate::Failure;
use crate::backend::Backend;
use sweet_async::RuntimeExt as _;

/// Tasks that are alive while they are observed.
const LIVE: usize = 1_000;

/// A kind of observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// One task's share of a snapshot of the tasks that wait meanwhile.
    Snapshot,
    /// A runtime's counters.
    Counters,
    /// The usage of a task that has ended.
    Usage,
    /// A read of one byte, in a task with metrics.
    Read,
    /// The same read, metered.
    MeteredRead,
}

impl Observation {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Snapshot, Self::Counters, Self::Usage, Self::Read, Self::MeteredRead];

    /// The name in the results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot, per live task",
            Self::Counters => "runtime counters",
            Self::Usage => "cpu_usage",
            Self::Read => "read",
            Self::MeteredRead => "metered read",
        }
    }

    /// Makes `count` observations. A snapshot counts as one for each live task.
    ///
    /// # Errors
    ///
    /// The error of a task.
    pub fn measure<B: Backend>(self, backend: &B, count: usize) -> Result<(), Failure> {
        let rt = backend.runtime();
        let task = || AsyncTask::to::<()>().on(rt).metrics(true);
        match self {
            Self::Snapshot => backend.block_on(async {
                let wait = |_| AsyncTask::to::<()>().on(rt).spawn(std::future::pending::<()>);
                let live: Vec<_> = (0..LIVE).map(wait).collect();
                while rt.snapshot().tasks.len() < LIVE {
                    sweet_async::yield_now().await;
                }
                observe(count / LIVE, || rt.snapshot());
                for task in live {
                    task.cancel(CancelLevel::Kill).await;
                }
                Ok(())
            })?,
            Self::Counters => backend.block_on(async {
                observe(count, || rt.metrics());
                Ok(())
            })?,
            Self::Usage => backend.block_on(async {
                let mut ended = task().spawn(|| async {});
                (&mut ended).await?;
                observe(count, || ended.cpu_usage());
                Ok(())
            })?,
            Self::Read => {
                backend.block_on(async { Ok(task().run(move || reads(io::repeat(1), count)).await?) })?
            }
            Self::MeteredRead => backend
                .block_on(async { Ok(task().run(move || reads(metered(io::repeat(1)), count)).await?) })?,
        }
    }
}

fn observe<T>(count: usize, observation: impl Fn() -> T) {
    for _ in 0..count {
        black_box(observation());
    }
}

fn reads(mut from: impl Read, count: usize) -> Result<(), Failure> {
    let mut byte = [0];
    for _ in 0..count {
        from.read_exact(&mut byte)?;
        black_box(byte);
    }
    Ok(())
}
