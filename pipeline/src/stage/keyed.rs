//! A chain whose values have keys.

use std::future::Future;
use std::hash::{BuildHasher as _, Hash};

use foldhash::fast::FixedState;

use crate::stage::chain::{Answer, Chain, Next};

/// The stages `before`, and the key of each of their values. The receiver gets values of one key in source order.
#[derive(Clone)]
pub struct Keyed<C, G> {
    before: C,
    key: G,
}

impl<C, G> Keyed<C, G> {
    pub(crate) fn new(before: C, key: G) -> Self {
        Self { before, key }
    }
}

impl<C, K, G> Chain for Keyed<C, G>
where
    C: Chain,
    K: Hash,
    G: Fn(&C::Out) -> K + Send + Sync + 'static,
{
    type Row = C::Row;
    type Out = C::Out;
    type Synchronous<'a> = C::Synchronous<'a>;
    const HAS_KEYS: bool = true;

    fn synchronous(&self) -> Option<Self::Synchronous<'_>> {
        self.before.synchronous()
    }

    fn run<N: Next<C::Out>>(&self, row: C::Row, next: N) -> impl Future<Output = Answer> + Send {
        self.before.run(row, next)
    }

    fn hash_of(&self, value: &C::Out) -> u64 {
        // Fixed: which keys share a place in the order must not differ from run to run.
        FixedState::default().hash_one((self.key)(value))
    }
}
