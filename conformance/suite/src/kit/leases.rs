//! A queue with leases, like an engine on another machine: it keeps time by the runtime's clock, and each key
//! once.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::library::Runtime;
use crate::library::pipeline::{Claim, Queue, QueueMessage};
use event_listener::Event;
use futures_lite::future::or;

use super::explode;

/// The queue. A clone is a handle on the same queue.
#[derive(Clone)]
pub(crate) struct LeasedQueue<R>(Arc<Inner<R>>);

struct Inner<R> {
    runtime: R,
    state: Mutex<State>,
    changed: Event,
}

#[derive(Default)]
struct State {
    messages: BTreeMap<u64, Stored>,
    keys: HashSet<String>,
    next: u64,
    closed: bool,
    acknowledged: Vec<String>,
    extended: usize,
    /// The calls that fail next, by name, and whether they panic: one entry for each failure.
    broken: Vec<(&'static str, bool)>,
}

struct Stored {
    message: QueueMessage,
    deliveries: u32,
    /// The end of the current lease, if the message is held.
    until: Option<Instant>,
}

/// The number of a message, and the number of its delivery.
pub(crate) type Receipt = (u64, u32);

impl<R: Runtime> LeasedQueue<R> {
    pub(crate) fn new(runtime: &R) -> Self {
        Self(Arc::new(Inner { runtime: runtime.clone(), state: Mutex::default(), changed: Event::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.0.changed.notify(usize::MAX);
        changed
    }

    pub(crate) fn close(&self) {
        self.change(|state| state.closed = true);
    }

    /// Returns the keys that were acknowledged, in that order.
    pub(crate) fn acknowledged(&self) -> Vec<String> {
        self.state().acknowledged.clone()
    }

    /// Returns the number of messages in the queue, held or not.
    pub(crate) fn len(&self) -> usize {
        self.state().messages.len()
    }

    /// Returns the number of messages whose lease has not run out.
    pub(crate) fn held(&self) -> usize {
        let now = self.0.runtime.now();
        self.state().messages.values().filter(|stored| stored.until.is_some_and(|until| until > now)).count()
    }

    pub(crate) fn extended(&self) -> usize {
        self.state().extended
    }

    /// Makes the next call that is named (`publish`, `claim` or `ack`) fail.
    pub(crate) fn breaks(&self, call: &'static str) {
        self.change(|state| state.broken.push((call, false)));
    }

    /// Makes the next call that is named panic.
    pub(crate) fn panics(&self, call: &'static str) {
        self.change(|state| state.broken.push((call, true)));
    }

    fn answer(&self, call: &'static str) -> Result<(), std::io::Error> {
        let found = {
            let broken = &mut self.state().broken;
            let at = broken.iter().position(|(broken, _)| *broken == call);
            at.map(|at| broken.remove(at))
        };
        match found {
            Some((_, true)) => explode("the engine panics"),
            Some(_) => Err(std::io::Error::new(std::io::ErrorKind::ConnectionReset, "the engine is away")),
            None => Ok(()),
        }
    }

    /// Returns those of `receipts` whose delivery still stands: neither acknowledged, given back, nor claimed
    /// again since. A lease that has run out stands until the next claim.
    fn still<'a>(state: &mut State, receipts: &'a [Receipt]) -> Vec<&'a Receipt> {
        let is_held = |receipt: &&Receipt| {
            let stored = state.messages.get(&receipt.0);
            stored.is_some_and(|stored| stored.deliveries == receipt.1 && stored.until.is_some())
        };
        receipts.iter().filter(is_held).collect()
    }
}

impl<R: Runtime> Queue for LeasedQueue<R> {
    type Receipt = Receipt;
    type Error = std::io::Error;

    async fn publish(&self, message: QueueMessage) -> Result<(), std::io::Error> {
        self.answer("publish")?;
        self.change(|state| {
            if state.keys.insert(message.key().to_owned()) {
                state.next += 1;
                state.messages.insert(state.next, Stored { message, deliveries: 0, until: None });
            }
        });
        Ok(())
    }

    async fn claim(&self, most: usize, lease: Duration) -> Result<Vec<Claim<Receipt>>, std::io::Error> {
        self.answer("claim")?;
        loop {
            let listening = self.0.changed.listen();
            let now = self.0.runtime.now();
            let (claimed, next) = {
                let state = &mut *self.state();
                let free = state
                    .messages
                    .iter_mut()
                    .filter(|(_, stored)| stored.until.is_none_or(|until| until <= now));
                let claim = |(id, stored): (&u64, &mut Stored)| {
                    stored.deliveries += 1;
                    stored.until = now.checked_add(lease);
                    let (message, deliveries) = (stored.message.clone(), stored.deliveries);
                    Claim { message, receipt: (*id, deliveries), deliveries }
                };
                let claimed: Vec<_> = free.take(most).map(claim).collect();
                if !claimed.is_empty() || (state.closed && state.messages.is_empty()) {
                    return Ok(claimed);
                }
                (claimed, state.messages.values().filter_map(|stored| stored.until).min())
            };
            drop(claimed);
            let runs_out = async {
                match next {
                    Some(next) => self.0.runtime.sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            or(listening, runs_out).await;
        }
    }

    async fn ack(&self, receipts: &[Receipt]) -> Result<usize, std::io::Error> {
        self.answer("ack")?;
        Ok(self.change(|state| {
            let held = Self::still(state, receipts);
            for (id, _) in &held {
                if let Some(stored) = state.messages.remove(id) {
                    state.acknowledged.push(stored.message.key().to_owned());
                }
            }
            held.len()
        }))
    }

    async fn extend(&self, receipts: &[Receipt], lease: Duration) -> Result<usize, std::io::Error> {
        let until = self.0.runtime.now().checked_add(lease);
        Ok(self.change(|state| {
            let held = Self::still(state, receipts);
            for (id, _) in &held {
                if let Some(stored) = state.messages.get_mut(id) {
                    stored.until = until;
                }
            }
            state.extended += held.len();
            held.len()
        }))
    }

    async fn nack(&self, receipts: &[Receipt]) -> Result<(), std::io::Error> {
        self.change(|state| {
            for (id, _) in Self::still(state, receipts) {
                if let Some(stored) = state.messages.get_mut(id) {
                    stored.until = None;
                }
            }
        });
        Ok(())
    }
}
