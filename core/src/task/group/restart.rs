//! Supervised work, which is started again when it fails.

use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};

use crate::body::Governed;
use crate::breaker::CircuitBreaker;
use crate::error::{AsyncTaskError, RetriesError};
use crate::retry::{Jitter, RetryStrategy};
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::builder::policies::{Policies, PolicySet, Supervisable};
use crate::task::builder::policies::{refused, register};
use crate::task::builder::task_builder::TaskBuilder;
use crate::task::handle::task::Task;
use crate::task::layers::admission::Admission;
use crate::task::layers::injection::Injection;
use crate::task::layers::pause::{Pause, is_futile};
use crate::task::lifecycle::in_place::InPlaceTask;
use crate::task::lifecycle::spawn::SpawnSite;
use crate::task::settings::configured::Configured;
use crate::task::settings::resilience::Guards;
use crate::task::view::context::TaskContext;
use crate::task::work::kinds::{Again, IntoAsyncResult, Work};
use crate::tree::current::with_task;
use crate::tree::extras::recovery::{Recovery, is_restartable};
use crate::tree::extras::trace::trace_attempt;

/// The bounds of the restarts of failing work: at most `intensity` within any `period`. The rule, and its
/// names, are those of Erlang/OTP supervisors. A period of zero, which would permit endless restarts, is
/// refused ([`AsyncTaskError::InvalidConfig`]) when the work is started; [`Duration::MAX`] counts all
/// restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// The greatest number of restarts within a period.
    pub intensity: u32,
    /// The length of the period before each failure that counts.
    pub period: Duration,
}

impl RestartPolicy {
    fn check(&self) -> Result<(), AsyncTaskError> {
        match self.period.is_zero() {
            true => Err(AsyncTaskError::out_of_range(
                "`period` of a `RestartPolicy`",
                "0 s",
                "longer than zero; `Duration::MAX` counts all restarts",
            )),
            false => Ok(()),
        }
    }
}

/// The times of the restarts that still count.
#[derive(Debug, Default)]
pub(crate) struct Restarts(VecDeque<Instant>);

impl Restarts {
    /// Counts a restart for a failure at `now`. Returns its number among those that count, from 1; `None` if
    /// it is not permitted.
    pub(crate) fn permit(&mut self, policy: RestartPolicy, now: Instant) -> Option<u32> {
        while self.0.front().is_some_and(|then| now.saturating_duration_since(*then) >= policy.period) {
            self.0.pop_front();
        }
        let number = u32::try_from(self.0.len()).ok().and_then(|before| before.checked_add(1))?;
        (number <= policy.intensity).then(|| {
            self.0.push_back(now);
            number
        })
    }

    /// Removes the earliest restarts, so that no more than `most` are left.
    fn keep(&mut self, most: u32) {
        while self.0.len() as u64 > u64::from(most) {
            self.0.pop_front();
        }
    }
}

/// Describes a task whose work is started again when it fails. See [`TaskBuilder::supervise`].
#[must_use = "a builder does nothing until `spawn`"]
pub struct Supervision<T, S, P, W> {
    builder: TaskBuilder<T, S, P, W>,
    policy: RestartPolicy,
    strategy: RetryStrategy,
    jitter: Jitter,
}

// By hand: a value need not be clonable, nor have a text.
impl<T, S: Clone, P: Clone, W> Clone for Supervision<T, S, P, W> {
    fn clone(&self) -> Self {
        let Self { builder, policy, strategy, jitter } = self;
        Self { builder: builder.clone(), policy: *policy, strategy: *strategy, jitter: *jitter }
    }
}

impl<T, S: fmt::Debug, P: fmt::Debug, W> fmt::Debug for Supervision<T, S, P, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { builder, policy, strategy, jitter } = self;
        f.debug_struct("Supervision")
            .field("builder", builder)
            .field("policy", policy)
            .field("strategy", strategy)
            .field("jitter", jitter)
            .finish()
    }
}

