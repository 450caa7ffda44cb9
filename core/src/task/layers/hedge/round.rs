//! One round of hedged work: attempts beside each other, of which the first to succeed is the result.
//!
//! ```text
//!            ┌──────────────────────────────────────────────────────────────────┐
//!            ▼                                                                  │
//!   poll the attempts, in the order of their beginning                          │
//!            │                                                                  │
//!            ├─ all wait, and the next one is due ── begin it ──────────────────┤
//!            ├─ one has failed, and that may be mended ── begin the next one, ──┘
//!            │                                            or wait for the others
//!            ├─ one has succeeded ── the others are not needed ───┐
//!            └─ one has failed for good, or as the last ──────────┤
//!                                                                 ▼
//!                                 drop the others, each after its shielded region
//! ```

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use pin_project_lite::pin_project;

use crate::body::ENDED;
use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::layers::admission::Admission;
use crate::task::layers::hedge::attempt::{Attempt, BeginWork, Plan, RoundWork};
use crate::time::Sleep;
use crate::tree::current::with_task;
use crate::vocabulary::cancel::CancelCause;

pin_project! {
    /// The state machine of one round.
    pub(crate) struct Round<S: RuntimeSource> {
        #[pin]
        first: Option<Attempt<S>>,
        further: Vec<Pin<Box<Attempt<S>>>>,
        // The number of attempts that may yet begin.
        left: u32,
        // The time at which the next one begins, if none has succeeded by then.
        due: Option<Instant>,
        // Made once the attempts are found to wait.
        #[pin]
        timer: Option<Sleep<S::Runtime>>,
        // `Some` once the round is decided. The others may yet be in shielded regions.
        end: Option<Result<(), AsyncTaskError>>,
        // True once an attempt was dropped that had not ended.
        has_abandoned: bool,
    }
}

impl<S: RuntimeSource> Round<S> {
    /// Begins a round, with its first attempt.
    pub(super) fn begin(
        plan: &mut Plan<S>,
        admission: Option<Admission<S>>,
        work: &mut dyn BeginWork<S>,
    ) -> Result<Self, AsyncTaskError> {
        let left = plan.hedge.max_hedges();
        // Before the attempt: once that has begun, it must be polled or abandoned.
        let due = plan.due(left)?;
        plan.hedge.called();
        let first = Some(plan.begin(0, admission, work)?);
        let further = Vec::new();
        Ok(Self { first, further, left, due, timer: None, end: None, has_abandoned: false })
    }

    /// True if an attempt was dropped that had not ended: what it had spawned may be left.
    pub(super) fn has_abandoned(&self) -> bool {
        self.has_abandoned
    }

    /// The number of attempts that were begun in this round.
    fn begun(&self) -> usize {
        usize::from(self.first.is_some()) + self.further.len()
    }

    fn attempt(self: Pin<&mut Self>, index: usize) -> Option<Pin<&mut Attempt<S>>> {
        let this = self.project();
        match index.checked_sub(1) {
            None => this.first.as_pin_mut(),
            Some(index) => this.further.get_mut(index).map(|attempt| attempt.as_mut()),
        }
    }

    /// True if an attempt is under way.
    fn is_under_way(&self) -> bool {
        self.first.iter().any(Attempt::is_under_way)
            || self.further.iter().any(|attempt| attempt.is_under_way())
    }

    /// Ready once the round is decided, and nothing is left of its attempts but what those that were dropped
    /// had spawned. The value of a success is in `work`.
    pub(super) fn poll(
        mut self: Pin<&mut Self>,
        plan: &mut Plan<S>,
        work: &mut dyn BeginWork<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        if self.end.is_none() {
            let end = ready!(self.as_mut().race(plan, work, cx));
            let cause = if end.is_ok() { CancelCause::Unneeded } else { CancelCause::SiblingFailed };
            let mut this = self.as_mut().project();
            this.timer.set(None);
            *this.end = Some(end);
            self.first.iter().for_each(|attempt| attempt.kill(cause));
            self.further.iter().for_each(|attempt| attempt.kill(cause));
        }
        ready!(self.as_mut().stop_others(work, cx));
        Poll::Ready(self.project().end.take().unwrap_or(Err(ENDED)))
    }

    /// Polls the attempts until one of them decides the round, and begins further ones meanwhile.
    fn race(
        mut self: Pin<&mut Self>,
        plan: &mut Plan<S>,
        work: &mut dyn BeginWork<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let mut index = 0;
        loop {
            while let Some(attempt) = self.as_mut().attempt(index) {
                let number = attempt.number();
                if attempt.is_under_way()
                    && let Some(body) = work.body(index)
                {
                    match attempt.poll(body, cx) {
                        Poll::Pending => {}
                        Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
                        Poll::Ready(Err(error)) => self.as_mut().failed(number, error, plan, work)?,
                    }
                }
                index += 1;
            }
            // Those that have begun since are polled next.
            ready!(self.as_mut().poll_due(plan, work, cx))?;
        }
    }

