//! One asynchronous attempt, and its time limit.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use crate::run::shared::control::Control;
use crate::run::work::call::admission::timed_out;
use crate::run::work::call::caller::Caller;
use crate::stage::chain::Answer;
use sweet_async_core::extend::{Sleep, caught};
use sweet_async_core::runtime::{DynRuntime, Runtime as _};

/// Polls the future of an attempt until it is ready, or until its time limit has passed, at `deadline`. All of it
/// runs within [`Caller::run`], and the caller gets the outcome.
pub(crate) async fn timed<A, O, F, C>(
    future: F,
    control: &Control,
    deadline: Option<Instant>,
    caller: &C,
) -> Answer
where
    F: Future<Output = Answer> + Send,
    C: Caller<A, O>,
{
    let mut future = pin!(Some(future));
    let mut timer = pin!(None::<Sleep<DynRuntime>>);
    std::future::poll_fn(|cx| {
        let mut polled = Poll::Pending;
        caller.run(&mut || {
            if let Some(future) = future.as_mut().as_pin_mut() {
                polled = future.poll(cx);
                if let Poll::Ready(result) = &polled {
                    caller.end(result.is_ok());
                }
            }
        });
        // A ready value wins: the clock is checked after the poll.
        let (Poll::Pending, Some(deadline)) = (&polled, deadline) else { return polled };
        if !passed(deadline, control, &mut timer, cx) {
            return Poll::Pending;
        }
        // The destructors of the future are user code as well.
        let mut dropped = Ok(());
        caller.run(&mut || {
            dropped = caught(|| future.set(None));
            caller.end(false);
        });
        Poll::Ready(dropped.and_then(|()| Err(timed_out(control))))
    })
    .await
}

/// True once `deadline` is reached. The task is woken at that time.
fn passed(
    deadline: Instant,
    control: &Control,
    timer: &mut Pin<&mut Option<Sleep<DynRuntime>>>,
    cx: &mut Context<'_>,
) -> bool {
    if control.runtime.now() >= deadline {
        return true;
    }
    if timer.is_none() {
        timer.set(Some(Sleep::silent(&control.runtime, Some(deadline))));
    }
    // If the runtime has ended, its timers have ended with it, and the worker is dropped soon.
    timer.as_mut().as_pin_mut().is_some_and(|timer| matches!(timer.poll(cx), Poll::Ready(Ok(()))))
}
