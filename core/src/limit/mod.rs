//! A limiter: a bound on the work that is under way at the same time and on the rate at which it begins, with
//! waiters in the order of their priority.

pub(crate) mod acquire;
pub(crate) mod order;
pub(crate) mod wait_queue;
pub(crate) mod waiter;

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use crate::limit::acquire::Entered;
pub use crate::limit::acquire::{Acquire, Permit};
use crate::limit::order::{Limits, Rate};
use crate::limit::wait_queue::WaitQueue;
pub use crate::vocabulary::priority::{RankableByPriority, TaskPriority, UnknownPriority};

use crate::error::AsyncTaskError;
use crate::runtime::RuntimeSource;
use crate::sync::{Ordering, fence};

/// Describes a [`Limiter`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct LimiterBuilder {
    name: Option<Arc<str>>,
    limits: Limits,
    adaptive: Option<RangeInclusive<usize>>,
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

    /// Lets the load decide how much work may be under way at the same time: a number within `range`, which
    /// begins at the least. It excludes [`max_concurrent`](Self::max_concurrent).
    ///
    /// The number goes up by one while more helps (doubling until it is first too high), and down by a
    /// quarter once work takes twice as long as it does at its fastest. From time to time half of it is tried
    /// for a moment, and kept if it does as much. This is the controller that pipelines have for their
    /// workers: the increase and decrease of TCP (Chiu and Jain, 1989; Jacobson, 1988), with latency as the
    /// measure, as in TCP Vegas (Brakmo and Peterson, 1995).
    ///
    /// There is no timer and no task. The time that permits are held is measured whenever one is taken or
    /// returned, and a decision needs at least 10 ms of it, and four ends for each permit that is held. Time
    /// in which none is held counts for nothing, so that an idle limiter stays as it is.
    ///
    /// It sees how long work takes, and not its result: work that fails at once seems fast. A
    /// [`CircuitBreaker`](crate::CircuitBreaker) beside it keeps such work away. Work whose duration has
    /// nothing to do with the load, such as a long poll, needs a limiter of its own.
    ///
    /// ```
    /// # fn main() -> Result<(), sweet_async_core::AsyncTaskError> {
    /// let limiter = sweet_async_core::Limiter::builder().adaptive(1..=64).build()?;
    /// assert_eq!(limiter.permits(), Some(1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn adaptive(self, range: RangeInclusive<usize>) -> Self {
        Self { adaptive: Some(range), ..self }
    }

    /// Sets how much work may begin: `count` for each `period`, as a token bucket that holds `count`, and is
    /// full at first. Any number by default. The time between two is rounded up to nanoseconds, so that no more
    /// begins than that.
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
    /// [`AsyncTaskError::InvalidConfig`] for a limit or an ageing interval of zero, a range that is empty or
    /// begins at zero, both [`adaptive`](Self::adaptive) and [`max_concurrent`](Self::max_concurrent), a
    /// period that is too short for its count, and where nothing is limited.
    pub fn build(self) -> Result<Limiter, AsyncTaskError> {
        let Self { name, mut limits, adaptive, rate } = self;
        let range = adaptive.map(|range| bounds(&range, limits.permits)).transpose()?;
        if let Some((min, _)) = range {
            limits.permits = Some(min);
        }
        if let Some((burst, period)) = rate {
            let gap = period.checked_div(burst).unwrap_or_default();
            if gap.is_zero() {
                return Err(AsyncTaskError::out_of_range(
                    "`rate` of a limiter",
                    format_args!("{burst} in {period:?}"),
                    "at least 1, with at least a nanosecond for each",
                ));
            }
            // A shorter one would admit more than the rate: near a nanosecond for each, nearly twice as much.
            let is_exact = gap.checked_mul(burst) == Some(period);
            let gap = if is_exact { gap } else { gap.saturating_add(Duration::from_nanos(1)) };
            limits.rate = Some(Rate { gap, burst });
        }
        if limits.permits == Some(0) {
            return Err(AsyncTaskError::out_of_range("`max_concurrent` of a limiter", 0, "at least 1"));
        }
        if limits.ageing.is_zero() {
            let range = "longer than zero; `Duration::MAX` is none";
            return Err(AsyncTaskError::out_of_range("`ageing` of a limiter", "0 s", range));
        }
        if limits.permits.is_none() && limits.rate.is_none() {
            return Err(AsyncTaskError::config(
                "a limiter without a limit: set `adaptive`, `max_concurrent` or `rate`",
            ));
        }
        let wait_queue = match range {
            Some(range) => WaitQueue::adaptive(limits, range, name.clone()),
            None => WaitQueue::new(limits),
        };
        Ok(Limiter(Arc::new(Shared { name, wait_queue })))
    }
}

