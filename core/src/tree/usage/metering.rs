//! The measurements of a task with metrics, around its polls and at its end.
//!
//! A task without metrics has none of this: it has a bit in its state, which is read with the rest of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;

use crate::metrics::{Attribution, HasMeter, Meter, MetricsMode, Sums, TaskMetrics, moment};
use crate::panic::caught;
use crate::runtime::erased::ErasedRuntime;
use crate::tree::children::children;
use crate::tree::node::{Shared, TaskRef};
use crate::tree::span::within;
use crate::tree::state::PART;

/// The most readings of a total that changes while it is read. The last reading may lack usage that was being
/// moved.
const READINGS: usize = 8;

/// The part of the extras of a task with metrics. The work is woken through it, so that the time of the wake
/// is known.
pub struct Metered {
    pub(crate) meter: Meter,
    /// The time of the task's spawn, by its runtime's clock; `None` if metrics came later.
    spawned_at: Option<Instant>,
    task: Weak<Shared<dyn ErasedRuntime>>,
    /// The waker of the first poll. An executor polls a task with the same one each time.
    first_waker: OnceLock<Waker>,
    /// True once a poll had another waker: then `waker` has that of the last one, and is the one to wake.
    is_moved: AtomicBool,
    waker: AtomicWaker,
}

impl HasMeter for Metered {
    fn meter(&self) -> &Meter {
        &self.meter
    }
}

impl Wake for Metered {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.meter.woken();
        // Acquire: pairs with the Release in `register`. The wake follows the registration that it is for.
        match self.first_waker.get().filter(|_| !self.is_moved.load(Ordering::Acquire)) {
            Some(waker) => waker.wake_by_ref(),
            None => self.waker.wake(),
        }
    }
}

/// Switches metrics on, by `mode`; `is_new` is true for a task that is being registered. A task that is
/// measured exactly stays so.
pub fn enable(task: &TaskRef, is_new: bool, mode: MetricsMode) {
    if !mode.is_on() {
        return;
    }
    let make = || Metered {
        meter: Meter::new(is_new),
        spawned_at: is_new.then(|| task.runtime.clock()),
        task: Arc::downgrade(task),
        first_waker: OnceLock::new(),
        is_moved: AtomicBool::new(false),
        waker: AtomicWaker::new(),
    };
    let metered = task.control.metered_or_insert(make);
    if mode == MetricsMode::Exact {
        metered.meter.measure_exactly();
    }
    if task.control.meter(true) {
        metered.meter.on();
    }
    if !is_new {
        parts(task).iter().for_each(|part| enable(part, false, mode));
    }
}

/// The mode in which `task` is measured.
pub fn mode(task: &TaskRef) -> MetricsMode {
    if !task.control.is_metered() {
        return MetricsMode::Off;
    }
    match task.control.metered() {
        Some(metered) if metered.meter.is_exact() => MetricsMode::Exact,
        _ => MetricsMode::Sampled,
    }
}

/// The parts of a task: children whose metrics are switched with its own.
fn parts(task: &TaskRef) -> Vec<TaskRef> {
    let mut parts = children(task);
    parts.retain(|child| child.control.state().has(PART) && !child.control.state().is_terminal());
    parts
}

/// Switches metrics off, from the next poll on. The figures so far stay.
pub fn disable(task: &TaskRef) {
    if task.control.meter(false)
        && let Some(metered) = task.control.metered()
    {
        metered.meter.off();
    }
    parts(task).iter().for_each(disable);
}

/// The measurement of a poll under way.
pub(crate) struct Measuring {
    waker: Waker,
    begun: u64,
    /// The attribution of the poll, closed at its end.
    attribution: Attribution,
}

impl Measuring {
    // Kept out of the polls of tasks without metrics.
    #[cold]
    #[inline(never)]
    pub(crate) fn begin(task: &TaskRef, cx: &Context<'_>) -> Option<Self> {
        let metered = task.control.metered()?;
        metered.register(cx.waker());
        let (begun, delay) = metered.meter.poll_begins();
        if let Some(delay) = delay {
            task.runtime.scope().totals().delayed(delay);
        }
        let attribution = Attribution::of_poll(metered.clone(), begun);
        Some(Self { waker: Waker::from(metered.clone()), begun, attribution })
    }

    /// The waker for the work.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn end(mut self, task: &TaskRef) {
        let now = moment();
        self.attribution.poll_ends(self.begun, now);
        let Some(metered) = task.control.metered() else { return };
        let took = metered.meter.poll_ends(self.begun, now);
        if took >= task.runtime.scope().totals().long_poll() {
            report_long_poll(task, took);
        }
    }
}

/// Runs `f`, a part of the task that is no poll, and attributes its usage to the task.
pub(crate) fn attributed<O>(task: Option<&TaskRef>, f: impl FnOnce() -> O) -> O {
    let task = task.filter(|task| task.control.is_metered());
    let attribution = task.and_then(|task| {
        let metered: Arc<dyn HasMeter> = task.control.metered()?.clone();
        Some(Attribution::begin(&metered))
    });
    let output = f();
    drop(attribution);
    output
}

