//! The plan of a source: all that is needed to read it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::queue::DynQueue;
use crate::source::format::DynFormat;
use crate::source::input::{Blocking, Input};
use crate::source::item_chunks::{Fill, ItemChunks, PollItems};
use crate::text::chunk::ChunkSize;
use crate::text::cut::limits::Limits;
use crate::text::decode::DynDecoders;

/// One source, ready to be read.
pub(crate) enum Plan {
    Items(ItemChunks<Box<dyn Fill>>),
    Stream(ItemChunks<Box<dyn PollItems>>),
    Text(TextPlan),
    Queue(QueuePlan),
}

impl Plan {
    pub(crate) fn name(&self) -> Arc<str> {
        match self {
            Self::Items(items) => items.name.into(),
            Self::Stream(stream) => stream.name.into(),
            Self::Text(text) => text.name.clone(),
            Self::Queue(queue) => queue.name.clone(),
        }
    }

    /// Returns its length in bytes, if known.
    pub(crate) fn length(&self) -> Option<u64> {
        if let Self::Text(text) = self { text.length } else { None }
    }

    /// Sets its length in bytes.
    pub(crate) fn set_length(&mut self, length: u64) {
        if let Self::Text(text) = self {
            text.length = Some(length);
        }
    }

    /// Returns the name and the path, if the source is a file.
    pub(crate) fn file(&self) -> Option<(Arc<str>, PathBuf)> {
        let Self::Text(TextPlan { name, input: Input::Blocking(Blocking::File(path), _), .. }) = self else {
            return None;
        };
        Some((name.clone(), path.clone()))
    }
}

/// A text source, ready to be read.
pub(crate) struct TextPlan {
    pub(crate) name: Arc<str>,
    pub(crate) input: Input,
    pub(crate) format: Arc<dyn DynFormat>,
    pub(crate) size: ChunkSize,
    pub(crate) limits: Limits,
    /// Its length in bytes, if known.
    pub(crate) length: Option<u64>,
}

/// A queue, ready to be read.
pub(crate) struct QueuePlan {
    pub(crate) name: Arc<str>,
    pub(crate) queue: Arc<dyn DynQueue>,
    /// The job whose messages are read; all of them without one.
    pub(crate) job: Option<Arc<str>>,
    pub(crate) settings: QueueSettings,
    /// Reads the head of a message.
    pub(crate) open: Open,
}

/// The settings by which messages of a queue are claimed and given back.
#[derive(Clone, Copy)]
pub(crate) struct QueueSettings {
    pub(crate) lease: Duration,
    pub(crate) max_deliveries: u32,
    /// The delay of a message one of whose rows has ended the pipeline.
    pub(crate) redeliver_after: Duration,
    /// The time between two claims that find nothing.
    pub(crate) poll_every: Duration,
    /// True if the end of all jobs does not end the source.
    pub(crate) is_endless: bool,
}

/// Returns the source of a message and its decoders, from its head. The error is that of
/// [`read_head`](crate::source::format::read_head).
pub(crate) type Open = fn(&Bytes) -> Result<(Arc<str>, DynDecoders), Option<&'static str>>;
