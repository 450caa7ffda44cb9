//! Tasks whose end is reported to the code that started them, with a handle or without.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::{Join, Runtime};
use crate::task::lifecycle::guarded_result::GuardedResult;
use crate::task::lifecycle::spawn::Registered;
use crate::task::lifecycle::supervise::Lifecycle;
use crate::task::lifecycle::supervised::Supervised;
use crate::tree::node::TaskRef;

/// The receiver of the result of a task that has no handle.
pub trait OnComplete<T>: Send + 'static {
    /// Called once: with the result after the end of the task is recorded everywhere, or with an error if the
    /// executor has dropped or refused the task.
    fn on_complete(self, task: &TaskRef, result: Result<T, AsyncTaskError>);
}

pin_project! {
    /// A task that reports its end: after that is recorded everywhere, and also if its executor drops it.
    struct Notifying<B, T, R: Runtime, E: OnComplete<T>> {
        #[pin]
        task: Option<Supervised<B, T, R>>,
        inside: TaskRef,
        receiver: Option<E>,
        refusal: Option<AsyncTaskError>,
    }

    impl<B, T, R: Runtime, E: OnComplete<T>> PinnedDrop for Notifying<B, T, R, E> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _ = caught(|| this.task.set(None));
            if let Some(receiver) = this.receiver.take() {
                let error = this.refusal.take().unwrap_or(AsyncTaskError::Shutdown);
                receiver.on_complete(this.inside, Err(error));
            }
        }
    }
}

impl<B, T, R, E> Future for Notifying<B, T, R, E>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    R: Runtime,
    E: OnComplete<T>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(task) = this.task.as_mut().as_pin_mut() else { return Poll::Ready(()) };
        let result = ready!(task.poll(cx)).open();
        this.task.set(None);
        if let Some(receiver) = this.receiver.take() {
            receiver.on_complete(this.inside, result);
        }
        Poll::Ready(())
    }
}

/// Reports the end of a task when it is dropped.
pub trait Reports: Send + 'static {
    /// Called before the task is started.
    fn starts(&mut self, task: &TaskRef);
}

pin_project! {
    /// A task with a handle whose end is reported: as [`Notifying`]. The fields are dropped in this order.
    pub(crate) struct Reporting<B, T, R: Runtime, E> {
        #[pin]
        task: Option<Supervised<B, T, R>>,
        reports: Option<E>,
    }
}

impl<B, T, R: Runtime, E: Reports> Reporting<B, T, R, E>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
{
    pub(crate) fn new(task: Supervised<B, T, R>, mut reports: E) -> Self {
        if let Some(task) = task.task_ref() {
            reports.starts(task);
        }
        Self { task: Some(task), reports: Some(reports) }
    }
}

impl<B, T, R, E> Future for Reporting<B, T, R, E>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    R: Runtime,
    E: Reports,
{
    type Output = GuardedResult<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<GuardedResult<T>> {
        let mut this = self.project();
        let Some(task) = this.task.as_mut().as_pin_mut() else {
            return Poll::Ready(GuardedResult::new(Err(AsyncTaskError::Shutdown)));
        };
        let guarded = ready!(task.poll(cx));
        this.task.set(None);
        // Its destructor may be the user's code.
        let reports = this.reports.take();
        let _ = caught(|| drop(reports));
        Poll::Ready(guarded)
    }
}

impl<R: Runtime> Registered<R> {
    /// Starts the task with `body`, without a handle; its end is reported to `receiver`, also if it cannot be
    /// started.
    pub fn launch_notifying<B, T, E>(self, body: B, receiver: E) -> TaskRef
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        E: OnComplete<T>,
    {
        let Self { task, inside, parent, refusal, .. } = self;
        let life = Lifecycle::new(inside.clone(), parent);
        let supervised: Supervised<_, T, R> = Supervised::new(erased(body), life);
        let is_refused = refusal.is_some();
        let notifying =
            Notifying { task: Some(supervised), inside: inside.clone(), receiver: Some(receiver), refusal };
        // If it is refused, here or by the executor, it is dropped, which reports its end.
        if !is_refused {
            let _ = task.runtime.spawn(notifying).map(Join::detach);
        }
        inside
    }
}

/// In a debug build, boxes the body of a spawned task. The supervision of the task, and the executor's part,
/// are then compiled once for each type of result and not for each body, which halves the build time of many
/// tasks.
pub(crate) fn erased<T: 'static>(
    body: impl Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
) -> impl Future<Output = Result<T, AsyncTaskError>> + Send + 'static {
    #[cfg(debug_assertions)]
    let body: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(body);
    body
}