// A subscriber is foreign code.
fn report_long_poll(task: &TaskRef, took: Duration) {
    let info = task.control.info();
    let id = info.id.field();
    let report = || {
        tracing::warn!(
            task.id = id.value(),
            task.name = info.name.as_deref(),
            task.location = %info.location,
            task.poll.duration = took.as_secs_f64(),
            "a poll of this task has kept its thread for long; move what blocks or computes to the blocking pool, or \
             yield in between"
        );
    };
    let _ = caught(|| within(task.control.span().as_deref(), report));
}

fn report_slow_cancel(task: &TaskRef, took: Duration) {
    let info = task.control.info();
    let id = info.id.field();
    let report = || {
        tracing::warn!(
            task.id = id.value(),
            task.name = info.name.as_deref(),
            task.location = %info.location,
            task.cancel.duration = took.as_secs_f64(),
            "this task has taken long to end after it was asked to stop"
        );
    };
    let _ = caught(|| within(task.control.span().as_deref(), report));
}

impl Metered {
    /// Registers the waker of a poll.
    fn register(&self, waker: &Waker) {
        let is_moved = self.is_moved.load(Ordering::Relaxed);
        if !is_moved && self.first_waker.get_or_init(|| waker.clone()).will_wake(waker) {
            return;
        }
        self.waker.register(waker);
        if !is_moved {
            // Release: pairs with the Acquire in `wake_by_ref`, which then finds the waker.
            self.is_moved.store(true, Ordering::Release);
        }
    }

    /// The time since the task was spawned; `None` if metrics came later.
    pub(crate) fn age(&self, now: Instant) -> Option<Duration> {
        Some(now.saturating_duration_since(self.spawned_at?))
    }

    /// The time for which it has been measured.
    pub fn wall(&self) -> Duration {
        self.meter.wall()
    }

    /// Notes a cancellation request.
    pub(crate) fn asked(&self) {
        self.meter.asked();
    }

    /// Gives the usage of the task to the task above it, or to the runtime. It is called before the end is
    /// reported.
    pub(crate) fn ended(&self) {
        let meter = &self.meter;
        meter.off();
        // A waker keeps the executor's part of the task alive, which other holders of this do not need. Only
        // the first one stays as long as this does.
        let _ = caught(|| drop(self.waker.take()));
        let Some(task) = self.task.upgrade() else { return };
        let totals = task.runtime.scope().totals();
        match above(&task) {
            Some(above) => above.meter.take_over(meter),
            None => {
                totals.take_over(&meter.sums());
                meter.hand_up();
            }
        }
        if self.spawned_at.is_some() {
            totals.lasted(meter.age());
        }
        if let Some(took) = meter.stopping_for()
            && took >= totals.slow_cancel()
        {
            report_slow_cancel(&task, took);
        }
    }
}

/// The nearest task above that has, or had, metrics.
fn above(task: &TaskRef) -> Option<Arc<Metered>> {
    let mut next = task.parent();
    while let Some(task) = next {
        if let Some(metered) = task.control.metered() {
            return Some(metered.clone());
        }
        next = task.parent();
    }
    None
}

/// The children that have not ended and whose usage goes to `task` when they do. An ad-hoc task of an
/// orchestra is also its caller's child, and its usage is the orchestra's.
fn own_children(task: &TaskRef) -> impl Iterator<Item = TaskRef> {
    children(task).into_iter().filter(|child| child.parent().is_some_and(|parent| Arc::ptr_eq(&parent, task)))
}

/// The meters of the task and of all tasks below it, its own first.
fn with_those_below(task: &TaskRef, first: Arc<Metered>) -> Vec<Arc<Metered>> {
    let (mut all, mut to_visit) = (vec![first], own_children(task).collect::<Vec<_>>());
    while let Some(task) = to_visit.pop() {
        all.extend(task.control.metered().cloned());
        to_visit.extend(own_children(&task));
    }
    all
}

/// The usage of the task and its children; `None` if it never had metrics.
pub fn sums(task: &TaskRef) -> Option<Sums> {
    let own = task.control.metered()?;
    let mut sums = Sums::default();
    for _ in 0..READINGS {
        let all = with_those_below(task, own.clone());
        let readings = || all.iter().map(|each| each.meter.reading()).sum::<Option<usize>>();
        let before = readings();
        sums = own.meter.sums();
        for below in all.iter().skip(1).filter(|below| !below.meter.was_handed_up()) {
            sums = sums.plus(&below.meter.sums());
        }
        // No task has ended meanwhile: the usage of each is in one total.
        if before.is_some() && before == readings() {
            break;
        }
    }
    Some(own.meter.report(&sums))
}

/// All figures of the task.
pub(crate) fn measured(task: &TaskRef) -> Option<TaskMetrics> {
    let meter = &task.control.metered()?.meter;
    Some(TaskMetrics { polls: Some(meter.polls()), ..sums(task)?.to_metrics(Some(meter.wall())) })
}