/// The bounds of an adaptive number of permits, beside which none may be set.
fn bounds(range: &RangeInclusive<usize>, permits: Option<usize>) -> Result<(usize, usize), AsyncTaskError> {
    let (min, max) = (*range.start(), *range.end());
    if let Some(permits) = permits {
        return Err(AsyncTaskError::config(format!(
            "a limiter with `max_concurrent({permits})` and `adaptive({range:?})`: set one of them"
        )));
    }
    if !(1..=max).contains(&min) {
        return Err(AsyncTaskError::out_of_range(
            "`adaptive` of a limiter",
            format_args!("{range:?}"),
            "a range from at least 1, whose end is not less",
        ));
    }
    Ok((min, max))
}

/// Limits how much of the work that shares it is under way at the same time, and how fast it begins. Waiters
/// are admitted by urgency ([`TaskPriority`]), and among equals in the order of their arrival. Clones are the
/// same limiter.
///
/// # Permits
///
/// There are at most [`max_concurrent`](LimiterBuilder::max_concurrent) permits, or a number of them that
/// follows the load ([`adaptive`](LimiterBuilder::adaptive)). A permit that is returned while something waits
/// belongs to the next waiter at once, before that is woken: no arrival takes it in between.
///
/// A task holds its permit until nothing of it is left: the work, all that it has spawned and not detached,
/// and blocking work, which cannot be stopped, even if that was given up at a time limit. The wait between
/// two attempts holds no permit, nor does a recovery. A task that was spawned in the limiter
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
/// A permit that such work holds, or is given when its turn comes, serves nothing until the work is polled
/// again or dropped. If the same task then waits for a permit of this limiter, it may wait forever: it is the
/// only one that could poll the other work, and it does not. (This is a "futurelock": Oxide's RFD 609.) It
/// happens where a `select!` is given work by reference, and another branch ends first:
///
/// ```text
/// let mut first = pin!(builder.clone().run(slow));
/// select! {
///     _ = &mut first => {}
///     _ = sleep(a_while) => {}            // `first` is still here, with its permit or its position
/// }
/// builder.run(other).await                // waits for `first`, which nothing polls
/// ```
///
/// There are two ways out. Drop the work before the next wait: give it to the `select!` by value, or end its
/// scope first. Or spawn the work, and give its handle to the `select!` by reference: a task is polled by its
/// executor, whatever its spawner polls. A time limit on the second wait turns the standstill into an error.
///
/// # Priority inversion
///
/// A task that awaits the handle of another lends it its priority, until the other ends. A task whose own
/// work is done lends its priority to the children that it still waits for.
///
/// Cost: a short lock for each arrival and each end, even if nothing waits: the next admission is a decision
/// over all waiters. With `n` waiters, each costs the logarithm of `n`. An adaptive limiter also adds up some
/// times under this lock.
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
        LimiterBuilder { name: None, limits, adaptive: None, rate: None }
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

    /// The number of permits, held or free: the current one, where it is
    /// [`adaptive`](LimiterBuilder::adaptive). `None` if any number of them may be held.
    pub fn permits(&self) -> Option<usize> {
        self.0.wait_queue.permits()
    }

    /// Sets the number of permits to `permits`; held permits stay held. Zero counts as one: with no
    /// permit at all, every waiter would wait forever. A number that was adaptive is fixed from now on.
    pub fn set_permits(&self, permits: usize, now: Instant) {
        self.0.wait_queue.set_permits(permits.max(1), now);
    }

    /// True if this is the only handle, permits and waiters included, and a new limiter would admit the same.
    pub(crate) fn is_unused(&self, now: Instant) -> bool {
        Arc::strong_count(&self.0) == 1 && {
            // Acquire: pairs with the Release by which the last of the other handles was dropped.
            fence(Ordering::Acquire);
            self.0.wait_queue.is_as_new(now)
        }
    }

    /// The address of what its handles have in common.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// A permit, if one is free and nothing waits for it; else the limiter.
    pub(crate) fn try_acquire<S: RuntimeSource>(self, source: &S) -> Result<Permit<S>, Self> {
        if self.0.wait_queue.try_enter(|| source.clock()) {
            return Ok(Permit::new(self, source.clone()));
        }
        Err(self)
    }

    /// As [`try_acquire`](Self::try_acquire), for work that may end soon.
    pub(crate) fn try_enter<'a, S: RuntimeSource>(&'a self, source: &'a S) -> Option<Entered<'a, S>> {
        self.0.wait_queue.try_enter(|| source.clock()).then(|| Entered::new(self, source))
    }

    /// Waits for a permit; as urgent as the task that polls the future.
    pub fn acquire<S: RuntimeSource>(&self, source: S) -> Acquire<S> {
        Acquire::new(self.clone(), source)
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (under_way, waiting) = self.0.wait_queue.counts();
        f.debug_struct("Limiter")
            .field("name", &self.0.name)
            .field("permits", &self.permits())
            .field("under_way", &under_way)
            .field("waiting", &waiting)
            .finish()
    }
}
