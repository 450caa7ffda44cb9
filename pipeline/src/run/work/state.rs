//! The state of one worker that is the same for all types of events.

use std::sync::Arc;

use crate::event::single::Origin;
use crate::run::shared::control::Control;
use crate::run::shared::counters::LocalCounts;
use crate::run::shared::time_slice::TimeSlice;
use crate::run::work::pending_batch::PendingBatch;
use crate::text::chunk::RawChunk;
use crate::text::decode::Decoded;
use sweet_async_core::runtime::Runtime as _;

/// The counts, the time slice and the pending events of one worker. The events themselves have a type, and
/// are with the worker's part of the handler.
pub(crate) struct WorkerState {
    pub(crate) control: Arc<Control>,
    pub(crate) counts: LocalCounts,
    pub(crate) time_slice: TimeSlice,
    pub(crate) pending_batch: PendingBatch,
    /// The position of the row of the chunk that was handed out last.
    pub(crate) last: Decoded<()>,
    /// Set where rows of the chunk are left: no more are wanted, or a turn before theirs was lost. Cleared when
    /// a chunk begins.
    pub(crate) is_cut_short: bool,
    /// The error of a row that has ended the pipeline, where the chunk was claimed from a queue. Cleared when a
    /// chunk begins.
    pub(crate) failure: Option<Arc<str>>,
}

/// The origin, the name and the text of a chunk, which all its rows share.
pub(crate) struct ChunkData<'a> {
    pub(crate) origin: Origin,
    /// The name of the source.
    pub(crate) name: &'a Arc<str>,
    /// The text of the rows, kept for rejected ones where `keep_raw` is set.
    pub(crate) text: Option<RawChunk>,
    /// Set if the chunk was claimed from a queue.
    pub(crate) claimed: Option<ClaimedChunk>,
}

/// The message that a chunk was claimed as.
#[cfg_attr(not(feature = "json"), allow(dead_code, reason = "for values that are published, as JSON"))]
pub(crate) struct ClaimedChunk {
    /// The key of the message.
    pub(crate) key: Arc<str>,
    /// The sequence of its first row.
    pub(crate) first: u64,
}

impl WorkerState {
    pub(crate) fn new(control: Arc<Control>) -> Self {
        let counts = LocalCounts::new(control.clone());
        let last = Decoded { sequence: 0, line: 0, byte: 0, len: 0, data: Ok(()) };
        let (time_slice, pending_batch) = (TimeSlice::new(), PendingBatch::new());
        Self { control, counts, time_slice, pending_batch, last, is_cut_short: false, failure: None }
    }

    /// True if the pending events must not wait any longer.
    pub(crate) fn is_overdue(&self) -> bool {
        let due = self.control.batch_due(self.pending_batch.since());
        due.is_some_and(|due| self.control.runtime.now() >= due)
    }

    /// Lets other tasks run if it is time. Handled rows are added to the pipeline's counters before that.
    pub(crate) async fn rest(&mut self) {
        let Self { control, counts, time_slice, .. } = self;
        if time_slice.is_over(control.runtime.now()) {
            counts.flush();
            time_slice.pause(&control.runtime).await;
        }
    }
}
