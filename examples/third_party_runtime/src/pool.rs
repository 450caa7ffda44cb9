//! The owner of the runtime. It starts the threads, and ends them when it is dropped.

use std::future::Future;
use std::sync::mpsc::channel;
use std::thread::Builder;

use sweet_async_core::runtime::{OwnedRuntime, RootScope, RuntimeSettings};
use sweet_async_core::{AsyncTaskError, BlockOn as _, RuntimeError};

use crate::blocking::Foreman;
use crate::mailbox::mailbox;
use crate::runtime::{Shared, TinyRuntime};
use crate::scheduler::{Scheduler, run_worker};
use crate::timer;

/// A runtime that lives as long as this value: `TinyPool::builder().worker_threads(2).build()`.
///
/// Dropping it, also inside async code, returns at once. Its threads then drop the tasks that are left, and
/// end. A thread that is in the middle of a poll or a job does so after it.
#[derive(Debug)]
pub struct TinyPool {
    runtime: TinyRuntime,
}

impl OwnedRuntime for TinyPool {
    type Handle = TinyRuntime;
    const NAME: &'static str = "tiny";

    fn with_settings(settings: &RuntimeSettings) -> Result<Self, RuntimeError> {
        let (scheduler, scheduler_inbox) = mailbox();
        let (timers, timer_inbox) = mailbox();
        let (foreman, foreman_inbox) = mailbox();
        let workers = settings.workers();
        let shared = Shared {
            root: RootScope::new(),
            workers,
            scheduler: scheduler.clone(),
            timers,
            foreman: foreman.clone(),
        };
        // Created before the threads: if one of them is refused, the drop of this value ends the others.
        let pool = Self { runtime: TinyRuntime::new(shared) };

        let mut to_workers = Vec::with_capacity(workers);
        for index in 0..workers {
            let (sender, tasks) = channel();
            to_workers.push(sender);
            let scheduler = scheduler.clone();
            start(thread(settings, format!("tiny-worker-{index}")), move || {
                run_worker(index, &tasks, &scheduler)
            })?;
        }
        let scheduler = Scheduler::new(scheduler_inbox, to_workers);
        start(thread(settings, "tiny-scheduler".into()), move || scheduler.run())?;
        start(thread(settings, "tiny-timer".into()), move || timer::run(&timer_inbox))?;
        let blocking = settings.clone();
        let foreman = Foreman::new(foreman_inbox, foreman, move || thread(&blocking, "tiny-blocking".into()));
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
