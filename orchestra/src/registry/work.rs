//! The work of a task of an orchestra with its builder's policies, until the graph lets it begin.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;

use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Inner, RecoveryWork, embedded};
use sweet_async_core::internals::{Async, Call, Guarded, RetrySetting, Work};
use sweet_async_core::runtime::RuntimeSource;
use sweet_async_core::task::{
    Configured, Contextual, Hedging, Policies, Resilience, Retrying, TaskContext, Unconfigured,
};

/// Work that takes inputs of type `I`.
pub trait Fed<I> {
    /// The type that a call returns.
    type Output;

    #[doc(hidden)]
    fn feed(self, inputs: I) -> Self::Output;
}

/// As [`Fed`], for work that can be called again.
pub trait FedAgain<I>: Fed<I> {
    #[doc(hidden)]
    fn feed_again(&self, inputs: I) -> Self::Output;

    /// The inputs of one attempt.
    #[doc(hidden)]
    fn of_attempt(inputs: I, _attempt: TaskContext) -> I {
        inputs
    }
}

/// Work without inputs.
pub struct NoInputs<F>(pub(crate) F);

impl<F: FnOnce() -> O, O> Fed<()> for NoInputs<F> {
    type Output = O;

    fn feed(self, (): ()) -> O {
        (self.0)()
    }
}

impl<F: Fn() -> O, O> FedAgain<()> for NoInputs<F> {
    fn feed_again(&self, (): ()) -> O {
        (self.0)()
    }
}

/// Work that is given the context of its task, or of its attempt.
pub struct Informed<F>(pub(crate) F);

impl<F: FnOnce(TaskContext) -> O, O> Fed<TaskContext> for Informed<F> {
    type Output = O;

    fn feed(self, context: TaskContext) -> O {
        (self.0)(context)
    }
}

impl<F: Fn(TaskContext) -> O, O> FedAgain<TaskContext> for Informed<F> {
    fn feed_again(&self, context: TaskContext) -> O {
        (self.0)(context)
    }

    fn of_attempt(_: TaskContext, attempt: TaskContext) -> TaskContext {
        attempt
    }
}

/// Work that is given the outputs of other tasks.
pub struct WithInputs<F>(pub(crate) F);

impl<F: FnOnce(I) -> O, I, O> Fed<I> for WithInputs<F> {
    type Output = O;

    fn feed(self, inputs: I) -> O {
        (self.0)(inputs)
    }
}

impl<F: Fn(I) -> O, I, O> FedAgain<I> for WithInputs<F> {
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

/// One of several calls of work, with its inputs.
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

/// The parts of a builder that its work needs: the policies around it, the runtime source, and the spawn
/// site.
pub struct WorkParts<S, I> {
    pub(crate) inner: I,
    pub(crate) source: S,
    pub(crate) site: &'static Location<'static>,
}

/// The policies of a builder that are around the whole of a task.
pub struct Around<T> {
    pub(crate) settings: Configured,
    pub(crate) recovery: Option<RecoveryWork<T>>,
}

/// The policies of a builder whose work an orchestra can run. All policies implement it, for all work that
/// they fit: work that is retried must be callable again.
#[diagnostic::on_unimplemented(
    message = "this work cannot be that of a task of an orchestrator",
    note = "it must be `Send + 'static`; with `.retry` it must be callable again: clone what it needs each time",
    note = "with `.hedge` it must be asynchronous, too: blocking work that has started cannot be stopped"
)]
pub trait Begins<F, I, O, T, S, W, M>: Policies<T> {
    /// The work, with the policies around it.
    type Body: Future<Output = Result<T, AsyncTaskError>> + Send + 'static;
    /// The policies that are around the work itself, until it begins. None for a builder without policies:
    /// the task of its work is then as small as one that is spawned.
    type Kept: Send + 'static;

    #[doc(hidden)]
    fn keep(inner: Inner) -> Self::Kept;

