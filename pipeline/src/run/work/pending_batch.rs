//! The counts of events that wait for their batch, and the leases of their messages.

use std::sync::Arc;
use std::time::Instant;

use event_listener::Event as Changed;

use crate::run::shared::lease::{Lease, Outcome};
use crate::run::shared::limit::Limit;

/// The events of one worker that wait for their batch to be full, without the events themselves.
pub(crate) struct PendingBatch {
    /// The number of waiting events.
    waiting: usize,
    /// The time at which the first of them came.
    since: Option<Instant>,
    /// The number of events that ever came, including those that were handed over.
    count: u64,
    pub(crate) leases: Leases,
}

/// The leases of messages whose events are waiting.
pub(crate) struct Leases(Vec<Held>);

struct Held {
    lease: Box<Lease>,
    /// The sequence of the message's last row.
    last: u64,
    /// The value of `count` after the last event of the message; 0 if the message had no event.
    until: u64,
    /// True if all rows of the message were handed out.
    is_whole: bool,
    /// The error of a row of the message that has ended the pipeline.
    failure: Option<Arc<str>>,
}

impl PendingBatch {
    pub(crate) fn new() -> Self {
        Self { waiting: 0, since: None, count: 0, leases: Leases(Vec::new()) }
    }

    pub(crate) fn since(&self) -> Option<Instant> {
        self.since
    }

    /// The number of events that ever came.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Adds the events of a row. Returns the number of waiting ones.
    pub(crate) fn add(&mut self, events: usize, now: impl FnOnce() -> Instant) -> usize {
        if self.waiting == 0 {
            self.since = Some(now());
        }
        self.waiting += events;
        self.count += events as u64;
        self.waiting
    }

    /// Notes that the waiting events are handed over.
    pub(crate) fn hand_over(&mut self) {
        (self.waiting, self.since) = (0, None);
    }

    /// Keeps the lease of a message that has no more rows, or of whose rows no more are wanted. `before` is
    /// the value of `count` before its first row, and `failure` the error of a row that has ended the pipeline.
    pub(crate) fn hold(
        &mut self,
        lease: Box<Lease>,
        last: u64,
        before: u64,
        is_whole: bool,
        failure: Option<Arc<str>>,
    ) {
        // A message without an event waits for none.
        let until = if self.count > before { self.count } else { 0 };
        self.leases.0.push(Held { lease, last, until, is_whole, failure });
    }

    /// Releases the leases of messages that have no waiting event.
    pub(crate) fn settle(&mut self, limit: &Limit) {
        let handled = self.count - self.waiting as u64;
        self.leases.0.retain_mut(|held| {
            // The message was handled to its end, unless the pipeline stopped in it or before it.
            let is_handled = held.until <= handled && held.is_whole && limit.allows(held.last);
            held.lease.outcome =
                if is_handled { Outcome::Handled } else { Outcome::Returned(held.failure.clone()) };
            held.until > handled
        });
    }
}

impl Leases {
    /// Waits until one of the queues of these leases is idle.
    pub(crate) async fn idle(&self, changed: &Changed) {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        loop {
            // Listen, then check again: see `Idle::set`.
            let listening = changed.listen();
            if self.0.iter().any(|held| held.lease.idle.is_set()) {
                return;
            }
            listening.await;
        }
    }
}
