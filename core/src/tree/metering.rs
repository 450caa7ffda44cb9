//! A task with metrics: what is done around its polls, and at its end.
//!
//! Nothing of this is there for the others: they have a bit in the control word, which is looked at with the rest of it.

use std::sync::{Arc, Weak};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use atomic_waker::AtomicWaker;

use crate::metrics::{Charge, Meter, Sums, TaskMetrics};
use crate::panic::caught;
use crate::runtime::erased::ErasedRuntime;
use crate::tree::children::children;
use crate::tree::node::{Shared, TaskRef};
use crate::tree::span::within;
use crate::tree::state::PART;

/// How often an account is read again that changes while it is read. The last reading may then lack what was being moved.
const READINGS: usize = 8;

/// What a task with metrics keeps in its cold slot. The work is woken through it, so that it knows when that was.
pub struct Metered {
    pub(crate) meter: Arc<Meter>,
    /// When it was born, by its runtime's clock, if metrics were on by then.
    born: Option<Instant>,
    task: Weak<Shared<dyn ErasedRuntime>>,
    /// The waker of the last poll.
    waker: AtomicWaker,
}

impl Wake for Metered {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.meter.woken();
        // Taken by the first wake: the poll that this brings about leaves it again.
        self.waker.wake();
    }
}

/// Switches metrics on; `is_new` for a task that is being born.
pub fn enable(task: &TaskRef, is_new: bool) {
    let make = || Metered {
        meter: Arc::new(Meter::new(is_new)),
        born: is_new.then(|| task.runtime.clock()),
        task: Arc::downgrade(task),
        waker: AtomicWaker::new(),
    };
    let metered = task.control.metered_or_insert(make);
    if task.control.meter(true) {
        metered.meter.on();
    }
    if !is_new {
        parts(task).iter().for_each(|part| enable(part, false));
    }
}

/// The parts of a task, which have no metrics of their own.
fn parts(task: &TaskRef) -> Vec<TaskRef> {
    let mut parts = children(task);
    parts.retain(|child| child.control.state().has(PART) && !child.control.state().is_terminal());
    parts
}

/// Switches them off: from the next poll on. What was measured stays.
pub fn disable(task: &TaskRef) {
    if task.control.meter(false)
        && let Some(metered) = task.control.metered()
    {
        metered.meter.off();
    }
    parts(task).iter().for_each(disable);
}

/// A poll under way of a task with metrics.
pub(crate) struct Measuring {
    metered: Arc<Metered>,
    waker: Waker,
    begun: u64,
    /// Dropped at the end.
    charge: Charge,
}

impl Measuring {
    // Kept out of the polls of those without.
    #[cold]
    #[inline(never)]
    pub(crate) fn begin(task: &TaskRef, cx: &Context<'_>) -> Option<Self> {
        let metered = task.control.metered()?.clone();
        metered.waker.register(cx.waker());
        let waker = Waker::from(metered.clone());
        let (begun, delay) = metered.meter.poll_begins();
        if let Some(delay) = delay {
            task.runtime.scope().accounts().delayed(delay);
        }
        let charge = Charge::begin(&metered.meter);
        Some(Self { metered, waker, begun, charge })
    }

    /// What the work is to be woken by.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn end(self, task: Option<&TaskRef>) {
        let Self { metered, begun, charge, .. } = self;
        drop(charge);
        let took = metered.meter.poll_ends(begun);
        if let Some(task) = task
            && took >= task.runtime.scope().accounts().long_poll()
        {
            tell_long_poll(task, took);
        }
    }
}

/// Runs `f`, which is part of the task and no poll, at its charge.
pub(crate) fn charged<O>(task: Option<&TaskRef>, f: impl FnOnce() -> O) -> O {
    let task = task.filter(|task| task.control.is_metered());
    let charge = task.and_then(|task| Some(Charge::begin(&task.control.metered()?.meter)));
    let output = f();
    drop(charge);
    output
}

// A subscriber is foreign code.
fn tell_long_poll(task: &TaskRef, took: Duration) {
    let info = task.control.info();
    let id = info.id.field();
    let tell = || {
        tracing::warn!(
            task.id = id.value(),
            task.name = info.name.as_deref(),
            task.place = %info.place,
            task.poll.duration = took.as_secs_f64(),
            "a poll of this task has kept its thread for long; move what blocks or computes to the blocking pool, or \
             yield in between"
        );
    };
    let _ = caught(|| within(task.control.span().as_deref(), tell));
}

fn tell_slow_cancel(task: &TaskRef, took: Duration) {
    let info = task.control.info();
    let id = info.id.field();
    let tell = || {
        tracing::warn!(
            task.id = id.value(),
            task.name = info.name.as_deref(),
            task.place = %info.place,
            task.cancel.duration = took.as_secs_f64(),
            "this task has taken long to end after it was asked to stop"
        );
    };
    let _ = caught(|| within(task.control.span().as_deref(), tell));
}

impl Metered {
    /// How long ago it was born; not known where metrics came later.
    pub(crate) fn age(&self, now: Instant) -> Option<Duration> {
        Some(now.saturating_duration_since(self.born?))
    }

    /// For how long it has been measured.
    pub fn wall(&self) -> Duration {
        self.meter.wall()
    }

    /// It was asked to stop.
    pub(crate) fn asked(&self) {
        self.meter.asked();
    }

    /// The task is about to end, and before anybody hears of it: what it has used goes to the one above it.
    pub(crate) fn ended(&self) {
        let meter = &self.meter;
        meter.off();
        // It holds on to the executor's part of the task, which those who hold on to this need not.
        let _ = caught(|| drop(self.waker.take()));
        let Some(task) = self.task.upgrade() else { return };
        let accounts = task.runtime.scope().accounts();
        match above(&task) {
            Some(above) => above.meter.take_over(meter),
            None => {
                accounts.take_over(&meter.sums());
                meter.hand_up();
            }
        }
        if self.born.is_some() {
            accounts.lasted(meter.age());
        }
        if let Some(took) = meter.stopping_for()
            && took >= accounts.slow_cancel()
        {
            tell_slow_cancel(&task, took);
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

/// The children that have not ended, and whose usage goes to `task` when they do: an ad-hoc task of an orchestra is also its
/// caller's child, and its usage the orchestra's.
fn own_children(task: &TaskRef) -> impl Iterator<Item = TaskRef> {
    children(task).into_iter().filter(|child| child.parent().is_some_and(|parent| Arc::ptr_eq(&parent, task)))
}

/// Those of the task and of all that are below it, itself first.
fn with_those_below(task: &TaskRef, first: Arc<Metered>) -> Vec<Arc<Metered>> {
    let (mut all, mut to_see) = (vec![first], own_children(task).collect::<Vec<_>>());
    while let Some(task) = to_see.pop() {
        all.extend(task.control.metered().cloned());
        to_see.extend(own_children(&task));
    }
    all
}

/// What the task and its children have used; `None` if it never had metrics.
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
        // Nobody has ended meanwhile: each is in one account.
        if before.is_some() && before == readings() {
            break;
        }
    }
    Some(own.meter.tell(&sums))
}

/// All that was measured of the task.
pub(crate) fn measured(task: &TaskRef) -> Option<TaskMetrics> {
    let meter = &task.control.metered()?.meter;
    Some(TaskMetrics { polls: Some(meter.polls()), ..sums(task)?.told(Some(meter.wall())) })
}
