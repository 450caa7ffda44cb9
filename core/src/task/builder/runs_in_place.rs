//! The future of work that is part of its caller, under each kind of policies.

use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;

use crate::body::Slot;
use crate::error::AsyncTaskError;
use crate::runtime::RuntimeSource;
use crate::task::builder::policies::{self, PolicySet};
use crate::task::layers::hedge::work::Hedged;
use crate::task::layers::{Once, again, hedged, once};
use crate::task::lifecycle::in_place::{InPlaceTask, Make, Ready};
use crate::task::settings::hedging::{Hedging, RetrySetting};
use crate::task::settings::resilience::{Resilience, Retrying};
use crate::task::view::context::TaskContext;
use crate::task::work::attempts::{Repeats, Shared};
use crate::task::work::in_place::InPlace;
use crate::task::work::kinds::{Again, Async, Call, Input, IntoResult, WithInput, Work};

/// The source of a runtime for work that runs in place, under the policies `P` of a builder. All sources
/// implement it, for all policies, and for all work that these fit: see
/// [`IntoAsyncResult`](crate::task::IntoAsyncResult) for what it may return. `I` is the input of the work.
#[diagnostic::on_unimplemented(
    message = "this work cannot run here",
    note = "with `.retry` it must be callable again: clone what it needs each time",
    note = "with `.hedge` it must be asynchronous, too: blocking work that has started cannot be stopped"
)]
pub trait RunsInPlace<P, F, I, O, T, W, M>: RuntimeSource {
    /// The future of the work, with the policies around it.
    type Future: Future<Output = Result<T, AsyncTaskError>>;

    #[doc(hidden)]
    fn run_in_place(self, policies: P, work: F, location: &'static Location<'static>) -> Self::Future;
}

impl<P, F, O, T, S, W, M> RunsInPlace<P, F, (), O, T, W, M> for S
where
    P: PolicySet<T> + policies::Once,
    M: Work<WithInput<F, ()>, O, T, S, W>,
    S: RuntimeSource,
{
    type Future = P::Governed<M::Body, S>;

    fn run_in_place(self, policies: P, work: F, location: &'static Location<'static>) -> Self::Future {
        let body = M::body(WithInput { work, input: () }, &self);
        policies.govern(body, self, location)
    }
}

impl<P, F, O, T, S, W, M> RunsInPlace<P, F, TaskContext, O, T, W, M> for S
where
    P: PolicySet<T> + policies::Once,
    WithInput<F, TaskContext>: Call<Output = O>,
    M: Work<WithInput<F, TaskContext>, O, T, S, W>,
    S: RuntimeSource,
{
    type Future = InPlaceTask<MakeOnce<F, T, W, M>, S, Slot<Once<M::Body, T, S>, T>, T>;

    fn run_in_place(self, policies: P, work: F, location: &'static Location<'static>) -> Self::Future {
        let (policies, _) = policies.into_all();
        let settings = policies.settings.clone();
        let make = MakeOnce { work, policies, kind: PhantomData };
        InPlaceTask::new(make, self, settings, location)
    }
}

/// The maker of work that runs once, and is given the context of its task.
pub struct MakeOnce<F, T, W, M> {
    work: F,
    policies: Resilience<T>,
    kind: PhantomData<fn() -> (W, M)>,
}

impl<F, O, T, S, W, M> Make<Slot<Once<M::Body, T, S>, T>, S> for MakeOnce<F, T, W, M>
where
    WithInput<F, TaskContext>: Call<Output = O>,
    M: Work<WithInput<F, TaskContext>, O, T, S, W>,
    S: RuntimeSource,
{
    fn make(
        self,
        mut body: Pin<&mut Slot<Once<M::Body, T, S>, T>>,
        source: &S,
        _: &S::Runtime,
        context: TaskContext,
    ) {
        let work = M::body(WithInput { work: self.work, input: context }, source);
        body.set(Slot::Work { work: once(self.policies, work, source.clone()) });
    }
}

impl<F, I, O, T, S, W, M> RunsInPlace<Retrying<T>, F, I, O, T, W, M> for S
where
    I: Input,
    Again<F, I>: Call<Output = O>,
    M: Repeats<F, I, O, T, S, W>,
    S: RuntimeSource,
{
    type Future = InPlaceTask<Ready, S, again::Again<M::Maker, M::Body, T, S>, T>;

    fn run_in_place(
        self,
        policies: Retrying<T>,
        work: F,
        location: &'static Location<'static>,
    ) -> Self::Future {
        let (settings, guards, recovery) = policies.resilience.split();
        let policies = (guards, policies.retry, recovery);
        let work = again(&settings, policies, M::maker(work), self.clone(), location);
        InPlaceTask::around(work, self, settings, location)
    }
}

impl<F, I, O, T, S, W, K, R> RunsInPlace<Hedging<T, R>, F, I, O, T, W, Async<K>> for S
where
    I: Input,
    Again<F, I>: Call<Output = O>,
    O: Future<Output: IntoResult<T, K>>,
    S: RuntimeSource,
    R: RetrySetting,
{
    type Future = InPlaceTask<Ready, S, Hedged<Shared<F, I>, InPlace<Again<F, I>, O, T, K>, T, S>, T>;

    fn run_in_place(
        self,
        policies: Hedging<T, R>,
        work: F,
        location: &'static Location<'static>,
    ) -> Self::Future {
        let settings = policies.resilience.settings.clone();
        let work = hedged(policies, Shared::new(work), self.clone(), location);
        InPlaceTask::around(work, self, settings, location)
    }
}
