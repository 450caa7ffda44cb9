//! Tests of the runtime by itself, without core's tasks: its end leaves no work, and a panic in foreign code
//! ends no thread.

use std::error::Error;
use std::future::{Future, pending, poll_fn};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::task::Poll;
use std::time::{Duration, Instant};

use sweet_async_core::{AsyncTaskError, BlockOn as _, OwnedRuntime as _, Runtime as _, SpawnError};
use third_party_runtime::TinyPool;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

const FAR: Duration = Duration::from_secs(3600);

fn pool() -> Result<TinyPool, Box<dyn Error + Send + Sync>> {
    Ok(TinyPool::builder().worker_threads(2).build()?)
}

/// True once the other end is dropped, which shows that a destructor has run.
fn is_dropped(guard: &Receiver<()>) -> bool {
    guard.recv_timeout(Duration::from_secs(30)) == Err(RecvTimeoutError::Disconnected)
}

#[test]
fn waiting_and_queued_work_is_dropped_and_its_handles_resolve() -> Outcome {
    let pool = pool()?;
    let runtime = pool.runtime().clone();
    let mut guards = Vec::new();
    let mut handles = Vec::new();
    for _ in 0..100 {
        let (alive, dropped) = channel::<()>();
        // The future holds its own runtime, as every task of core does.
        let own = runtime.clone();
        handles.push(runtime.spawn(async move {
            let _held = (alive, own);
            pending::<()>().await;
        })?);
        guards.push(dropped);
    }
    drop(pool);
    if !guards.iter().all(is_dropped) {
        return Err("a task is left".into());
    }
    drop(runtime);
    let waiter = self::pool()?;
    for handle in handles {
        if waiter.block_on(handle)?.is_some() {
            return Err("it cannot have ended by itself".into());
        }
    }
    Ok(())
}

#[test]
fn after_the_end_everything_is_refused_or_ready() -> Outcome {
    let pool = pool()?;
    let runtime = pool.runtime().clone();
    let mut before = Box::pin(runtime.sleep_until(Instant::now() + FAR));
    let waiter = self::pool()?;
    // Polled once, so that the timer thread has its waker.
    waiter.block_on(poll_fn(|cx| Poll::Ready(before.as_mut().poll(cx).is_pending())))?;
    drop(pool);
    waiter.block_on(before)?;
    waiter.block_on(runtime.sleep_until(Instant::now() + FAR))?;
    let refused = matches!(runtime.spawn(pending::<()>()), Err(SpawnError::Shutdown))
        && matches!(runtime.spawn_blocking(|| ()), Err(SpawnError::Shutdown))
        && matches!(runtime.block_on(async {}), Err(AsyncTaskError::Shutdown))
        && !runtime.is_running();
    if refused { Ok(()) } else { Err("something is still taken".into()) }
}

#[test]
#[allow(clippy::panic, reason = "a test about panics needs one")]
fn a_panic_of_a_foreign_future_or_job_ends_no_thread() -> Outcome {
    let pool = pool()?;
    let runtime = pool.runtime().clone();
    for _ in 0..4 {
        let (future, job) = (async { panic!("a future") }, || panic!("a job"));
        let (future, job): (Option<()>, Option<()>) = pool.block_on(async {
            Ok::<_, SpawnError>((runtime.spawn(future)?.await, runtime.spawn_blocking(job)?.await))
        })??;
        if (future, job) != (None, None) {
            return Err("a panic gave a value".into());
        }
    }
    let both = pool.block_on(async {
        Ok::<_, SpawnError>((runtime.spawn(async { 1 })?.await, runtime.spawn_blocking(|| 2)?.await))
    })??;
    if both == (Some(1), Some(2)) { Ok(()) } else { Err("a thread is gone".into()) }
}
