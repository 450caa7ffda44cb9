//! One task of a plan: where it is in its life, and what it holds until then. What moves it is in `plan`, where its life is drawn.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::Cause;
use crate::edge_policy::EdgePolicy;
use crate::execution::batch::{Batch, Launch};
use crate::status::NodeStatus;
use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Values;
use sweet_async_core::extend::{TaskRef, caught};
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::TaskStatus;

pub(crate) const WAITING: u8 = 0;
pub(crate) const STARTED: u8 = 1;
pub(crate) const RUNNING: u8 = 2;
pub(crate) const COMPLETED: u8 = 3;
pub(crate) const FAILED: u8 = 4;
pub(crate) const CANCELLED: u8 = 5;
pub(crate) const SKIPPED: u8 = 6;

/// Starts the task of a cell; `None` where there is none.
pub(crate) type Work<R> = Box<dyn FnOnce(Launch<R>) -> Option<TaskRef> + Send>;

/// Not begun, or not ended.
const UNSET: u64 = u64::MAX;

/// What a cell holds besides its state.
pub(crate) enum Held<R: Runtime> {
    Work(Work<R>),
    /// Its task is being made; how firmly that is to be asked to stop then.
    Starting(Option<(CancelLevel, CancelCause)>),
    Task(TaskRef),
    Ended(Option<Arc<AsyncTaskError>>),
}

/// One task of a plan.
pub(crate) struct NodeState<R: Runtime> {
    pub(crate) name: Arc<str>,
    pub(crate) state: AtomicU8,
    /// How many of those that it waits for have not ended; and one more, until the plan is begun.
    pub(crate) unmet: AtomicU32,
    /// Where its links begin; they end where those of the next begin.
    pub(crate) links: u32,
    /// Nanoseconds from the beginning of the orchestrator.
    pub(crate) began: AtomicU64,
    pub(crate) ended: AtomicU64,
    /// A lock, since what is in it is moved out and in by whoever has the right to by the state; nobody waits for it but
    /// who asks the task to stop.
    held: Mutex<Held<R>>,
    cause: OnceLock<Cause>,
    /// Those of later plans that wait for it. A lock, made only for such plans: taken once for each, and once at the end.
    pub(crate) late: OnceLock<Box<Mutex<Vec<Late<R>>>>>,
    pub(crate) values: Option<Arc<Values>>,
}

pub(crate) struct Late<R: Runtime> {
    pub(crate) plan: Arc<Batch<R>>,
    pub(crate) link: Link,
}

/// Who waits for a cell, and for what.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    pub(crate) to: u32,
    pub(crate) policy: EdgePolicy,
}

impl<R: Runtime> NodeState<R> {
    /// One that waits for `unmet` others, and whose links begin at `links`.
    pub(crate) fn new(
        name: Arc<str>,
        work: Work<R>,
        values: Option<Arc<Values>>,
        unmet: usize,
        links: u32,
    ) -> Self {
        Self {
            name,
            state: AtomicU8::new(WAITING),
            // And for the beginning of its plan.
            unmet: AtomicU32::new(u32::try_from(unmet).unwrap_or(u32::MAX - 1) + 1),
            links,
            began: AtomicU64::new(UNSET),
            ended: AtomicU64::new(UNSET),
            held: Mutex::new(Held::Work(work)),
            cause: OnceLock::new(),
            late: OnceLock::new(),
            values,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Held<R>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From `WAITING` to `state`, if nobody has moved it.
    pub(crate) fn leave(&self, state: u8) -> bool {
        self.state.compare_exchange(WAITING, state, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// As [`leave`](Self::leave), to an end: what the work holds goes with it, and its destructors are the user's.
    pub(crate) fn end_early(&self, state: u8) -> bool {
        self.leave(state) && {
            let work = std::mem::replace(&mut *self.lock(), Held::Ended(None));
            let _ = caught(|| drop(work));
            true
        }
    }

    /// The cause first: who sees that it was skipped finds it.
    pub(crate) fn skip(&self, cause: Cause) -> bool {
        let _ = self.cause.set(cause);
        self.end_early(SKIPPED)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state.load(Ordering::SeqCst) >= COMPLETED
    }

    /// Why one that waits for this, which has ended, in this way is not to begin.
    pub(crate) fn blocks(&self, policy: EdgePolicy) -> Option<Cause> {
        if policy == EdgePolicy::AnyEnd {
            return None;
        }
        match self.state.load(Ordering::SeqCst) {
            COMPLETED => None,
            SKIPPED => self.cause.get().cloned().or_else(|| Some(self.as_cause(false))),
            state => Some(self.as_cause(state == CANCELLED)),
        }
    }

    fn as_cause(&self, cancelled: bool) -> Cause {
        Cause { task: self.name.clone(), cancelled }
    }

    pub(crate) fn status(&self) -> NodeStatus {
        match self.state.load(Ordering::SeqCst) {
            COMPLETED => NodeStatus::Completed,
            FAILED => NodeStatus::Failed,
            CANCELLED => NodeStatus::Cancelled,
            SKIPPED => {
                let cause = self.cause.get().cloned();
                NodeStatus::Skipped { cause: cause.unwrap_or_else(|| self.as_cause(false)) }
            }
            RUNNING => match self.task().map(|task| task.control.status()) {
                Some(TaskStatus::PendingCancellation) => NodeStatus::PendingCancellation,
                _ => NodeStatus::Running,
            },
            _ => NodeStatus::Pending,
        }
    }

    /// Its task, while there is one.
    pub(crate) fn task(&self) -> Option<TaskRef> {
        match &*self.lock() {
            Held::Task(task) => Some(task.clone()),
            _ => None,
        }
    }

    pub(crate) fn error(&self) -> Option<Arc<AsyncTaskError>> {
        match &*self.lock() {
            Held::Ended(error) => error.clone(),
            _ => None,
        }
    }

    /// When it began and ended, from the beginning of the orchestrator.
    pub(crate) fn times(&self) -> (Option<Duration>, Option<Duration>) {
        let time = |nanos: &AtomicU64| {
            Some(nanos.load(Ordering::Relaxed)).filter(|nanos| *nanos != UNSET).map(Duration::from_nanos)
        };
        (time(&self.began), time(&self.ended))
    }

    /// How long it took, if it was run to its end.
    pub(crate) fn took(&self) -> Option<Duration> {
        let (began, ended) = self.times();
        Some(ended?.saturating_sub(began?))
    }
}
