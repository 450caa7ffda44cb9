//! A chain whose last stage is synchronous and makes at most one value of a value.

use std::future::Future;

use crate::stage::chain::{Answer, Chain, Extend, MORE, Next, SyncChain};
use crate::stage::step::Step;

/// The stages `before`, and then `step`.
#[derive(Clone)]
pub struct Each<C, P> {
    before: C,
    step: P,
}

/// An [`Each`] as a function.
pub struct SyncEach<'a, C, P> {
    before: C,
    step: &'a P,
}

/// The stage as the destination of the stages before it.
struct EachNext<'a, P, N> {
    step: &'a P,
    next: N,
}

impl<C, P> Each<C, P> {
    pub(crate) fn new(before: C, step: P) -> Self {
        Self { before, step }
    }
}

impl<C: Chain, P: Step<C::Out>> Extend for Each<C, P> {}

impl<C: Chain, P: Step<C::Out>> Chain for Each<C, P> {
    type Row = C::Row;
    type Out = P::Out;
    type Synchronous<'a> = SyncEach<'a, C::Synchronous<'a>, P>;

    #[inline]
    fn synchronous(&self) -> Option<Self::Synchronous<'_>> {
        Some(SyncEach { before: self.before.synchronous()?, step: &self.step })
    }

    fn run<N: Next<P::Out>>(&self, row: C::Row, next: N) -> impl Future<Output = Answer> + Send {
        self.before.run(row, EachNext { step: &self.step, next })
    }
}

impl<C: SyncChain, P: Step<C::Out>> SyncChain for SyncEach<'_, C, P> {
    type Row = C::Row;
    type Out = P::Out;

    #[inline]
    fn push(&self, row: C::Row, next: &mut impl FnMut(P::Out) -> Answer) -> Answer {
        self.before.push(row, &mut |value| match self.step.step(value)? {
            Some(value) => next(value),
            None => Ok(MORE),
        })
    }
}

impl<In: Send, P: Step<In>, N: Next<P::Out>> Next<In> for EachNext<'_, P, N> {
    async fn take(&mut self, value: In) -> Answer {
        match self.step.step(value)? {
            Some(value) => self.next.take(value).await,
            None => Ok(MORE),
        }
    }
}