impl<T, S: RuntimeSource, P: Policies<T>, W> TaskBuilder<T, S, P, W> {
    /// Starts the work again when it fails, as `policy` permits; the work must be callable again. It excludes
    /// [`retry`](Self::retry), which does the same by another rule, and [`hedge`](Self::hedge).
    pub fn supervise(self, policy: RestartPolicy) -> Supervision<T, S, P, W>
    where
        P: Supervisable,
    {
        Supervision::new(self, policy)
    }
}

impl<T, S, P, W> Supervision<T, S, P, W> {
    pub(crate) fn new(builder: TaskBuilder<T, S, P, W>, policy: RestartPolicy) -> Self {
        Self { builder, policy, strategy: RetryStrategy::default(), jitter: Jitter::default() }
    }

    /// Sets the growth of the wait before a restart with the number of restarts within the period. By default
    /// it is that of retries: exponential from 100 ms, doubled each time, at most 20 s. Once earlier restarts
    /// no longer count, the wait is short again.
    pub fn backoff(self, strategy: RetryStrategy) -> Self {
        Self { strategy, ..self }
    }

    /// Sets the random part of that wait; [`Jitter::Full`] by default.
    pub fn jitter(self, jitter: Jitter) -> Self {
        Self { jitter, ..self }
    }
}

