//! A task, and how it is woken.
//!
//! The future is moved from owner to owner, and where it is *is* the state of the task; nobody shares it.
//!
//! ```text
//!                woken                     a worker is free
//!    Waiting ─────────────► Ready ──────────────────────────► Polled ── ready ──► gone
//!  (scheduler's map)   (scheduler's queue)                (a worker's hands)
//!       ▲                     ▲                                  │
//!       │                     └──── pending, and woken since ◄───┤
//!       └───────────────── pending, and not woken ◄──────────────┘
//! ```
//!
//! No wake-up is lost. A wake raises `woken` and then sends a message; a poll lowers the flag before it begins. So when
//! the scheduler takes a pending task back, either it sees the flag, or the message is still to come and finds the
//! task waiting. A message that finds it elsewhere is of no consequence: it will be polled anyway. While the flag is up
//! no further message is sent, however often the task is woken.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Wake, Waker};

use crate::mailbox::Mailbox;
use crate::scheduler::Message;

/// A future that is run to its end. Dropping it anywhere drops the future: wakers hold only the cell.
pub(crate) struct Task {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    cell: Arc<TaskCell>,
}

/// What the wakers of a task share.
struct TaskCell {
    id: u64,
    woken: AtomicBool,
    scheduler: Mailbox<Message>,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl Task {
    /// A new task is as good as woken: it is to be polled.
    pub(crate) fn new(
        scheduler: Mailbox<Message>,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        // Relaxed: any number will do, if it is its own.
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let cell = Arc::new(TaskCell { id, woken: AtomicBool::new(true), scheduler });
        Self { future: Box::pin(future), cell }
    }

    pub(crate) fn id(&self) -> u64 {
        self.cell.id
    }

    /// True if it is to be polled again.
    pub(crate) fn is_woken(&self) -> bool {
        // Relaxed: a wake that is not seen here has its message still to come.
        self.cell.woken.load(Ordering::Relaxed)
    }

    /// Polls it once; gives it back if it is not done.
    pub(crate) fn poll(mut self) -> Option<Self> {
        // Acquire pairs with the release of each wake before it: the poll sees what they were about.
        self.cell.woken.swap(false, Ordering::Acquire);
        let waker = Waker::from(self.cell.clone());
        // Core's futures never panic; one that a user hands over directly must not take the thread along.
        let polled = catch_unwind(AssertUnwindSafe(move || {
            let pending = self.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
            pending.then_some(self)
        }));
        polled.unwrap_or(None)
    }
}

impl Wake for TaskCell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release pairs with the acquire of `poll`; a swap and no store, so that it sees all of several wakes.
        if !self.woken.swap(true, Ordering::Release) {
            self.scheduler.send(Message::Woken(self.id));
        }
    }
}
