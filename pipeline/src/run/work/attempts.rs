//! Calls of the receiver for one event after the other, with the retries of the strategy.

use std::panic::Location;

use futures_lite::future::or;

use crate::event::single::Event;
use crate::policy::RetryEvents;
use crate::run::shared::control::Control;
use crate::run::work::caller::Caller;
use crate::run::work::delivery::Delivery;
use crate::run::work::feed::Feed;
use crate::run::work::receive::Receive;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Pause, caught};
use sweet_async_core::runtime::Runtime as _;

/// Calls the receiver for each event of a chunk, and retries as the strategy says.
pub(crate) async fn one_by_one<M, O, T, C>(feed: &mut Feed<'_, T>, caller: C)
where
    M: Receive<O>,
    T: Send + 'static,
    C: Caller<Event<T>, O>,
{
    while let Some(event) = feed.next_event() {
        if let Some(event) = event {
            let retrying = feed.retrying;
            let control = &feed.state().control;
            let result = attempts::<M, _, _, _, _>(event, control, retrying, &caller).await;
            feed.handled(result);
        }
        feed.state().rest().await;
    }
}

/// Calls the receiver once, or as often as the strategy permits. A clone of the argument is made before each
/// call that another attempt may follow.
pub(crate) async fn attempts<M, O, T, A, C>(
    mut argument: A,
    control: &Control,
    retrying: Option<&RetryEvents<T>>,
    caller: &C,
) -> Result<(), AsyncTaskError>
where
    M: Receive<O>,
    T: Send + 'static,
    A: Delivery<T>,
    C: Caller<A, O>,
{
    let Some(retrying) = retrying else { return M::once(argument, control, caller).await };
    let (retry, sequence) = (&retrying.retry, argument.first_event().map_or(0, Event::sequence));
    let mut attempts = 0;
    loop {
        let may_follow = attempts < retry.max_retries();
        let spare = caught(|| may_follow.then(|| argument.spare(retrying.clone)))?;
        let result = M::once(argument, control, caller).await;
        attempts += 1;
        let Err(error) = result else {
            retry.succeeded();
            return caught(|| drop(spare));
        };
        let (delay, error) = retry.follow(error, attempts, attempts - 1, || control.runtime.entropy())?;
        // Set wherever another attempt may follow.
        let Some(spare) = spare else { return Err(error) };
        argument = spare;
        let pause = Pause::new(&control.runtime, delay, Location::caller());
        let unwanted = async {
            control.limit.excludes(sequence).await;
            Ok(false)
        };
        // Cancellation was requested, or the row is not wanted any more: the last error stands.
        if !or(pause, unwanted).await.unwrap_or(false) {
            return Err(error);
        }
    }
}
