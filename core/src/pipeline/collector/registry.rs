//! The way home for collectors that have left their worker.
//!
//! A collector carries its pipeline's number and no reference, so that making one for each event is free. One that is
//! used on another thread or in another task finds its pipeline here. Pipelines come and go with a copy of a small
//! map; looking one up takes no lock.

use std::any::Any;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, LazyLock, Weak};

use arc_swap::ArcSwap;

use super::partition::{Item, Partitions};

type Map = HashMap<u64, Weak<dyn Any + Send + Sync>>;

static PIPELINES: LazyLock<ArcSwap<Map>> = LazyLock::new(ArcSwap::default);

/// A pipeline's entry, for as long as it collects.
pub(crate) struct Registration(u64);

impl Registration {
    pub(crate) fn new<K, V>(pipeline: u64, partitions: &Arc<Partitions<K, V>>) -> Self
    where
        K: Send + 'static,
        V: Send + 'static,
    {
        let weak: Weak<dyn Any + Send + Sync> = Arc::downgrade(partitions) as _;
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

/// Puts a value straight into its partition. The value comes back if the pipeline has ended.
pub(super) fn push<K, V>(pipeline: u64, sequence: u64, key: K, value: V) -> Result<(), (K, V)>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
{
    let home = PIPELINES.load().get(&pipeline).and_then(Weak::upgrade);
    let Some(partitions) = home.and_then(|any| any.downcast::<Partitions<K, V>>().ok()) else {
        return Err((key, value));
    };
    let hash = partitions.hasher.hash_one(&key);
    let mut items = vec![Item { hash, sequence, key, value }];
    while partitions.absorb(Partitions::<K, V>::index(hash), &mut items) {
        if items.is_empty() {
            return Ok(());
        }
        // A worker is handing a buffer over, which takes microseconds and waits for nothing.
        std::thread::yield_now();
    }
    items.pop().map_or(Ok(()), |item| Err((item.key, item.value)))
}
