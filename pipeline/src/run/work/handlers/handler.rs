//! The contract of a handler of events: it collects, folds, or only calls the receiver.

use std::future::Future;
use std::sync::Arc;

use crate::collect::deferred_rejections::DeferredRejections;
use crate::collect::worker::calls::Calls;
use crate::outcome::names::Names;
use crate::run::work::completion::Completion;
use crate::run::work::feed::{Feed, PendingEvents};
use crate::run::work::slot::StateSlot;
use crate::stage::chain::Chain;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::DynRuntime;

/// The handler of a pipeline's rows. One value serves all workers. A `T` is a value that
/// the stages have made of a row.
pub(crate) trait Handler<T>: Send + Sync + 'static {
    /// The state of one worker.
    type Local: Send + 'static;
    /// The result of the handler at the end.
    type End: Send + 'static;

    /// The initial states of the workers. Called once.
    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<Self::Local>;

    /// Handles rows. Returns true after each batch: it is to be called again, once the messages whose rows
    /// are now handled were settled. Returns false when there are no more rows.
    fn handle<X: Chain<Out = T>>(
        &self,
        slot: &StateSlot<Self::Local>,
        feed: &mut Feed<'_, X>,
    ) -> impl Future<Output = bool> + Send;

    /// Called once, after all workers have ended, with their states and the names of the sources.
    fn close(
        &self,
        locals: Vec<Self::Local>,
        names: &Names,
    ) -> impl Future<Output = (DeferredRejections, Self::End)> + Send;

    /// Opens the destination of the rows, before there are workers. After an error there are none.
    ///
    /// # Errors
    ///
    /// The destination of the rows cannot be opened.
    fn begin(&self, runtime: &DynRuntime) -> impl Future<Output = Result<(), AsyncTaskError>> + Send {
        let _ = runtime;
        std::future::ready(Ok(()))
    }

    /// As [`handle`](Self::handle), for one slice of the rows, where nothing is waited for. Returns true if
    /// there may be more, and `None` if the rows are to be handled by `handle`.
    fn slice<X: Chain<Out = T>>(
        &self,
        slot: &StateSlot<Self::Local>,
        feed: &mut Feed<'_, X>,
    ) -> Option<bool> {
        let _ = (slot, feed);
        None
    }

    /// Handles the pending events, whether the batch is full or not.
    fn finish(
        &self,
        slot: &StateSlot<Self::Local>,
        pending: &mut PendingEvents<'_, T>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (slot, pending);
        std::future::ready(())
    }

    /// Hands over the results that a worker still holds at its end. Results stay with it where another worker
    /// uses their destination.
    ///
    /// # Errors
    ///
    /// A panic of user code.
    fn hand_over(&self, _: &mut Self::Local) -> Result<(), AsyncTaskError> {
        Ok(())
    }

    /// The earliest row so far that will be rejected once all rows are there.
    fn rejected(&self) -> u64 {
        u64::MAX
    }

    /// True if positions of rows are reported at the end.
    fn reports_positions(&self) -> bool {
        false
    }

    /// True if an event that was handled once is handled for good.
    fn is_final(&self) -> bool {
        true
    }

    /// True if there are calls that can be made again.
    fn can_retry(&self) -> bool {
        true
    }

    /// True if the call for an event can be dropped at its time limit.
    fn can_be_timed(&self) -> bool {
        false
    }

    /// The number of values that were collected under a key that was there already.
    fn duplicates(_: &Self::End) -> u64 {
        0
    }

    /// Waits until no more events are wanted.
    fn unwanted(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Completes the destination of the rows, or gives it up, once it is known whether the pipeline has
    /// succeeded. Called once, after [`close`](Self::close).
    ///
    /// # Errors
    ///
    /// The destination of the rows could not be completed: the pipeline has failed after all.
    fn complete(
        &self,
        runtime: &DynRuntime,
        completion: Completion,
    ) -> impl Future<Output = Result<(), AsyncTaskError>> + Send {
        let _ = (runtime, completion);
        std::future::ready(Ok(()))
    }
}
