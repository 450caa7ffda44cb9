//! What a pipeline reads: items, streams, files and bytes.

mod items;
mod size;
mod text;

use std::path::PathBuf;
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;

pub use items::ItemSource;
pub(crate) use items::{Fill, ItemChunks};
pub use size::ChunkSizeExt;
pub use text::{Csv, Delimiter, Lines, TextSource};
pub(crate) use text::{Input, Opened, TextPlan};

use super::rows::ChunkSize;
use crate::error::AsyncTaskError;

/// Where the sender closure names what the pipeline reads. Each source is added by its `into_chunks`; several are
/// read one after the other, in the order in which they were added.
pub struct Sources<T> {
    plans: Vec<Plan<T>>,
    fault: Option<AsyncTaskError>,
}

/// One source, ready to be read.
pub(crate) enum Plan<T> {
    Items(ItemChunks<Box<dyn Fill<T>>>),
    Stream(ItemChunks<Pin<Box<dyn Stream<Item = T> + Send>>>),
    Text(TextPlan<T>),
}

impl<T> Plan<T> {
    pub(crate) fn name(&self) -> std::sync::Arc<str> {
        match self {
            Self::Items(_) => "items".into(),
            Self::Stream(_) => "a stream".into(),
            Self::Text(text) => text.name().into(),
        }
    }
}

impl<T: Send + 'static> Sources<T> {
    pub(crate) fn new() -> Self {
        Self { plans: Vec::new(), fault: None }
    }

    /// Items of an iterator. It runs on the executor's threads: one that blocks belongs into blocking work that feeds
    /// a channel, to be read with [`of_stream`](Self::of_stream).
    pub fn of<I>(&mut self, items: I) -> ItemSource<'_, T, I::IntoIter>
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'static,
    {
        ItemSource::new(self, items.into_iter())
    }

    /// Items of a stream.
    pub fn of_stream<St>(&mut self, stream: St) -> ItemSource<'_, T, items::Pulled<St>>
    where
        St: Stream<Item = T> + Send + 'static,
    {
        ItemSource::new(self, items::Pulled(stream))
    }

    /// Rows of a file: CSV with a header, unless the source says otherwise. It is opened when the pipeline starts and
    /// read on the blocking pool; what is appended to it before its end is reached is read too.
    pub fn of_file(&mut self, path: impl Into<PathBuf>) -> TextSource<'_, T, Csv> {
        TextSource::new(self, Input::File(path.into()))
    }

    /// Rows of bytes in memory: CSV with a header, unless the source says otherwise.
    pub fn of_bytes(&mut self, bytes: impl Into<Bytes>) -> TextSource<'_, T, Csv> {
        TextSource::new(self, Input::Bytes(bytes.into()))
    }

    fn add(&mut self, size: ChunkSize, plan: impl FnOnce() -> Result<Plan<T>, AsyncTaskError>) {
        let plan = match size {
            ChunkSize::Rows(0) | ChunkSize::Bytes(0) => {
                Err(AsyncTaskError::config("a chunk holds at least one row: into_chunks was given zero"))
            }
            _ => plan(),
        };
        match plan {
            Ok(plan) => self.plans.push(plan),
            // The first fault is told when the pipeline starts, in place of starting it.
            Err(fault) => drop(self.fault.get_or_insert(fault)),
        }
    }

    pub(crate) fn into_plans(self) -> Result<Vec<Plan<T>>, AsyncTaskError> {
        match self.fault {
            Some(fault) => Err(fault),
            None if self.plans.is_empty() => Err(AsyncTaskError::config(
                "the sender named no source: call of, of_stream, of_file or of_bytes, and into_chunks on what it gives",
            )),
            None => Ok(self.plans),
        }
    }
}
