//! The argument of a receiver: an event, or a batch of events.

use std::future::Future;
use std::ops::ControlFlow;

use crate::event::batch::{Batch, rows};
use crate::event::single::Event;
use crate::outcome::row_error::RowContext;
use crate::run::work::call::attempts::{attempts, one_by_one};
use crate::run::work::call::caller::Caller;
use crate::run::work::call::receive::Receive;
use crate::run::work::call::sequenced::Sequenced;
use crate::run::work::feed::{BatchFill, Feed, PendingEvents};
use crate::run::work::state::WorkerState;
use crate::stage::chain::Chain;

/// The argument of a receiver: an [`Event`], or a [`Batch`] of them.
pub trait Delivery<T>: Sequenced<Data = T> + Send + Sized {
    /// Hands over the rows of a chunk. Returns false when all were handed over, and true after each batch.
    #[doc(hidden)]
    fn drive<X, M, O, C>(feed: &mut Feed<'_, X>, caller: C) -> impl Future<Output = bool> + Send
    where
        X: Chain<Out = T>,
        M: Receive<O>,
        C: Caller<Self, O>;

    /// Hands over the pending events.
    #[doc(hidden)]
    fn finish<M, O, C>(pending: &mut PendingEvents<'_, T>, caller: C) -> impl Future<Output = ()> + Send
    where
        M: Receive<O>,
        C: Caller<Self, O>;

    /// As [`drive`](Self::drive), for one slice of the rows; `None` where calls are waited for.
    #[doc(hidden)]
    fn slice<X, M, O, C>(feed: &mut Feed<'_, X>, caller: &C) -> Option<bool>
    where
        X: Chain<Out = T>,
        M: Receive<O>,
        C: Caller<Self, O>,
    {
        let _ = (feed, caller);
        None
    }
}

impl<T: Send + 'static> Delivery<T> for Event<T> {
    async fn drive<X, M, O, C>(feed: &mut Feed<'_, X>, caller: C) -> bool
    where
        X: Chain<Out = T>,
        M: Receive<O>,
        C: Caller<Self, O>,
    {
        one_by_one::<M, _, _, _>(feed, caller).await;
        false
    }

    fn slice<X, M, O, C>(feed: &mut Feed<'_, X>, caller: &C) -> Option<bool>
    where
        X: Chain<Out = T>,
        M: Receive<O>,
        C: Caller<Self, O>,
    {
        M::slice(feed, caller)
    }

    async fn finish<M, O, C>(_: &mut PendingEvents<'_, T>, _: C)
    where
        M: Receive<O>,
        C: Caller<Self, O>,
    {
    }
}

impl<T: Send + 'static> Delivery<T> for Batch<T> {
    async fn drive<X, M, O, C>(feed: &mut Feed<'_, X>, caller: C) -> bool
    where
        X: Chain<Out = T>,
        M: Receive<O>,
        C: Caller<Self, O>,
    {
        let size = feed.state().control.batches.map_or(1, |batches| batches.size);
        loop {
            let due = match feed.fill_batch(size).await {
                BatchFill::Full => true,
                BatchFill::More => feed.state().is_overdue(),
                BatchFill::End => return false,
            };
            if due {
                deliver::<M, _, _, _>(&mut feed.pending_events(), &caller).await;
            }
            feed.state().rest().await;
            if due {
                return true;
            }
        }
    }

    async fn finish<M, O, C>(pending: &mut PendingEvents<'_, T>, caller: C)
    where
        M: Receive<O>,
        C: Caller<Self, O>,
    {
        deliver::<M, _, _, _>(pending, &caller).await;
    }
}

/// Hands over the pending events. If the batch fails all of its rows are rejected, with one error at the
/// first of them.
async fn deliver<M, O, T, C>(pending: &mut PendingEvents<'_, T>, caller: &C)
where
    M: Receive<O>,
    T: Send + 'static,
    C: Caller<Batch<T>, O>,
{
    let Some(batch) = pending.batch() else { return };
    let rows = rows(&batch);
    let first = batch.first().map(Event::without_data);
    let last = batch.iter().map(Event::sequence).max();
    let PendingEvents { state: WorkerState { control, counts, .. }, retrying, .. } = pending;
    let control = &**control;
    let once = move |batch| M::once(batch, control, caller);
    match (attempts(batch, control, *retrying, once).await, first) {
        (Err(error), Some(first)) => {
            let name = control.names.of_origin(first.origin);
            counts.reject_all(RowContext::of(&first, &name).error(error), rows);
        }
        (Ok(None), _) => {}
        (answer, _) => {
            counts.handled += rows;
            if let (Ok(Some(ControlFlow::Break(()))), Some(last)) = (answer, last) {
                control.limit.end_after(last);
            }
        }
    }
}