impl<T: Send + 'static, S: RuntimeSource, P: PolicySet<T>, W> Supervision<T, S, P, W> {
    /// Starts `work` now, as a task of its own. Each time it fails (an error, a panic, the limit of one
    /// attempt), it is called again, once everything that it had spawned has ended, and after a
    /// [wait](Self::backoff), which a cancellation of the task ends. A value ends it, and so does a
    /// cancellation of the task. The cancellation of another task, whose error the work passes on, is a
    /// failure like any other: cancellation of this task was not requested.
    ///
    /// While its circuit breaker refuses calls, the work waits. This is no failure, and uses up no restart.
    ///
    /// # Errors
    ///
    /// The handle gives [`AsyncTaskError::RetriesExhausted`], with the last failure, when a restart is not
    /// permitted any more; [`AsyncTaskError::InvalidConfig`] for a policy or a backoff that cannot work,
    /// before the first call.
    #[track_caller]
    pub fn spawn<F, O, M>(self, work: F) -> Task<T, S::Runtime>
    where
        F: Fn() -> O + Send + Sync + 'static,
        O: IntoAsyncResult<T, M>,
        M: Work<Again<F, ()>, O, T, S::Runtime, W, Body: Send + 'static>,
    {
        let Self { builder, policy, strategy, jitter } = self;
        let at = SpawnSite::here();
        let location = at.location;
        let (source, policies) = builder.into_parts();
        // Breaker, limiter, attempt timeout and chaos apply to each attempt, the recovery to the whole.
        let (mut whole, _) = policies.into_all();
        let one = whole.settings.one_attempt();
        whole.settings.attempt = None;
        let (breaker, limiter, chaos) = (whole.breaker.take(), whole.limiter.take(), whole.chaos.take());
        let registered = match register(source, &whole, at) {
            Ok(registered) => registered,
            Err(error) => return refused(error, whole, location),
        };
        let (work, runtime) = (Arc::new(work), registered.task.runtime.clone());
        let recovery = whole.new_recovery(None);
        recovery.restarts(policy.intensity, strategy);
        // Before `launch` sets one without restarts, which is then ignored.
        registered.task.control.set_recovery(recovery);
        let body = async move {
            policy.check()?;
            strategy.check()?;
            if let Some(chaos) = &chaos {
                chaos.check()?;
            }
            let (mut restarts, mut attempts) = (Restarts::default(), 0u32);
            loop {
                if let Some(breaker) = &breaker
                    && !is_admitted(breaker, &runtime, location).await?
                {
                    return Err(stopped());
                }
                let number = attempts.saturating_add(1);
                // For the error of a limit on the whole.
                with_task(|task| task.control.attempted(number));
                let (begun, node) = (&AtomicBool::new(false), &OnceLock::new());
                let work = Again { work: work.clone(), input: () };
                let (settings, chaos) = (one.clone(), chaos.clone());
                let guards = Guards { breaker: breaker.clone(), limiter: limiter.clone(), chaos: None };
                let begin = move |runtime: &S::Runtime, _: &S::Runtime, context: TaskContext| {
                    trace_attempt(context.task_ref(), number);
                    let _ = node.set(context);
                    let admission = Admission::of_task(settings, guards, runtime.clone());
                    let work = M::body(work, runtime);
                    let injection = chaos.map(|chaos| Injection::boxed(chaos, runtime.clone()));
                    let noted = async move {
                        // Relaxed: it is read after this, in the same task.
                        begun.store(true, Ordering::Relaxed);
                        // Not left to the gate: an injected error may be that of an open breaker, too.
                        if let Some(injection) = injection {
                            injection.await?;
                        }
                        work.await
                    };
                    Governed::within(admission, noted)
                };
                let attempt = Configured { number, ..one.of_task() };
                let failure = match InPlaceTask::new(begin, runtime.clone(), attempt, location).await {
                    Ok(value) => return Ok(value),
                    Err(error) => error,
                };
                // The breaker has opened during the wait for a permit: the work was not called.
                if failure.is_circuit_open() && !begun.load(Ordering::Relaxed) {
                    continue;
                }
                attempts = number;
                let is_asked = |context: &TaskContext| context.is_cancelled();
                if node.get().is_some_and(is_asked)
                    || TaskContext::current().as_ref().is_some_and(is_asked)
                    || !may_restart(&failure, &runtime)
                {
                    return Err(failure);
                }
                // Restarts that a handle has reset do not count.
                let counted = with_task(|task| task.control.recovery().map(Recovery::retries));
                restarts.keep(counted.flatten().unwrap_or_default());
                let Some(restart) = restarts.permit(policy, runtime.now()) else {
                    return Err(RetriesError::exhausted(attempts, failure));
                };
                let delay = jitter.of(strategy.delay(restart), || runtime.entropy());
                if is_futile(delay) {
                    return Err(RetriesError::out_of_time(attempts, failure));
                }
                tracing::warn!(
                    task.attempt = attempts,
                    ?delay,
                    error = format_args!("{failure:#}"),
                    "supervised work failed and is restarted"
                );
                with_task(|task| {
                    task.control.keep_failure(attempts, failure, None);
                    task.control.recovery().inspect(|recovery| recovery.count(restart));
                });
                // Without a delay the pause yields once all the same, so that a cancellation can come in
                // between.
                if !Pause::new(&runtime, delay, location).await? {
                    return Err(stopped());
                }
            }
        };
        whole.launch(registered, body)
    }
}

/// False for errors that a restart cannot mend. The shutdown of another runtime is a failure like any other.
pub(super) fn may_restart(error: &AsyncTaskError, runtime: &impl Runtime) -> bool {
    is_restartable(error) || (error.is_shutdown() && runtime.is_running())
}

/// The error of a task that was cancelled while nothing of its work was under way.
fn stopped() -> AsyncTaskError {
    let error = with_task(|task| task.control.stop_as_asked());
    error.unwrap_or(AsyncTaskError::Shutdown)
}

/// Waits until `breaker` may admit a call: true then; false if the task around is cancelled before that.
async fn is_admitted<R: Runtime>(
    breaker: &CircuitBreaker,
    runtime: &R,
    location: &'static Location<'static>,
) -> Result<bool, AsyncTaskError> {
    loop {
        // Listen first, then look: a change in between is seen, or notifies the listener.
        let changed = breaker.listen();
        let Some(left) = breaker.refuses_for(runtime) else { return Ok(true) };
        let pause = pin!(Pause::new(runtime, left, location));
        if let Either::Left((is_over, _)) = select(pause, changed).await
            && !is_over?
        {
            return Ok(false);
        }
    }
}
