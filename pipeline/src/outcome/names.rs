//! The names of a pipeline's sources: those that its sender has named, and those that other pipelines have published, as
//! they come out of queues.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::event::single::Origin;

/// Names that are there at least until those that nobody needs any more are looked for.
const FEW: usize = 64;

/// All sources of a pipeline.
#[derive(Default)]
pub(crate) struct Names {
    /// As the sender has named them, by their index.
    named: Box<[Arc<str>]>,
    /// A lock, taken where a message is of another source than the one before, and where a row of one is rejected.
    published: Mutex<Published>,
    /// Places of rows are told at the end: no name is forgotten.
    keeps: bool,
}

/// A source that another pipeline has published.
pub(crate) struct PublishedSource {
    pub(crate) name: Arc<str>,
    /// Its number in this pipeline, from 1.
    pub(crate) number: u32,
}

#[derive(Default)]
struct Published {
    by_name: HashMap<Arc<str>, Weak<PublishedSource>>,
    by_number: HashMap<u32, Weak<PublishedSource>>,
    kept: Vec<Arc<PublishedSource>>,
    /// The number that was given last. None is given twice.
    last: u32,
    /// With so many names, those that nobody needs any more are looked for.
    crowded: usize,
}

impl Names {
    pub(crate) fn new(named: Box<[Arc<str>]>, keeps: bool) -> Self {
        Self { named, published: Mutex::default(), keeps }
    }

    /// As the sender has named them.
    pub(crate) fn named(&self) -> &[Arc<str>] {
        &self.named
    }

    /// The name of the source that the sender has named at `index`.
    pub(crate) fn at(&self, index: u32) -> Option<&Arc<str>> {
        self.named.get(index as usize)
    }

    /// The name of a row's source: the one that was published, where it was.
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

    /// As [`of`](Self::of), of what has come from `origin`.
    pub(crate) fn of_origin(&self, origin: Origin) -> Arc<str> {
        self.of(origin.source, origin.published)
    }

    /// The source that was published as `name`. It is known as long as this lives, or to the end where names are kept.
    pub(crate) fn publish(&self, name: Arc<str>) -> Arc<PublishedSource> {
        let published = &mut *self.published();
        if let Some(known) = published.by_name.get(&name).and_then(Weak::upgrade) {
            return known;
        }
        // With no number left, a row's source is called as its queue is.
        let number = published.last.checked_add(1).unwrap_or(0);
        let known = Arc::new(PublishedSource { name: name.clone(), number });
        if number > 0 {
            published.last = number;
            published.by_name.insert(name, Arc::downgrade(&known));
            published.by_number.insert(number, Arc::downgrade(&known));
        }
        if self.keeps {
            published.kept.push(known.clone());
        } else if published.by_number.len() >= published.crowded.max(FEW) {
            published.by_name.retain(|_, known| known.strong_count() > 0);
            published.by_number.retain(|_, known| known.strong_count() > 0);
            published.crowded = published.by_number.len() * 2;
        }
        known
    }

    fn published(&self) -> MutexGuard<'_, Published> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