    /// The policies around the whole of the task `name`, if there are any, and those that are kept for the
    /// work itself.
    #[doc(hidden)]
    fn apart(self, name: &Arc<str>) -> (Option<Box<Around<T>>>, Self::Kept) {
        let hedge = self.hedge().cloned();
        let (resilience, retry) = self.into_all();
        let (settings, recovery, inner) = embedded(resilience, (retry, hedge), Some(name));
        (Some(Box::new(Around { settings, recovery })), Self::keep(inner))
    }

    #[doc(hidden)]
    fn begin(parts: WorkParts<S, Self::Kept>, work: F, inputs: I) -> Self::Body;
}

/// Implements [`Begins`] for policies whose work is called once.
macro_rules! begins_once {
    ($($policies:ty)+) => {$(
        impl<F, I, O, T, S, W, M> Begins<F, I, O, T, S, W, M> for $policies
        where
            F: Fed<I, Output = O>,
            M: Work<Now<F, I>, O, T, S, W, Body: Send + 'static>,
            S: RuntimeSource,
            T: Send + 'static,
        {
            type Body = Guarded<M::Body, T, S>;
            type Kept = Inner;

            fn keep(inner: Inner) -> Inner {
                inner
            }

            fn begin(parts: WorkParts<S, Inner>, work: F, inputs: I) -> Self::Body {
                let WorkParts { inner, source, .. } = parts;
                inner.once(M::body(Now { work, inputs }, &source), source)
            }
        }
    )+};
}

begins_once!(Configured Contextual Resilience<T>);

impl<F, I, O, T, S, W, M> Begins<F, I, O, T, S, W, M> for Unconfigured
where
    F: Fed<I, Output = O>,
    M: Work<Now<F, I>, O, T, S, W, Body: Send + 'static>,
    S: RuntimeSource,
    T: Send + 'static,
{
    type Body = M::Body;
    type Kept = ();

    fn keep(_: Inner) {}

    fn apart(self, _: &Arc<str>) -> (Option<Box<Around<T>>>, ()) {
        (None, ())
    }

    fn begin(parts: WorkParts<S, ()>, work: F, inputs: I) -> Self::Body {
        M::body(Now { work, inputs }, &parts.source)
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
    type Kept = Inner;

    fn keep(inner: Inner) -> Inner {
        inner
    }

    fn begin(parts: WorkParts<S, Inner>, work: F, inputs: I) -> Self::Body {
        let WorkParts { inner, source, site } = parts;
        let work = Arc::new(work);
        let begin = move |source: &S, attempt| {
            let (work, inputs) = (work.clone(), F::of_attempt(inputs.clone(), attempt));
            M::body(Anew { work, inputs }, source)
        };
        Box::pin(inner.again(begin, source, site))
    }
}

impl<F, I, O, T, S, W, K, R> Begins<F, I, O, T, S, W, Async<K>> for Hedging<T, R>
where
    F: FedAgain<I, Output = O> + Send + Sync + 'static,
    I: Clone + Send + Sync + 'static,
    Async<K>: Work<Anew<F, I>, O, T, S, W, Body: Send + 'static>,
    S: RuntimeSource,
    T: Send + 'static,
    R: RetrySetting,
{
    type Body = Pin<Box<dyn Future<Output = Result<T, AsyncTaskError>> + Send>>;
    type Kept = Inner;

    fn keep(inner: Inner) -> Inner {
        inner
    }

    fn begin(parts: WorkParts<S, Inner>, work: F, inputs: I) -> Self::Body {
        let WorkParts { inner, source, site } = parts;
        let work = Arc::new(work);
        let begin = move |source: &S, attempt| {
            let (work, inputs) = (work.clone(), F::of_attempt(inputs.clone(), attempt));
            <Async<K> as Work<Anew<F, I>, O, T, S, W>>::body(Anew { work, inputs }, source)
        };
        Box::pin(inner.hedged(begin, source, site))
    }
}
