//! A task of an orchestra: a builder and its work, until the graph lets it begin.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::plan::Launch;
use crate::error::AsyncTaskError;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::{
    Birth, Call, Configured, Guarded, Inner, Kind, Once, Policies, PolicySet, RecoveryWork, Retrying,
    TaskRef, Told, Work, caught, spawn_tracked, whole, within,
};
use crate::time::Timeout;

/// Work that is given what it depends on.
pub trait Fed<I> {
    /// What it returns.
    type Output;

    #[doc(hidden)]
    fn feed(self, inputs: I) -> Self::Output;
}

/// As [`Fed`], for work that can be called again.
pub trait FedAgain<I>: Fed<I> {
    #[doc(hidden)]
    fn feed_again(&self, inputs: I) -> Self::Output;
}

/// Work that is given nothing.
pub struct Alone<F>(pub(super) F);

impl<F: FnOnce() -> O, O> Fed<()> for Alone<F> {
    type Output = O;

    fn feed(self, (): ()) -> O {
        (self.0)()
    }
}

impl<F: Fn() -> O, O> FedAgain<()> for Alone<F> {
    fn feed_again(&self, (): ()) -> O {
        (self.0)()
    }
}

/// Work that is given the outputs of others.
pub struct Given<F>(pub(super) F);

impl<F: FnOnce(I) -> O, I, O> Fed<I> for Given<F> {
    type Output = O;

    fn feed(self, inputs: I) -> O {
        (self.0)(inputs)
    }
}

impl<F: Fn(I) -> O, I, O> FedAgain<I> for Given<F> {
    fn feed_again(&self, inputs: I) -> O {
        (self.0)(inputs)
    }
}

/// One call of work, with its inputs.
pub struct Now<F, I> {
    work: F,
    inputs: I,
}

impl<F: Fed<I>, I> Call for Now<F, I> {
    type Output = F::Output;

    fn call(self) -> F::Output {
        self.work.feed(self.inputs)
    }
}

/// One of several calls.
pub struct Anew<F, I> {
    work: Arc<F>,
    inputs: I,
}

impl<F: FedAgain<I>, I> Call for Anew<F, I> {
    type Output = F::Output;

    fn call(self) -> F::Output {
        self.work.feed_again(self.inputs)
    }
}

/// Where a builder was used, and what it brings along.
pub struct Maker<S> {
    pub(super) inner: Inner,
    pub(super) source: S,
    pub(super) place: &'static Location<'static>,
}

/// The policies of a builder whose work an orchestra can run. Implemented by all of them, for all work that they fit: work
/// that is tried again must be callable again.
#[diagnostic::on_unimplemented(
    message = "this work cannot be that of a task of an orchestrator",
    note = "it must be `Send + 'static`; with `.retry` it must be callable again: clone what it needs each time"
)]
pub trait Begins<F, I, O, T, S, W, M>: Policies<T> {
    /// The work, with what is around it.
    type Body: Future<Output = Result<T, AsyncTaskError>> + Send + 'static;

    #[doc(hidden)]
    fn begin(maker: Maker<S>, work: F, inputs: I) -> Self::Body;
}

impl<P, F, I, O, T, S, W, M> Begins<F, I, O, T, S, W, M> for P
where
    P: PolicySet<T> + Once,
    F: Fed<I, Output = O>,
    M: Work<Now<F, I>, O, T, S, W, Body: Send + 'static>,
    S: RuntimeSource,
    T: Send + 'static,
{
    type Body = Guarded<Timeout<M::Body, S>, S>;

    fn begin(maker: Maker<S>, work: F, inputs: I) -> Self::Body {
        let Maker { inner, source, .. } = maker;
        inner.once(M::body(Now { work, inputs }, &source), source)
    }
}

impl<F, I, O, T, S, W, M> Begins<F, I, O, T, S, W, M> for Retrying<T>
where
    F: FedAgain<I, Output = O> + Send + Sync + 'static,
    I: Clone + Send + Sync + 'static,
    M: Work<Anew<F, I>, O, T, S, W, Body: Send + 'static>,
    S: RuntimeSource,
    T: Send + 'static,
{
    type Body = Pin<Box<dyn Future<Output = Result<T, AsyncTaskError>> + Send>>;

    fn begin(maker: Maker<S>, work: F, inputs: I) -> Self::Body {
        let Maker { inner, source, place } = maker;
        let work = Arc::new(work);
        let begin = move |source: &S, _| {
            let (work, inputs) = (work.clone(), inputs.clone());
            M::body(Anew { work, inputs }, source)
        };
        Box::pin(inner.again(begin, source, place))
    }
}

pin_project! {
    /// Says when the work begins: once it has its place.
    struct Begun<B, R: Runtime> {
        #[pin]
        work: B,
        launch: Option<Launch<R>>,
    }
}

impl<B: Future, R: Runtime> Future for Begun<B, R> {
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        let this = self.project();
        if let Some(launch) = this.launch.take() {
            launch.begins();
        }
        this.work.poll(cx)
    }
}

/// Where the result of a task goes.
pub(super) trait Deliver<T>: Send + 'static {
    /// Takes the result, and says what of it the orchestra is to know.
    fn deliver(&mut self, result: Result<T, AsyncTaskError>) -> Result<(), AsyncTaskError>;

    /// The orchestra knows.
    fn after(self);
}

/// Keeps the output for those who are declared after the task.
pub(super) struct Keep<T>(pub(super) Arc<OnceLock<Arc<T>>>);

impl<T: Send + Sync + 'static> Deliver<T> for Keep<T> {
    fn deliver(&mut self, result: Result<T, AsyncTaskError>) -> Result<(), AsyncTaskError> {
        let _ = self.0.set(Arc::new(result?));
        Ok(())
    }

    fn after(self) {}
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
        // What it drops may be the user's.
        let _ = caught(|| deliver.after());
    }
}

impl<R: Runtime> Launch<R> {
    /// Starts the task.
    pub(super) fn spawn<T, B>(
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
        let kind = run.scope().map_or(Kind::Spawned, |scope| Kind::Child(scope.clone()));
        let birth = Birth { kind, place, settings: Some(&settings) };
        let (runtime, limiter) = (run.runtime.clone(), run.shared.limiter.clone());
        let work = Begun { work, launch: Some(self.clone()) };
        // The end of the task before this one is outside of all spans.
        let span = run.scope().and_then(|scope| scope.control.span());
        let end = End { launch: self.clone(), deliver };
        within(span.as_deref(), || match (recovery, limiter) {
            // With nothing around it, the work alone: that is a smaller body, which is moved and polled more cheaply.
            (None, None) => spawn_tracked(runtime, birth, |_, _| work, end),
            (recovery, limiter) => {
                let body = |runtime: &R, born: &_| whole(work, recovery, limiter, (runtime, born));
                spawn_tracked(runtime, birth, body, end)
            }
        })
    }
}
