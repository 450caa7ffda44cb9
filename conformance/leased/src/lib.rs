//! A queue with leases in memory, like an engine on another machine: it keeps time by the clock of one runtime, and
//! each key once.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use event_listener::Event;
use futures_lite::future::or;
use sweet_async_core::Runtime;
use sweet_async_pipeline::{Claim, Claims, DeadLetter, Depth, Queue, QueueMessage};

/// An engine in memory, with leases and delays by the clock of the runtime that it was made with. It is an example of
/// an engine, and made for tests of consumers: calls can be made to fail, and what was settled can be looked at.
///
/// A clone is a handle on the same queue. Cost: each call looks at all messages.
#[derive(Clone)]
pub struct LeasedQueue<R>(Arc<Inner<R>>);

struct Inner<R> {
    runtime: R,
    state: Mutex<State>,
    changed: Event,
}

#[derive(Default)]
struct State {
    messages: BTreeMap<u64, Stored>,
    dead: BTreeMap<u64, DeadLetter>,
    keys: HashSet<String>,
    /// The jobs, and whether they are sealed.
    jobs: BTreeMap<String, bool>,
    next: u64,
    claims: u32,
    closed: bool,
    acknowledged: Vec<String>,
    /// The reasons with which messages were given back.
    returned: Vec<String>,
    extended: usize,
    /// The calls that fail next, by name, and whether they panic: one entry for each failure.
    broken: Vec<(&'static str, bool)>,
}

impl State {
    fn is_over(&self, job: Option<&str>) -> bool {
        let is_left = |job: &str| self.messages.values().any(|stored| stored.message.job() == job);
        let is_over = |job: &str, sealed: bool| (sealed || self.closed) && !is_left(job);
        match job {
            Some(job) => is_over(job, self.jobs.get(job) == Some(&true)),
            None if self.closed => self.messages.is_empty(),
            None => !self.jobs.is_empty() && self.jobs.iter().all(|(job, sealed)| is_over(job, *sealed)),
        }
    }
}

struct Stored {
    message: QueueMessage,
    deliveries: u32,
    /// The number of its last claim, among those of all messages.
    claim: u32,
    is_held: bool,
    /// The end of the current lease, or of the delay of a message that was given back.
    until: Option<Instant>,
}

/// The number of a message, and the number of its delivery.
pub type LeasedReceipt = (u64, u32);

impl<R: Runtime> LeasedQueue<R> {
    /// An empty queue, whose clock is that of `runtime`.
    pub fn new(runtime: &R) -> Self {
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

    /// Closes the queue: it takes no more messages, and is over once none is left.
    pub fn close(&self) {
        self.change(|state| state.closed = true);
    }

    /// Returns the keys that were acknowledged, in that order.
    pub fn acknowledged(&self) -> Vec<String> {
        self.state().acknowledged.clone()
    }

    /// True once the job is sealed.
    pub fn is_sealed(&self, job: &str) -> bool {
        self.state().jobs.get(job) == Some(&true)
    }

    /// Returns the reasons with which messages were given back, in that order.
    pub fn returned(&self) -> Vec<String> {
        self.state().returned.clone()
    }

    /// True if no message is in the queue, held or not.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of messages in the queue, held or not.
    pub fn len(&self) -> usize {
        self.state().messages.len()
    }

    /// Returns the number of messages whose lease has not run out.
    pub fn held(&self) -> usize {
        let now = self.0.runtime.now();
        let is_held = |stored: &&Stored| stored.is_held && stored.until.is_none_or(|until| until > now);
        self.state().messages.values().filter(is_held).count()
    }

    /// Returns how often leases were extended.
    pub fn extended(&self) -> usize {
        self.state().extended
    }

    /// Makes the next call that is named (`publish`, `claim` or `ack`) fail.
    pub fn breaks(&self, call: &'static str) {
        self.change(|state| state.broken.push((call, false)));
    }

    /// Makes the next call that is named panic.
    pub fn panics(&self, call: &'static str) {
        self.change(|state| state.broken.push((call, true)));
    }

    fn answer(&self, call: &'static str) -> Result<(), std::io::Error> {
        let found = {
            let broken = &mut self.state().broken;
            let at = broken.iter().position(|(broken, _)| *broken == call);
            at.map(|at| broken.remove(at))
        };
        match found {
            Some((_, true)) => std::panic::resume_unwind(Box::new("the engine panics")),
            Some(_) => Err(std::io::Error::new(std::io::ErrorKind::ConnectionReset, "the engine is away")),
            None => Ok(()),
        }
    }

    /// Returns those of `receipts` whose delivery still stands, each once: neither acknowledged, given back, nor claimed
    /// again since. A lease that has run out stands until the next claim.
    fn still(state: &State, receipts: &[LeasedReceipt]) -> BTreeSet<LeasedReceipt> {
        let is_held = |receipt: &&LeasedReceipt| {
            let stored = state.messages.get(&receipt.0);
            stored.is_some_and(|stored| stored.claim == receipt.1 && stored.is_held)
        };
        receipts.iter().filter(is_held).copied().collect()
    }
}

impl<R: Runtime> Queue for LeasedQueue<R> {
    type Receipt = LeasedReceipt;
    type Error = std::io::Error;

    async fn open(&self, job: &str) -> Result<(), std::io::Error> {
        self.answer("open")?;
        self.change(|state| {
            state.jobs.entry(job.to_owned()).or_default();
        });
        Ok(())
    }

