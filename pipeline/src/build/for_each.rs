//! A pipeline whose receiver keeps nothing.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;

use crate::build::sender::{BatchedSender, PipelineSender};
use crate::build::upstream::Upstream;
use crate::build::whole::Whole;
use crate::event::batch::Batch;
use crate::event::single::Event;
use crate::outcome::final_event::FinalEvent;
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::work::call::answer::IntoAnswer;
use crate::run::work::call::delivery::Delivery;
use crate::run::work::call::receive::{Receive, Tries};
use crate::run::work::handlers::collecting::Each;
use crate::run::work::handlers::receiving::Receiving;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::internals;
use sweet_async_core::runtime::RuntimeSource;

/// A pipeline that collects nothing. Await it for its summary. The argument of its receiver is an `A`.
///
/// # Cancel safety
///
/// Dropping the awaited future kills the sender and the workers, as for
/// [`Pipeline::await_final_event`](crate::Pipeline::await_final_event).
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct ForEach<T, S, F, G, O, M, A> {
    from: PipelineSender<T, S, F>,
    receiver: G,
    marker: PhantomData<fn(A) -> (O, M)>,
}

impl<T: Send + 'static, S: RuntimeSource, F: Upstream<T>> PipelineSender<T, S, F> {
    /// As [`for_each`](Self::for_each), for a body that uses `?` and names no error type.
    pub fn try_for_each<G, O, M>(self, receiver: G) -> ForEach<T, S, F, G, O, M, Event<T>>
    where
        G: Fn(Event<T>) -> O + Send + Sync + 'static,
        O: Tries<M> + IntoAnswer<M> + 'static,
        M: Receive<O>,
    {
        self.for_each(receiver)
    }

    /// Sets the receiver of each event, which collects nothing. Await the pipeline for the summary.
    pub fn for_each<G, O, M>(self, receiver: G) -> ForEach<T, S, F, G, O, M, Event<T>>
    where
        G: Fn(Event<T>) -> O + Send + Sync + 'static,
        O: IntoAnswer<M> + 'static,
        M: Receive<O>,
    {
        ForEach { from: self, receiver, marker: PhantomData }
    }
}

impl<T: Send + 'static, S: RuntimeSource, F: Upstream<T>> BatchedSender<T, S, F> {
    /// As [`PipelineSender::try_for_each`], with a batch in place of an event.
    pub fn try_for_each<G, O, M>(self, receiver: G) -> ForEach<T, S, F, G, O, M, Batch<T>>
    where
        G: Fn(Batch<T>) -> O + Send + Sync + 'static,
        O: Tries<M> + IntoAnswer<M> + 'static,
        M: Receive<O>,
    {
        self.for_each(receiver)
    }

    /// As [`PipelineSender::for_each`], with a batch in place of an event.
    pub fn for_each<G, O, M>(self, receiver: G) -> ForEach<T, S, F, G, O, M, Batch<T>>
    where
        G: Fn(Batch<T>) -> O + Send + Sync + 'static,
        O: IntoAnswer<M> + 'static,
        M: Receive<O>,
    {
        ForEach { from: self.0, receiver, marker: PhantomData }
    }
}

impl<T, S, F, G, O, K, A> ForEach<T, S, F, G, O, internals::Sync<K>, A> {
    /// As [`Pipeline::blocking`](crate::Pipeline::blocking).
    pub fn blocking(mut self) -> Self {
        self.from.settings.blocking = true;
        self
    }
}

impl<T, S, F, G, O, M, A> ForEach<T, S, F, G, O, M, A>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: Upstream<T> + Send + 'static,
    G: Fn(A) -> O + Send + Sync + 'static,
    O: 'static,
    M: Receive<O>,
    A: Delivery<T> + 'static,
{
    #[allow(clippy::type_complexity, reason = "a name for it would say no more")]
    fn whole(self) -> Whole<T, S, F, Receiving<Each<G, O, M>, A>> {
        let Self { from, receiver, .. } = self;
        from.whole(Receiving::<_, A>::new(Each::<G, O, M> { receiver, marker: PhantomData }))
    }

    /// Starts the pipeline now, as a task of its own. The handle is a future of the summary.
    #[track_caller]
    pub fn spawn(self) -> EmittingTask<FinalEvent, S::Runtime> {
        self.whole().spawn(|(event, _)| event)
    }
}

impl<T, S, F, G, O, M, A> IntoFuture for ForEach<T, S, F, G, O, M, A>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: Upstream<T> + Send + 'static,
    G: Fn(A) -> O + Send + Sync + 'static,
    O: 'static,
    M: Receive<O>,
    A: Delivery<T> + 'static,
{
    type Output = Result<FinalEvent, AsyncTaskError>;
    // Boxed once for the whole pipeline: an async block has no name that could stand here.
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    #[track_caller]
    fn into_future(self) -> Self::IntoFuture {
        let spawn_site = Location::caller();
        Box::pin(async move { self.whole().in_place(spawn_site).await.0 })
    }
}
