//! The calls of a durable run's store around the work of its nodes, and before the first of them.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use crate::durable::error::DurableError;
use crate::durable::run::Run;
use crate::execution::batch::NodeRef;
use crate::execution::launch::Keep;
use crate::execution::session_kind::SessionKind;
use crate::execution::session_state::SessionState;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Configured, RecoveryWork, TaskRef};
use sweet_async_core::runtime::Runtime;

/// A function that writes an output.
pub(crate) type Write<T> = fn(&T) -> Result<Vec<u8>, serde_json::Error>;

type Boxed = Pin<Box<dyn Future<Output = Result<(), DurableError>> + Send>>;

/// The opening of the run, before a session begins anything.
pub(crate) struct Opening<'a, R: Runtime> {
    session: &'a SessionState<R>,
    /// `None` where there is nothing to open, and once it is done.
    future: Option<Boxed>,
    error: Option<DurableError>,
}

impl<'a, R: Runtime> Opening<'a, R> {
    pub(crate) fn of(session: &'a SessionState<R>) -> Self {
        let run = match session.kind {
            SessionKind::Graph => session.progress.run.clone(),
            SessionKind::AdHoc => None,
        };
        let future = run.map(|run| Box::pin(async move { run.open().await }) as Boxed);
        Self { session, future, error: None }
    }

    /// Ready once the run is open, or has failed: the session then begins nothing. Polled only once there is a batch,
    /// whose nodes are then cancelled: a session that begins nothing before that was refused by its runtime.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(future) = &mut self.future else { return Poll::Ready(()) };
        let opened = std::task::ready!(future.as_mut().poll(cx));
        self.future = None;
        if let Err(error) = opened {
            self.session.stop();
            self.error = Some(error);
        }
        Poll::Ready(())
    }

    pub(crate) fn result(self) -> Result<(), AsyncTaskError> {
        self.error.map_or(Ok(()), |error| Err(AsyncTaskError::failure(error)))
    }
}

/// The end of a durable node's work, which reports it to the run.
struct KeptEnd<R: Runtime, T> {
    run: Arc<Run>,
    node: NodeRef<R>,
    name: Arc<str>,
    write: Write<T>,
}

impl<R: Runtime, T: Send + Sync + 'static> KeptEnd<R, T> {
    /// Keeps the output. The result is that of the node.
    async fn report(self, result: Result<T, AsyncTaskError>) -> Result<T, AsyncTaskError> {
        let value = match result {
            Ok(value) => value,
            Err(error) => {
                if self.node.has_begun() {
                    let reported = self.run.node_failed(&self.name).await;
                    // The error of the work is the node's, and that of the store the run's.
                    let _ = self.reported(reported);
                }
                return Err(error);
            }
        };
        match (self.write)(&value) {
            Ok(output) => {
                let kept = self.run.node_completed(&self.name, &output).await;
                self.reported(kept)?;
                Ok(value)
            }
            Err(source) => {
                let reported = self.run.node_failed(&self.name).await;
                self.reported(reported)?;
                let node = self.name.clone();
                let source = Arc::new(source);
                Err(AsyncTaskError::failure(DurableError::UnwritableOutput { node, source }))
            }
        }
    }

    fn reported(&self, called: Result<(), DurableError>) -> Result<(), AsyncTaskError> {
        checked(&self.node, called)?;
        self.node.batch.session.unreported.remove(&self.name);
        Ok(())
    }
}

/// Reports the nodes that have ended without a report of their own, since their tasks were dropped: at a time limit, by a
/// panic or a kill. For a session that nothing is left of.
pub(crate) async fn report_failures<R: Runtime>(session: &SessionState<R>) {
    let Some(run) = &session.progress.run else { return };
    for node in session.unreported.take() {
        if run.node_failed(&node).await.is_err() {
            // The run has ended with it.
            return;
        }
    }
}

/// Stops the session after an error of the run.
fn checked<R: Runtime>(node: &NodeRef<R>, called: Result<(), DurableError>) -> Result<(), AsyncTaskError> {
    called.map_err(|error| {
        node.batch.session.stop();
        AsyncTaskError::failure(error)
    })
}

impl<R: Runtime> NodeRef<R> {
    /// As [`spawn`](Self::spawn), for a durable node: the store hears of the start before `work` is polled, and has the
    /// output before the end of the node is recorded. The wait for the store at the end holds no permit.
    pub(crate) fn spawn_durable<T, B>(
        self,
        (run, name): (&Arc<Run>, &Arc<str>),
        policies: (Option<Configured>, Option<RecoveryWork<T>>),
        work: B,
        (write, output): (Write<T>, Arc<OnceLock<Arc<T>>>),
        site: &'static Location<'static>,
    ) -> TaskRef
    where
        T: Send + Sync + 'static,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    {
        let end = KeptEnd { run: run.clone(), node: self.clone(), name: name.clone(), write };
        let (run, name, node) = (run.clone(), name.clone(), self.clone());
        let work = async move {
            node.batch.session.unreported.add(&name);
            let started = run.node_started(&name).await;
            checked(&node, started)?;
            work.await
        };
        self.spawn_with_end(policies, work, (move |result| end.report(result), Keep(output)), site)
    }
}
