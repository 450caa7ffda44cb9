//! The builder of an orchestrator.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::OrchestratorError;
#[cfg(feature = "durable")]
use crate::durable::run::{Run, RunKey};
use crate::execution::autoscale::{Concurrency, bounds};
use crate::execution::progress::Progress;
use crate::orchestrator::handle::Orchestrator;
use crate::orchestrator::shared::Shared;
use crate::registry::description::Registry;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Configured;
use sweet_async_core::extend::Limit;
use sweet_async_core::limit::{Limiter, TaskPriority};
use sweet_async_core::metrics::MetricsMode;
use sweet_async_core::runtime::{Runtime, RuntimeSource};

/// Describes an [`Orchestrator`]. Each method returns a new builder. A builder can be cloned and used again.
#[must_use = "a builder does nothing until `build`"]
#[derive(Clone, Debug)]
pub struct OrchestratorBuilder<S> {
    source: S,
    settings: Configured,
    most: Option<usize>,
    scale: Option<RangeInclusive<usize>>,
    ageing: Duration,
    #[cfg(feature = "durable")]
    pub(crate) run: Option<RunKey>,
}

impl<S: RuntimeSource> Orchestrator<S> {
    /// A builder of an orchestrator whose runtime `source` finds when something is started.
    pub fn builder(source: S) -> OrchestratorBuilder<S> {
        OrchestratorBuilder::new(source)
    }
}

impl<S: RuntimeSource> OrchestratorBuilder<S> {
    /// Describes an orchestrator whose runtime `source` finds when something is started.
    pub fn new(source: S) -> Self {
        // Its tasks have grace periods of their own, and the orchestration ends with them.
        let settings = Configured::default().graced(Duration::MAX);
        Self {
            source,
            settings,
            most: None,
            scale: None,
            ageing: Duration::from_secs(1),
            #[cfg(feature = "durable")]
            run: None,
        }
    }

    /// Runs on `runtime`, whatever the ambient runtime is.
    pub fn on<R: Runtime>(self, runtime: &R) -> OrchestratorBuilder<R> {
        OrchestratorBuilder {
            source: runtime.clone(),
            settings: self.settings,
            most: self.most,
            scale: self.scale,
            ageing: self.ageing,
            #[cfg(feature = "durable")]
            run: self.run,
        }
    }

