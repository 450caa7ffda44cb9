//! P15: the cost of metrics for each poll, of tasks that are polled ten times: with metrics in each mode,
//! against none.

use std::hint::black_box;
use std::time::Instant;

use sweet_async::metrics::MetricsMode;
use sweet_async::{AsyncTask, yield_now};

use crate::backend::Backend;
use crate::measure::{Row, check};
use crate::{Failure, Size};

/// The polls of each task.
pub const POLLS: usize = 10;

/// The modes, with their names in the results.
pub const MODES: [(&str, MetricsMode); 3] =
    [("without metrics", MetricsMode::Off), ("sampled", MetricsMode::Sampled), ("exact", MetricsMode::Exact)];

/// Spawns `count` tasks, each of which is polled [`POLLS`] times, and joins them.
///
/// # Errors
///
/// The error of a task.
pub async fn tasks<B: Backend>(backend: B, mode: MetricsMode, count: usize) -> Result<u64, Failure> {
    let mut tasks = Vec::with_capacity(count);
    tasks.extend((0..count as u64).map(|number| {
        AsyncTask::to::<u64>().on(backend.runtime()).metrics(mode).spawn(move || async move {
            for _ in 1..POLLS {
                yield_now().await;
            }
            black_box(number)
        })
    }));
    let mut sum = 0;
    for task in tasks {
        sum += task.await?;
    }
    Ok(sum)
}

/// Measures the row: the time of a poll on its thread, with a tenth of the task's begin and end.
///
/// # Errors
///
/// The error of a side.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    let count = size.tasks.div_ceil(POLLS);
    let title = format!("P15 {}: {count} tasks of {POLLS} polls, for each poll", B::NAME);
    let polls_of_a_thread = (count * POLLS) as f64 / size.workers as f64;
    let mut row = Row::new(title, size.rounds);
    for (name, mode) in MODES {
        row.side(name, polls_of_a_thread, move || {
            let inner = backend.clone();
            let run = async move {
                let start = Instant::now();
                let sum = tasks(inner, mode, count).await?;
                Ok::<_, Failure>((sum, start.elapsed()))
            };
            let run = backend.block_on(async { backend.raw_spawn(run).await })?;
            let (sum, took) = run.ok_or("the executor has ended")??;
            check(&sum, &(0..count as u64).sum())?;
            Ok(took)
        });
    }
    row.difference("sampled", "without metrics", Some(100.0))
        .difference("exact", "without metrics", None)
        .measure()
}
