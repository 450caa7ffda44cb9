//! The locks of a limiter and of an orchestra's ad-hoc tasks: one user at a time, against several at the same
//! time.

use std::future::Future;
use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sweet_async::orchestra::Orchestrator;
use sweet_async::prelude::*;
use sweet_async::{AsyncTask, AsyncTaskError};
use tokio::sync::Semaphore;

use crate::backend::Backend;
use crate::measure::{Row, timed};
use crate::{Failure, Size};

/// Permits that are taken and returned in a round.
const PERMITS: u32 = 400_000;

/// Ad-hoc tasks of a round.
const TASKS: u32 = 40_000;

/// Permits of the limiters: more than are ever in use.
const ROOM: usize = 64;

/// Runs `all` pieces of work, shared out among `users` tasks that run at the same time.
async fn shared_out<B: Backend, F, W>(backend: &B, users: u32, all: u32, work: W) -> Result<Duration, Failure>
where
    F: Future<Output = Result<(), AsyncTaskError>> + Send + 'static,
    W: Fn(u32) -> F,
{
    let start = Instant::now();
    let users: Vec<_> = (0..users).map(|_| backend.raw_spawn(work(all / users))).collect();
    for user in users {
        user.await.ok_or("the executor has ended")??;
    }
    Ok(start.elapsed())
}

fn permits<B: Backend>(backend: &B, users: u32) -> Result<Duration, Failure> {
    let limiter = Limiter::builder().max_concurrent(ROOM).build()?;
    backend.block_on(shared_out(backend, users, PERMITS, |number| {
        let (limiter, runtime) = (limiter.clone(), backend.runtime().clone());
        async move {
            for _ in 0..number {
                drop(black_box(limiter.acquire(runtime.clone()).await?));
            }
            Ok(())
        }
    }))?
}

fn semaphore<B: Backend>(backend: &B, users: u32) -> Result<Duration, Failure> {
    let semaphore = Arc::new(Semaphore::new(ROOM));
    backend.block_on(shared_out(backend, users, PERMITS, |number| {
        let semaphore = semaphore.clone();
        async move {
            for _ in 0..number {
                drop(black_box(semaphore.acquire().await.map_err(AsyncTaskError::failure)?));
            }
            Ok(())
        }
    }))?
}

fn ad_hoc<B: Backend>(backend: &B, users: u32) -> Result<Duration, Failure> {
    let all: Orchestrator<B::Runtime> = AsyncTask::orchestrator().on(backend.runtime()).build()?;
    backend.block_on(shared_out(backend, users, TASKS, |number| {
        let (all, runtime) = (all.clone(), backend.runtime().clone());
        async move {
            for task in 0..number {
                let builder =
                    AsyncTask::to::<u32>().on(&runtime).priority(TaskPriority::Normal).orchestrator(&all);
                black_box(builder.run(move || async move { task }).await?);
            }
            Ok(())
        }
    }))?
}

fn locks() -> Result<Duration, Failure> {
    let lock = Mutex::new(0_u32);
    timed(|| {
        for _ in 0..PERMITS {
            *black_box(&lock).lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
        Ok(())
    })
}

/// Measures the row.
///
/// # Errors
///
/// The error of the first side that fails.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    let users = u32::try_from(size.workers)?;
    let title = |of: &str| format!("Locks {}: {of}, one user and {users} at the same time", B::NAME);
    let several = |name: &str| format!("{name}, {users} users");
    let operations = f64::from(PERMITS);
    let mut row = Row::new(title("permits of a limiter with room"), size.rounds);
    row.side("a lock without other users", operations, locks);
    row.side("limiter", operations, || permits(backend, 1));
    row.side(several("limiter"), operations, || permits(backend, users));
    row.side("tokio's semaphore", operations, || semaphore(backend, 1));
    row.side(several("tokio's semaphore"), operations, || semaphore(backend, users));
    row.ratio("a lock without other users", "limiter", None);
    row.ratio(&several("limiter"), "limiter", None);
    row.ratio(&several("tokio's semaphore"), "tokio's semaphore", None);
    row.measure()?;
    let operations = f64::from(TASKS);
    let mut row = Row::new(title("ad-hoc tasks of an orchestra"), size.rounds);
    row.side("ad-hoc", operations, || ad_hoc(backend, 1));
    row.side(several("ad-hoc"), operations, || ad_hoc(backend, users));
    row.ratio(&several("ad-hoc"), "ad-hoc", None);
    row.measure()
}
