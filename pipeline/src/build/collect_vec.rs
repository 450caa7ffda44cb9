//! A pipeline whose values become one list.

use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;

use crate::build::sender::PipelineSender;
use crate::build::upstream::Upstream;
use crate::build::whole::End;
use crate::outcome::final_event::FinalEvent;
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::work::handlers::listing::Listing;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::RuntimeSource;

/// A pipeline that keeps all its values. Await it for the values and the summary.
///
/// # Cancel safety
///
/// Dropping the awaited future kills the sender and the workers, as for
/// [`Pipeline::await_final_event`](crate::Pipeline::await_final_event). The values are dropped.
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct CollectVec<T, S, F> {
    from: PipelineSender<T, S, F>,
}

clonable! { CollectVec<T, S, F> { from } }

impl<T: Send + 'static, S: RuntimeSource, F: Upstream<T>> PipelineSender<T, S, F> {
    /// Keeps all values, in source order, whatever the strategies. Await the pipeline for the values and the
    /// summary. Rejected rows leave no gap. An error that ends the pipeline drops the values.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime};
    /// # use sweet_async_pipeline::{ChunkSizeExt as _, PipelineBuilder};
    /// # async fn numbers<R: Runtime>(runtime: R) -> Result<Vec<u64>, AsyncTaskError> {
    /// let (numbers, _summary) = PipelineBuilder::<u64, _>::new(runtime)
    ///     .sender(|sources| sources.of_bytes("1\n2\n3\n").lines().into_chunks(100.lines()))
    ///     .collect_vec()
    ///     .await?;
    /// # Ok(numbers)
    /// # }
    /// ```
    ///
    /// Cost: eight bytes for each value until the end, and then one more move of each, for which the values
    /// are in memory twice.
    pub fn collect_vec(self) -> CollectVec<T, S, F> {
        CollectVec { from: self }
    }
}

/// The values and the summary, or the error that ended the pipeline.
fn values<T>((event, end): End<Vec<T>>) -> Result<(Vec<T>, FinalEvent), AsyncTaskError> {
    let summary = event?;
    Ok((end.map(|(_, values)| values).unwrap_or_default(), summary))
}

impl<T: Send + 'static, S: RuntimeSource, F: Upstream<T> + Send + 'static> CollectVec<T, S, F> {
    /// Starts the pipeline now, as a task of its own. The handle is a future of the values and the summary.
    #[track_caller]
    pub fn spawn(self) -> EmittingTask<(Vec<T>, FinalEvent), S::Runtime> {
        self.from.whole(Listing).spawn(values)
    }
}

impl<T, S, F> IntoFuture for CollectVec<T, S, F>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: Upstream<T> + Send + 'static,
{
    type Output = Result<(Vec<T>, FinalEvent), AsyncTaskError>;
    // Boxed once for the whole pipeline: an async block has no name that could stand here.
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    #[track_caller]
    fn into_future(self) -> Self::IntoFuture {
        let spawn_site = Location::caller();
        Box::pin(async move { values(self.from.whole(Listing).in_place(spawn_site).await) })
    }
}
