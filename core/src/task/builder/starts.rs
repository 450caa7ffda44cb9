//! The start of work as a task of its own, under each kind of policies.

use std::future::Future;

use crate::error::AsyncTaskError;
use crate::runtime::RuntimeSource;
use crate::task::builder::policies::{Once, PolicySet, refused, register};
use crate::task::handle::task::Task;
use crate::task::layers::hedge::work::MakeWork;
use crate::task::layers::{again, hedged};
use crate::task::lifecycle::spawn::SpawnSite;
use crate::task::settings::hedging::{Hedging, RetrySetting};
use crate::task::settings::resilience::Retrying;
use crate::task::work::attempts::{MakeAttempt, Repeats, Shared};
use crate::task::work::in_place::InPlace;
use crate::task::work::kinds::{Again, Async, Call, Input, IntoResult, WithInput, Work};

/// The source of a runtime that can start work under the policies `P` of a builder, as a task of its own. All
/// sources implement it, for all policies, and for all work that these fit: see
/// [`IntoAsyncResult`](crate::task::IntoAsyncResult) for what it may return. `I` is the input of the work.
#[diagnostic::on_unimplemented(
    message = "this work cannot be that of a task of its own",
    note = "it must be `Send + 'static`; with `.retry` it must be callable again: clone what it needs each time",
    note = "with `.hedge` it must be asynchronous, too: blocking work that has started cannot be stopped"
)]
pub trait Starts<P, F, I, O, T: Send + 'static, W, M>: RuntimeSource {
    #[doc(hidden)]
    fn start(self, policies: P, work: F, at: SpawnSite) -> Task<T, Self::Runtime>;
}

impl<P, F, I, O, T, S, W, M> Starts<P, F, I, O, T, W, M> for S
where
    P: PolicySet<T> + Once,
    I: Input,
    M: Work<WithInput<F, I>, O, T, S::Runtime, W, Body: Send + 'static>,
    S: RuntimeSource,
    T: Send + 'static,
{
    fn start(self, policies: P, work: F, at: SpawnSite) -> Task<T, S::Runtime> {
        let location = at.location;
        match register(self, &policies, at) {
            Ok(registered) => {
                let input = I::of_task(|| registered.context());
                let body = M::body(WithInput { work, input }, &registered.task.runtime);
                policies.launch(registered, body)
            }
            Err(error) => refused(error, policies, location),
        }
    }
}

impl<F, I, O, T, S, W, M> Starts<Retrying<T>, F, I, O, T, W, M> for S
where
    F: Send + Sync + 'static,
    I: Input,
    Again<F, I>: Call<Output = O>,
    M: Repeats<F, I, O, T, S::Runtime, W, Body: Send + 'static, Maker: Send + 'static>,
    S: RuntimeSource,
    T: Send + 'static,
{
    fn start(self, policies: Retrying<T>, work: F, at: SpawnSite) -> Task<T, S::Runtime> {
        policies.start_attempts(self, M::maker(work), at)
    }
}

impl<F, I, O, T, S, W, K, R> Starts<Hedging<T, R>, F, I, O, T, W, Async<K>> for S
where
    F: Send + Sync + 'static,
    I: Input,
    Again<F, I>: Call<Output = O>,
    O: Future<Output: IntoResult<T, K>> + Send + 'static,
    K: 'static,
    S: RuntimeSource,
    T: Send + 'static,
    R: RetrySetting,
{
    fn start(self, policies: Hedging<T, R>, work: F, at: SpawnSite) -> Task<T, S::Runtime> {
        policies.start_attempts::<S, InPlace<Again<F, I>, O, T, K>>(self, Shared::new(work), at)
    }
}

impl<T: Send + 'static> Retrying<T> {
    /// Starts the work as a task of its own. `begin` makes the work of one attempt.
    pub(crate) fn start_attempts<S, B>(
        self,
        source: S,
        begin: impl MakeAttempt<S::Runtime, B> + Send + 'static,
        at: SpawnSite,
    ) -> Task<T, S::Runtime>
    where
        S: RuntimeSource,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    {
        let location = at.location;
        let registered = match register(source, &self, at) {
            Ok(registered) => registered,
            Err(error) => return refused(error, self, location),
        };
        registered.task.control.set_recovery(self.resilience.new_recovery(Some(&self.retry)));
        let (settings, guards, recovery) = self.resilience.split();
        let policies = (guards, self.retry, recovery);
        let mut work = again(&settings, policies, begin, registered.task.runtime.clone(), location);
        work.attempts_mut().enter_queue(registered.inside.urgency());
        registered.launch_boxed(work)
    }
}

impl<T: Send + 'static, R: RetrySetting> Hedging<T, R> {
    /// As [`Retrying::start_attempts`], for attempts beside each other.
    pub(crate) fn start_attempts<S, B>(
        self,
        source: S,
        make: impl MakeWork<S::Runtime, B> + Send + 'static,
        at: SpawnSite,
    ) -> Task<T, S::Runtime>
    where
        S: RuntimeSource,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    {
        let location = at.location;
        let registered = match register(source, &self, at) {
            Ok(registered) => registered,
            Err(error) => return refused(error, self, location),
        };
        registered.task.control.set_recovery(self.resilience.new_recovery(self.retry.retry()));
        let mut work = hedged(self, make, registered.task.runtime.clone(), location);
        work.rounds_mut().enter_queue(registered.inside.urgency());
        registered.launch_boxed(work)
    }
}
