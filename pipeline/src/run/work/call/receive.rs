//! One call of a receiver, or as many calls as fit into a time slice.

use std::future::{Future, ready};
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::time::Instant;

use crate::event::single::Event;
use crate::run::shared::control::Control;
use crate::run::work::call::admission::{after_faults, deadline, injected};
use crate::run::work::call::answer::Answered;
use crate::run::work::call::caller::Caller;
use crate::run::work::call::timed::timed;
use crate::run::work::erased::Boxed;
use crate::run::work::feed::Feed;
use crate::stage::chain::{Answer, Chain, Next, SyncChain};
use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::extend::{InPlace, caught};
use sweet_async_core::internals::{Async, Fallible, Sync};
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

    /// Calls the receiver for a slice of the events, where no call is waited for. Returns true if there may be
    /// more, and `None` if calls are waited for.
    #[doc(hidden)]
    fn slice<X, C>(feed: &mut Feed<'_, X>, caller: &C) -> Option<bool>
    where
        X: Chain,
        C: Caller<Event<X::Out>, O>,
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

    /// Makes one attempt for a row: its stages, and the receiver for each of their values.
    #[doc(hidden)]
    fn through<X, C>(
        chain: &X,
        event: Event<X::Row>,
        control: &Control,
        caller: &C,
    ) -> impl Future<Output = Answer> + Send
    where
        X: Chain,
        C: Caller<Event<X::Out>, O>;

    /// The end of a call that has returned `output`.
    #[doc(hidden)]
    fn finish(output: O) -> impl Future<Output = Answer> + Send;
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

    fn slice<X, C>(feed: &mut Feed<'_, X>, caller: &C) -> Option<bool>
    where
        X: Chain,
        C: Caller<Event<X::Out>, O>,
    {
        if feed.waits() {
            return None;
        }
        let mut more = None;
        caller.run(&mut || {
            let call = |attempt, event| caller.call(attempt, event).into_result();
            more = feed.slice(|| caller.begin(), call, |succeeded| caller.end(succeeded));
        });
        more
    }

    async fn once<A, C>(argument: A, control: &Control, caller: &C) -> Answer
    where
        A: Send,
        C: Caller<A, O>,
    {
        let argument = match injected(control, deadline(control)) {
            None => argument,
            Some(faults) => after_faults(argument, faults).await?,
        };
        let (mut argument, mut result) = (Some(argument), Ok(ControlFlow::Continue(())));
        caller.run(&mut || {
            if let Some(argument) = argument.take() {
                let attempt = caller.begin();
                result = caught(|| caller.call(attempt, argument).into_result()).and_then(|result| result);
                caller.end(result.is_ok());
            }
        });
        result
    }

    async fn through<X, C>(chain: &X, event: Event<X::Row>, control: &Control, caller: &C) -> Answer
    where
        X: Chain,
        C: Caller<Event<X::Out>, O>,
    {
        let deadline = deadline(control);
        let event = match faults_before::<X>(&event, control, deadline) {
            None => event,
            Some(faults) => after_faults(event, faults).await?,
        };
        let (mut event, mut result) = (Some(event), None);
        caller.run(&mut || result = at_once::<_, O, K, _>(chain, &mut event, caller));
        match (result, event) {
            (None, Some(event)) => awaited::<Self, _, _, _>(chain, event, (control, deadline), caller).await,
            (result, _) => result.unwrap_or(Ok(ControlFlow::Continue(()))),
        }
    }

    fn finish(output: O) -> impl Future<Output = Answer> + Send {
        ready(output.into_result())
    }
}

impl<O, K: 'static> Receive<O> for Async<K>
where
    O: Future + Send,
    O::Output: IntoResult<ControlFlow<()>, Answered<K>>,
{
    const CAN_BE_TIMED: bool = true;

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
        let call =
            InPlace::<_, O, ControlFlow<()>, Answered<K>>::new(|| caller.call(caller.begin(), argument));
        timed::<A, O, _, _>(call, control, deadline, caller).await
    }

    async fn through<X, C>(chain: &X, event: Event<X::Row>, control: &Control, caller: &C) -> Answer
    where
        X: Chain,
        C: Caller<Event<X::Out>, O>,
    {
        let deadline = deadline(control);
        let event = match faults_before::<X>(&event, control, deadline) {
            None => event,
            Some(faults) => after_faults(event, faults).await?,
        };
        awaited::<Self, _, _, _>(chain, event, (control, deadline), caller).await
    }

    async fn finish(output: O) -> Answer {
        output.await.into_result()
    }
}

/// The injected faults of an attempt at a row, unless it had them where its stages ran ahead.
fn faults_before<'a, X: Chain>(
    event: &Event<X::Row>,
    control: &'a Control,
    deadline: Option<Instant>,
) -> Option<Boxed<'a, Result<(), AsyncTaskError>>> {
    if X::has_begun(&event.data) { None } else { injected(control, deadline) }
}

/// Makes an attempt for the row of `event` where nothing is waited for. `None` if a stage is awaited, or if
/// there is no event.
fn at_once<X, O, K, C>(chain: &X, event: &mut Option<Event<X::Row>>, caller: &C) -> Option<Answer>
where
    X: Chain,
    O: IntoResult<ControlFlow<()>, Answered<K>>,
    C: Caller<Event<X::Out>, O>,
{
    let chain = chain.synchronous()?;
    let (row, context) = event.take()?.split();
    let attempt = caller.begin();
    let mut call = |value| caller.call(attempt, context.with(value)).into_result();
    let result = caught(|| chain.push(row, &mut call)).and_then(|result| result);
    caller.end(result.is_ok());
    Some(result)
}

/// Makes an attempt for a row where its stages or the receiver are awaited.
async fn awaited<M, O, X, C>(
    chain: &X,
    event: Event<X::Row>,
    (control, deadline): (&Control, Option<Instant>),
    caller: &C,
) -> Answer
where
    M: Receive<O>,
    X: Chain,
    C: Caller<Event<X::Out>, O>,
{
    let (row, context) = event.split();
    let run = || {
        let attempt = caller.begin();
        chain.run(row, Calling::<M, O, _, _> { caller, attempt, context, marker: PhantomData })
    };
    let run = InPlace::<_, _, ControlFlow<()>, Fallible<AsyncTaskError>>::new(run);
    timed::<Event<X::Out>, O, _, _>(run, control, deadline, caller).await
}

/// Calls the receiver for each value of a row.
struct Calling<'a, M, O, C, A> {
    caller: &'a C,
    attempt: A,
    context: Event<()>,
    marker: PhantomData<fn() -> (M, O)>,
}

impl<T, M, O, C, A> Next<T> for Calling<'_, M, O, C, A>
where
    M: Receive<O>,
    C: Caller<Event<T>, O, Attempt = A>,
    A: Copy + Send + std::marker::Sync,
{
    fn take(&mut self, value: T) -> impl Future<Output = Answer> + Send {
        M::finish(self.caller.call(self.attempt, self.context.with(value)))
    }
}
