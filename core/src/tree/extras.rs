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

use crate::error::{AsyncTaskError, FailedAttempt};
use crate::panic::{caught, notify_all};
use crate::retry::Retry;
use crate::runtime::erased::ErasedRuntime;
use crate::sync::deadline::Moment;
use crate::tree::callbacks::Callback;
use crate::tree::channels::Links;
use crate::tree::children::Children;
use crate::tree::ending::Ending;
use crate::tree::metering::Metered;
use crate::tree::node::{Control, TaskRef};
use crate::tree::permits::Held;
use crate::tree::recovery::Recovery;
use crate::tree::state::State;
use crate::tree::state::{CALLS, GRACEFUL, HAS_LISTENERS, STARTED};
use crate::tree::trace::Trace;
use crate::tree::values::Values;
#[cfg(feature = "uuid")]
use crate::vocabulary::id::TaskId;

/// No grace period was set.
pub(crate) const UNSET: u64 = u64::MAX;
pub(crate) const LONGEST: u64 = UNSET - 1;

pub(crate) struct Extras {
    name: ArcSwapOption<Arc<str>>,
    /// The span that the work runs in.
    span: ArcSwapOption<Span>,
    pub(crate) changed: Event,
    pub(crate) children: OnceLock<Box<Children>>,
    /// The parent of a task that was dropped before its children.
    heir: ArcSwapOption<TaskRef>,
    values: OnceLock<Arc<Values>>,
    callbacks: OnceLock<Box<ConcurrentQueue<Callback>>>,
    failures: OnceLock<Box<ConcurrentQueue<AsyncTaskError>>>,
    /// How much blocking work has started and not ended.
    jobs: AtomicU32,
    /// How many shielded regions are under way.
    shields: AtomicU32,
    pub(crate) grace: AtomicU64,
    pub(crate) limit: AtomicU64,
    /// How many attempts at the work were begun, where there may be more than one.
    pub(crate) attempts: AtomicU32,
    pub(crate) deadline: Moment,
    /// True once its deadline has ended its work.
    pub(crate) expired: AtomicBool,
    /// Which part of the task its limit stops: see [`LimitKeeper`](crate::tree::settings::LimitKeeper).
    pub(crate) limit_keeper: AtomicU8,
    times: OnceLock<Box<Times>>,
    pub(crate) links: Links,
    trace: OnceLock<Box<Trace>>,
    recovery: OnceLock<Box<Recovery>>,
    /// How urgent it was said to be, and how urgent those are that wait for it; as [`TaskPriority`]'s numbers.
    pub(crate) priority: AtomicU8,
    pub(crate) lent: AtomicU8,
    pub(crate) held: Held,
    metered: OnceLock<Arc<Metered>>,
    /// Its id, where that is a UUID.
    #[cfg(feature = "uuid")]
    uuid: OnceLock<TaskId>,
}

/// No priority was set or lent: less urgent than all of them.
pub(crate) const NO_PRIORITY: u8 = u8::MAX;

impl Default for Extras {
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
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(LONGEST).min(LONGEST)
}

/// When a task came to each part of its life.
pub(crate) struct Times {
    pub(crate) created: Instant,
    pub(crate) executed: OnceLock<Instant>,
    pub(crate) completed: OnceLock<Instant>,
}

impl Extras {
    /// The first poll.
    pub(crate) fn begun(&self, runtime: &dyn ErasedRuntime) {
        if let Some(times) = self.times.get() {
            let _ = times.executed.set(runtime.clock());
        }
        if let Some(trace) = self.trace.get() {
            trace.started(self.span.load().as_deref());
        }
    }

    pub(crate) fn ended(&self, ending: Ending, runtime: &dyn ErasedRuntime) {
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
        self.extras.get()?.name.load().as_deref().cloned()
    }

    pub(crate) fn set_name(&self, name: Arc<str>) {
        self.extras().name.store(Some(Arc::new(name)));
    }

    #[cfg(feature = "uuid")]
    pub(crate) fn uuid(&self) -> Option<TaskId> {
        self.extras.get()?.uuid.get().copied()
    }

    /// Makes a UUID its id. To be called before anybody has seen it.
    #[cfg(feature = "uuid")]
    pub(crate) fn identify(&self, id: TaskId) {
        let _ = self.extras().uuid.set(id);
    }

    /// The span that its work runs in: its own where it is traced, else that of whoever spawned it.
    pub fn span(&self) -> Option<Arc<Span>> {
        self.extras.get()?.span.load_full()
    }

    pub(crate) fn set_span(&self, span: Option<Span>) {
        self.extras().span.store(span.map(Arc::new));
    }

    /// Taken out, so that a chain of tasks that were left is not freed in one recursion.
    pub(crate) fn take_heir(&self) -> Option<TaskRef> {
        self.extras.get()?.heir.swap(None).map(|heir| TaskRef::clone(&heir))
    }

    pub(crate) fn set_heir(&self, heir: TaskRef) {
        self.extras().heir.store(Some(Arc::new(heir)));
    }

    pub(crate) fn values(&self) -> Option<&Arc<Values>> {
        self.extras.get()?.values.get()
    }

