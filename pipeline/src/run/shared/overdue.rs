//! The end of a pipeline at its time limit. Blocking work that has started cannot be stopped, and is left
//! running.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use concurrent_queue::ConcurrentQueue;
use pin_project_lite::pin_project;

use sweet_async_core::RuntimeExt as _;
use sweet_async_core::extend::{TaskRef, caught, has_jobs};
use sweet_async_core::extend::{current_task, giving_up, is_overdue, keeps_running};
use sweet_async_core::runtime::DynRuntime;

/// The number of checks for work that was left running, and the time between two of them.
const CHECKS: u32 = 10;
const CHECK_INTERVAL: Duration = Duration::from_millis(1);

/// The state of a pipeline's time limit.
///
/// Relaxed throughout: a part is killed after `pass`, and `running` is read after all parts have ended.
pub(crate) struct Overdue {
    /// Set when the time limit passes.
    passed: AtomicBool,
    /// The tasks that have left blocking work running.
    running: ConcurrentQueue<TaskRef>,
}

impl Default for Overdue {
    fn default() -> Self {
        Self { passed: AtomicBool::new(false), running: ConcurrentQueue::unbounded() }
    }
}

impl Overdue {
    /// Sets the limit as passed: parts that are dropped from now on leave their blocking work running.
    pub(crate) fn pass(&self) {
        self.passed.store(true, Ordering::Relaxed);
    }

    fn has_passed(&self) -> bool {
        self.passed.load(Ordering::Relaxed)
    }

    /// Runs `f`, which may drop blocking work and leave it running. The current task is then noted for
    /// [`is_still_running`](Self::is_still_running).
    fn giving_up<O>(&self, f: impl FnOnce() -> O) -> O {
        let (output, is_running) = giving_up(f);
        if let (true, Some(task)) = (is_running, current_task()) {
            // Unbounded, and never closed.
            let _ = self.running.push(task);
        }
        output
    }

    /// Waits a moment for blocking work that was left running. Most of it ends soon, after an event or a
    /// block, and its result is then known. Returns true if some of it still runs.
    pub(crate) async fn is_still_running(&self, runtime: &DynRuntime) -> bool {
        let tasks: Vec<TaskRef> = self.running.try_iter().collect();
        for _ in 0..CHECKS {
            if !tasks.iter().any(has_jobs) {
                return false;
            }
            if runtime.sleep(CHECK_INTERVAL).await.is_err() {
                break;
            }
        }
        tasks.iter().any(has_jobs)
    }
}

pin_project! {
    /// The body of a pipeline's inner task. Killed at the pipeline's time limit, the task does not wait for
    /// its blocking work.
    pub(crate) struct Part<F> {
        #[pin]
        work: Option<F>,
        overdue: Arc<Overdue>,
    }

    impl<F> PinnedDrop for Part<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.overdue.has_passed() {
                // At the limit the error of this task has no reader.
                let _ = this.overdue.giving_up(|| caught(|| this.work.set(None)));
            }
        }
    }
}

impl<F> Part<F> {
    pub(crate) fn new(work: F, overdue: Arc<Overdue>) -> Self {
        Self { work: Some(work), overdue }
    }
}

impl<F: Future> Future for Part<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let (Some(work), overdue) = (this.work.as_pin_mut(), this.overdue) else {
            // Only the destructor takes the work.
            return Poll::Pending;
        };
        match overdue.has_passed() {
            false => work.poll(cx),
            // Other parts are being killed. A sender that finds no worker left drops the read under way
            // before it is killed itself.
            true => overdue.giving_up(|| work.poll(cx)),
        }
    }
}

/// Held by a running pipeline. Dropped at the time limit of an outer task, it passes that limit on to the
/// pipeline's parts, and reports to the outer task if blocking work is left running.
pub(crate) struct PassLimitOnDrop {
    pub(crate) overdue: Arc<Overdue>,
    pub(crate) parts: Vec<TaskRef>,
}

impl Drop for PassLimitOnDrop {
    fn drop(&mut self) {
        if is_overdue() {
            self.overdue.pass();
            if self.parts.iter().any(has_jobs) {
                keeps_running();
            }
        }
    }
}
