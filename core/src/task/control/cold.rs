//! What few tasks need: made when first asked for, and never moved, so that it can be read while the task runs.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use concurrent_queue::ConcurrentQueue;
use event_listener::{Event, EventListener};
use tracing::Span;

use super::children::Children;
use super::place::Held;
use super::word::{CALLS, GRACEFUL, STARTED, WAITED};
use super::{Control, Ending, State, TaskRef};
use crate::error::{AsyncTaskError, FailedAttempt};
use crate::retry::Retry;
use crate::runtime::ErasedRuntime;
#[cfg(feature = "uuid")]
use crate::task::TaskId;
use crate::task::callbacks::Callback;
use crate::task::in_place::{caught, notify_all};
use crate::task::metering::Metered;
use crate::task::recovery::Recovery;
use crate::task::relations::Links;
use crate::task::trace::Trace;
use crate::task::values::Values;
use crate::time::Moment;

/// No grace period was set.
pub(super) const UNSET: u64 = u64::MAX;
pub(super) const LONGEST: u64 = UNSET - 1;

pub(crate) struct Cold {
    name: ArcSwapOption<Arc<str>>,
    /// The span that the work runs in.
    span: ArcSwapOption<Span>,
    pub(super) changed: Event,
    pub(super) children: OnceLock<Box<Children>>,
    /// The parent of a task that was dropped before its children.
    heir: ArcSwapOption<TaskRef>,
    values: OnceLock<Arc<Values>>,
    callbacks: OnceLock<Box<ConcurrentQueue<Callback>>>,
    failures: OnceLock<Box<ConcurrentQueue<AsyncTaskError>>>,
    /// How much blocking work has started and not ended.
    jobs: AtomicU32,
    /// How many shielded regions are under way.
    shields: AtomicU32,
    pub(super) grace: AtomicU64,
    pub(super) limit: AtomicU64,
    /// How many attempts at the work were begun, where there may be more than one.
    pub(super) attempts: AtomicU32,
    pub(super) deadline: Moment,
    /// True once its deadline has ended its work.
    pub(super) expired: AtomicBool,
    /// Which part of the task its limit stops: see [`LimitKeeper`](super::settings::LimitKeeper).
    pub(super) limit_keeper: AtomicU8,
    times: OnceLock<Box<Times>>,
    pub(crate) links: Links,
    trace: OnceLock<Box<Trace>>,
    recovery: OnceLock<Box<Recovery>>,
    /// How urgent it was said to be, and how urgent those are that wait for it; as [`TaskPriority`]'s numbers.
    pub(super) priority: AtomicU8,
    pub(super) lent: AtomicU8,
    pub(super) held: Held,
    metered: OnceLock<Arc<Metered>>,
    /// Its id, where that is a UUID.
    #[cfg(feature = "uuid")]
    uuid: OnceLock<TaskId>,
}

/// No priority was set or lent: less urgent than all of them.
pub(super) const NO_PRIORITY: u8 = u8::MAX;

impl Default for Cold {
    fn default() -> Self {
        Self {
            name: ArcSwapOption::empty(),
            span: ArcSwapOption::empty(),
            changed: Event::new(),
            children: OnceLock::new(),
            heir: ArcSwapOption::empty(),
            values: OnceLock::new(),
            callbacks: OnceLock::new(),
            failures: OnceLock::new(),
            jobs: AtomicU32::new(0),
            shields: AtomicU32::new(0),
            grace: AtomicU64::new(UNSET),
            limit: AtomicU64::new(UNSET),
            attempts: AtomicU32::new(1),
            deadline: Moment::default(),
            expired: AtomicBool::new(false),
            limit_keeper: AtomicU8::new(0),
            times: OnceLock::new(),
            links: Links::default(),
            trace: OnceLock::new(),
            recovery: OnceLock::new(),
            priority: AtomicU8::new(NO_PRIORITY),
            lent: AtomicU8::new(NO_PRIORITY),
            held: Held::default(),
            metered: OnceLock::new(),
            #[cfg(feature = "uuid")]
            uuid: OnceLock::new(),
        }
    }
}

/// What is longer than can be counted is as long as can be.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(LONGEST).min(LONGEST)
}

/// When a task came to each part of its life.
pub(crate) struct Times {
    pub(crate) created: Instant,
    pub(crate) executed: OnceLock<Instant>,
    pub(crate) completed: OnceLock<Instant>,
}

