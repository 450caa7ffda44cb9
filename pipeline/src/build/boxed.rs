//! A pipeline whose type names none of its closures.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;

use crate::build::collect::collected;
use crate::build::whole::{Start, in_place, spawn};
use crate::collect::collection::Collection;
use crate::collect::key::Key;
use crate::outcome::final_event::FinalEvent;
use crate::run::handle::emitting_task::EmittingTask;
use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::extend::Configured;
use sweet_async_core::runtime::RuntimeSource;

/// Not covariant: the end is found by the exact types of its keys and values.
type Entries<K, V> = fn((K, V)) -> (K, V);

/// A pipeline whose type names none of its closures, for functions that return one and structs that hold one.
/// It is made by [`Pipeline::boxed`](crate::Pipeline::boxed), and runs as a [`Pipeline`](crate::Pipeline)
/// does.
#[must_use = "a pipeline does nothing until its end is awaited"]
pub struct BoxedPipeline<S: RuntimeSource, K, V> {
    pub(crate) source: S,
    pub(crate) task: Configured,
    pub(crate) start: Start<S::Runtime>,
    pub(crate) entries: PhantomData<Entries<K, V>>,
}

impl<S: RuntimeSource, K: Key, V: Send + 'static> BoxedPipeline<S, K, V> {
    /// As [`Pipeline::await_final_event`](crate::Pipeline::await_final_event).
    ///
    /// # Cancel safety
    ///
    /// The same as there.
    #[track_caller]
    pub fn await_final_event<U>(
        self,
        handler: impl FnOnce(Result<FinalEvent, AsyncTaskError>, Collection<K, V>) -> U,
    ) -> impl Future<Output = U> {
        let spawn_site = Location::caller();
        async move {
            let (event, collection) =
                collected(in_place(self.source, self.task, self.start, spawn_site).await);
            handler(event, collection)
        }
    }

    /// As [`Pipeline::spawn`](crate::Pipeline::spawn).
    #[track_caller]
    pub fn spawn<U, E, H>(self, handler: H) -> EmittingTask<U, S::Runtime>
    where
        U: Send + 'static,
        E: Into<BoxError>,
        H: FnOnce(Result<FinalEvent, AsyncTaskError>, Collection<K, V>) -> Result<U, E> + Send + 'static,
    {
        spawn(self.source, self.task, self.start, move |end| {
            let (event, collection) = collected(end);
            handler(event, collection).map_err(AsyncTaskError::failure)
        })
    }
}

impl<S: RuntimeSource, K, V> fmt::Debug for BoxedPipeline<S, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxedPipeline").field("name", &self.task.name()).finish_non_exhaustive()
    }
}
