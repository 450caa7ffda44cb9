//! A chain whose last stage is synchronous and makes any number of values of a value.

use std::future::Future;
use std::ops::ControlFlow;

use crate::stage::chain::{Answer, Chain, Extend, MORE, Next, SyncChain};
use crate::stage::step::Spread;

/// The stages `before`, and then `spread`.
#[derive(Clone)]
pub struct Many<C, P> {
    before: C,
    spread: P,
}

/// A [`Many`] as a function.
pub struct SyncMany<'a, C, P> {
    before: C,
    spread: &'a P,
}

/// The stage as the destination of the stages before it.
struct ManyNext<'a, P, N> {
    spread: &'a P,
    next: N,
}

impl<C, P> Many<C, P> {
    pub(crate) fn new(before: C, spread: P) -> Self {
        Self { before, spread }
    }
}

impl<C: Chain, P: Spread<C::Out>> Extend for Many<C, P> {}

impl<C: Chain, P: Spread<C::Out>> Chain for Many<C, P> {
    type Row = C::Row;
    type Out = P::Out;
    type Synchronous<'a> = SyncMany<'a, C::Synchronous<'a>, P>;

    #[inline]
    fn synchronous(&self) -> Option<Self::Synchronous<'_>> {
        Some(SyncMany { before: self.before.synchronous()?, spread: &self.spread })
    }

    fn run<N: Next<P::Out>>(&self, row: C::Row, next: N) -> impl Future<Output = Answer> + Send {
        self.before.run(row, ManyNext { spread: &self.spread, next })
    }
}

impl<C: SyncChain, P: Spread<C::Out>> SyncChain for SyncMany<'_, C, P> {
    type Row = C::Row;
    type Out = P::Out;

    #[inline]
    fn push(&self, row: C::Row, next: &mut impl FnMut(P::Out) -> Answer) -> Answer {
        self.before.push(row, &mut |value| {
            for value in self.spread.spread(value) {
                if next(value)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(MORE)
        })
    }
}

impl<In: Send, P: Spread<In>, N: Next<P::Out>> Next<In> for ManyNext<'_, P, N> {
    async fn take(&mut self, value: In) -> Answer {
        for value in self.spread.spread(value) {
            if self.next.take(value).await?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(MORE)
    }
}
