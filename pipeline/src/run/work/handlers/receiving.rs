//! The handler that passes events or batches to a user's receiver.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::collect::deferred_rejections::DeferredRejections;
use crate::collect::worker::calls::Calls;
use crate::outcome::names::Names;
use crate::run::work::call::caller::Caller;
use crate::run::work::call::delivery::Delivery;
use crate::run::work::call::receive::Receive;
use crate::run::work::completion::Completion;
use crate::run::work::feed::{Feed, PendingEvents};
use crate::run::work::handlers::handler::Handler;
use crate::run::work::slot::StateSlot;
use crate::stage::chain::Chain;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::DynRuntime;

/// A user's receiver of events or of batches, whether it may collect or not. A method without a doc is as in
/// [`Handler`].
pub(crate) trait ReceiverCalls<A>: Send + Sync + 'static {
    type Output: 'static;
    type Kind: Receive<Self::Output>;
    /// As in [`Caller`].
    type Attempt: Copy + Send + Sync;
    /// The state of one worker, as in [`Handler`].
    type Local: Send + 'static;
    type End: Send + 'static;

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<Self::Local>;

    /// Begins the next attempt of the worker.
    fn begin(&self, calls: &Calls) -> Self::Attempt;

    /// Calls the receiver, as a part of the attempt.
    fn call(&self, attempt: Self::Attempt, argument: A) -> Self::Output;

    /// Runs user code with the worker's state installed, as [`Caller::run`].
    fn within(&self, slot: &StateSlot<Self::Local>, run: &mut dyn FnMut());

    /// Ends the attempt that was begun last.
    fn end(&self, calls: &Calls, succeeded: bool);

    fn close(
        &self,
        locals: Vec<Self::Local>,
        names: &Names,
    ) -> impl Future<Output = (DeferredRejections, Self::End)> + Send;

    fn hand_over(&self, _: &mut Self::Local) -> Result<(), AsyncTaskError> {
        Ok(())
    }

    fn rejected(&self) -> u64 {
        u64::MAX
    }

    fn reports_positions(&self) -> bool {
        false
    }

    fn duplicates(_: &Self::End) -> u64 {
        0
    }

    /// As [`Handler::begin`].
    fn open(&self) -> impl Future<Output = Result<(), AsyncTaskError>> + Send {
        std::future::ready(Ok(()))
    }

    /// As [`Handler::complete`].
    fn complete(&self, _: Completion) -> impl Future<Output = Result<(), AsyncTaskError>> + Send {
        std::future::ready(Ok(()))
    }
}

/// A handler that calls a receiver. An `A` is the receiver's argument.
pub(crate) struct Receiving<H, A> {
    receiver: H,
    argument: PhantomData<fn(A)>,
}

impl<H, A> Receiving<H, A> {
    pub(crate) fn new(receiver: H) -> Self {
        Self { receiver, argument: PhantomData }
    }
}

/// The caller of one worker: a receiver, and the worker's slot.
struct WorkerCaller<'r, 's, H, A, L> {
    receiving: &'r Receiving<H, A>,
    slot: &'s StateSlot<L>,
}

impl<H: ReceiverCalls<A>, A> Caller<A, H::Output> for WorkerCaller<'_, '_, H, A, H::Local> {
    type Attempt = H::Attempt;

    #[inline]
    fn begin(&self) -> H::Attempt {
        self.receiving.receiver.begin(self.slot.calls())
    }

    #[inline]
    fn call(&self, attempt: H::Attempt, argument: A) -> H::Output {
        self.receiving.receiver.call(attempt, argument)
    }

    fn run(&self, code: &mut dyn FnMut()) {
        self.receiving.receiver.within(self.slot, code);
    }

    #[inline]
    fn end(&self, succeeded: bool) {
        self.receiving.receiver.end(self.slot.calls(), succeeded);
    }
}

impl<T, H, A> Handler<T> for Receiving<H, A>
where
    T: Send + 'static,
    A: Delivery<T> + 'static,
    H: ReceiverCalls<A>,
{
    type Local = H::Local;
    type End = H::End;

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<Self::Local> {
        self.receiver.locals(workers)
    }

    fn handle<X: Chain<Out = T>>(
        &self,
        slot: &StateSlot<Self::Local>,
        feed: &mut Feed<'_, X>,
    ) -> impl Future<Output = bool> + Send {
        A::drive::<X, H::Kind, _, _>(feed, WorkerCaller { receiving: self, slot })
    }

    fn slice<X: Chain<Out = T>>(
        &self,
        slot: &StateSlot<Self::Local>,
        feed: &mut Feed<'_, X>,
    ) -> Option<bool> {
        A::slice::<X, H::Kind, _, _>(feed, &WorkerCaller { receiving: self, slot })
    }

    fn finish(
        &self,
        slot: &StateSlot<Self::Local>,
        pending: &mut PendingEvents<'_, T>,
    ) -> impl Future<Output = ()> + Send {
        A::finish::<H::Kind, _, _>(pending, WorkerCaller { receiving: self, slot })
    }

    fn begin(&self, _: &DynRuntime) -> impl Future<Output = Result<(), AsyncTaskError>> + Send {
        self.receiver.open()
    }

    fn complete(
        &self,
        _: &DynRuntime,
        completion: Completion,
    ) -> impl Future<Output = Result<(), AsyncTaskError>> + Send {
        self.receiver.complete(completion)
    }

    fn hand_over(&self, local: &mut Self::Local) -> Result<(), AsyncTaskError> {
        self.receiver.hand_over(local)
    }

    fn rejected(&self) -> u64 {
        self.receiver.rejected()
    }

    fn reports_positions(&self) -> bool {
        self.receiver.reports_positions()
    }

    fn can_be_timed(&self) -> bool {
        H::Kind::CAN_BE_TIMED
    }

    fn duplicates(end: &H::End) -> u64 {
        H::duplicates(end)
    }

    fn close(
        &self,
        locals: Vec<Self::Local>,
        names: &Names,
    ) -> impl Future<Output = (DeferredRejections, Self::End)> + Send {
        self.receiver.close(locals, names)
    }
}
