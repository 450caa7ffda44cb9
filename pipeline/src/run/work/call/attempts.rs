//! Calls of the receiver for one event after the other, with the retries of the strategy.

use std::future::Future;
use std::ops::ControlFlow;
use std::panic::Location;

use futures_lite::future::or;

use crate::event::single::Event;
use crate::policy::RetryEvents;
use crate::run::shared::control::Control;
use crate::run::work::call::admission::{Attempt, admitted};
use crate::run::work::call::caller::Caller;
use crate::run::work::call::receive::Receive;
use crate::run::work::call::sequenced::Sequenced;
use crate::run::work::feed::Feed;
use crate::stage::chain::{Answer, Chain};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Pause, caught, next_attempt};
use sweet_async_core::retry::Retry;
use sweet_async_core::runtime::Runtime as _;

/// Calls the receiver for each event of a chunk, and retries as the strategy says.
pub(crate) async fn one_by_one<M, O, X, C>(feed: &mut Feed<'_, X>, caller: C)
where
    M: Receive<O>,
    X: Chain,
    C: Caller<Event<X::Out>, O>,
{
    while let Some(event) = feed.next_event() {
        if let Some(event) = event {
            let (chain, retrying) = (feed.chain, feed.retrying);
            let (control, caller) = (&*feed.state().control, &caller);
            let once = move |event| M::through(chain, event, control, caller);
            match attempts(event, control, retrying, once).await {
                Ok(Some(answer)) => feed.handled(Ok(answer)),
                // The rows after it are not wanted either.
                Ok(None) => return,
                Err(error) => feed.handled(Err(error)),
            }
        }
        feed.state().rest().await;
    }
}

/// Makes an attempt once, or as often as the strategy permits. A clone of the argument is made before each
/// attempt that another may follow. `None` if the argument is not wanted any more by the time of its turn.
pub(crate) async fn attempts<A, G, F>(
    argument: A,
    control: &Control,
    retrying: Option<&RetryEvents<A::Data>>,
    once: G,
) -> Result<Option<ControlFlow<()>>, AsyncTaskError>
where
    A: Sequenced + Send,
    G: Fn(A) -> F + Send + Sync,
    F: Future<Output = Answer> + Send,
{
    if retrying.is_none() && !control.guards.is_set() {
        return once(argument).await.map(Some);
    }
    let sequence = argument.earliest();
    let (retry, clone) = retrying.map(|RetryEvents { retry, clone }| (retry, *clone)).unzip();
    let mut next = Some(argument);
    // A box for each attempt: all that is around the attempts is then compiled once, and not for each receiver.
    let mut attempt = |may_follow: bool| -> Result<Option<Attempt<'_>>, AsyncTaskError> {
        let Some(argument) = next.take() else { return Ok(None) };
        if let (true, Some(clone)) = (may_follow, clone) {
            next = Some(caught(|| argument.spare(clone))?);
        }
        Ok(Some(Box::pin(once(argument))))
    };
    let result = as_permitted(retry, control, sequence, &mut attempt).await;
    // The destructor of a clone that was not needed is user code.
    let dropped = caught(|| drop(next));
    result.and_then(|answer| dropped.map(|()| answer))
}

/// Makes attempts as `retry` says, or one where there is none. `attempt` begins one, and is given whether
/// another may follow; without an argument for it, it returns `None`.
async fn as_permitted<'a>(
    retry: Option<&Retry>,
    control: &Control,
    sequence: u64,
    attempt: &mut (dyn FnMut(bool) -> Result<Option<Attempt<'a>>, AsyncTaskError> + Send),
) -> Result<Option<ControlFlow<()>>, AsyncTaskError> {
    let mut attempts = 0;
    loop {
        let may_follow = retry.is_some_and(|retry| attempts < retry.max_retries());
        let Some(attempt) = attempt(may_follow)? else {
            // `next_attempt` has permitted no more attempts than were prepared.
            return Err(AsyncTaskError::InvalidState("no further attempt was prepared"));
        };
        let error = match admitted(control, sequence, attempt).await {
            Ok(answer) => {
                if let (Some(retry), Some(_)) = (retry, &answer) {
                    retry.succeeded();
                }
                return Ok(answer);
            }
            Err(error) => error,
        };
        let Some(retry) = retry else { return Err(error) };
        attempts += 1;
        let (delay, error) =
            next_attempt(retry, error, attempts, attempts - 1, || control.runtime.entropy())?;
        let pause = Pause::new(&control.runtime, delay, Location::caller());
        let unwanted = async {
            control.limit.excludes(sequence).await;
            Ok(false)
        };
        // Cancellation was requested, or the row is not wanted any more: the last error stands.
        if !or(pause, unwanted).await.unwrap_or(false) {
            return Err(error);
        }
        // Before the next attempt, which may wait for something that the error holds.
        drop(error);
    }
}