impl Cold {
    /// The first poll.
    pub(super) fn begun(&self, runtime: &dyn ErasedRuntime) {
        if let Some(times) = self.times.get() {
            let _ = times.executed.set(runtime.clock());
        }
        if let Some(trace) = self.trace.get() {
            trace.started(self.span.load().as_deref());
        }
    }

    pub(super) fn ended(&self, ending: Ending, runtime: &dyn ErasedRuntime) {
        if let Some(times) = self.times.get() {
            let _ = times.completed.set(runtime.clock());
        }
        if let Some(trace) = self.trace.get() {
            trace.ended(self.span.load().as_deref(), ending);
        }
        if let Some(metered) = self.metered.get() {
            metered.ended();
        }
        self.links.close();
        // Handles and parents may hold on to this for long; the span is to close with the work, and with what is a
        // subscriber's, foreign code.
        let _ = caught(|| self.span.store(None));
    }
}

impl Control {
    pub fn name(&self) -> Option<Arc<str>> {
        self.cold.get()?.name.load().as_deref().cloned()
    }

    pub(crate) fn set_name(&self, name: Arc<str>) {
        self.cold().name.store(Some(Arc::new(name)));
    }

    #[cfg(feature = "uuid")]
    pub(super) fn uuid(&self) -> Option<TaskId> {
        self.cold.get()?.uuid.get().copied()
    }

    /// Makes a UUID its id. To be called before anybody has seen it.
    #[cfg(feature = "uuid")]
    pub(crate) fn identify(&self, id: TaskId) {
        let _ = self.cold().uuid.set(id);
    }

    /// The span that its work runs in: its own where it is traced, else that of whoever spawned it.
    pub fn span(&self) -> Option<Arc<Span>> {
        self.cold.get()?.span.load_full()
    }

    pub(crate) fn set_span(&self, span: Option<Span>) {
        self.cold().span.store(span.map(Arc::new));
    }

    /// Taken out, so that a chain of tasks that were left is not freed in one recursion.
    pub(super) fn take_heir(&self) -> Option<TaskRef> {
        self.cold.get()?.heir.swap(None).map(|heir| TaskRef::clone(&heir))
    }

    pub(super) fn set_heir(&self, heir: TaskRef) {
        self.cold().heir.store(Some(Arc::new(heir)));
    }

    pub(crate) fn values(&self) -> Option<&Arc<Values>> {
        self.cold.get()?.values.get()
    }

    pub(crate) fn set_values(&self, values: Arc<Values>) {
        let _ = self.cold().values.set(values);
    }

    pub fn trace(&self) -> Option<&Trace> {
        self.cold.get()?.trace.get().map(Box::as_ref)
    }

    pub(crate) fn set_trace(&self, trace: Trace) {
        let _ = self.cold().trace.set(Box::new(trace));
    }

    pub(crate) fn times(&self) -> Option<&Times> {
        self.cold.get()?.times.get().map(Box::as_ref)
    }

    pub(crate) fn stamp(&self, created: Instant) {
        let times = Times { created, executed: OnceLock::new(), completed: OnceLock::new() };
        let _ = self.cold().times.set(Box::new(times));
    }

    pub fn metered(&self) -> Option<&Arc<Metered>> {
        self.cold.get()?.metered.get()
    }

    pub(crate) fn metered_or_insert(&self, make: impl FnOnce() -> Metered) -> &Arc<Metered> {
        self.cold().metered.get_or_init(|| Arc::new(make()))
    }

    /// Leaves a callback to be run at a graceful cancellation. Pushed first, then said: the end, which is one change of
    /// the same word, either sees it, and drops what is in, or is in the state that this gives, and has not.
    pub(crate) fn push_callback(&self, callback: Callback) -> State {
        let queue = self.cold().callbacks.get_or_init(|| Box::new(ConcurrentQueue::unbounded()));
        let _ = queue.push(callback);
        self.word.set(CALLS)
    }

    /// Drops callbacks that will not be run: they may hold on to the task itself.
    pub(crate) fn drop_callbacks(&self) {
        while let Some(callback) = self.pop_callback() {
            let _ = caught(|| drop(callback));
        }
    }

    pub(crate) fn pop_callback(&self) -> Option<Callback> {
        self.cold.get()?.callbacks.get()?.pop().ok()
    }

