//! Describes an orchestrator.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::OrchestratorError;
use crate::execution::autoscale::ends;
use crate::orchestrator::handle::Orchestrator;
use crate::orchestrator::shared::Shared;
use crate::registry::description::Registry;
use sweet_async_core::extend::Configured;
use sweet_async_core::extend::Limit;
use sweet_async_core::limit::{Limiter, TaskPriority};
use sweet_async_core::runtime::{Runtime, RuntimeSource};

/// Describes an [`Orchestrator`]. Each method returns a new one; a builder can be cloned and used again.
#[must_use = "a builder does nothing until `build`"]
#[derive(Clone, Debug)]
pub struct OrchestratorBuilder<S> {
    source: S,
    settings: Configured,
    most: Option<usize>,
    scale: Option<RangeInclusive<usize>>,
    ageing: Duration,
}

impl<S: RuntimeSource> OrchestratorBuilder<S> {
    /// An orchestrator whose runtime `source` finds when something is started.
    pub fn new(source: S) -> Self {
        // Its tasks have graces of their own, and it ends with them.
        let settings = Configured::default().graced(Duration::MAX);
        Self { source, settings, most: None, scale: None, ageing: Duration::from_secs(1) }
    }

    /// Runs on `runtime`, whatever the ambient one is.
    pub fn on<R: Runtime>(self, runtime: &R) -> OrchestratorBuilder<R> {
        let Self { settings, most, scale, ageing, .. } = self;
        OrchestratorBuilder { source: runtime.clone(), settings, most, scale, ageing }
    }

    /// Names it, as a task.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.settings = self.settings.named(name.into());
        self
    }

    /// How many of its tasks may be under way at the same time; any number by default. A task that has begun keeps its place
    /// until nothing of it is left, the waits between its attempts included. Those that wait for a place are let in by
    /// urgency and age, as by a [`Limiter`]. A task of it that waits for another of its tasks, which waits for a place, may so
    /// wait for ever; an ad-hoc task ([`TaskBuilder::orchestrator`]) that a task of it runs is in the place of that, and waits
    /// for none.
    ///
    /// [`TaskBuilder::orchestrator`]: crate::orchestrator::ad_hoc::Orchestrate::orchestrator
    pub fn max_concurrency(mut self, most: usize) -> Self {
        (self.most, self.scale) = (Some(most), None);
        self
    }

    /// As [`max_concurrency`](Self::max_concurrency), with a number between the ends of `range` that follows the load: up by
    /// one while more helps, down by a quarter when tasks begin to take longer, as the
    /// `Adaptive` strategy of a pipeline has it. It does not change from one moment to
    /// the next: each decision looks at a window of 10 ms, and of at least as many ends of tasks as are under way.
    pub fn auto_scale(mut self, range: RangeInclusive<usize>) -> Self {
        (self.most, self.scale) = (None, Some(range));
        self
    }

    /// After how long a task that waits for a place counts as of the next more urgent class; 1 s by default.
    pub fn ageing(mut self, interval: Duration) -> Self {
        self.ageing = interval;
        self
    }

    /// How urgent its tasks are that were given no priority of their own.
    pub fn default_priority(mut self, priority: TaskPriority) -> Self {
        self.settings = self.settings.prioritized(priority);
        self
    }

    /// Limits the whole, from the first start to the end of what was started: then what has not ended is killed, or cancelled
    /// before it begins, and the whole has failed with a timeout. Ad-hoc tasks ([`TaskBuilder::orchestrator`]) are killed with
    /// the others; alone, they have the same limit, from the first of them until none is left.
    ///
    /// [`TaskBuilder::orchestrator`]: crate::orchestrator::ad_hoc::Orchestrate::orchestrator
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.settings = self.settings.limited(Limit::After(limit));
        self
    }

    /// As [`timeout`](Self::timeout), at a moment of the runtime's clock. The last that is said holds.
    pub fn timeout_at(mut self, deadline: Instant) -> Self {
        self.settings = self.settings.limited(Limit::At(deadline));
        self
    }

    /// How long the whole has to end by itself after a graceful cancellation, before all that is left is killed. As long as
    /// its tasks have, each for itself, by default: the grace of its builder, else [`DEFAULT_GRACE`](sweet_async_core::task::DEFAULT_GRACE).
    pub fn grace(mut self, grace: Duration) -> Self {
        self.settings = self.settings.graced(grace);
        self
    }

    /// Notes when the whole was started, first polled and done: see [`TimedTask`](sweet_async_core::TimedTask).
    pub fn timestamps(mut self, on: bool) -> Self {
        self.settings = self.settings.stamped(on);
        self
    }

    /// Gives the whole a UUID of version 7 as its id: see [`TaskBuilder::uuid`](sweet_async_core::TaskBuilder::uuid).
    #[cfg(feature = "uuid")]
    pub fn uuid(mut self) -> Self {
        self.settings = self.settings.identified();
        self
    }

    /// Measures what the whole uses, and so each of its tasks: see [`MetricsEnabledTask`](sweet_async_core::MetricsEnabledTask).
    pub fn metrics(mut self, on: bool) -> Self {
        self.settings = self.settings.metered(on);
        self
    }

    /// Gives the whole a `tracing` span of its own: see [`TracingTask`](sweet_async_core::TracingTask).
    pub fn tracing(mut self, on: bool) -> Self {
        self.settings = self.settings.traced(on);
        self
    }

    /// Hands `value` down to all its tasks, by its type.
    pub fn with<V: Send + Sync + 'static>(mut self, value: V) -> Self {
        self.settings = self.settings.with(value);
        self
    }

    /// The orchestrator. Nothing of it runs until something is started.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::Task`] for a concurrency of zero, a range without a number in it, and an ageing of zero.
    pub fn build(self) -> Result<Orchestrator<S>, OrchestratorError> {
        let Self { source, settings, most, scale, ageing } = self;
        let scale = match scale {
            Some(range) => Some(ends(&range).ok_or_else(|| {
                OrchestratorError::config(format!(
                    "`auto_scale` over {range:?}: at least 1, and not less at its end"
                ))
            })?),
            None => None,
        };
        let places = scale.map(|(min, _)| min).or(most);
        let limiter = places.map(|places| {
            Limiter::builder().name("orchestrator").max_concurrent(places).ageing(ageing).build()
        });
        let limiter = limiter.transpose()?;
        let shared = Shared::new(Registry::new(settings), limiter, places.unwrap_or(0), scale);
        Ok(Orchestrator::new(source, Arc::new(shared)))
    }
}
