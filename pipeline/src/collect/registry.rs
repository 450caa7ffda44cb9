//! The registry of running pipelines, for collectors that have left their worker.
//!
//! A collector carries its pipeline's number and no reference, so that making one for each event is free. One
//! that is used on another thread or in another task finds its pipeline here. Adding and removing a pipeline
//! copies a small map; a look-up takes no lock.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Weak};

use arc_swap::ArcSwap;

type Map = HashMap<u64, Weak<dyn Any + Send + Sync>>;

static PIPELINES: LazyLock<ArcSwap<Map>> = LazyLock::new(ArcSwap::default);

/// A pipeline's entry in the registry, for as long as it collects.
pub(crate) struct Registration(u64);

impl Registration {
    pub(crate) fn new(pipeline: u64, partitions: Arc<dyn Any + Send + Sync>) -> Self {
        let weak = Arc::downgrade(&partitions);
        PIPELINES.rcu(|map| {
            let mut map = Map::clone(map);
            map.insert(pipeline, weak.clone());
            map
        });
        Self(pipeline)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        PIPELINES.rcu(|map| {
            let mut map = Map::clone(map);
            map.remove(&self.0);
            map
        });
    }
}

/// Finds the parts of a pipeline that has not ended.
pub(crate) fn find(pipeline: u64) -> Option<Arc<dyn Any + Send + Sync>> {
    PIPELINES.load().get(&pipeline).and_then(Weak::upgrade)
}
