//! How much may be under way at the same time, how fast it may begin, and who comes first.

pub(crate) mod acquire;
pub(crate) mod order;
pub(crate) mod wait_queue;

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
        Ok(Limiter(Arc::new(Shared { name, wait_queue: WaitQueue::new(limits) })))
    }
}

/// Limits how much of what shares it is under way at the same time, and how fast it begins. Who has to wait is let in by
/// urgency ([`TaskPriority`]), and among equals in the order of coming. Shared: clones are the same limiter.
///
/// # Places
///
/// At most [so many](LimiterBuilder::max_concurrent) are under way at the same time. What has a place keeps it until
/// nothing of it is left: the work, all that it has spawned and not detached, and blocking work, which cannot be stopped, also
/// where it was given up at a time limit. The wait between two attempts has no place, nor has a recovery. Not so with
/// [`apply_on`](Self::apply_on), which knows only the future that it is given.
///
/// Work in a place that waits for other work of the same limiter may wait for ever.
///
/// # Starvation
///
/// Whoever has waited for an interval ([`ageing`](LimiterBuilder::ageing)) counts as one class more urgent. After as many
/// intervals as there are classes above its own, four for [`Background`](TaskPriority::Background), it comes before
/// everything that came after it, however urgent; then it waits only for those that are before it.
///
/// # Work that is not polled
///
/// Work in place that waits in line, or has a place, and is not polled keeps it. Where there is a rate, it takes its turn,
/// and those behind it go on; of several in a row, each but the first may cost them a turn more.
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
    wait_queue: WaitQueue,
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
        self.0.wait_queue.counts().0
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.0.wait_queue.counts().1
    }

    /// From now on `places` may be under way; those that are go on.
    pub fn set_places(&self, places: usize, now: std::time::Instant) {
        self.0.wait_queue.set_places(places, now);
    }

    /// A place, when it is this one's turn; as urgent as the task that polls it.
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
