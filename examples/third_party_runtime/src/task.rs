//! A task and its wake-ups.
//!
//! The future is moved from owner to owner and never shared. Its owner is the state of the task.
//!
//! ```text
//!                woken                     a worker is free
//!    Waiting ─────────────► Ready ──────────────────────────► Polled ── ready ──► dropped
//!  (scheduler's map)   (scheduler's queue)                (held by a worker)
//!       ▲                     ▲                                  │
//!       │                     └──── pending, and woken since ◄───┤
//!       └───────────────── pending, and not woken ◄──────────────┘
//! ```
//!
//! No wake-up is lost:
//!
//! 1. A wake sets `woken`, and then sends a message. A poll clears the flag before it begins.
//! 2. So when the scheduler takes a pending task back, either it sees the flag, or the message is still to
//!    come and finds the task waiting.
//! 3. A message that finds the task elsewhere has no effect: the task will be polled anyway.
//! 4. While the flag is set no further message is sent, however often the task is woken.

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

/// The state that the wakers of a task share. `woken` is set at first and by each wake, and cleared when a
/// poll begins.
struct TaskCell {
    id: u64,
    woken: AtomicBool,
    scheduler: Mailbox<Message>,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl Task {
    /// Makes a task that counts as woken: it is to be polled.
    pub(crate) fn new(
        scheduler: Mailbox<Message>,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        // Relaxed: the number only has to be unique.
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let cell = Arc::new(TaskCell { id, woken: AtomicBool::new(true), scheduler });
        Self { future: Box::pin(future), cell }
    }

    pub(crate) fn id(&self) -> u64 {
        self.cell.id
    }

    /// True if it is to be polled again.
    pub(crate) fn is_woken(&self) -> bool {
        // Relaxed: the message of a wake that is not seen here is still to come.
        self.cell.woken.load(Ordering::Relaxed)
    }

    /// Polls the task once, and returns it if it is not done.
    pub(crate) fn poll(mut self) -> Option<Self> {
        // Acquire: pairs with the Release of each wake before it, so that the poll sees what they announce.
        self.cell.woken.swap(false, Ordering::Acquire);
        let waker = Waker::from(self.cell.clone());
        // Core's futures never panic. The panic of one that a user hands over directly must not end the
        // thread.
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
        // Release: pairs with the Acquire in `poll`. A swap and not a store, so that the poll sees all of
        // several wakes.
        if !self.woken.swap(true, Ordering::Release) {
            self.scheduler.send(Message::Woken(self.id));
        }
    }
}