    /// Sets the name of the orchestration as a task.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.settings = self.settings.named(name.into());
        self
    }

    /// Sets how many of its tasks may be under way at the same time; any number by default. A task that has
    /// begun holds its permit until nothing of it is left, the waits between its attempts included. Tasks
    /// that wait for a permit are admitted by urgency and age, as by a [`Limiter`]. This replaces
    /// [`auto_scale`](Self::auto_scale).
    ///
    /// A task may wait forever if it waits for another task of the same orchestrator that waits for a permit.
    /// An ad-hoc task ([`TaskBuilder::orchestrator`]) that is run by a task of the orchestrator is covered by
    /// the permit of that task, and waits for none.
    ///
    /// [`TaskBuilder::orchestrator`]: crate::orchestrator::ad_hoc::Orchestrate::orchestrator
    pub fn max_concurrency(mut self, most: usize) -> Self {
        (self.most, self.scale) = (Some(most), None);
        self
    }

    /// As [`max_concurrency`](Self::max_concurrency), with a number within `range` that follows the load. The
    /// number goes up by one while more helps (doubling until it is first too high), and down by a quarter
    /// when tasks begin to take longer, as with the `Adaptive` strategy of a pipeline. From time to time half
    /// of it is tried for a moment. It changes gradually: each decision looks at a window of at least 10 ms,
    /// and of at least as many ends of tasks as are under way.
    pub fn auto_scale(mut self, range: RangeInclusive<usize>) -> Self {
        (self.most, self.scale) = (None, Some(range));
        self
    }

    /// Sets after which time a task that waits for a permit counts as one class more urgent; 1 s by default,
    /// and never with [`Duration::MAX`].
    pub fn ageing(mut self, interval: Duration) -> Self {
        self.ageing = interval;
        self
    }

    /// Sets the priority of its tasks that were given none of their own.
    pub fn default_priority(mut self, priority: TaskPriority) -> Self {
        self.settings = self.settings.prioritized(priority);
        self
    }

    /// Limits the orchestration, from the first start to the end of everything that was started. At the
    /// limit, tasks that run are killed, tasks that have not begun are cancelled, and the orchestration fails
    /// with a timeout. Ad-hoc tasks ([`TaskBuilder::orchestrator`]) are killed with the others. Where there
    /// are only ad-hoc tasks, they have the same limit, from the first of them until none is left.
    ///
    /// [`TaskBuilder::orchestrator`]: crate::orchestrator::ad_hoc::Orchestrate::orchestrator
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.settings = self.settings.limited(Limit::After(limit));
        self
    }

    /// As [`timeout`](Self::timeout), at a moment of the runtime's clock. The last of the two that is set
    /// holds.
    pub fn timeout_at(mut self, deadline: Instant) -> Self {
        self.settings = self.settings.limited(Limit::At(deadline));
        self
    }

    /// Sets how long the orchestration has to end by itself after a graceful cancellation, before everything
    /// that is left is killed. By default it has as long as its tasks, each of which has the grace period of
    /// its builder, else [`DEFAULT_GRACE`](sweet_async_core::task::DEFAULT_GRACE).
    pub fn grace(mut self, grace: Duration) -> Self {
        self.settings = self.settings.graced(grace);
        self
    }

    /// Records when the orchestration was started, first polled and done: see
    /// [`TimedTask`](sweet_async_core::TimedTask).
    pub fn timestamps(mut self, on: bool) -> Self {
        self.settings = self.settings.stamped(on);
        self
    }

    /// Gives the orchestration a UUID of version 7 as its id: see
    /// [`TaskBuilder::uuid`](sweet_async_core::TaskBuilder::uuid).
    #[cfg(feature = "uuid")]
    pub fn uuid(mut self) -> Self {
        self.settings = self.settings.identified();
        self
    }

    /// Measures the usage of the orchestration, and so of each of its tasks: see
    /// [`MetricsEnabledTask`](sweet_async_core::MetricsEnabledTask). `true` is [`MetricsMode::Sampled`].
    pub fn metrics(mut self, mode: impl Into<MetricsMode>) -> Self {
        self.settings = self.settings.metered(mode.into());
        self
    }

    /// Gives the orchestration a `tracing` span of its own: see
    /// [`TracingTask`](sweet_async_core::TracingTask).
    pub fn tracing(mut self, on: bool) -> Self {
        self.settings = self.settings.traced(on);
        self
    }

    /// Passes `value` down to all its tasks, which find it by its type.
    pub fn with<V: Send + Sync + 'static>(mut self, value: V) -> Self {
        self.settings = self.settings.with(value);
        self
    }

    /// Builds the orchestrator. Nothing of it runs until something is started.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::Task`] with an [`AsyncTaskError::InvalidConfig`], for a concurrency or an ageing
    /// of zero, and for a range that is empty or begins at zero.
    pub fn build(self) -> Result<Orchestrator<S>, OrchestratorError> {
        #[cfg(feature = "durable")]
        let run = self.run.map(|key| Arc::new(Run::new(key)));
        let Self { source, settings, most, scale, ageing, .. } = self;
        if most == Some(0) {
            let name = "`max_concurrency` of an orchestrator";
            return Err(AsyncTaskError::out_of_range(name, 0, "at least 1").into());
        }
        if ageing.is_zero() {
            let range = "longer than zero; `Duration::MAX` is none";
            return Err(AsyncTaskError::out_of_range("`ageing` of an orchestrator", "0 s", range).into());
        }
        let scale = match scale {
            Some(range) => Some(bounds(&range).ok_or_else(|| {
                AsyncTaskError::out_of_range(
                    "`auto_scale` of an orchestrator",
                    format_args!("{range:?}"),
                    "a range from at least 1, whose end is not less",
                )
            })?),
            None => None,
        };
        let initial = scale.map(|(min, _)| min).or(most);
        let limiter = initial
            .map(|most| Limiter::builder().name("orchestrator").max_concurrent(most).ageing(ageing).build());
        let limiter = limiter.transpose()?;
        let concurrency = Concurrency::new(limiter, initial.unwrap_or(0), scale);
        #[cfg_attr(not(feature = "durable"), expect(unused_mut))]
        let (mut registry, mut progress) = (Registry::new(settings), Progress::new(concurrency));
        #[cfg(feature = "durable")]
        {
            (registry.run, progress.run) = (run.clone(), run);
        }
        let shared = Shared::new(registry, progress);
        Ok(Orchestrator::new(source, Arc::new(shared)))
    }
}
