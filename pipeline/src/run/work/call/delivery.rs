//! The argument of a receiver: an event, or a batch of events.

use std::future::Future;
use std::ops::ControlFlow;

use crate::event::batch::{Batch, rows};
use crate::event::single::Event;
use crate::outcome::failure::RowContext;
use crate::run::work::call::attempts::attempts;
use crate::run::work::call::caller::Caller;
use crate::run::work::call::receive::Receive;
use crate::run::work::feed::{Feed, Gather, Gathering};
use crate::run::work::state::WorkerState;
use crate::stage::chain::Chain;

/// The argument of a receiver: an [`Event`], or a [`Batch`] of them.
pub trait Delivery<T>: Sequenced + Send + Sized {
    /// Hands over the rows of a chunk. Returns false when all were handed over, and true after each batch.
    #[doc(hidden)]
    fn drive<X, M, O, C>(feed: &mut Feed<'_, X>, caller: C) -> impl Future<Output = bool> + Send
    where
        X: Chain<Out = T>,
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

    /// Hands over the gathered events.
    #[doc(hidden)]
    fn finish<M, O, C>(gathering: &mut Gathering<'_, T>, caller: C) -> impl Future<Output = ()> + Send
    where
        M: Receive<O>,
        C: Caller<Self, O>;

    /// A clone for another attempt.
    #[doc(hidden)]
    fn spare(&self, clone: fn(&T) -> T) -> Self;
}

/// An argument that has a position in source order.
pub trait Sequenced: crate::run::work::call::sealed::Sealed {
    /// The data of an event.
    type Data;

    /// The event, or the first one of a batch.
    #[doc(hidden)]
    fn first_event(&self) -> Option<&Event<Self::Data>>;

    /// The earliest position in source order of its events.
    #[doc(hidden)]
    fn earliest(&self) -> u64;
}

impl<T> Sequenced for Event<T> {
    type Data = T;

    fn first_event(&self) -> Option<&Event<T>> {
        Some(self)
    }

    fn earliest(&self) -> u64 {
        self.sequence
    }
}

impl<T> Sequenced for Batch<T> {
    type Data = T;

    fn first_event(&self) -> Option<&Event<T>> {
        self.first()
    }

    fn earliest(&self) -> u64 {
        self.iter().map(Event::sequence).min().unwrap_or(0)
    }
}

impl<T: Send + 'static> Delivery<T> for Event<T> {
    async fn drive<X, M, O, C>(feed: &mut Feed<'_, X>, caller: C) -> bool
    where
        X: Chain<Out = T>,
        M: Receive<O>,
        C: Caller<Self, O>,
    {
        M::drive(feed, caller).await;
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

    async fn finish<M, O, C>(_: &mut Gathering<'_, T>, _: C)
    where
        M: Receive<O>,
        C: Caller<Self, O>,
    {
    }

    fn spare(&self, clone: fn(&T) -> T) -> Self {
        let Self { ref data, origin, sequence, line, byte, attempt } = *self;
        Self { data: clone(data), origin, sequence, line, byte, attempt: attempt.saturating_add(1) }
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
            let due = match feed.gather(size).await {
                Gather::Full => true,
                Gather::More => feed.state().is_overdue(),
                Gather::End => return false,
            };
            if due {
                deliver::<M, _, _, _>(&mut feed.gathering(), &caller).await;
            }
            feed.state().rest().await;
            if due {
                return true;
            }
        }
    }

    async fn finish<M, O, C>(gathering: &mut Gathering<'_, T>, caller: C)
    where
        M: Receive<O>,
        C: Caller<Self, O>,
    {
        deliver::<M, _, _, _>(gathering, &caller).await;
    }

    fn spare(&self, clone: fn(&T) -> T) -> Self {
        Self::new(self.iter().map(|event| event.spare(clone)).collect())
    }
}

/// Hands over the gathered events. If the batch fails all of its rows are rejected, with one error at the
/// first of them.
async fn deliver<M, O, T, C>(gathering: &mut Gathering<'_, T>, caller: &C)
where
    M: Receive<O>,
    T: Send + 'static,
    C: Caller<Batch<T>, O>,
{
    let Some(batch) = gathering.batch() else { return };
    let rows = rows(&batch);
    let first = batch.first().map(Event::without_data);
    let last = batch.iter().map(Event::sequence).max();
    let Gathering { state: WorkerState { control, counts, .. }, retrying, .. } = gathering;
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
