//! Work that is started again when it fails.

use std::collections::VecDeque;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_lite::future::or;

use crate::breaker::CircuitBreaker;
use crate::error::{AsyncTaskError, RetriesError};
use crate::retry::{Jitter, RetryStrategy};
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::builder::policies::refused;
use crate::task::builder::policies::{Policies, PolicySet, Supervisable};
use crate::task::builder::task_builder::TaskBuilder;
use crate::task::handle::task::Task;
use crate::task::layers::admission::Guarded;
use crate::task::layers::gate::Gate;
use crate::task::layers::retry::{Pause, is_futile};
use crate::task::lifecycle::in_place::InPlaceTask;
use crate::task::lifecycle::spawn::SpawnSite;
use crate::task::view::context::TaskContext;
use crate::task::work::kinds::{Again, IntoAsyncResult, Work};
use crate::tree::current::with_frame;
use crate::tree::recovery::{Recovery, is_restartable};
use crate::tree::trace::trace_attempt;

/// How often failing work is started again: at most `intensity` times within any `period`. The rule, and its names, are
/// those of Erlang/OTP supervisors. A period of zero, which would permit restarts without end, is refused
/// ([`AsyncTaskError::InvalidConfig`]) when the work is started; [`Duration::MAX`] counts all restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// The most restarts within a period.
    pub intensity: u32,
    /// The length of the period that looks back from each failure.
    pub period: Duration,
}

impl RestartPolicy {
    fn check(&self) -> Result<(), AsyncTaskError> {
        match self.period.is_zero() {
            true => Err(AsyncTaskError::config(
                "a `RestartPolicy` with a period of zero counts no restart: make it longer; `Duration::MAX` counts all",
            )),
            false => Ok(()),
        }
    }
}

/// When the restarts were that still count.
#[derive(Debug, Default)]
pub(crate) struct Restarts(VecDeque<Instant>);

impl Restarts {
    /// A failure at `now`: if the work may be started again, the number of this restart among those that count, from 1.
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

    /// Forgets the earliest, so that no more than `most` are left.
    fn keep(&mut self, most: u32) {
        while self.0.len() as u64 > u64::from(most) {
            self.0.pop_front();
        }
    }
}

/// Describes a task whose work is started again when it fails. See [`TaskBuilder::supervise`].
#[must_use = "a builder does nothing until `spawn`"]
#[derive(Clone, Debug)]
pub struct Supervision<T, S, P, W> {
    builder: TaskBuilder<T, S, P, W>,
    policy: RestartPolicy,
    strategy: RetryStrategy,
    jitter: Jitter,
}

impl<T, S: RuntimeSource, P: Policies<T>, W> TaskBuilder<T, S, P, W> {
    /// Starts the work again when it fails, as `policy` permits; the work must be callable again. Not to be had together with
    /// [`retry`](Self::retry), which does the same by another rule.
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

    /// How the wait before a restart grows with the number of restarts within the period: as that of retries otherwise,
    /// exponential from 100 ms, doubled each time, at most 20 s. Once restarts no longer count, it is short again.
    pub fn backoff(self, strategy: RetryStrategy) -> Self {
        Self { strategy, ..self }
    }

    /// What chance does to that wait: [`Jitter::Full`] otherwise.
    pub fn jitter(self, jitter: Jitter) -> Self {
        Self { jitter, ..self }
    }
}

