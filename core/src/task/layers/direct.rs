//! An attempt that is admitted at once: in its first poll, nothing of its policies is cloned or moved.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::body::Body;
use crate::breaker::Call;
use crate::error::AsyncTaskError;
use crate::limit::Entered;
use crate::runtime::RuntimeSource;
use crate::task::layers::admitting::hand_over;
use crate::task::layers::gate::Passed;
use crate::task::settings::resilience::Guards;
use crate::tree::current::with_registered;

/// The permit and the call of an attempt, in the poll in which it is admitted. They are given back in this order.
pub(crate) struct Direct<'a, S: RuntimeSource> {
    entered: Option<Entered<'a, S>>,
    call: Option<Call<'a, S>>,
}

impl<'a, S: RuntimeSource> Direct<'a, S> {
    /// Admits an attempt, in the order of the gate; `None` if it must wait for a permit.
    ///
    /// # Errors
    ///
    /// The refusal of the breaker.
    pub(crate) fn enter(guards: &'a Guards, source: &'a S) -> Result<Option<Self>, AsyncTaskError> {
        let entered = match &guards.limiter {
            None => None,
            Some(limiter) => {
                if let Some(breaker) = &guards.breaker {
                    breaker.would_admit(source)?;
                }
                let Some(entered) = limiter.try_enter(source) else { return Ok(None) };
                Some(entered)
            }
        };
        let call = match &guards.breaker {
            None => None,
            Some(breaker) => Some(breaker.begin(source)?),
        };
        Ok(Some(Self { entered, call }))
    }

    /// Polls the work of the attempt once. `keep` is given what the attempt holds if it goes on; `None` where
    /// that is nothing. If the attempt is a task that is registered by then, the task holds the permit.
    pub(crate) fn poll(
        self,
        is_task: bool,
        body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
        keep: impl FnOnce(Option<Passed<S>>),
    ) -> Poll<Result<(), AsyncTaskError>> {
        // In this order: should the poll unwind, the permit is given back first.
        let Self { call, mut entered } = self;
        let give = |entered: &mut Option<Entered<'a, S>>| {
            if is_task && entered.is_some() {
                with_registered(|task| hand_over(&mut entered.take().map(Entered::into_permit), task));
            }
        };
        // Before the work goes on: what a time limit in the work leaves running keeps the permit of its task.
        give(&mut entered);
        let polled = body.poll(cx);
        // The poll may have registered the task.
        give(&mut entered);
        match &polled {
            Poll::Ready(result) => {
                drop(entered);
                if let Some(call) = call {
                    call.report(result);
                }
            }
            Poll::Pending if entered.is_none() && call.is_none() => keep(None),
            Poll::Pending => {
                let (permit, ticket) = (entered.map(Entered::into_permit), call.map(Call::into_ticket));
                keep(Some(Passed { permit, ticket, injection: None }));
            }
        }
        polled
    }
}
