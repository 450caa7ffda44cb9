//! Tasks of something larger: nobody has their handle, and who started them is told of their end.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::{Join, Runtime};
use crate::task::lifecycle::guarded_result::GuardedResult;
use crate::task::lifecycle::spawn::{Registered, SpawnRequest};
use crate::task::lifecycle::supervise::Supervised;
use crate::tree::node::TaskRef;

/// What is to be known of the end of a tracked task: its result, once nothing of it is left.
pub trait Told<T>: Send + 'static {
    /// Called once, with the result, before the task ends.
    fn told(self, task: &TaskRef, result: Result<T, AsyncTaskError>);
}

pin_project! {
    /// A task that tells of its end: after that is booked everywhere, and also when its executor drops it.
    struct Tracked<B, T, R: Runtime, E: Told<T>> {
        #[pin]
        task: Option<Supervised<B, T, R>>,
        inside: TaskRef,
        told: Option<E>,
        refusal: Option<AsyncTaskError>,
    }

    impl<B, T, R: Runtime, E: Told<T>> PinnedDrop for Tracked<B, T, R, E> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _ = caught(|| this.task.set(None));
            if let Some(told) = this.told.take() {
                let error = this.refusal.take().unwrap_or(AsyncTaskError::Shutdown);
                told.told(this.inside, Err(error));
            }
        }
    }
}

impl<B, T, R, E> Future for Tracked<B, T, R, E>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    R: Runtime,
    E: Told<T>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(task) = this.task.as_mut().as_pin_mut() else { return Poll::Ready(()) };
        let result = ready!(task.poll(cx)).open();
        this.task.set(None);
        if let Some(told) = this.told.take() {
            told.told(this.inside, result);
        }
        Poll::Ready(())
    }
}

/// Reports the end of a task when it is dropped.
pub trait Reports: Send + 'static {
    /// The task is about to be started.
    fn starts(&mut self, task: &TaskRef);
}

pin_project! {
    /// A task with a handle whose end is reported: as [`Tracked`]. The fields are dropped in this order.
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
        let parcel = ready!(task.poll(cx));
        this.task.set(None);
        // What it drops may be the user's.
        let reports = this.reports.take();
        let _ = caught(|| drop(reports));
        Poll::Ready(parcel)
    }
}

/// Starts a task whose end `told` is told of, also where it cannot be started.
pub fn spawn_tracked<B, T, R, E>(
    runtime: R,
    birth: SpawnRequest<'_>,
    body: impl FnOnce(&R, &Registered<R>) -> B,
    told: E,
) -> TaskRef
where
    B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    T: Send + 'static,
    R: Runtime,
    E: Told<T>,
{
    let born = Registered::new(runtime, birth);
    let admitted = born.task.runtime.root().admits(born.inside.is_child_here(born.parent.as_ref()));
    let body = erased(body(&born.task.runtime, &born));
    let Registered { task, inside, parent, is_taken } = born;
    let supervised: Supervised<_, T, R> = Supervised::new(body, inside.clone(), parent);
    let mut tracked =
        Tracked { task: Some(supervised), inside: inside.clone(), told: Some(told), refusal: None };
    match is_taken && admitted {
        // Refused by the executor, it is dropped there, and so told of.
        true => {
            let _ = task.runtime.spawn(tracked).map(Join::detach);
        }
        false => {
            tracked.refusal = Some(match is_taken {
                true => AsyncTaskError::Shutdown,
                false => {
                    AsyncTaskError::InvalidState("what it is part of has ended, and takes no more tasks")
                }
            });
        }
    }
    inside
}

/// In a debug build, boxes the body of a spawned task: what supervises it, and its executor's part, are then compiled once
/// for each type of result and not for each body, which halves the time that a build of many tasks takes.
pub(crate) fn erased<T: 'static>(
    body: impl Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
) -> impl Future<Output = Result<T, AsyncTaskError>> + Send + 'static {
    #[cfg(debug_assertions)]
    let body: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(body);
    body
}
