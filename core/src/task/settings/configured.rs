//! The settings of a task, and the time limits that they make.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::metrics::MetricsMode;
use crate::runtime::RuntimeSource;
use crate::time::{InlineLimiter, Limit, TimeLimit, TimeLimiter};
use crate::tree::extras::values::Values;
use crate::vocabulary::priority::TaskPriority;

/// The settings of a task. As the policies of a builder: settings for which work in place needs no task of
/// its own.
#[derive(Clone, Debug, Default)]
#[doc(hidden)]
pub struct Configured {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) limit: Option<Limit>,
    pub(crate) attempt: Option<Duration>,
    pub(crate) grace: Option<Duration>,
    pub(crate) priority: Option<TaskPriority>,
    pub(crate) values: Option<Arc<Values>>,
    pub(crate) timestamps: bool,
    pub(crate) metrics: MetricsMode,
    pub(crate) tracing: bool,
    #[cfg(feature = "uuid")]
    pub(crate) uuid: bool,
    /// The number of the attempt that the task is; zero, as one, where it is the first or only one.
    pub(crate) number: u32,
}

/// The limit that is none.
const NONE: Limit = Limit::After(Duration::MAX);

fn is_limit(limit: &Duration) -> bool {
    *limit != Duration::MAX
}

impl Configured {
    /// The settings of a task that is part of something larger, and has its name.
    pub fn part_of(name: Option<Arc<str>>) -> Self {
        Self { name, ..Self::default() }
    }

    /// With another name.
    pub fn named(self, name: Arc<str>) -> Self {
        Self { name: Some(name), ..self }
    }

    /// Sets the name.
    pub fn rename(&mut self, name: Arc<str>) {
        self.name = Some(name);
    }

    /// Its name, if it has one.
    pub fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    /// With `value`, which its type finds.
    pub fn with<V: Send + Sync + 'static>(mut self, value: V) -> Self {
        Arc::make_mut(self.values.get_or_insert_with(Arc::default)).insert(value);
        self
    }

    /// With metrics in this mode.
    pub fn metered(self, metrics: MetricsMode) -> Self {
        Self { metrics, ..self }
    }

    /// True if nothing was set.
    pub(crate) fn is_bare(&self) -> bool {
        #[cfg(feature = "uuid")]
        if self.uuid {
            return false;
        }
        let Self { name, limit, attempt, grace, priority, values, metrics, timestamps, tracing, .. } = self;
        name.is_none()
            && limit.is_none()
            && attempt.is_none()
            && grace.is_none()
            && priority.is_none()
            && values.is_none()
            && !(metrics.is_on() || *timestamps || *tracing)
    }

    /// True if an in-place task with these settings is registered at its begin: they show, or measure, all of
    /// its life, or what it runs looks for them.
    pub(crate) fn needs_record(&self) -> bool {
        #[cfg(feature = "uuid")]
        if self.uuid {
            return true;
        }
        self.priority.is_some()
            || self.values.is_some()
            || self.metrics.is_on()
            || self.timestamps
            || self.tracing
    }

    /// With another limit on the whole.
    pub fn limited(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// With another grace period.
    pub fn graced(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// With another priority.
    pub fn prioritized(mut self, priority: TaskPriority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// The limit on the whole.
    pub fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// Sets the limit on the whole.
    pub fn limit_is(&mut self, limit: Limit) {
        self.limit = Some(limit);
    }

    /// True if the task has a span of its own.
    pub fn is_traced(&self) -> bool {
        self.tracing
    }

    /// The mode in which the usage of the task is measured.
    pub fn metrics(&self) -> MetricsMode {
        self.metrics
    }

    /// Has the usage of the task measured by `mode`, or by its own mode if that measures more.
    pub fn measure(&mut self, mode: MetricsMode) {
        self.metrics = self.metrics.max(mode);
    }

    /// Turns metrics off.
    pub fn measure_nothing(&mut self) {
        self.metrics = MetricsMode::Off;
    }

    /// The priority that was set, if any.
    pub fn priority(&self) -> Option<TaskPriority> {
        self.priority
    }

    /// Sets the priority.
    pub fn priority_is(&mut self, priority: TaskPriority) {
        self.priority = Some(priority);
    }

    /// Sets whether the times of the task's life are recorded.
    pub fn stamped(mut self, on: bool) -> Self {
        self.timestamps = on;
        self
    }

    /// Sets whether the task has a span.
    pub fn traced(mut self, on: bool) -> Self {
        self.tracing = on;
        self
    }

    /// With a UUID as its id.
    #[cfg(feature = "uuid")]
    pub fn identified(mut self) -> Self {
        self.uuid = true;
        self
    }

    /// Adds the values of `outer`, except those that its own replace.
    pub fn add_values(&mut self, outer: Option<&Arc<Values>>) {
        if let Some(outer) = outer {
            self.values = Some(match &self.values {
                Some(own) => Arc::new(own.within(outer)),
                None => outer.clone(),
            });
        }
    }

    /// The settings of one attempt of work that is tried several times.
    pub(crate) fn one_attempt(&self) -> AttemptSettings {
        AttemptSettings { name: self.name.clone(), limit: self.attempt.filter(is_limit), number: 0 }
    }

    /// The limit on the whole of a task that is registered now, and its deadline.
    pub(crate) fn deadline(&self, now: impl FnOnce() -> Instant) -> Option<(Duration, Option<Instant>)> {
        let (limit, deadline) = self.limit?.from(now())?;
        Some((limit, Some(deadline)))
    }

    /// The limits on work in place that is no task of its own, with its name for errors.
    pub(crate) fn limits<S: RuntimeSource>(self, source: S) -> InlineLimiter<S> {
        let Self { name, limit, attempt, .. } = self;
        TimeLimiter::new(
            TimeLimit {
                name,
                whole: limit.filter(|limit| *limit != NONE),
                attempt: attempt.filter(is_limit),
            },
            source,
        )
    }

    /// The settings of work that is its task's only attempt.
    pub(crate) fn only_attempt(&self) -> AttemptSettings {
        let limit = self.attempt.filter(is_limit);
        // The name is for the error of the limit.
        AttemptSettings { name: limit.and_then(|_| self.name.clone()), limit, number: 0 }
    }

    /// The limit on one attempt, if there is one.
    pub(crate) fn attempt_limit<S, Z>(&self, source: S) -> TimeLimiter<S, Z> {
        attempt_limit(self.name.as_ref(), self.attempt.filter(is_limit), source)
    }

    pub(crate) fn changed(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// The limit on one attempt of work with this name, if there is one.
fn attempt_limit<S, Z>(name: Option<&Arc<str>>, attempt: Option<Duration>, source: S) -> TimeLimiter<S, Z> {
    let name = attempt.and_then(|_| name.cloned());
    TimeLimiter::new(TimeLimit { name, whole: None, attempt }, source)
}

/// The settings of one attempt of work that is tried several times: the name of the work, and a time limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct AttemptSettings {
    name: Option<Arc<str>>,
    limit: Option<Duration>,
    /// As [`Configured::number`].
    pub(crate) number: u32,
}

impl AttemptSettings {
    /// The name of the work.
    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    /// True if there is a limit.
    pub(crate) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// The limit on the attempt, if there is one.
    pub(crate) fn limit<S, Z>(&self, source: S) -> TimeLimiter<S, Z> {
        attempt_limit(self.name.as_ref(), self.limit, source)
    }

    /// The settings of the attempt's task.
    pub(crate) fn of_task(&self) -> Configured {
        Configured { number: self.number, ..Configured::part_of(self.name.clone()) }
    }
}
