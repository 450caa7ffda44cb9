//! Rarely used state of a task. It is allocated on first use and never moved, so that it can be read while
//! the task runs.
//!
//! A listener, a callback, a permit and a deadline each have a flag in the state of the task, which is set
//! after they were put here (I5 of `state`).

pub(crate) mod callbacks;
pub(crate) mod channels;
pub(crate) mod listeners;
pub(crate) mod on_cancel;
pub(crate) mod permits;
pub(crate) mod reason;
pub(crate) mod recovery;
pub(crate) mod settings;
pub(crate) mod trace;
pub(crate) mod values;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::Span;

use crate::error::{AsyncTaskError, KeptFailure};
use crate::panic::caught;
use crate::retry::Retry;
use crate::runtime::erased::ErasedRuntime;
use crate::sync::deadline::Moment;
use crate::sync::{
    ArcSwapOption, AtomicBool, AtomicU8, AtomicU32, AtomicU64, ConcurrentQueue, Event, OnceLock, Ordering,
};
use crate::tree::children::Children;
use crate::tree::ending::Ending;
use crate::tree::extras::callbacks::Callback;
use crate::tree::extras::channels::Channels;
use crate::tree::extras::permits::HeldPermits;
use crate::tree::extras::reason::FirstReason;
use crate::tree::extras::recovery::Recovery;
use crate::tree::extras::trace::Trace;
use crate::tree::extras::values::Values;
use crate::tree::node::{Control, TaskRef};
use crate::tree::pending_children::PendingChildren;
use crate::tree::state::HAS_REASON;
use crate::tree::usage::metering::Metered;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
#[cfg(feature = "uuid")]
use crate::vocabulary::id::TaskId;

/// The value of a grace period or a limit that was not set.
pub(crate) const UNSET: u64 = u64::MAX;
/// The value of a time that is too long to count.
pub(crate) const LONGEST: u64 = UNSET - 1;

/// A value that can be replaced while it is read. The cell in it is made on first use: the end of such a cell
/// is expensive, since it looks for readers among all threads.
type Replaceable<V> = OnceLock<ArcSwapOption<V>>;

/// The current value.
fn load<V>(value: &Replaceable<V>) -> Option<Arc<V>> {
    value.get()?.load_full()
}

fn store<V>(to: &Replaceable<V>, value: Arc<V>) {
    to.get_or_init(ArcSwapOption::empty).store(Some(value));
}

pub(crate) struct Extras {
    name: Replaceable<Arc<str>>,
    /// The span that the work runs in.
    span: Replaceable<Span>,
    changed: Event,
    pub(crate) children: OnceLock<Box<Children>>,
    /// The number of daemons that have not ended: see `pending_children`.
    pub(crate) daemons: PendingChildren,
    /// The parent of a task that was dropped before its children.
    heir: Replaceable<TaskRef>,
    values: OnceLock<Arc<Values>>,
    callbacks: OnceLock<Box<ConcurrentQueue<Callback>>>,
    reason: OnceLock<Box<FirstReason>>,
    failures: OnceLock<Box<ConcurrentQueue<AsyncTaskError>>>,
    /// The number of blocking jobs that have started and not ended.
    jobs: AtomicU32,
    /// The number of shielded regions under way.
    shields: AtomicU32,
    grace: AtomicU64,
    limit: AtomicU64,
    /// The number of attempts at the work that were begun.
    attempts: AtomicU32,
    deadline: Moment,
    /// True once its deadline has ended its work.
    expired: AtomicBool,
    /// The part of the task that its limit stops: see [`LimitOwner`](settings::LimitOwner).
    limit_owner: AtomicU8,
    times: OnceLock<Box<Times>>,
    pub(crate) channels: Channels,
    trace: OnceLock<Box<Trace>>,
    recovery: OnceLock<Box<Recovery>>,
    /// The priority that was set for it, as a number of `TaskPriority`.
    priority: AtomicU8,
    /// The greatest urgency of the tasks that wait for it, likewise.
    lent: AtomicU8,
    held: HeldPermits,
    metered: OnceLock<Arc<Metered>>,
    /// Its id, if that is a UUID.
    #[cfg(feature = "uuid")]
    uuid: OnceLock<TaskId>,
}

