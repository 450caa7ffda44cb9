//! A pipeline whose values go to a sink.

use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;

use futures_sink::Sink;

use crate::build::sender::PipelineSender;
use crate::build::upstream::Upstream;
use crate::outcome::final_event::FinalEvent;
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::work::handlers::forwarding::Forwarding;
use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::runtime::RuntimeSource;

/// A pipeline whose values go to a sink. Await it for its summary.
///
/// # Cancel safety
///
/// Dropping the awaited future kills the sender and the workers, as for
/// [`Pipeline::await_final_event`](crate::Pipeline::await_final_event), and drops the sink. Values that the
/// sink has taken are its own.
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct Forward<T, S, F, K> {
    from: PipelineSender<T, S, F>,
    sink: K,
}

clonable! { Forward<T, S, F, K> { from, sink } }

impl<T: Send + 'static, S: RuntimeSource, F: Upstream<T>> PipelineSender<T, S, F> {
    /// Passes all values on to `sink`: in completion order, or in source order under
    /// [`ordered`](crate::PipelineBuilder::ordered), and with one worker and one source at a time. Rows are parsed in
    /// parallel. Await the pipeline for its summary.
    ///
    /// A sink that is not ready makes the workers wait, and they make the sender wait: each holds up to
    /// about 300 values beside its chunk. The sink is flushed after 256 values and after each chunk, and is
    /// closed at the end, before the pipeline is over. It is dropped, and not closed, if the pipeline
    /// fails.
    ///
    /// A value counts as handled once the sink has taken it. An error or a panic of the sink ends the
    /// pipeline, whatever the [`ErrorStrategy`](crate::ErrorStrategy), and is its error; nothing is sent
    /// again.
    pub fn forward<K>(self, sink: K) -> Forward<T, S, F, K>
    where
        K: Sink<T, Error: Into<BoxError>> + Send + 'static,
    {
        Forward { from: self, sink }
    }
}

impl<T, S, F, K> Forward<T, S, F, K>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: Upstream<T> + Send + 'static,
    K: Sink<T, Error: Into<BoxError>> + Send + 'static,
{
    /// Starts the pipeline now, as a task of its own. The handle is a future of the summary.
    #[track_caller]
    pub fn spawn(self) -> EmittingTask<FinalEvent, S::Runtime> {
        self.from.whole(Forwarding::new(self.sink)).spawn(|(event, _)| event)
    }
}

impl<T, S, F, K> IntoFuture for Forward<T, S, F, K>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: Upstream<T> + Send + 'static,
    K: Sink<T, Error: Into<BoxError>> + Send + 'static,
{
    type Output = Result<FinalEvent, AsyncTaskError>;
    // Boxed once for the whole pipeline: an async block has no name that could stand here.
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    #[track_caller]
    fn into_future(self) -> Self::IntoFuture {
        let spawn_site = Location::caller();
        Box::pin(async move { self.from.whole(Forwarding::new(self.sink)).in_place(spawn_site).await.0 })
    }
}
