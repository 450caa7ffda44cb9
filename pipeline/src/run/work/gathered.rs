//! Events that wait for their batch, and the leases of the messages that they came with.

use std::time::Instant;

use event_listener::Event as Changed;

use crate::event::batch::Batch;
use crate::event::single::Event;
use crate::run::shared::lease::Lease;
use crate::run::shared::limit::Limit;

/// A worker's events that wait for their batch to be full.
pub(crate) struct Gathered<T> {
    events: Vec<Event<T>>,
    /// When the first of them came.
    since: Option<Instant>,
    /// Events that ever came, those that were handed over included.
    count: u64,
    pub(crate) leases: Leases,
}

/// Leases of messages of which events wait.
pub(crate) struct Leases(Vec<Held>);

struct Held {
    lease: Box<Lease>,
    /// The sequence of the message's last row.
    last: u64,
    /// How many events had come with the last one of the message.
    until: u64,
}

impl<T> Gathered<T> {
    pub(crate) fn new() -> Self {
        Self { events: Vec::new(), since: None, count: 0, leases: Leases(Vec::new()) }
    }

    pub(crate) fn since(&self) -> Option<Instant> {
        self.since
    }

    /// How many events ever came.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Takes an event; says how many wait.
    pub(crate) fn push(&mut self, event: Event<T>, now: impl FnOnce() -> Instant) -> usize {
        if self.events.is_empty() {
            self.since = Some(now());
        }
        self.events.push(event);
        self.count += 1;
        self.events.len()
    }

    /// What waits, but for what is not wanted any more; `None` if that is nothing.
    pub(crate) fn batch(&mut self, limit: &Limit) -> Option<Batch<T>> {
        self.since = None;
        let room = self.events.len();
        let mut events = std::mem::replace(&mut self.events, Vec::with_capacity(room));
        if limit.is_set() {
            events.retain(|event| limit.allows(event.sequence));
        }
        (!events.is_empty()).then(|| Batch::new(events))
    }

    /// Keeps the lease of a message that has no more rows, before whose first row `before` events had come.
    pub(crate) fn hold(&mut self, lease: Box<Lease>, last: u64, before: u64) {
        // Without an event of its own it waits for none.
        let until = if self.count > before { self.count } else { 0 };
        self.leases.0.push(Held { lease, last, until });
    }

    /// Gives up the leases of messages of which no event waits.
    pub(crate) fn settle(&mut self, limit: &Limit) {
        let handled = self.count - self.events.len() as u64;
        self.leases.0.retain_mut(|held| {
            // It was handled to its end, unless the pipeline ended in it or before.
            held.lease.handled = held.until <= handled && limit.allows(held.last);
            held.until > handled
        });
    }
}

impl Leases {
    /// Waits until a queue is idle of which there is a lease.
    pub(crate) async fn idle(&self, changed: &Changed) {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        loop {
            // Listen, then look again: see `Idle::set`.
            let listening = changed.listen();
            if self.0.iter().any(|held| held.lease.idle.is_set()) {
                return;
            }
            listening.await;
        }
    }
}