impl<T: Send + 'static, S: RuntimeSource, P: PolicySet<T>, W> Supervision<T, S, P, W> {
    /// Starts `work` now, as a task of its own. Each time it fails (an error, a panic, the limit of one attempt), it is
    /// called again, once everything that it had spawned is gone, and after a [wait](Self::backoff), which a cancellation of
    /// the task ends. A value ends it, and so does a cancellation of the task. The cancellation of another task, whose error the
    /// work passes on, is a failure as others: nobody has asked this task to stop.
    ///
    /// While its circuit breaker refuses calls, the work waits for that. This is no failure, and uses up no restart.
    ///
    /// # Errors
    ///
    /// The handle gives [`AsyncTaskError::RetriesExhausted`], with the last failure, when a restart is not permitted any more;
    /// [`AsyncTaskError::InvalidConfig`] for a policy or a backoff that cannot work, before the first call.
    #[track_caller]
    pub fn spawn<F, O, M>(self, work: F) -> Task<T, S::Runtime>
    where
        F: Fn() -> O + Send + Sync + 'static,
        O: IntoAsyncResult<T, M>,
        M: Work<Again<F>, O, T, S::Runtime, W, Body: Send + 'static>,
    {
        let Self { builder, policy, strategy, jitter } = self;
        let at = SpawnSite::here();
        let place = at.place;
        let (source, policies) = builder.into_parts();
        let runtime = match source.into_runtime() {
            Ok(runtime) => runtime,
            Err(error) => return refused(error, policies),
        };
        // Breaker, limiter and the limit of one attempt are about each attempt; the recovery is about the whole.
        let (mut whole, _) = policies.into_all();
        let one = whole.settings.one_attempt();
        whole.settings.attempt = None;
        let (breaker, limiter) = (whole.breaker.take(), whole.limiter.take());
        let work = Arc::new(work);
        whole.spawn(runtime, at, |runtime: &S::Runtime, born| {
            let runtime = runtime.clone();
            if let Some(recovery) = born.task.control.recovery() {
                recovery.restarts(policy.intensity, strategy);
            }
            async move {
                policy.check()?;
                strategy.check()?;
                let (mut restarts, mut attempts) = (Restarts::default(), 0u32);
                loop {
                    if let Some(breaker) = &breaker
                        && !is_admitted(breaker, &runtime, place).await?
                    {
                        return Err(stopped());
                    }
                    let number = attempts.saturating_add(1);
                    // For the error of a limit on the whole.
                    with_frame(|frame| frame.task.control.attempted(number));
                    let (begun, node) = (&AtomicBool::new(false), &OnceLock::new());
                    let (work, settings) = (Again(work.clone()), one.clone());
                    let gate = Gate::new(breaker.clone(), limiter.clone(), runtime.clone());
                    let begin = move |runtime: &S::Runtime, _: &S::Runtime, context: TaskContext| {
                        trace_attempt(context.task_ref(), number);
                        let _ = node.set(context);
                        let work = settings.attempt(M::body(work, runtime), runtime.clone());
                        let noted = async move {
                            // Relaxed: it is looked at after this, in the same task.
                            begun.store(true, Ordering::Relaxed);
                            work.await
                        };
                        Guarded::of_task(noted, gate)
                    };
                    let failure = match InPlaceTask::new(begin, runtime.clone(), one.clone(), place).await {
                        Ok(value) => return Ok(value),
                        Err(error) => error,
                    };
                    // The breaker has opened while it stood in line: the work was not called.
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
                    // Those that a handle has taken back do not count.
                    let counted = with_frame(|frame| frame.task.control.recovery().map(Recovery::retries));
                    restarts.keep(counted.flatten().unwrap_or_default());
                    let Some(restart) = restarts.permit(policy, runtime.now()) else {
                        return Err(RetriesError::exhausted(attempts, failure));
                    };
                    let delay = jitter.apply(strategy.delay(restart), runtime.entropy());
                    if is_futile(delay) {
                        return Err(RetriesError::out_of_time(attempts, failure));
                    }
                    tracing::warn!(
                        task.attempt = attempts,
                        ?delay,
                        error = format_args!("{failure:#}"),
                        "supervised work failed and is restarted"
                    );
                    with_frame(|frame| {
                        frame.task.control.keep_failure(attempts, failure, None);
                        frame.task.control.recovery().inspect(|recovery| recovery.count(restart));
                    });
                    // Without a wait, the executor has a turn all the same: to ask it to stop.
                    if !Pause::new(&runtime, delay, place).await? {
                        return Err(stopped());
                    }
                }
            }
        })
    }
}

/// False after what starting the work again cannot mend. The shutdown of another runtime is a failure as others.
fn may_restart(error: &AsyncTaskError, runtime: &impl Runtime) -> bool {
    is_restartable(error) || (error.is_shutdown() && runtime.is_running())
}

/// The error of a task that was asked to stop while nothing of its work was under way.
fn stopped() -> AsyncTaskError {
    let error = with_frame(|frame| frame.task.control.stop_as_asked());
    error.unwrap_or(AsyncTaskError::Shutdown)
}

/// True once `breaker` may let a call through; false if the task around is asked to stop before.
async fn is_admitted<R: Runtime>(
    breaker: &CircuitBreaker,
    runtime: &R,
    place: &'static Location<'static>,
) -> Result<bool, AsyncTaskError> {
    loop {
        // Listen first, then look: a change that comes in between is seen or heard.
        let changed = breaker.listen();
        let Some(left) = breaker.refuses_for(runtime) else { return Ok(true) };
        let changed = async {
            changed.await;
            Ok(true)
        };
        if !or(Pause::new(runtime, left, place), changed).await? {
            return Ok(false);
        }
    }
}
