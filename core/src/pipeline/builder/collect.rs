//! A pipeline whose receiver may collect.

use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use super::PipelineSender;
use super::whole::spawn_whole;
use crate::error::{AsyncTaskError, BoxError};
use crate::pipeline::collector::{Collection, Collector, Partitions, Registration, Shard};
use crate::pipeline::engine::{Collecting, Outcome};
use crate::pipeline::receiver::Receive;
use crate::pipeline::{EmittingTask, Event, FinalEvent, Sources};
use crate::runtime::RuntimeSource;
use crate::task::{TaskId, caught};

/// A pipeline that is ready to run.
#[must_use = "a pipeline does nothing until its end is awaited"]
#[derive(Clone)]
pub struct Pipeline<T, S, F, G> {
    pub(super) from: PipelineSender<T, S, F>,
    pub(super) receiver: G,
}

/// A receiver that may collect, with the types that inference found for it.
pub struct Receiver<G, O, M, K, V> {
    pub(super) receiver: G,
    pub(super) kind: PhantomData<fn() -> (O, M)>,
    pub(super) entry: PhantomData<fn() -> (K, V)>,
}

impl<G: Clone, O, M, K, V> Clone for Receiver<G, O, M, K, V> {
    fn clone(&self) -> Self {
        Self { receiver: self.receiver.clone(), kind: PhantomData, entry: PhantomData }
    }
}

impl<T, S, F, G, O, M, K, V> Pipeline<T, S, F, Receiver<G, O, M, K, V>>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: FnOnce(&mut Sources<T>),
    G: Fn(Event<T>, Collector<K, V>) -> O + Send + Sync + 'static,
    O: 'static,
    M: Receive<O>,
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
{
    /// Runs the pipeline to its end and gives what `handler` makes of it: of the summary, or of the error that ended
    /// it, and of everything that was collected until then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills sender and workers; the task around it, if there is one, does not end before them.
    pub async fn await_final_event<U>(
        self,
        handler: impl FnOnce(Result<FinalEvent, AsyncTaskError>, Collection<K, V>) -> U,
    ) -> U {
        let partitions = Arc::new(Partitions::new());
        let mut registration = None;
        let receiver = self.receiver.receiver;
        let make = |_| {
            // Not the task's id: a runtime may count its own tasks, and collectors of all runtimes meet.
            let pipeline = TaskId::next().as_u64();
            registration = Some(Registration::new(pipeline, &partitions));
            Collecting::<G, O, M, K, V> {
                receiver,
                pipeline,
                partitions: partitions.clone(),
                marker: PhantomData,
            }
        };
        let mut result = match self.from.run(make).await {
            Ok(Outcome { result, locals }) => {
                // Workers hand over what they hold at their end; only one that was killed has anything left.
                let mut result = result;
                for mut local in locals {
                    loop {
                        match caught(|| local.downcast_mut::<Shard<K, V>>().is_none_or(Shard::flush)) {
                            Ok(true) => break,
                            Ok(false) => futures_lite::future::yield_now().await,
                            Err(panic) => {
                                result = result.and(Err(panic));
                                break;
                            }
                        }
                    }
                }
                result
            }
            Err(error) => Err(error),
        };
        drop(registration);
        let collection = Collection::new(partitions.take());
        if let Ok(summary) = &mut result {
            summary.duplicates = collection.duplicates();
        }
        handler(result, collection)
    }

    /// Starts the pipeline now, as a task of its own: its handle is a future of what `handler` makes of its end, which is
    /// as for [`await_final_event`](Self::await_final_event).
    #[track_caller]
    pub fn spawn<U, E, H>(self, handler: H) -> EmittingTask<U, S::Runtime>
    where
        U: Send + 'static,
        E: Into<BoxError>,
        F: Send + 'static,
        H: FnOnce(Result<FinalEvent, AsyncTaskError>, Collection<K, V>) -> Result<U, E> + Send + 'static,
    {
        let (source, settings) = (self.from.source.clone(), self.from.settings.clone());
        let body = async move {
            self.await_final_event(|event, collection| {
                handler(event, collection).map_err(AsyncTaskError::failure)
            })
            .await
        };
        spawn_whole(source, &settings, body)
    }
}