    pub(crate) fn set_values(&self, values: Arc<Values>) {
        let _ = self.extras().values.set(values);
    }

    pub fn trace(&self) -> Option<&Trace> {
        self.extras.get()?.trace.get().map(Box::as_ref)
    }

    pub(crate) fn set_trace(&self, trace: Trace) {
        let _ = self.extras().trace.set(Box::new(trace));
    }

    pub(crate) fn times(&self) -> Option<&Times> {
        self.extras.get()?.times.get().map(Box::as_ref)
    }

    pub(crate) fn stamp(&self, created: Instant) {
        let times = Times { created, executed: OnceLock::new(), completed: OnceLock::new() };
        let _ = self.extras().times.set(Box::new(times));
    }

    pub fn metered(&self) -> Option<&Arc<Metered>> {
        self.extras.get()?.metered.get()
    }

    pub(crate) fn metered_or_insert(&self, make: impl FnOnce() -> Metered) -> &Arc<Metered> {
        self.extras().metered.get_or_init(|| Arc::new(make()))
    }

    /// Leaves a callback to be run at a graceful cancellation. Pushed first, then said: the end, which is one change of
    /// the same word, either sees it, and drops what is in, or is in the state that this gives, and has not.
    pub(crate) fn push_callback(&self, callback: Callback) -> State {
        let queue = self.extras().callbacks.get_or_init(|| Box::new(ConcurrentQueue::unbounded()));
        let _ = queue.push(callback);
        self.state.set(CALLS)
    }

    /// Drops callbacks that will not be run: they may hold on to the task itself.
    pub(crate) fn drop_callbacks(&self) {
        while let Some(callback) = self.pop_callback() {
            let _ = caught(|| drop(callback));
        }
    }

    pub(crate) fn pop_callback(&self) -> Option<Callback> {
        self.extras.get()?.callbacks.get()?.pop().ok()
    }

    /// The failure of a member of this scope. The first comes first.
    pub(crate) fn push_failure(&self, failure: AsyncTaskError) {
        let queue = self.extras().failures.get_or_init(|| Box::new(ConcurrentQueue::unbounded()));
        let _ = queue.push(failure);
    }

    pub(crate) fn take_failures(&self) -> Vec<AsyncTaskError> {
        let queue = self.extras.get().and_then(|extras| extras.failures.get());
        queue.map(|queue| queue.try_iter().collect()).unwrap_or_default()
    }

    pub(crate) fn job_started(&self) {
        // SeqCst, as with the level: a cancellation sees the job, or the job's children see the cancellation.
        self.extras().jobs.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn job_stopped(&self) {
        self.extras().jobs.fetch_sub(1, Ordering::SeqCst);
    }

    /// True if it was asked to stop gracefully, and callbacks wait to be run.
    pub(crate) fn owes_callbacks(&self) -> bool {
        let waiting = || self.extras.get()?.callbacks.get().map(|queue| !queue.is_empty());
        self.state.load().level() == GRACEFUL && waiting() == Some(true)
    }

    pub(crate) fn runs_jobs(&self) -> bool {
        self.extras.get().is_some_and(|extras| extras.jobs.load(Ordering::SeqCst) > 0)
    }

    /// Enters a shielded region, or leaves it.
    pub(crate) fn shield(&self, enter: bool) {
        let shields = &self.extras().shields;
        match enter {
            true => shields.fetch_add(1, Ordering::SeqCst),
            false => shields.fetch_sub(1, Ordering::SeqCst),
        };
    }

    /// Tells those who wait for a change that is not in the word.
    pub(crate) fn tell(&self) {
        if self.state.load().has(HAS_LISTENERS) {
            notify_all(&self.extras().changed);
        }
    }

    /// How many shielded regions are under way.
    pub(crate) fn shields(&self) -> u32 {
        self.extras.get().map_or(0, |extras| extras.shields.load(Ordering::SeqCst))
    }

    pub(crate) fn is_shielded(&self) -> bool {
        self.shields() > 0
    }

    pub(crate) fn recovery(&self) -> Option<&Recovery> {
        self.extras.get()?.recovery.get().map(Box::as_ref)
    }

    pub fn set_recovery(&self, recovery: Recovery) {
        let _ = self.extras().recovery.set(Box::new(recovery));
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
        self.extras().recovery.get_or_init(|| Box::new(Recovery::of(retry.cloned())))
    }

    pub(crate) fn close_links(&self) {
        if let Some(extras) = self.extras.get() {
            extras.links.close();
        }
    }

    /// Says that it is ready to be used.
    pub(crate) fn started(&self) {
        if self.state.set(STARTED).has(HAS_LISTENERS) {
            notify_all(&self.extras().changed);
        }
    }

    /// A listener for the next change, or `None` where `done` holds already.
    pub(crate) fn listen(&self, done: impl Fn(State) -> bool) -> Option<EventListener> {
        if done(self.state.load()) {
            return None;
        }
        let listener = self.extras().changed.listen();
        // Listen first, then raise the flag: whoever changes the state either sees the flag and notifies, or came
        // before it, and is seen here.
        let before = self.state.set(HAS_LISTENERS);
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
