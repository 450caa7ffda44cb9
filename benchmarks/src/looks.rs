//! P3, of what looks at tasks: what one look costs, or one thing that is measured.

use std::hint::black_box;
use std::io::{self, Read};

use sweet_async::metrics::metered;
use sweet_async::{AsyncTask, CancelLevel, MetricsEnabledTask as _};

use crate::Failure;
use crate::backend::Backend;
use sweet_async::RuntimeExt as _;

/// Tasks that live while looks are taken.
const LIVE: usize = 1_000;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A snapshot's part for each of the tasks that wait meanwhile.
    Snapshot,
    /// A runtime's counters.
    Counters,
    /// What a task that has ended has used.
    Usage,
    /// A read of one byte, in a task with metrics.
    Read,
    /// The same, metered.
    MeteredRead,
}

impl Look {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Snapshot, Self::Counters, Self::Usage, Self::Read, Self::MeteredRead];

    /// What it is called in the results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot, per live task",
            Self::Counters => "runtime counters",
            Self::Usage => "cpu_usage",
            Self::Read => "read",
            Self::MeteredRead => "metered read",
        }
    }

    /// `count` of them.
    ///
    /// # Errors
    ///
    /// A task's.
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
                looks(count / LIVE, || rt.snapshot());
                for task in live {
                    task.cancel(CancelLevel::Kill).await;
                }
                Ok(())
            })?,
            Self::Counters => backend.block_on(async {
                looks(count, || rt.metrics());
                Ok(())
            })?,
            Self::Usage => backend.block_on(async {
                let mut ended = task().spawn(|| async {});
                (&mut ended).await?;
                looks(count, || ended.cpu_usage());
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

fn looks<T>(count: usize, look: impl Fn() -> T) {
    for _ in 0..count {
        black_box(look());
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
