//! The names of a pipeline's sources. The sender names its own sources; the names of published sources come out
//! of queues, with their messages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::event::single::Origin;

/// The number of published sources below which unused ones are not removed.
const FEW: usize = 64;

/// All sources of a pipeline.
#[derive(Default)]
pub(crate) struct Names {
    /// The names that the sender has given, by the index of the source.
    named: Box<[Arc<str>]>,
    /// The published sources. The lock is taken where a message is of another source than the one before, and
    /// where a row of one is rejected.
    published: Mutex<Published>,
    /// True if positions of rows are reported at the end: then no name is removed.
    keeps: bool,
}

/// A source that another pipeline has published.
pub(crate) struct PublishedSource {
    pub(crate) name: Arc<str>,
    /// The source's number in this pipeline, from 1; 0 if no number was left.
    pub(crate) number: u32,
}

#[derive(Default)]
struct Published {
    by_name: HashMap<Arc<str>, Weak<PublishedSource>>,
    by_number: HashMap<u32, Weak<PublishedSource>>,
    kept: Vec<Arc<PublishedSource>>,
    /// The last number that was assigned. None is assigned twice.
    last: u32,
    /// The number of sources from which on unused ones are removed.
    cleanup_threshold: usize,
}

impl Names {
    pub(crate) fn new(named: Box<[Arc<str>]>, keeps: bool) -> Self {
        Self { named, published: Mutex::default(), keeps }
    }

    /// The names that the sender has given.
    pub(crate) fn named(&self) -> &[Arc<str>] {
        &self.named
    }

    /// The name that the sender has given to the source at `index`.
    pub(crate) fn at(&self, index: u32) -> Option<&Arc<str>> {
        self.named.get(index as usize)
    }

    /// The name of a row's source: the published name if the source was published, and the sender's
    /// otherwise.
    pub(crate) fn of(&self, source: u32, published: u32) -> Arc<str> {
        let known = match published {
            0 => None,
            number => self.published().by_number.get(&number).and_then(Weak::upgrade),
        };
        match known {
            Some(known) => known.name.clone(),
            None => self.at(source).cloned().unwrap_or_default(),
        }
    }

    /// The name of the source that rows of `origin` come from, as by [`of`](Self::of).
    pub(crate) fn of_origin(&self, origin: Origin) -> Arc<str> {
        self.of(origin.source, origin.published)
    }

    /// The source that was published as `name`. It is known as long as the result lives, or to the end where
    /// names are kept.
    pub(crate) fn publish(&self, name: Arc<str>) -> Arc<PublishedSource> {
        let published = &mut *self.published();
        if let Some(known) = published.by_name.get(&name).and_then(Weak::upgrade) {
            return known;
        }
        // Without a number, a row's source has the name of its queue.
        let number = published.last.checked_add(1).unwrap_or(0);
        let known = Arc::new(PublishedSource { name: name.clone(), number });
        if number > 0 {
            published.last = number;
            published.by_name.insert(name, Arc::downgrade(&known));
            published.by_number.insert(number, Arc::downgrade(&known));
        }
        if self.keeps {
            published.kept.push(known.clone());
        } else if published.by_number.len() >= published.cleanup_threshold.max(FEW) {
            published.by_name.retain(|_, known| known.strong_count() > 0);
            published.by_number.retain(|_, known| known.strong_count() > 0);
            published.cleanup_threshold = published.by_number.len() * 2;
        }
        known
    }

    fn published(&self) -> MutexGuard<'_, Published> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
