//! Tasks of something larger: nobody has their handle, and who started them is told of their end.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::attempts::Attempts;
use super::birth::{Birth, Born};
use super::compose::Once;
use super::configured::Configured;
use super::control::TaskRef;
use super::gate::Gate;
use super::handle::erased;
use super::in_place::caught;
use super::parcel::Parcel;
use super::recovery::RecoveryWork;
use super::supervise::Supervised;
use super::{Guarded, Resilience};
use crate::breaker::CircuitBreaker;
use crate::error::AsyncTaskError;
use crate::limit::Limiter;
use crate::retry::Retry;
use crate::runtime::{Join, Runtime, RuntimeSource};
use crate::time::Timeout;

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
    pub(super) struct Reporting<B, T, R: Runtime, E> {
        #[pin]
        task: Option<Supervised<B, T, R>>,
        reports: Option<E>,
    }
}

impl<B, T, R: Runtime, E: Reports> Reporting<B, T, R, E>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
{
    pub(super) fn new(task: Supervised<B, T, R>, mut reports: E) -> Self {
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
    type Output = Parcel<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Parcel<T>> {
        let mut this = self.project();
        let Some(task) = this.task.as_mut().as_pin_mut() else {
            return Poll::Ready(Parcel::new(Err(AsyncTaskError::Shutdown)));
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
    birth: Birth<'_>,
    body: impl FnOnce(&R, &Born<R>) -> B,
    told: E,
) -> TaskRef
where
    B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    T: Send + 'static,
    R: Runtime,
    E: Told<T>,
{
    let born = Born::new(runtime, birth);
    let admitted = born.task.runtime.root().admits(born.inside.is_child_here(born.parent.as_ref()));
    let body = erased(body(&born.task.runtime, &born));
    let Born { task, inside, parent, is_taken } = born;
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

/// A builder's policies as those of a task inside something larger: what is around the whole, and what is around the work.
/// The name is given to a task that has any policy. A bare one has none: a name would be all that its cold slot is for, which
/// costs more than the rest of the task.
pub fn embedded<T>(
    resilience: Resilience<T>,
    retry: Option<Retry>,
    name: Option<&Arc<str>>,
) -> (Configured, Option<RecoveryWork<T>>, Inner) {
    let Resilience { mut settings, breaker, limiter, recovery } = resilience;
    let is_bare = settings.is_bare() && breaker.is_none() && limiter.is_none() && recovery.is_none();
    if let Some(name) = name
        && (!is_bare || retry.is_some())
    {
        settings.name = Some(name.clone());
    }
    let attempt = settings.one_attempt();
    settings.attempt = None;
    (settings, recovery, Inner { attempt, breaker, limiter, retry })
}

/// What of a builder's policies is around the work itself, or one attempt at it.
pub struct Inner {
    attempt: Configured,
    breaker: Option<CircuitBreaker>,
    limiter: Option<Limiter>,
    retry: Option<Retry>,
}

impl Inner {
    fn gate<S: RuntimeSource>(&self, source: S) -> Gate<S> {
        Gate::new(self.breaker.clone(), self.limiter.clone(), source)
    }

    /// `body` as work that is done once.
    pub fn once<B, S: RuntimeSource>(self, body: B, source: S) -> Guarded<Timeout<B, S>, S> {
        let work = self.attempt.attempt(body, source.clone());
        Guarded::of_task(work, self.gate(source))
    }

    /// Work that is tried again; `begin` begins an attempt.
    pub fn again<K, B, T, S: RuntimeSource>(
        self,
        begin: K,
        source: S,
        place: &'static Location<'static>,
    ) -> Attempts<K, B, T, S> {
        let gate = self.gate(source.clone());
        Attempts::new(begin, self.attempt, self.retry.unwrap_or_default(), gate, source, place)
    }
}

/// The whole of a task inside something larger: a place of `limiter` first, and the recovery behind all else.
pub fn whole<B, T, R: Runtime>(
    work: B,
    recovery: Option<RecoveryWork<T>>,
    limiter: Option<Limiter>,
    (runtime, born): (&R, &Born<R>),
) -> Once<B, T, R> {
    let policies = Resilience { settings: Configured::default(), breaker: None, limiter, recovery };
    let mut whole = super::compose::once(policies, work, runtime.clone());
    if let Some(guarded) = whole.work_mut() {
        guarded.come(born.inside.urgency());
    }
    whole
}