    async fn publish(&self, message: QueueMessage) -> Result<bool, std::io::Error> {
        self.answer("publish")?;
        self.change(|state| {
            if state.keys.contains(message.key()) {
                return Ok(false);
            }
            let sealed = *state.jobs.entry(message.job().to_owned()).or_default();
            if sealed || state.closed {
                return Err(std::io::Error::other("the job is sealed"));
            }
            state.keys.insert(message.key().to_owned());
            state.next += 1;
            state
                .messages
                .insert(state.next, Stored { message, deliveries: 0, claim: 0, is_held: false, until: None });
            Ok(true)
        })
    }

    async fn seal(&self, job: &str) -> Result<(), std::io::Error> {
        self.answer("seal")?;
        self.change(|state| state.jobs.insert(job.to_owned(), true));
        Ok(())
    }

    async fn claim(
        &self,
        job: Option<&str>,
        most: usize,
        lease: Duration,
    ) -> Result<Claims<LeasedReceipt>, std::io::Error> {
        self.answer("claim")?;
        loop {
            let listening = self.0.changed.listen();
            let now = self.0.runtime.now();
            let next = {
                let state = &mut *self.state();
                let claims = &mut state.claims;
                let free = state.messages.iter_mut().filter(|(_, stored)| {
                    let is_free = match stored.until {
                        Some(until) => until <= now,
                        None => !stored.is_held,
                    };
                    is_free && job.is_none_or(|job| stored.message.job() == job)
                });
                let claim = |(id, stored): (&u64, &mut Stored)| {
                    stored.deliveries += 1;
                    *claims += 1;
                    stored.claim = *claims;
                    (stored.is_held, stored.until) = (true, now.checked_add(lease));
                    let (message, deliveries) = (stored.message.clone(), stored.deliveries);
                    Claim { message, receipt: (*id, stored.claim), deliveries }
                };
                let claimed: Vec<_> = free.take(most).map(claim).collect();
                if !claimed.is_empty() {
                    return Ok(Claims::Messages(claimed));
                }
                if state.is_over(job) {
                    return Ok(Claims::Over);
                }
                state.messages.values().filter_map(|stored| stored.until).filter(|until| *until > now).min()
            };
            let runs_out = async {
                match next {
                    Some(next) => self.0.runtime.sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            or(listening, runs_out).await;
        }
    }

    async fn ack(&self, receipts: &[LeasedReceipt]) -> Result<usize, std::io::Error> {
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

    async fn extend(&self, receipts: &[LeasedReceipt], lease: Duration) -> Result<usize, std::io::Error> {
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

    async fn nack(
        &self,
        receipts: &[LeasedReceipt],
        reason: &str,
        after: Duration,
    ) -> Result<usize, std::io::Error> {
        let until = Some(after).filter(|after| !after.is_zero());
        let until = until.and_then(|after| self.0.runtime.now().checked_add(after));
        Ok(self.change(|state| {
            let held = Self::still(state, receipts);
            for (id, _) in &held {
                if let Some(stored) = state.messages.get_mut(id) {
                    (stored.is_held, stored.until) = (false, until);
                    state.returned.push(reason.to_owned());
                }
            }
            held.len()
        }))
    }

    async fn release(&self, receipts: &[LeasedReceipt]) -> Result<usize, std::io::Error> {
        Ok(self.change(|state| {
            let held = Self::still(state, receipts);
            for (id, _) in &held {
                if let Some(stored) = state.messages.get_mut(id) {
                    (stored.is_held, stored.until) = (false, None);
                    stored.deliveries -= 1;
                }
            }
            held.len()
        }))
    }

    async fn bury(&self, receipts: &[LeasedReceipt], reason: &str) -> Result<usize, std::io::Error> {
        Ok(self.change(|state| {
            let held = Self::still(state, receipts);
            for (id, _) in &held {
                if let Some(Stored { message, deliveries, .. }) = state.messages.remove(id) {
                    state.dead.insert(*id, DeadLetter::new(message, deliveries, reason));
                }
            }
            held.len()
        }))
    }

    async fn dead(&self, most: usize) -> Result<Vec<DeadLetter>, std::io::Error> {
        Ok(self.state().dead.values().take(most).cloned().collect())
    }

    async fn redrive(&self, keys: &[Arc<str>]) -> Result<usize, std::io::Error> {
        Ok(self.change(|state| {
            let letters = taken(state, keys);
            let count = letters.len();
            for (id, DeadLetter { message, .. }) in letters {
                let stored = Stored { message, deliveries: 0, claim: 0, is_held: false, until: None };
                state.messages.insert(id, stored);
            }
            count
        }))
    }

    async fn purge(&self, keys: &[Arc<str>]) -> Result<usize, std::io::Error> {
        Ok(self.change(|state| taken(state, keys).len()))
    }

    async fn depth(&self) -> Result<Depth, std::io::Error> {
        let (now, state) = (self.0.runtime.now(), self.state());
        let mut depth = Depth::default();
        for stored in state.messages.values() {
            match (stored.is_held, stored.until.is_none_or(|until| until > now)) {
                (true, true) => depth.claimed += 1,
                (false, true) if stored.until.is_some() => depth.delayed += 1,
                _ => depth.waiting += 1,
            }
        }
        (depth.done, depth.dead) = (state.acknowledged.len() as u64, state.dead.len() as u64);
        Ok(depth)
    }
}

/// Takes the dead letters with these keys.
fn taken(state: &mut State, keys: &[Arc<str>]) -> Vec<(u64, DeadLetter)> {
    let is_wanted = |letter: &DeadLetter| keys.iter().any(|key| **key == *letter.message.key());
    let wanted: Vec<u64> =
        state.dead.iter().filter(|(_, letter)| is_wanted(letter)).map(|(number, _)| *number).collect();
    wanted.iter().filter_map(|number| state.dead.remove_entry(number)).collect()
}
