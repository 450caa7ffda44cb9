//! The erased form of a store, for an orchestrator that does not name its type.

use std::future::Future;
use std::pin::Pin;

use crate::durable::store::{RunNode, RunStore, StoredNode};
use sweet_async_core::error::BoxError;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// The part of a [`RunStore`] that an orchestrator calls, erased.
pub(crate) trait DynRunStore: Send + Sync {
    fn load<'a>(&'a self, run: &'a str) -> Boxed<'a, Option<Vec<StoredNode>>>;
    fn begin<'a>(&'a self, run: &'a str, graph: &'a [RunNode]) -> Boxed<'a, u64>;
    fn node_started<'a>(&'a self, run: &'a str, attempt: u64, node: &'a str) -> Boxed<'a, bool>;
    fn node_completed<'a>(
        &'a self,
        run: &'a str,
        attempt: u64,
        node: &'a str,
        output: &'a [u8],
    ) -> Boxed<'a, bool>;
    fn node_failed<'a>(&'a self, run: &'a str, attempt: u64, node: &'a str) -> Boxed<'a, bool>;
}

impl<Q: RunStore> DynRunStore for Q {
    fn load<'a>(&'a self, run: &'a str) -> Boxed<'a, Option<Vec<StoredNode>>> {
        Box::pin(async move { Ok(RunStore::load(self, run).await?) })
    }

    fn begin<'a>(&'a self, run: &'a str, graph: &'a [RunNode]) -> Boxed<'a, u64> {
        Box::pin(async move { Ok(RunStore::begin(self, run, graph).await?) })
    }

    fn node_started<'a>(&'a self, run: &'a str, attempt: u64, node: &'a str) -> Boxed<'a, bool> {
        Box::pin(async move { Ok(RunStore::node_started(self, run, attempt, node).await?) })
    }

    fn node_completed<'a>(
        &'a self,
        run: &'a str,
        attempt: u64,
        node: &'a str,
        output: &'a [u8],
    ) -> Boxed<'a, bool> {
        Box::pin(async move { Ok(RunStore::node_completed(self, run, attempt, node, output).await?) })
    }

    fn node_failed<'a>(&'a self, run: &'a str, attempt: u64, node: &'a str) -> Boxed<'a, bool> {
        Box::pin(async move { Ok(RunStore::node_failed(self, run, attempt, node).await?) })
    }
}
