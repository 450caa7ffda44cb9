//! A limiter: a bound on the work that is under way at the same time and on the rate at which it begins, with
//! waiters in the order of their priority.

pub(crate) mod acquire;
pub(crate) mod order;
pub(crate) mod wait_queue;
pub(crate) mod waiter;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use crate::limit::acquire::{Acquire, Permit};
use crate::limit::order::{Limits, Rate};
use crate::limit::wait_queue::WaitQueue;
pub use crate::vocabulary::priority::{RankableByPriority, TaskPriority, UnknownPriority};

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;

/// Describes a [`Limiter`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct LimiterBuilder {
    name: Option<Arc<str>>,
    limits: Limits,
    rate: Option<(u32, Duration)>,
}

impl LimiterBuilder {
    /// Sets the name, for errors.
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Sets how much work may be under way at the same time; any number by default.
    pub fn max_concurrent(mut self, most: usize) -> Self {
        self.limits.permits = Some(most);
        self
    }

    /// Sets how much work may begin: `count` for each `period`, as a token bucket that holds `count`, and is
    /// full at first. Any number by default.
    pub fn rate(self, count: u32, period: Duration) -> Self {
        Self { rate: Some((count, period)), ..self }
    }

    /// Sets how many waiters there may be. An arrival beyond that is refused ([`AsyncTaskError::Rejected`]).
    /// Zero permits no waiter; any number by default.
    pub fn max_waiting(mut self, most: usize) -> Self {
        self.limits.most_waiting = Some(most);
        self
    }

    /// Sets the time after which a waiter counts as of the next more urgent class; 1 s by default, and never
    /// with [`Duration::MAX`].
    pub fn ageing(mut self, interval: Duration) -> Self {
        self.limits.ageing = interval;
        self
    }

    /// Builds the limiter.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidConfig`] for a limit or an ageing interval of zero, a period that is too
    /// short for its count, and where nothing is limited.
    pub fn build(self) -> Result<Limiter, AsyncTaskError> {
        let Self { name, mut limits, rate } = self;
        if let Some((burst, period)) = rate {
            let gap = period.checked_div(burst).unwrap_or_default();
            if gap.is_zero() {
                return Err(AsyncTaskError::config(format!(
                    "a `rate` of {burst} in {period:?} cannot be kept: at least 1, and a nanosecond for each"
                )));
            }
            limits.rate = Some(Rate { gap, burst });
        }
        if limits.permits == Some(0) {
            return Err(AsyncTaskError::config("`max_concurrent` of a limiter must be at least 1"));
        }
        if limits.ageing.is_zero() {
            return Err(AsyncTaskError::config(
                "`ageing` of a limiter must be longer than zero; `Duration::MAX` is none",
            ));
        }
        if limits.permits.is_none() && limits.rate.is_none() {
            return Err(AsyncTaskError::config("a limiter without a limit: set `max_concurrent` or `rate`"));
        }
        Ok(Limiter(Arc::new(Shared { name, wait_queue: WaitQueue::new(limits) })))
    }
}

/// Limits how much of the work that shares it is under way at the same time, and how fast it begins. Waiters
/// are admitted by urgency ([`TaskPriority`]), and among equals in the order of their arrival. Clones are the
/// same limiter.
///
/// # Permits
///
/// There are at most [`max_concurrent`](LimiterBuilder::max_concurrent) permits. A task holds its permit
/// until nothing of it is left: the work, all that it has spawned and not detached, and blocking work, which
/// cannot be stopped, even if that was given up at a time limit. The wait between two attempts holds no
/// permit, nor does a recovery. A task that was spawned in the limiter
/// ([`TaskBuilder::spawn_in`](crate::TaskBuilder::spawn_in)) holds its permit throughout: it does not exist
/// without one. [`apply_on`](Self::apply_on) is different: it knows only the future that it is given.
///
/// Work that holds a permit and waits for other work of the same limiter may wait forever.
///
/// # Starvation
///
/// After each interval ([`ageing`](LimiterBuilder::ageing)), a waiter counts as one class more urgent. After
/// as many intervals as there are classes above its own, four for [`Background`](TaskPriority::Background),
/// it comes before everything that arrived after it, however urgent. From then on it waits only for the
/// waiters before it.
///
/// # Work that is not polled
///
/// Work in place that is not polled keeps its position in the queue, or its permit. Where there is a rate, it
/// is admitted in its turn, and the waiters after it go on. Of several such waiters in a row, each but the
/// first may cost the others one turn more.
///
/// # Priority inversion
///
/// A task that awaits the handle of another lends it its priority, until the other ends. A task whose own
/// work is done lends its priority to the children that it still waits for.
///
/// Cost: a short lock for each arrival and each end, even if nothing waits: the next admission is a decision
/// over all waiters. With `n` waiters, each costs the logarithm of `n`.
#[derive(Clone)]
pub struct Limiter(Arc<Shared>);

struct Shared {
    name: Option<Arc<str>>,
    wait_queue: WaitQueue,
}

impl Limiter {
    /// A builder without limits.
    pub fn builder() -> LimiterBuilder {
        let limits = Limits { ageing: Duration::from_secs(1), ..Limits::default() };
        LimiterBuilder { name: None, limits, rate: None }
    }

    /// The name, if one was set.
    pub fn name(&self) -> Option<&Arc<str>> {
        self.0.name.as_ref()
    }

    /// True if `other` is the same limiter.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The number of permits that are held.
    pub fn under_way(&self) -> usize {
        self.0.wait_queue.counts().0
    }

    /// The number of waiters.
    pub fn waiting(&self) -> usize {
        self.0.wait_queue.counts().1
    }

    /// Sets the number of permits to `permits`; those that are held stay held. Zero counts as one: with no
    /// permit at all, every waiter would wait forever.
    pub fn set_permits(&self, permits: usize, now: std::time::Instant) {
        self.0.wait_queue.set_permits(permits.max(1), now);
    }

    /// Waits for a permit; as urgent as the task that polls the future.
    pub fn acquire<R: Runtime>(&self, runtime: R) -> Acquire<R> {
        Acquire::new(self.clone(), runtime)
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (under_way, waiting) = self.0.wait_queue.counts();
        f.debug_struct("Limiter")
            .field("name", &self.0.name)
            .field("under_way", &under_way)
            .field("waiting", &waiting)
            .finish()
    }
}
