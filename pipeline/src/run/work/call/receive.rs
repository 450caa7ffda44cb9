//! One call of a receiver, or as many calls as fit into a time slice.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use crate::event::single::Event;
use crate::run::shared::control::Control;
use crate::run::work::call::answer::{Answer, Answered};
use crate::run::work::call::attempts::one_by_one;
use crate::run::work::call::caller::Caller;
use crate::run::work::call::guarded::{deadline, injected, timed_out};
use crate::run::work::erased::Boxed;
use crate::run::work::feed::Feed;
use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::extend::Sleep;
use sweet_async_core::extend::{InPlace, caught};
use sweet_async_core::internals::{Async, Fallible, Sync};
use sweet_async_core::runtime::{DynRuntime, Runtime as _};
use sweet_async_core::task::IntoResult;

/// The way to call a receiver that returns an `O`. Implemented by the markers that inference picks for
/// [`IntoAnswer`](crate::internals::IntoAnswer).
#[diagnostic::on_unimplemented(
    message = "this receiver cannot be called here",
    note = "a receiver returns `()`, `Result<(), E>` or `ControlFlow<()>`, or a `Send` future of one of them"
)]
pub trait Receive<O>: crate::run::work::call::sealed::Sealed + Send + 'static {
    /// True if a call can be dropped at its time limit.
    #[doc(hidden)]
    const CAN_BE_TIMED: bool;

    /// Calls the receiver for each event of a chunk.
    #[doc(hidden)]
    fn drive<T, C>(feed: &mut Feed<'_, T>, caller: C) -> impl Future<Output = ()> + Send
    where
        T: Send + 'static,
        C: Caller<Event<T>, O>;

    /// Calls the receiver for a slice of the events, where no call is waited for. Returns true if there may be
    /// more, and `None` if `drive` is to be used.
    #[doc(hidden)]
    fn slice<T, C>(feed: &mut Feed<'_, T>, caller: &C) -> Option<bool>
    where
        T: Send + 'static,
        C: Caller<Event<T>, O>,
    {
        let _ = (feed, caller);
        None
    }

    /// Calls the receiver once.
    #[doc(hidden)]
    fn once<A, C>(argument: A, control: &Control, caller: &C) -> impl Future<Output = Answer> + Send
    where
        A: Send,
        C: Caller<A, O>;
}

/// The return type of a receiver whose body uses `?` and names no error type: a `Result<(), BoxError>`, or a
/// future of one.
#[diagnostic::on_unimplemented(
    message = "this receiver does not return `Result<(), BoxError>`, nor a future of it",
    label = "returns `{Self}`",
    note = "a receiver that names its error type, or has no error: use `receiver` or `for_each`"
)]
pub trait Tries<M> {}

impl Tries<Sync<Fallible<BoxError>>> for Result<(), BoxError> {}
impl<F: Future<Output = Result<(), BoxError>>> Tries<Async<Fallible<BoxError>>> for F {}

impl<O, K: 'static> Receive<O> for Sync<K>
where
    O: IntoResult<ControlFlow<()>, Answered<K>>,
{
    const CAN_BE_TIMED: bool = false;

    async fn drive<T, C>(feed: &mut Feed<'_, T>, caller: C)
    where
        T: Send + 'static,
        C: Caller<Event<T>, O>,
    {
        one_by_one::<Self, _, _, _>(feed, caller).await;
    }

    fn slice<T, C>(feed: &mut Feed<'_, T>, caller: &C) -> Option<bool>
    where
        T: Send + 'static,
        C: Caller<Event<T>, O>,
    {
        if feed.waits() {
            return None;
        }
        let mut more = false;
        caller.run(&mut || {
            let call = |event| caller.call(event).into_result();
            more = feed.slice(call, |succeeded| caller.end(succeeded));
        });
        Some(more)
    }

    async fn once<A, C>(argument: A, control: &Control, caller: &C) -> Answer
    where
        A: Send,
        C: Caller<A, O>,
    {
        let argument = match injected(control, None) {
            None => argument,
            Some(faults) => after_faults(argument, faults).await?,
        };
        let (mut argument, mut result) = (Some(argument), Ok(ControlFlow::Continue(())));
        caller.run(&mut || {
            if let Some(argument) = argument.take() {
                result = caught(|| caller.call(argument).into_result()).and_then(|result| result);
                caller.end(result.is_ok());
            }
        });
        result
    }
}

impl<O, K: 'static> Receive<O> for Async<K>
where
    O: Future + Send,
    O::Output: IntoResult<ControlFlow<()>, Answered<K>>,
{
    const CAN_BE_TIMED: bool = true;

    async fn drive<T, C>(feed: &mut Feed<'_, T>, caller: C)
    where
        T: Send + 'static,
        C: Caller<Event<T>, O>,
    {
        one_by_one::<Self, _, _, _>(feed, caller).await;
    }

    async fn once<A, C>(argument: A, control: &Control, caller: &C) -> Answer
    where
        A: Send,
        C: Caller<A, O>,
    {
        let deadline = deadline(control);
        let argument = match injected(control, deadline) {
            None => argument,
            Some(faults) => after_faults(argument, faults).await?,
        };
        let mut future = pin!(Some(InPlace::<_, O, _, Answered<K>>::new(|| caller.call(argument))));
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
}

/// True once `deadline` is reached. The task is woken at that time.
fn passed(
    deadline: Instant,
    control: &Control,
    timer: &mut std::pin::Pin<&mut Option<Sleep<DynRuntime>>>,
    cx: &mut std::task::Context<'_>,
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

/// Returns the argument of a call after its injected faults, or the error in the place of the call.
async fn after_faults<A>(
    argument: A,
    faults: Boxed<'_, Result<(), AsyncTaskError>>,
) -> Result<A, AsyncTaskError> {
    match faults.await {
        Ok(()) => Ok(argument),
        Err(error) => {
            // Its destructor is user code.
            caught(|| drop(argument))?;
            Err(error)
        }
    }
}
