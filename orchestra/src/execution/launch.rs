//! The start of a node's task: with a permit, below its session, and with its end reported.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tracing::Span;

use crate::execution::batch::NodeRef;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::current_task;
use sweet_async_core::extend::{Configured, TaskRef};
use sweet_async_core::extend::{
    Kind, OnComplete, Recovery, RecoveryWork, Registered, Reports, SpawnRequest, adopt, release, whole,
    within,
};
use sweet_async_core::limit::Limiter;
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::Task;

pin_project! {
    /// The work of a task, which records its beginning once it holds its permit. If its cancellation is
    /// requested before that, it never begins.
    struct RecordsStart<B, R: Runtime> {
        #[pin]
        work: B,
        node: Option<NodeRef<R>>,
    }
}

impl<B, T, R> Future for RecordsStart<B, R>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    R: Runtime,
{
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        let this = self.project();
        if let Some(node) = this.node.take() {
            if let Some(error) = node.refusal() {
                return Poll::Ready(Err(error));
            }
            node.record_start();
        }
        this.work.poll(cx)
    }
}

pin_project! {
    /// A whole task that may have to wait for a permit. A cancellation that is requested meanwhile ends the
    /// wait.
    struct Admitted<B, R: Runtime> {
        #[pin]
        whole: Option<B>,
        node: NodeRef<R>,
    }
}

impl<B, T, R> Future for Admitted<B, R>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    R: Runtime,
{
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        let mut this = self.project();
        let Some(whole) = this.whole.as_mut().as_pin_mut() else {
            return Poll::Ready(Err(AsyncTaskError::InvalidState(
                "this future was polled after it had ended",
            )));
        };
        let polled = whole.poll(cx);
        if polled.is_pending()
            && !this.node.has_begun()
            && let Some(error) = this.node.refusal()
        {
            this.whole.set(None);
            return Poll::Ready(Err(error));
        }
        polled
    }
}

/// The receiver of a task's result.
pub(crate) trait Deliver<T>: Send + 'static {
    /// Takes the result, and returns the part of it that concerns the orchestra.
    fn deliver(&mut self, result: Result<T, AsyncTaskError>) -> Result<(), AsyncTaskError>;
}

/// Keeps the output for tasks that are declared after this one.
pub(crate) struct Keep<T>(pub(crate) Arc<OnceLock<Arc<T>>>);

impl<T: Send + Sync + 'static> Deliver<T> for Keep<T> {
    fn deliver(&mut self, result: Result<T, AsyncTaskError>) -> Result<(), AsyncTaskError> {
        let _ = self.0.set(Arc::new(result?));
        Ok(())
    }
}

/// The description from which an ad-hoc task is started.
pub(crate) struct AdHocSpec<T> {
    pub(crate) settings: Configured,
    pub(crate) recovery: Option<RecoveryWork<T>>,
    /// The state of its recovery that its handle can query.
    pub(crate) recovery_state: Option<Recovery>,
    pub(crate) caller: Option<Caller>,
    pub(crate) site: &'static Location<'static>,
    /// The permit of a limiter that it was spawned with.
    pub(crate) permit: Option<Arc<dyn Send + Sync>>,
    /// True if it waits for a permit of the orchestrator. One that a task of the orchestrator runs is covered
    /// by the permit of that task.
    pub(crate) needs_permit: bool,
}

/// The task that runs an ad-hoc task. It does not end before this is dropped, even where it has dropped the
/// future that awaits the ad-hoc task.
pub(crate) struct Caller(TaskRef);

impl Caller {
    /// The task that is polled here, if it has not ended.
    pub(crate) fn current() -> Option<Self> {
        let caller = current_task().filter(|task| !task.control.state().is_terminal())?;
        caller.control.child_started();
        Some(Self(caller))
    }

    pub(crate) fn task(&self) -> &TaskRef {
        &self.0
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        release(&self.0);
    }
}

/// The end of an ad-hoc task, and of its caller's wait for it. Reported when dropped.
struct AdHocEnd<R: Runtime> {
    node: NodeRef<R>,
    task: Option<TaskRef>,
    _caller: Option<Caller>,
}

impl<R: Runtime> Reports for AdHocEnd<R> {
    fn starts(&mut self, task: &TaskRef) {
        self.task = Some(task.clone());
    }
}

impl<R: Runtime> Drop for AdHocEnd<R> {
    fn drop(&mut self) {
        self.node.record_ad_hoc_end(self.task.as_ref());
    }
}

/// The end of a node's task.
struct End<R: Runtime, D> {
    node: NodeRef<R>,
    deliver: D,
}

impl<T, R: Runtime, D: Deliver<T>> OnComplete<T> for End<R, D> {
    fn on_complete(self, task: &TaskRef, result: Result<T, AsyncTaskError>) {
        let Self { node, mut deliver } = self;
        node.record_end(task, deliver.deliver(result));
    }
}

