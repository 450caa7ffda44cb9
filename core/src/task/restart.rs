//! Work that is started again when it fails.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::birth::Birthplace;
use super::gate::Gate;
use super::guarded::Guarded;
use super::handle::Task;
use super::in_place::caught;
use super::node::InNode;
use super::policies::PolicySet;
use super::recovery::Recovery;
use super::trace::attempt_span;
use super::work::{Again, IntoAsyncResult, Work};
use super::{TaskBuilder, TaskContext};
use crate::error::{AsyncTaskError, RetriesError};
use crate::runtime::{Runtime, RuntimeSource, with_frame};

/// How often failing work is started again: at most `intensity` times within any `period`. The rule, and its names, are
/// those of Erlang/OTP supervisors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// The most restarts within a period.
    pub intensity: u32,
    /// The length of the period that looks back from each failure.
    pub period: Duration,
}

/// When the restarts were that still count.
#[derive(Debug, Default)]
pub(crate) struct Restarts(VecDeque<Instant>);

impl Restarts {
    /// A failure at `now`: true if the work may be started again.
    pub(crate) fn permit(&mut self, policy: RestartPolicy, now: Instant) -> bool {
        while self.0.front().is_some_and(|then| now.saturating_duration_since(*then) >= policy.period) {
            self.0.pop_front();
        }
        if self.0.len() as u64 >= u64::from(policy.intensity) {
            return false;
        }
        self.0.push_back(now);
        true
    }
}

/// Describes a task whose work is started again when it fails. See [`TaskBuilder::supervise`].
#[must_use = "a builder does nothing until `spawn`"]
#[derive(Clone, Debug)]
pub struct Supervision<T, S, P, W> {
    builder: TaskBuilder<T, S, P, W>,
    policy: RestartPolicy,
}

impl<T, S, P, W> Supervision<T, S, P, W> {
    pub(crate) fn new(builder: TaskBuilder<T, S, P, W>, policy: RestartPolicy) -> Self {
        Self { builder, policy }
    }
}

impl<T: Send + 'static, S: RuntimeSource, P: PolicySet<T>, W> Supervision<T, S, P, W> {
    /// Starts `work` now, as a task of its own. Each time it fails (an error, a panic, the limit of one attempt), it is
    /// called again, once everything that it had spawned is gone. A value ends it, and so does a cancellation.
    ///
    /// # Errors
    ///
    /// The handle gives [`AsyncTaskError::RetriesExhausted`], with the last failure, when a restart is not permitted any more.
    #[track_caller]
    pub fn spawn<F, O, M>(self, work: F) -> Task<T, S::Runtime>
    where
        F: Fn() -> O + Send + Sync + 'static,
        O: IntoAsyncResult<T, M>,
        M: Work<Again<F>, O, T, S::Runtime, W, Body: Send + 'static>,
    {
        let Self { builder, policy } = self;
        let at = Birthplace::here();
        let place = at.place;
        let (source, policies) = builder.into_parts();
        let runtime = match source.into_runtime() {
            Ok(runtime) => runtime,
            Err(error) => return Task::refused(error),
        };
        // Breaker, limiter and the limit of one attempt are about each attempt; the recovery is about the whole.
        let (mut whole, _) = policies.into_all();
        let one = whole.settings.one_attempt();
        whole.settings.attempt = None;
        let (breaker, limiter) = (whole.breaker.take(), whole.limiter.take());
        let work = Arc::new(work);
        whole.spawn(runtime, at, |runtime: &S::Runtime, _| {
            let runtime = runtime.clone();
            async move {
                let (mut restarts, mut attempts) = (Restarts::default(), 0u32);
                loop {
                    attempts = attempts.saturating_add(1);
                    // For the error of a limit on the whole.
                    with_frame(|frame| frame.task.control.attempted(attempts));
                    let (work, settings) = (Again(work.clone()), one.clone());
                    let gate = Gate::new(breaker.clone(), limiter.clone(), runtime.clone());
                    let begin = move |runtime: &S::Runtime, _: &S::Runtime, context: TaskContext| {
                        trace(&context, attempts);
                        Guarded::of_task(settings.attempt(M::body(work, runtime), runtime.clone()), gate)
                    };
                    let failure = match InNode::new(begin, runtime.clone(), one.clone(), place).await {
                        Err(error) if may_restart(&error) => error,
                        ended => return ended,
                    };
                    // Asked to stop meanwhile, it is not started again; nor before the executor has had a turn to ask.
                    with_frame(|frame| frame.task.control.keep_failure(attempts, failure, None));
                    futures_lite::future::yield_now().await;
                    let failure = kept_failure();
                    if TaskContext::current().is_some_and(|cx| cx.is_cancelled()) {
                        return Err(failure);
                    }
                    if !restarts.permit(policy, runtime.now()) {
                        return Err(RetriesError::exhausted(attempts, failure));
                    }
                    tracing::warn!(task.attempt = attempts, error = %failure, "supervised work failed and is restarted");
                    with_frame(|frame| frame.task.control.has_failed(attempts, failure, None));
                }
            }
        })
    }
}

/// The failure that was kept while others had a turn.
fn kept_failure() -> AsyncTaskError {
    let kept = with_frame(|frame| frame.task.control.recovery().and_then(Recovery::take_last)).flatten();
    kept.map_or(AsyncTaskError::Shutdown, |attempt| attempt.error)
}

/// What is not the work's own failure is not mended by starting it again.
fn may_restart(error: &AsyncTaskError) -> bool {
    !(error.is_cancelled()
        || error.is_shutdown()
        || matches!(error, AsyncTaskError::InvalidConfig(_) | AsyncTaskError::NoRuntime))
}

/// Gives the attempt a span of its own where the task around it is traced.
pub(super) fn trace(context: &TaskContext, attempt: u32) {
    let task = context.task_ref();
    if task.parent().is_some_and(|parent| parent.control.trace().is_some()) {
        task.control.set_trace(super::trace::Trace::default());
        // A subscriber is foreign code.
        task.control.set_span(caught(|| attempt_span(task, attempt)).ok());
    }
}