/// The value of a priority that was not set or lent: less urgent than all classes.
pub(crate) const NO_PRIORITY: u8 = u8::MAX;

impl Default for Extras {
    fn default() -> Self {
        Self {
            name: OnceLock::new(),
            span: OnceLock::new(),
            changed: Event::new(),
            children: OnceLock::new(),
            daemons: PendingChildren::new(),
            heir: OnceLock::new(),
            values: OnceLock::new(),
            callbacks: OnceLock::new(),
            reason: OnceLock::new(),
            failures: OnceLock::new(),
            jobs: AtomicU32::new(0),
            shields: AtomicU32::new(0),
            grace: AtomicU64::new(UNSET),
            limit: AtomicU64::new(UNSET),
            attempts: AtomicU32::new(1),
            deadline: Moment::default(),
            expired: AtomicBool::new(false),
            limit_owner: AtomicU8::new(0),
            times: OnceLock::new(),
            channels: Channels::default(),
            trace: OnceLock::new(),
            recovery: OnceLock::new(),
            priority: AtomicU8::new(NO_PRIORITY),
            lent: AtomicU8::new(NO_PRIORITY),
            held: HeldPermits::default(),
            metered: OnceLock::new(),
            #[cfg(feature = "uuid")]
            uuid: OnceLock::new(),
        }
    }
}

/// The time in nanoseconds. A time that is too long to count is [`LONGEST`].
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(LONGEST).min(LONGEST)
}

/// The times at which a task was created, first polled, and ended.
pub(crate) struct Times {
    pub(crate) created: Instant,
    pub(crate) executed: OnceLock<Instant>,
    pub(crate) completed: OnceLock<Instant>,
}

impl Extras {
    /// Notes the first poll.
    pub(crate) fn begun(&self, runtime: &dyn ErasedRuntime) {
        if let Some(times) = self.times.get() {
            let _ = times.executed.set(runtime.clock());
        }
        if let Some(trace) = self.trace.get() {
            trace.started(load(&self.span).as_deref());
        }
    }

    /// Notes the end; `reason` is that of the cancellation that has ended the task.
    pub(crate) fn ended(&self, ending: Ending, reason: Option<&str>, runtime: &dyn ErasedRuntime) {
        if let Some(times) = self.times.get() {
            let _ = times.completed.set(runtime.clock());
        }
        if let Some(trace) = self.trace.get() {
            trace.ended(load(&self.span).as_deref(), ending, reason);
        }
        if let Some(metered) = self.metered.get() {
            metered.ended();
        }
        self.channels.close();
        // Handles and parents may keep this for long, but the span must close with the work. It is a
        // subscriber's, which is foreign code.
        if let Some(span) = self.span.get() {
            let _ = caught(|| span.store(None));
        }
    }
}

impl Control {
    /// The name, if one is set.
    pub fn name(&self) -> Option<Arc<str>> {
        self.extras.get()?.name.get()?.load().as_deref().cloned()
    }

    pub(crate) fn set_name(&self, name: Arc<str>) {
        store(&self.extras().name, Arc::new(name));
    }

    #[cfg(feature = "uuid")]
    pub(crate) fn uuid(&self) -> Option<TaskId> {
        self.extras.get()?.uuid.get().copied()
    }

    /// Makes a UUID its id. It must be called before the id can be seen.
    #[cfg(feature = "uuid")]
    pub(crate) fn identify(&self, id: TaskId) {
        let _ = self.extras().uuid.set(id);
    }

    /// The span that its work runs in: its own if it is traced, else that of its spawner.
    pub fn span(&self) -> Option<Arc<Span>> {
        load(&self.extras.get()?.span)
    }

    pub(crate) fn set_span(&self, span: Option<Span>) {
        match span {
            Some(span) => store(&self.extras().span, Arc::new(span)),
            None => {
                if let Some(span) = self.extras.get().and_then(|extras| extras.span.get()) {
                    span.store(None);
                }
            }
        }
    }

    /// Takes the heir out, so that a chain of tasks that were left is not freed in one recursion.
    pub(crate) fn take_heir(&self) -> Option<TaskRef> {
        self.extras.get()?.heir.get()?.swap(None).map(|heir| TaskRef::clone(&heir))
    }

