//! A test that ended runtimes leave no thread behind. It is in a file of its own, since it counts the threads
//! of the process.
#![cfg(target_os = "linux")]

use std::error::Error;
use std::time::{Duration, Instant};

use sweet_async_core::{OwnedRuntime as _, Runtime as _};
use third_party_runtime::TinyPool;

fn threads() -> Result<usize, std::io::Error> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

#[test]
fn no_thread_is_left_of_many_runtimes() -> Result<(), Box<dyn Error + Send + Sync>> {
    let before = threads()?;
    for _ in 0..200 {
        let pool = TinyPool::builder().worker_threads(2).build()?;
        let (task, job) = (pool.runtime().spawn(async { 1 })?, pool.runtime().spawn_blocking(|| 2)?);
        if pool.block_on(async { (task.await, job.await) })? != (Some(1), Some(2)) {
            return Err("a value is lost".into());
        }
    }
    let begun = Instant::now();
    while threads()? > before {
        if begun.elapsed() > Duration::from_secs(30) {
            return Err(format!("{} threads, and {before} before", threads()?).into());
        }
        std::thread::yield_now();
    }
    Ok(())
}
