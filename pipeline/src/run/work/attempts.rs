//! Calls of the receiver for one event after the other, with the retries of the strategy.

use std::panic::Location;

use futures_lite::future::or;

use crate::event::single::Event;
use crate::policy::RetryEvents;
use crate::run::shared::control::Control;
use crate::run::shared::time_slice::TimeSlice;
use crate::run::work::caller::Caller;
use crate::run::work::delivery::Delivery;
use crate::run::work::feed::{Feed, WorkerState};
use crate::run::work::receive::Receive;
use crate::text::decode::Decoded;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Pause, caught};
use sweet_async_core::runtime::Runtime;

/// Calls the receiver for each event of a chunk, and retries as the strategy says.
pub(crate) async fn one_by_one<M, O, T, R, I, C>(
    feed: &mut Feed<'_, T, R, I>,
    time_slice: &mut TimeSlice,
    caller: C,
) where
    M: Receive<O>,
    T: Send + 'static,
    R: Runtime,
    I: Iterator<Item = Decoded<T>> + Send,
    C: Caller<Event<T>, O>,
{
    while let Some(event) = feed.next_event() {
        if let Some(event) = event {
            let result = if feed.state.retrying.is_none() {
                M::once(event, feed.state.control, &caller).await
            } else {
                let WorkerState { control, retrying, .. } = feed.state;
                attempts::<M, _, _, _, _, _>(event, control, retrying, &caller).await
            };
            feed.handled(result);
        }
        feed.rest(time_slice).await;
    }
}

/// Calls the receiver once, or as often as the strategy permits. A clone of the argument is made before each
/// call that another attempt may follow.
pub(crate) async fn attempts<M, O, T, A, R, C>(
    mut argument: A,
    control: &Control<R>,
    retrying: Option<&RetryEvents<T>>,
    caller: &C,
) -> Result<(), AsyncTaskError>
where
    M: Receive<O>,
    T: Send + 'static,
    A: Delivery<T>,
    R: Runtime,
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
