//! A chain whose last stage is asynchronous and makes at most one value of a value.

use std::future::Future;

use crate::stage::chain::{Answer, Chain, Extend, MORE, Never, Next};
use crate::stage::step::AsyncStep;

/// The stages `before`, and then `step`.
#[derive(Clone)]
pub struct Awaited<C, P> {
    before: C,
    step: P,
}

/// The stage as the destination of the stages before it.
struct AwaitedNext<'a, P, N> {
    step: &'a P,
    next: N,
}

impl<C, P> Awaited<C, P> {
    pub(crate) fn new(before: C, step: P) -> Self {
        Self { before, step }
    }
}

impl<C: Chain, P: AsyncStep<C::Out>> Extend for Awaited<C, P> {}

impl<C: Chain, P: AsyncStep<C::Out>> Chain for Awaited<C, P> {
    type Row = C::Row;
    type Out = P::Out;
    type Synchronous<'a> = Never<C::Row, P::Out>;

    fn synchronous(&self) -> Option<Self::Synchronous<'_>> {
        None
    }

    fn run<N: Next<P::Out>>(&self, row: C::Row, next: N) -> impl Future<Output = Answer> + Send {
        self.before.run(row, AwaitedNext { step: &self.step, next })
    }
}

impl<In: Send, P: AsyncStep<In>, N: Next<P::Out>> Next<In> for AwaitedNext<'_, P, N> {
    async fn take(&mut self, value: In) -> Answer {
        match self.step.step(value).await? {
            Some(value) => self.next.take(value).await,
            None => Ok(MORE),
        }
    }
}