    pub(crate) fn set_heir(&self, heir: TaskRef) {
        store(&self.extras().heir, Arc::new(heir));
    }

    pub(crate) fn values(&self) -> Option<&Arc<Values>> {
        self.extras.get()?.values.get()
    }

    pub(crate) fn set_values(&self, values: Arc<Values>) {
        let _ = self.extras().values.set(values);
    }

    /// The fields that were added to its span, if there are any.
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

    /// The measurement of its usage; `None` if it was never switched on.
    pub fn metered(&self) -> Option<&Arc<Metered>> {
        self.extras.get()?.metered.get()
    }

    pub(crate) fn metered_or_insert(&self, make: impl FnOnce() -> Metered) -> &Arc<Metered> {
        self.extras().metered.get_or_init(|| Arc::new(make()))
    }

    /// The reason of the recorded cancellation, if it has one.
    pub fn reason(&self) -> Option<&Arc<str>> {
        if !self.state.load().has(HAS_REASON) {
            return None;
        }
        Some(&self.extras.get()?.reason.get()?.reason)
    }

    /// Puts the reason of a request into the extras, if it has one that is not empty. Returns the request
    /// that was the first to do so, which the caller records before its own (I14 of `state`); `None` if there
    /// is no reason to record, or if a cause was recorded before.
    pub(crate) fn explain(
        &self,
        level: CancelLevel,
        cause: CancelCause,
        reason: Option<&Arc<str>>,
    ) -> Option<&FirstReason> {
        let reason = reason.filter(|reason| !reason.is_empty())?;
        let state = self.state.load();
        if state.level() > 0 || state.is_terminal() {
            return None;
        }
        let make = || Box::new(FirstReason { level, cause, reason: reason.clone() });
        let first: &FirstReason = self.extras().reason.get_or_init(make);
        Some(first)
    }

    /// Adds the failure of a member of this scope, after those that came before it.
    pub(crate) fn push_failure(&self, failure: AsyncTaskError) {
        let queue = self.extras().failures.get_or_init(|| Box::new(ConcurrentQueue::unbounded()));
        let _ = queue.push(failure);
    }

    pub(crate) fn take_failures(&self) -> Vec<AsyncTaskError> {
        let queue = self.extras.get().and_then(|extras| extras.failures.get());
        queue.map(|queue| queue.try_iter().collect()).unwrap_or_default()
    }

    pub(crate) fn job_started(&self) {
        // SeqCst, as with the level: either a cancellation sees the job, or the job's children see the
        // cancellation.
        self.extras().jobs.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn job_stopped(&self) {
        self.extras().jobs.fetch_sub(1, Ordering::SeqCst);
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

    /// The number of shielded regions under way.
    pub(crate) fn shields(&self) -> u32 {
        self.extras.get().map_or(0, |extras| extras.shields.load(Ordering::SeqCst))
    }

    pub(crate) fn is_shielded(&self) -> bool {
        self.shields() > 0
    }

    pub(crate) fn recovery(&self) -> Option<&Recovery> {
        self.extras.get()?.recovery.get().map(Box::as_ref)
    }

    /// Sets the recovery. A second one has no effect.
    pub fn set_recovery(&self, recovery: Recovery) {
        let _ = self.extras().recovery.set(Box::new(recovery));
    }

    /// Notes that attempt `number` has failed and that another follows, as `retry` says.
    pub(crate) fn note_failed_attempt(&self, number: u32, error: AsyncTaskError, retry: Option<&Retry>) {
        self.recovery_or_insert(retry).retried();
        self.keep_failure(number, error, retry);
    }

    /// Keeps the error of attempt `number` for the error of a limit on the whole.
    pub(crate) fn keep_failure(&self, number: u32, error: AsyncTaskError, retry: Option<&Retry>) {
        self.recovery_or_insert(retry).keep(KeptFailure { number, error });
    }

    fn recovery_or_insert(&self, retry: Option<&Retry>) -> &Recovery {
        self.extras().recovery.get_or_init(|| Box::new(Recovery::of(retry.cloned())))
    }

    pub(crate) fn close_channels(&self) {
        if let Some(extras) = self.extras.get() {
            extras.channels.close();
        }
    }
}
