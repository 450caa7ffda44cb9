//! The rejected rows on their way to the file or function that takes them.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_channel::{Receiver, Sender};
use event_listener::Event;

use crate::output::rejects::RejectedRow;

/// The bytes of rows that may wait to be written before their workers wait as well.
const MOST_WAITING: usize = 1 << 20;

/// A queue of rejected rows. A row is added at once wherever it is rejected, so that none is lost. Workers
/// and the sender wait between two chunks where too much is in it. So its memory is bounded by that and by
/// what is rejected of a chunk for each of them.
///
/// Relaxed throughout: only the number of bytes matters, and a worker that sees it late waits a chunk later.
pub(crate) struct RejectQueue {
    rows: Sender<RejectedRow>,
    bytes: AtomicUsize,
    written: Event,
}

impl RejectQueue {
    pub(crate) fn new() -> (Self, Receiver<RejectedRow>) {
        let (rows, receiver) = async_channel::unbounded();
        (Self { rows, bytes: AtomicUsize::new(0), written: Event::new() }, receiver)
    }

    pub(crate) fn push(&self, row: RejectedRow) {
        self.bytes.fetch_add(row.size(), Ordering::Relaxed);
        // Unbounded, and closed only once nothing is rejected any more.
        let _ = self.rows.try_send(row);
    }

    /// Notes that rows of so many bytes were written.
    pub(crate) fn written(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.written.notify(usize::MAX);
    }

    fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > MOST_WAITING
    }

    /// Waits until there is room for more.
    pub(crate) async fn room(&self) {
        while self.is_full() {
            // Listen, then check again: `written` stores before it notifies, and both fence.
            let written = self.written.listen();
            if self.is_full() {
                written.await;
            }
        }
    }
}