    /// The failure of a member of this scope. The first comes first.
    pub(crate) fn push_failure(&self, failure: AsyncTaskError) {
        let queue = self.cold().failures.get_or_init(|| Box::new(ConcurrentQueue::unbounded()));
        let _ = queue.push(failure);
    }

    pub(crate) fn take_failures(&self) -> Vec<AsyncTaskError> {
        let queue = self.cold.get().and_then(|cold| cold.failures.get());
        queue.map(|queue| queue.try_iter().collect()).unwrap_or_default()
    }

    pub(crate) fn job_started(&self) {
        // SeqCst, as with the level: a cancellation sees the job, or the job's children see the cancellation.
        self.cold().jobs.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn job_stopped(&self) {
        self.cold().jobs.fetch_sub(1, Ordering::SeqCst);
    }

    /// True if it was asked to stop gracefully, and callbacks wait to be run.
    pub(crate) fn owes_callbacks(&self) -> bool {
        let waiting = || self.cold.get()?.callbacks.get().map(|queue| !queue.is_empty());
        self.word.load().level() == GRACEFUL && waiting() == Some(true)
    }

    pub(crate) fn runs_jobs(&self) -> bool {
        self.cold.get().is_some_and(|cold| cold.jobs.load(Ordering::SeqCst) > 0)
    }

    /// Enters a shielded region, or leaves it.
    pub(crate) fn shield(&self, enter: bool) {
        let shields = &self.cold().shields;
        match enter {
            true => shields.fetch_add(1, Ordering::SeqCst),
            false => shields.fetch_sub(1, Ordering::SeqCst),
        };
    }

    /// Tells those who wait for a change that is not in the word.
    pub(crate) fn tell(&self) {
        if self.word.load().has(WAITED) {
            notify_all(&self.cold().changed);
        }
    }

    /// How many shielded regions are under way.
    pub(crate) fn shields(&self) -> u32 {
        self.cold.get().map_or(0, |cold| cold.shields.load(Ordering::SeqCst))
    }

    pub(crate) fn is_shielded(&self) -> bool {
        self.shields() > 0
    }

    pub(crate) fn recovery(&self) -> Option<&Recovery> {
        self.cold.get()?.recovery.get().map(Box::as_ref)
    }

    pub fn set_recovery(&self, recovery: Recovery) {
        let _ = self.cold().recovery.set(Box::new(recovery));
    }

    /// Attempt `number` has failed, and another follows, as `retry` says.
    pub(crate) fn has_failed(&self, number: u32, error: AsyncTaskError, retry: Option<&Retry>) {
        self.recovery_or_insert(retry).retried();
        self.keep_failure(number, error, retry);
    }

    /// Keeps the error of attempt `number` for that of a limit on the whole.
    pub(crate) fn keep_failure(&self, number: u32, error: AsyncTaskError, retry: Option<&Retry>) {
        self.recovery_or_insert(retry).keep(FailedAttempt { number, error });
    }

    fn recovery_or_insert(&self, retry: Option<&Retry>) -> &Recovery {
        self.cold().recovery.get_or_init(|| Box::new(Recovery::of(retry.cloned())))
    }

    pub(crate) fn close_links(&self) {
        if let Some(cold) = self.cold.get() {
            cold.links.close();
        }
    }

    /// Says that it is ready to be used.
    pub(crate) fn started(&self) {
        if self.word.set(STARTED).has(WAITED) {
            notify_all(&self.cold().changed);
        }
    }

    /// A listener for the next change, or `None` where `done` holds already.
    pub(crate) fn listen(&self, done: impl Fn(State) -> bool) -> Option<EventListener> {
        if done(self.word.load()) {
            return None;
        }
        let listener = self.cold().changed.listen();
        // Listen first, then raise the flag: whoever changes the state either sees the flag and notifies, or came
        // before it, and is seen here.
        let before = self.word.set(WAITED);
        (!done(before)).then_some(listener)
    }

    /// Ready once `done` holds of the state.
    pub(crate) fn poll_change(
        &self,
        listener: &mut Option<EventListener>,
        done: impl Fn(State) -> bool,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            match listener {
                Some(heard) => std::task::ready!(Pin::new(heard).poll(cx)),
                None => {
                    *listener = self.listen(&done);
                    if listener.is_none() {
                        return Poll::Ready(());
                    }
                    continue;
                }
            }
            *listener = None;
        }
    }

    pub(crate) fn wake(&self) {
        // A waker may be foreign code; its panic is not to become the caller's.
        let _ = caught(|| self.waker.wake());
    }
}
