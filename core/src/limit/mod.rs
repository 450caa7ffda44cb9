//! How much may be under way at the same time, how fast it may begin, and who comes first.

mod acquire;
mod aimd;
mod priority;
mod queue;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use acquire::Waiter;
pub(crate) use acquire::{Acquire, Permit};
pub(crate) use aimd::{Scale, Window};
pub use priority::{RankableByPriority, TaskPriority, UnknownPriority};
use queue::{Limits, Queue, Rate};

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
    /// Names it: in errors.
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// How many may be under way at the same time; any number by default.
    pub fn max_concurrent(mut self, most: usize) -> Self {
        self.limits.places = Some(most);
        self
    }

    /// How many may begin: `count` for each `period`, as a token bucket that holds `count`, and is full at first. Any number
    /// by default.
    pub fn rate(self, count: u32, period: Duration) -> Self {
        Self { rate: Some((count, period)), ..self }
    }

    /// How many may wait; who comes then is refused ([`AsyncTaskError::Rejected`]). Zero lets nobody wait; any number by
    /// default.
    pub fn max_waiting(mut self, most: usize) -> Self {
        self.limits.most_waiting = Some(most);
        self
    }

    /// After how long one who waits counts as of the next more urgent class; 1 s by default, and never with
    /// [`Duration::MAX`].
    pub fn ageing(mut self, interval: Duration) -> Self {
        self.limits.ageing = interval;
        self
    }

    /// The limiter.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidConfig`] for a limit of zero, a period that is too short for its count, and where nothing is
    /// limited.
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
        if limits.places == Some(0) {
            return Err(AsyncTaskError::config("`max_concurrent` of a limiter must be at least 1"));
        }
        if limits.ageing.is_zero() {
            return Err(AsyncTaskError::config(
                "`ageing` of a limiter must be longer than zero; `Duration::MAX` is none",
            ));
        }
        if limits.places.is_none() && limits.rate.is_none() {
            return Err(AsyncTaskError::config("a limiter without a limit: set `max_concurrent` or `rate`"));
        }
        let desk = Mutex::new(Desk { queue: Queue::new(limits), keeper: None });
        Ok(Limiter(Arc::new(Shared { name, desk })))
    }
}

/// Limits how much of what shares it is under way at the same time, and how fast it begins. Who has to wait is let in by
/// urgency ([`TaskPriority`]), and among equals in the order of coming. Shared: clones are the same limiter.
///
/// # Starvation
///
/// Whoever has waited for an interval ([`ageing`](LimiterBuilder::ageing)) counts as one class more urgent. After as many
/// intervals as there are classes above its own, four for [`Background`](TaskPriority::Background), it comes before
/// everything that came after it, however urgent; then it waits only for those that are before it.
///
/// # Priority inversion
///
/// A task that awaits the handle of another lends it its priority, until that one ends; so does a task that has ended but
/// for those that it waits for.
///
/// Cost: a short lock for each entry and each end, also where nobody waits: who comes next is a decision over all who wait.
/// With `n` waiting, each costs the logarithm of `n`.
#[derive(Clone)]
pub struct Limiter(Arc<Shared>);

struct Shared {
    name: Option<Arc<str>>,
    desk: Mutex<Desk>,
}

/// What the lock is on. Nothing of the user's is called while it is held.
struct Desk {
    queue: Queue<Arc<Waiter>>,
    /// Who keeps the time of the rate, and when it is due: one timer is enough for all who wait.
    keeper: Option<(Arc<Waiter>, Instant)>,
}

impl Limiter {
    /// A limiter without limits, to be given some.
    pub fn builder() -> LimiterBuilder {
        let limits = Limits { ageing: Duration::from_secs(1), ..Limits::default() };
        LimiterBuilder { name: None, limits, rate: None }
    }

    /// Its name, if it was given one.
    pub fn name(&self) -> Option<&Arc<str>> {
        self.0.name.as_ref()
    }

    /// How many are under way.
    pub fn under_way(&self) -> usize {
        self.desk().queue.under_way()
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.desk().queue.waiting()
    }

    /// A place, when it is this one's turn; as urgent as the task that polls it.
    pub(crate) fn acquire<R: Runtime>(&self, runtime: R) -> Acquire<R> {
        Acquire::new(self.clone(), runtime)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, lets in whom that lets in, and tells them.
    fn change<O>(&self, now: Instant, change: impl FnOnce(&mut Desk) -> O) -> O {
        let mut desk = self.desk();
        let output = change(&mut desk);
        let told = desk.let_in(now);
        drop(desk);
        for waiter in told {
            waiter.wake();
        }
        output
    }
}

impl Desk {
    /// Lets in all that may. Gives those who are to be woken: they have come in, or are to keep the time.
    fn let_in(&mut self, now: Instant) -> Vec<Arc<Waiter>> {
        let mut told = Vec::new();
        if self.queue.waiting() == 0 {
            return told;
        }
        let due = loop {
            match self.queue.next(now) {
                Ok(waiter) => {
                    waiter.admit();
                    told.push(waiter);
                }
                Err(due) => break due,
            }
        };
        // The keeper has come in, or has left, or there is nothing to wait for any more.
        if due.is_none() || self.keeper.as_ref().is_some_and(|(keeper, _)| keeper.is_done()) {
            self.keeper = None;
        }
        match (due, &mut self.keeper) {
            (Some(due), Some((_, at))) => *at = due,
            (Some(due), keeper @ None) => {
                if let Some(first) = self.queue.first_waiting(now) {
                    *keeper = Some((first.clone(), due));
                    told.push(first);
                }
            }
            (None, _) => {}
        }
        told
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let desk = self.desk();
        f.debug_struct("Limiter")
            .field("name", &self.0.name)
            .field("under_way", &desk.queue.under_way())
            .field("waiting", &desk.queue.waiting())
            .finish()
    }
}
