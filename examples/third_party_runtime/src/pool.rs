//! The owner: starts the threads, and ends them when it is dropped.

use std::future::Future;
use std::sync::mpsc::channel;
use std::thread::Builder;

use sweet_async_core::runtime::{OwnedRuntime, RootScope, RuntimeSettings};
use sweet_async_core::{AsyncTaskError, BlockOn as _, RuntimeError};

use crate::blocking::Foreman;
use crate::mailbox::mailbox;
use crate::runtime::{Shared, TinyRuntime};
use crate::scheduler::{Scheduler, work};
use crate::timer;

/// A runtime that lives as long as this value: `TinyPool::builder().worker_threads(2).build()`.
///
/// Dropping it, also inside async code, returns at once. Its threads then drop the tasks that are left and end; those
/// that are in the middle of something do so when they are through with it.
#[derive(Debug)]
pub struct TinyPool {
    runtime: TinyRuntime,
}

impl OwnedRuntime for TinyPool {
    type Handle = TinyRuntime;
    const NAME: &'static str = "tiny";

    fn with_settings(settings: &RuntimeSettings) -> Result<Self, RuntimeError> {
        let (scheduler, tasks) = mailbox();
        let (timers, alarms) = mailbox();
        let (foreman, jobs) = mailbox();
        let workers = settings.workers();
        let shared = Shared {
            root: RootScope::new(),
            workers,
            scheduler: scheduler.clone(),
            timers,
            foreman: foreman.clone(),
        };
        // Made before the threads: if one of them is refused, its drop ends the others.
        let pool = Self { runtime: TinyRuntime::new(shared) };

        let mut to_workers = Vec::with_capacity(workers);
        for index in 0..workers {
            let (sender, given) = channel();
            to_workers.push(sender);
            let scheduler = scheduler.clone();
            start(thread(settings, format!("tiny-worker-{index}")), move || work(index, &given, &scheduler))?;
        }
        let scheduler = Scheduler::new(tasks, to_workers);
        start(thread(settings, "tiny-scheduler".into()), move || scheduler.run())?;
        start(thread(settings, "tiny-timer".into()), move || timer::run(&alarms))?;
        let blocking = settings.clone();
        let foreman = Foreman::new(jobs, foreman, move || thread(&blocking, "tiny-blocking".into()));
        start(thread(settings, "tiny-foreman".into()), move || foreman.run())?;
        Ok(pool)
    }

    fn runtime(&self) -> &TinyRuntime {
        &self.runtime
    }

    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.runtime.block_on(future)
    }
}

impl Drop for TinyPool {
    fn drop(&mut self) {
        self.runtime.end();
    }
}

fn thread(settings: &RuntimeSettings, name: String) -> Builder {
    let builder = Builder::new().name(name);
    match settings.thread_stack_size {
        Some(bytes) => builder.stack_size(bytes.get()),
        None => builder,
    }
}

fn start(thread: Builder, body: impl FnOnce() + Send + 'static) -> Result<(), RuntimeError> {
    let refused = |source| RuntimeError::Build { runtime: TinyPool::NAME, source };
    thread.spawn(body).map(drop).map_err(refused)
}