    /// Attempt `number` has failed. The error of the round, if that decides it.
    fn failed(
        mut self: Pin<&mut Self>,
        number: u32,
        error: AsyncTaskError,
        plan: &mut Plan<S>,
        work: &mut dyn BeginWork<S>,
    ) -> Result<(), AsyncTaskError> {
        let others = self.is_under_way();
        // The breaker or the limiter has refused the attempt: the others are not worse for that, and a
        // further one would be refused, too.
        let is_refusal = error.is_circuit_open() || error.is_rejected();
        if !others && (is_refusal || self.left == 0) {
            return Err(error);
        }
        let mut begins = false;
        if !is_refusal {
            // The functions of the user are called in it.
            if !caught(|| plan.hedge.goes_on_after(&error) && plan.retry.is_retryable(&error))? {
                return Err(error);
            }
            begins = self.as_mut().takes_another(plan);
            if !others && !begins {
                return Err(error);
            }
        }
        tracing::debug!(
            task.attempt = number,
            error = format_args!("{error:#}"),
            "an attempt of hedged work failed; another is under way or follows"
        );
        let retry = Some(&plan.retry).filter(|retry| retry.max_retries() > 0);
        with_task(|task| task.control.keep_failure(number, error, retry));
        if begins { self.begin_another(plan, work) } else { Ok(()) }
    }

    /// True if a further attempt begins now. If it may not, none does any more: it was the last one, the
    /// budget is used up, or cancellation of the task was requested.
    fn takes_another(self: Pin<&mut Self>, plan: &Plan<S>) -> bool {
        let left = self.project().left;
        let is_stopping = with_task(|task| task.control.asked().is_some()) == Some(true);
        let takes = *left > 0 && !is_stopping && plan.hedge.take();
        *left = if takes { *left - 1 } else { 0 };
        takes
    }

    /// Begins a further attempt.
    fn begin_another(
        self: Pin<&mut Self>,
        plan: &mut Plan<S>,
        work: &mut dyn BeginWork<S>,
    ) -> Result<(), AsyncTaskError> {
        let index = self.begun();
        let mut this = self.project();
        *this.due = plan.due(*this.left)?;
        this.timer.set(None);
        let number = plan.begun().saturating_add(1);
        tracing::debug!(task.attempt = number, "a further attempt of hedged work begins");
        caught(|| plan.hedge.notify(number))?;
        this.further.push(Box::pin(plan.begin(index, None, work)?));
        Ok(())
    }

    /// Ready once a further attempt has begun since it was due.
    fn poll_due(
        mut self: Pin<&mut Self>,
        plan: &mut Plan<S>,
        work: &mut dyn BeginWork<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let mut this = self.as_mut().project();
        let Some(due) = *this.due else { return Poll::Pending };
        if !plan.hedge.delay().is_zero() {
            if this.timer.is_none() {
                let sleep = Sleep::silent(&plan.source.resolve()?, Some(due));
                this.timer.set(Some(sleep));
            }
            if let Some(timer) = this.timer.as_mut().as_pin_mut() {
                ready!(timer.poll(cx))?;
            }
        }
        this.timer.set(None);
        *this.due = None;
        match self.as_mut().takes_another(plan) {
            true => Poll::Ready(self.begin_another(plan, work)),
            false => Poll::Pending,
        }
    }

    /// Drops the attempts that are under way, once they are in no shielded region. They were killed.
    fn stop_others(mut self: Pin<&mut Self>, work: &mut dyn BeginWork<S>, cx: &mut Context<'_>) -> Poll<()> {
        let (mut is_shielded, mut abandons) = (false, false);
        for index in 0..self.begun() {
            let Some(mut attempt) = self.as_mut().attempt(index).filter(|attempt| attempt.is_under_way())
            else {
                continue;
            };
            if attempt.is_shielded()
                && let Some(body) = work.body(index)
                && let Poll::Ready(result) = attempt.as_mut().poll(body, cx)
            {
                // It has ended with its region. Its value, or its error, is not needed: their destructors are
                // the user's.
                let _ = caught(|| drop(result));
                if let Some(part) = work.part(index) {
                    let _ = caught(|| part.clear());
                }
                continue;
            }
            if attempt.is_shielded() {
                is_shielded = true;
            } else if let Some(part) = work.part(index) {
                attempt.abandon(part);
                abandons = true;
            }
        }
        *self.project().has_abandoned |= abandons;
        if is_shielded { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Drops the attempts that are under way, as a part of what is dropped itself.
    pub(super) fn abandon(mut self: Pin<&mut Self>, work: &mut dyn RoundWork) {
        for index in 0..self.begun() {
            if let (Some(attempt), Some(part)) = (self.as_mut().attempt(index), work.part(index)) {
                attempt.abandon(part);
            }
        }
    }
}
