//! An orchestra that loads weather from several CSV files into a database. The graph shows what is read at
//! the same time, what waits for what, and what goes on when something fails.
//!
//! ```text
//!  read days ──────────┐
//!  read conditions ────┼─► days ──┬──────────────► store days ───┐
//!  fetch corrections ──┘          └─► months ────► store months ─┼─► check
//!  read seasons ────────────────────► months                     │
//!  open the database ──────────────────────────────────────────► store ..
//!  read forecast ────► store forecast                           (fails at a row, and so is skipped)
//!  all that is stored, or not ────► tell                         (whatever becomes of it)
//! ```

mod database;
mod rows;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::de::DeserializeOwned;
use sweet_async::prelude::*;

pub use database::Database;
pub use rows::{Condition, Correction, Day, Forecast, Month, Season};

/// The paths that the job uses.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The folder of the CSV files.
    pub data: PathBuf,
    /// The database file; in memory if it is `None`.
    pub database: Option<PathBuf>,
}

/// Reads all rows of a file, in their order.
async fn read<T: DeserializeOwned + Send + 'static>(file: PathBuf) -> Result<Vec<T>, AsyncTaskError> {
    let (mut rows, _) = AsyncTask::emits::<T>()
        .sender(move |sources| sources.of_file(file).into_chunks(100.rows()))
        .fold(
            Vec::new,
            |rows, event| rows.push((event.sequence(), event.take_data())),
            |mut left, right| {
                left.extend(right);
                left
            },
        )
        .await?;
    rows.sort_by_key(|(sequence, _)| *sequence);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// A source that answers from the third request on.
#[derive(Clone, Default)]
struct Flaky(Arc<AtomicU32>);

impl Flaky {
    async fn fetch(self, file: PathBuf) -> Result<Vec<Correction>, AsyncTaskError> {
        sweet_async::sleep(3.millis()).await?;
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err(AsyncTaskError::failure(io::Error::from(io::ErrorKind::ConnectionReset))),
            _ => read(file).await,
        }
    }
}

/// Builds the orchestra, ready to be run.
///
/// # Errors
///
/// None, unless names are used twice.
pub fn orchestra(paths: &Paths) -> Result<Orchestrator, OrchestratorError> {
    let all = AsyncTask::orchestrator()
        .name("weather into SQLite")
        .max_concurrency(4)
        .timeout(60.seconds())
        .build()?;
    let file = |name: &str| paths.data.join(name);

    let path = paths.database.clone();
    let database = all.register_task("open the database", AsyncTask::to::<Database>(), move || {
        Database::open(path.as_deref())
    })?;

    // Extract.
    let path = file("seattle-weather.csv");
    let measured = all.register_task("read days", AsyncTask::to::<Vec<Day>>(), || read(path))?;
    let path = file("conditions.csv");
    let conditions =
        all.register_task("read conditions", AsyncTask::to::<Vec<Condition>>(), || read(path))?;
    let path = file("seasons.csv");
    let seasons = all.register_task("read seasons", AsyncTask::to::<Vec<Season>>(), || read(path))?;
    let path = file("forecast.csv");
    let forecast = all.register_task("read forecast", AsyncTask::to::<Vec<Forecast>>(), || read(path))?;
    let (path, flaky) = (file("corrections.csv"), Flaky::default());
    let retried = AsyncTask::to::<Vec<Correction>>()
        .attempt_timeout(5.seconds())
        .retry(3)
        .backoff(RetryStrategy::Fixed { delay: 10.millis() });
    let corrections =
        all.register_task("fetch corrections", retried, move || flaky.clone().fetch(path.clone()))?;

    // Transform: synchronous work, which runs on the blocking pool.
    let days = all.register_after(
        "days",
        (&measured, &conditions, &corrections),
        AsyncTask::to::<Vec<Day>>(),
        |(measured, conditions, corrections)| rows::corrected(&measured, &conditions, &corrections),
    )?;
    let months =
        all.register_after("months", (&days, &seasons), AsyncTask::to::<Vec<Month>>(), |(days, seasons)| {
            let seasons: HashMap<u32, String> =
                seasons.iter().map(|season| (season.month, season.season.clone())).collect();
            rows::months(&days, &seasons)
        })?;

    // Load.
    let stored_days = all.register_after(
        "store days",
        (&database, &days),
        AsyncTask::to::<usize>().priority(TaskPriority::High),
        |(database, days)| database.store_days(&days),
    )?;
    let stored_months = all.register_after(
        "store months",
        (&database, &months),
        AsyncTask::to::<usize>(),
        |(database, months)| database.store_months(&months),
    )?;
    let stored_forecast = all.register_after(
        "store forecast",
        (&database, &forecast),
        AsyncTask::to::<usize>(),
        |(database, forecast)| database.store_forecast(&forecast),
    )?;
    all.register_after(
        "check",
        (&database, &stored_days, &stored_months),
        AsyncTask::to::<()>(),
        |(database, days, months)| database.check(*days, *months),
    )?;
    let stored = [stored_days, stored_months, stored_forecast];
    let names = stored.each_ref().map(|node| node.name().clone());
    all.register_task("tell", AsyncTask::to::<Vec<String>>(), move || async move {
        stored
            .iter()
            .map(|node| match node.output() {
                Some(rows) => format!("{}: {rows} rows", node.name()),
                None => format!("{}: nothing", node.name()),
            })
            .collect::<Vec<String>>()
    })?;
    for name in &names {
        all.add_dependency_with("tell", name, EdgePolicy::AnyEnd)?;
    }
    Ok(all)
}
