//! The start of a task of an orchestra: in its place, below the whole, and reported when it ends.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::execution::batch::Launch;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::current_task;
use sweet_async_core::extend::{Configured, TaskRef};
use sweet_async_core::extend::{
    Kind, Recovery, RecoveryWork, Registered, Reports, SpawnRequest, Told, adopt, release, spawn_reporting,
    spawn_tracked, whole, within,
};
use sweet_async_core::limit::Limiter;
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::Task;

pin_project! {
    /// Says when the work begins: once it has its place. Asked before that, it never does.
    struct Begun<B, R: Runtime> {
        #[pin]
        work: B,
        launch: Option<Launch<R>>,
    }
}

impl<B, T, R> Future for Begun<B, R>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    R: Runtime,
{
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        let this = self.project();
        if let Some(launch) = this.launch.take() {
            if let Some(error) = launch.refuses() {
                return Poll::Ready(Err(error));
            }
            launch.begins();
        }
        this.work.poll(cx)
    }
}

pin_project! {
    /// The whole of a task that may have to wait for a place: asked meanwhile, it waits no more.
    struct Admitted<B, R: Runtime> {
        #[pin]
        whole: Option<B>,
        launch: Launch<R>,
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
            && !this.launch.has_begun()
            && let Some(error) = this.launch.refuses()
        {
            this.whole.set(None);
            return Poll::Ready(Err(error));
        }
        polled
    }
}

/// Where the result of a task goes.
pub(crate) trait Deliver<T>: Send + 'static {
    /// Takes the result, and says what of it the orchestra is to know.
    fn deliver(&mut self, result: Result<T, AsyncTaskError>) -> Result<(), AsyncTaskError>;
}

/// Keeps the output for those who are declared after the task.
pub(crate) struct Keep<T>(pub(crate) Arc<OnceLock<Arc<T>>>);

impl<T: Send + Sync + 'static> Deliver<T> for Keep<T> {
    fn deliver(&mut self, result: Result<T, AsyncTaskError>) -> Result<(), AsyncTaskError> {
        let _ = self.0.set(Arc::new(result?));
        Ok(())
    }
}

/// What an ad-hoc task is started with.
pub(crate) struct Guest<T> {
    pub(crate) settings: Configured,
    pub(crate) recovery: Option<RecoveryWork<T>>,
    /// What its handle can be asked of its recovery.
    pub(crate) told: Option<Recovery>,
    pub(crate) caller: Option<Caller>,
    pub(crate) place: &'static Location<'static>,
}

/// The task that runs an ad-hoc task: it does not end before this is dropped, also where it has dropped what awaits that.
pub(crate) struct Caller(TaskRef);

impl Caller {
    /// The one that is polled here.
    pub(crate) fn current() -> Option<Self> {
        let caller = current_task().filter(|task| !task.control.state().is_terminal())?;
        caller.control.child_started();
        Some(Self(caller))
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        release(&self.0);
    }
}

/// The end of an ad-hoc task, and of its caller's wait for it.
struct GuestEnd<R: Runtime> {
    launch: Launch<R>,
    task: Option<TaskRef>,
    _caller: Option<Caller>,
}

impl<R: Runtime> Reports for GuestEnd<R> {
    fn starts(&mut self, task: &TaskRef) {
        self.task = Some(task.clone());
    }
}

impl<R: Runtime> Drop for GuestEnd<R> {
    fn drop(&mut self) {
        self.launch.guest_ended(self.task.as_ref());
    }
}

/// The end of a task.
struct End<R: Runtime, D> {
    launch: Launch<R>,
    deliver: D,
}

impl<T, R: Runtime, D: Deliver<T>> Told<T> for End<R, D> {
    fn told(self, task: &TaskRef, result: Result<T, AsyncTaskError>) {
        let Self { launch, mut deliver } = self;
        launch.ended(task, deliver.deliver(result));
    }
}

impl<R: Runtime> Launch<R> {
    /// Starts the task.
    pub(crate) fn spawn<T, B>(
        self,
        (mut settings, recovery): (Configured, Option<RecoveryWork<T>>),
        work: B,
        deliver: impl Deliver<T>,
        place: &'static Location<'static>,
    ) -> TaskRef
    where
        T: Send + 'static,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    {
        let run = &self.plan.run;
        if let Some(values) = self.cell().and_then(|cell| cell.values.as_ref()) {
            settings.add_values(Some(values));
        }
        if run.is_metered() {
            settings.metrics_are(true);
        }
        let birth = SpawnRequest { kind: self.kind(), place, settings: Some(&settings) };
        let (runtime, limiter) = (run.runtime.clone(), run.shared.limiter.clone());
        let work = Begun { work, launch: Some(self.clone()) };
        let end = End { launch: self.clone(), deliver };
        self.in_span(|| match (recovery, limiter) {
            // With nothing around it, the work alone: that is a smaller body, which is moved and polled more cheaply.
            (None, None) => spawn_tracked(runtime, birth, |_, _| work, end),
            (recovery, limiter) => {
                let body = |runtime: &R, born: &_| self.admitted(work, recovery, limiter, (runtime, born));
                spawn_tracked(runtime, birth, body, end)
            }
        })
    }

    /// Starts an ad-hoc task.
    pub(crate) fn spawn_guest<T, B>(
        self,
        Guest { mut settings, recovery, told, caller, place }: Guest<T>,
        work: B,
    ) -> Task<T, R>
    where
        T: Send + 'static,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    {
        let run = &self.plan.run;
        if run.is_metered() {
            settings.metrics_are(true);
        }
        let birth = SpawnRequest { kind: self.kind(), place, settings: Some(&settings) };
        // What a task of the orchestra runs is in the place of that.
        let waits = |_: &Limiter| !caller.as_ref().is_some_and(|caller| run.shared.has(&caller.0));
        let (runtime, limiter) = (run.runtime.clone(), run.shared.limiter.clone().filter(waits));
        let work = Begun { work, launch: Some(self.clone()) };
        let above = caller.as_ref().map(|caller| caller.0.clone());
        let end = GuestEnd { launch: self.clone(), task: None, _caller: caller };
        let task = self.in_span(|| {
            let body = |runtime: &R, born: &Registered<R>| {
                if let Some(told) = told {
                    born.inside.control.set_recovery(told);
                }
                self.admitted(work, recovery, limiter, (runtime, born))
            };
            spawn_reporting(runtime, birth, body, end)
        });
        // It hears what its caller is asked.
        if let (Some(above), Some(task)) = (&above, task.task_ref()) {
            adopt(above, &task);
        }
        task
    }

    fn kind(&self) -> Kind {
        self.plan.run.above().map_or(Kind::Spawned, |above| Kind::Child(above.clone()))
    }

    /// Does `f` in the span of the whole: the end of the task before this one, which begins it, is outside of all spans.
    fn in_span<O>(&self, f: impl FnOnce() -> O) -> O {
        let span = self.plan.run.above().and_then(|above| above.control.span());
        within(span.as_deref(), f)
    }

    fn admitted<T, B>(
        &self,
        work: B,
        recovery: Option<RecoveryWork<T>>,
        limiter: Option<Limiter>,
        born: (&R, &Registered<R>),
    ) -> Admitted<impl Future<Output = Result<T, AsyncTaskError>> + use<T, B, R>, R>
    where
        T: Send + 'static,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    {
        Admitted { whole: Some(whole(work, recovery, limiter, born)), launch: self.clone() }
    }
}