impl<R: Runtime> NodeRef<R> {
    /// Starts the task.
    pub(crate) fn spawn<T, B>(
        self,
        (settings, recovery): (Option<Configured>, Option<RecoveryWork<T>>),
        work: B,
        deliver: impl Deliver<T>,
        site: &'static Location<'static>,
    ) -> TaskRef
    where
        T: Send + 'static,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    {
        self.spawn_in(settings, site, |node, limiter, registered| {
            let work = RecordsStart { work, node: Some(node.clone()) };
            match (recovery, limiter) {
                // With no policy around it, the work alone: a smaller body is moved and polled more cheaply.
                (None, None) => registered.launch_notifying(work, End { node, deliver }),
                (recovery, limiter) => {
                    let admitted = node.admitted(work, recovery, limiter, &registered);
                    registered.launch_notifying(admitted, End { node, deliver })
                }
            }
        })
    }

    /// As [`spawn`](Self::spawn), for a task whose result passes through `end`, outside of its policies.
    #[cfg(feature = "durable")]
    pub(crate) fn spawn_with_end<T, B, F>(
        self,
        (settings, recovery): (Option<Configured>, Option<RecoveryWork<T>>),
        work: B,
        (end, deliver): (impl FnOnce(Result<T, AsyncTaskError>) -> F + Send + 'static, impl Deliver<T>),
        site: &'static Location<'static>,
    ) -> TaskRef
    where
        T: Send + 'static,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        F: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    {
        self.spawn_in(settings, site, |node, limiter, registered| {
            let work = RecordsStart { work, node: Some(node.clone()) };
            let admitted = node.admitted(work, recovery, limiter, &registered);
            let whole = async move { end(admitted.await).await };
            registered.launch_notifying(whole, End { node, deliver })
        })
    }

    /// Registers the task with the runtime, below its session, and launches it by `launch`.
    fn spawn_in(
        self,
        mut settings: Option<Configured>,
        site: &'static Location<'static>,
        launch: impl FnOnce(Self, Option<Limiter>, Registered<R>) -> TaskRef,
    ) -> TaskRef {
        let session = &self.batch.session;
        if let Some(values) = self.node_state().and_then(|node| node.values.as_ref()) {
            settings.get_or_insert_default().add_values(Some(values));
        }
        if session.metrics().is_on() {
            settings.get_or_insert_default().measure(session.metrics());
        }
        let request = SpawnRequest { kind: self.kind(), location: site, settings: settings.as_ref() };
        let (runtime, limiter) = (session.runtime.clone(), session.progress.concurrency.limiter.clone());
        let span = self.span();
        within(span.as_deref(), || launch(self, limiter, Registered::new(runtime, request)))
    }

    /// Starts an ad-hoc task.
    pub(crate) fn spawn_ad_hoc<T, B>(self, spec: AdHocSpec<T>, work: B) -> Task<T, R>
    where
        T: Send + 'static,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    {
        let AdHocSpec { mut settings, recovery, recovery_state, caller, site, permit, needs_permit } = spec;
        let session = &self.batch.session;
        settings.measure(session.metrics());
        let request = SpawnRequest { kind: self.kind(), location: site, settings: Some(&settings) };
        let limiter = session.progress.concurrency.limiter.clone().filter(|_| needs_permit);
        let runtime = session.runtime.clone();
        let work = RecordsStart { work, node: Some(self.clone()) };
        let parent = caller.as_ref().map(|caller| caller.0.clone());
        let end = AdHocEnd { node: self.clone(), task: None, _caller: caller };
        let task = within(self.span().as_deref(), || {
            let registered = Registered::new(runtime, request);
            if let Some(state) = recovery_state {
                registered.inside.control.set_recovery(state);
            }
            if let Some(permit) = permit {
                registered.hold(permit);
            }
            let admitted = self.admitted(work, recovery, limiter, &registered);
            registered.launch_reporting(admitted, end)
        });
        // A cancellation of its caller is passed on to it.
        if let (Some(parent), Some(task)) = (&parent, task.task_ref()) {
            adopt(parent, &task);
        }
        task
    }

    fn kind(&self) -> Kind {
        self.batch.session.parent().map_or(Kind::Spawned, |parent| Kind::Child(parent.clone()))
    }

    /// The span of the session, in which a task is started: the end of an earlier task, which starts this
    /// one, is outside of all spans.
    fn span(&self) -> Option<Arc<Span>> {
        self.batch.session.parent().and_then(|parent| parent.control.span())
    }

    fn admitted<T, B>(
        &self,
        work: B,
        recovery: Option<RecoveryWork<T>>,
        limiter: Option<Limiter>,
        registered: &Registered<R>,
    ) -> Admitted<impl Future<Output = Result<T, AsyncTaskError>> + use<T, B, R>, R>
    where
        T: Send + 'static,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    {
        Admitted { whole: Some(whole(work, recovery, limiter, registered)), node: self.clone() }
    }
}
