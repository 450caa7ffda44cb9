//! The messages of a queue in memory, in all their states, and the rules by which they change. Pure: it waits
//! for nothing, and knows no clock.
//!
//! ```text
//!  add ──► waiting ── claim ──► claimed ── ack ──► done
//!            ▲                     │
//!            ├──── give_back ◄─────┤
//!            └── redrive ── dead ◄─┘ bury
//! ```
//!
//! 1. A message is in one of `waiting`, `claimed` and `dead`, under its number, or it is done.
//! 2. A receipt has the number of a message and of its delivery. Each claim has a number of its own, so that the
//!    receipts of earlier ones find nothing.
//! 3. `open` of a job is the number of its messages that are waiting or claimed. So a job that is sealed with
//!    0 open messages gets no more, unless a dead letter is given back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::queue::engine::{Claim, Claims, DeadLetter, Depth, QueueMessage};

/// The number of a message, and of one of its deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    number: u64,
    delivery: u64,
}

#[derive(Debug)]
struct Stored {
    message: QueueMessage,
    deliveries: u32,
    /// The number of its last delivery, among those of all messages.
    delivery: u64,
    /// True until its first delivery: it takes a place of the queue's room.
    takes_room: bool,
}

impl Stored {
    /// A message that was not delivered yet.
    fn new(message: QueueMessage, takes_room: bool) -> Self {
        Self { message, deliveries: 0, delivery: 0, takes_room }
    }
}

#[derive(Debug, Default)]
struct Job {
    is_sealed: bool,
    /// Messages that are waiting or claimed (3).
    open: usize,
}

impl Job {
    fn is_over(&self) -> bool {
        self.is_sealed && self.open == 0
    }
}

/// The answer to a message that is to be added.
#[derive(Debug)]
pub(crate) enum Added {
    New,
    /// Its key is known. It comes back, to be dropped without the lock.
    Known(QueueMessage),
    /// There is no room: the message comes back.
    Full(QueueMessage),
    /// Its job is sealed, or the queue is closed.
    Refused {
        message: QueueMessage,
        is_closed: bool,
    },
}

/// The messages of a queue.
#[derive(Debug)]
pub(crate) struct Messages {
    /// The most messages that may wait for their first delivery.
    room: usize,
    /// The messages that wait for their first delivery.
    fresh: usize,
    next: u64,
    /// The number of the next delivery.
    next_delivery: u64,
    waiting: BTreeMap<u64, Stored>,
    claimed: BTreeMap<u64, Stored>,
    dead: BTreeMap<u64, DeadLetter>,
    done: u64,
    jobs: HashMap<Arc<str>, Job>,
    /// The keys of all messages that there have ever been.
    keys: HashSet<Arc<str>>,
    is_closed: bool,
    effects: Effects,
}

/// The effects of changes, for the holder of the lock to see to once it has released it.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Messages that are left by nobody else. Their destructors may be user code.
    pub(crate) gone: Vec<QueueMessage>,
    /// True if a job, or the queue, may be over since.
    pub(crate) may_be_over: bool,
}

impl Messages {
    /// No messages, with room for so many that wait for their first delivery.
    pub(crate) fn new(room: usize) -> Self {
        Self {
            room,
            fresh: 0,
            next: 0,
            next_delivery: 0,
            waiting: BTreeMap::new(),
            claimed: BTreeMap::new(),
            dead: BTreeMap::new(),
            done: 0,
            jobs: HashMap::new(),
            keys: HashSet::new(),
            is_closed: false,
            effects: Effects::default(),
        }
    }

    pub(crate) fn open(&mut self, job: &str) {
        if !self.jobs.contains_key(job) {
            self.jobs.insert(job.into(), Job::default());
        }
    }

    pub(crate) fn seal(&mut self, job: &str) {
        self.open(job);
        self.jobs.get_mut(job).into_iter().for_each(|job| job.is_sealed = true);
    }

    pub(crate) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Adds a message, unless there is no room.
    pub(crate) fn add(&mut self, message: QueueMessage) -> Added {
        if self.keys.contains(message.key()) {
            return Added::Known(message);
        }
        let is_sealed = self.jobs.get(message.job()).is_some_and(|job| job.is_sealed);
        if self.is_closed || is_sealed {
            return Added::Refused { message, is_closed: self.is_closed };
        }
        let job = self.jobs.entry(message.shared_job()).or_default();
        if self.fresh >= self.room {
            return Added::Full(message);
        }
        job.open += 1;
        self.fresh += 1;
        self.keys.insert(message.shared_key());
        self.waiting.insert(self.next, Stored::new(message, true));
        self.next += 1;
        Added::New
    }

    /// Claims the oldest messages, of `job` or of all jobs. The second number is that of
    /// the messages that have made room for others.
    pub(crate) fn claim(&mut self, job: Option<&str>, most: usize) -> (Claims<Delivery>, usize) {
        let is_wanted = |stored: &Stored| job.is_none_or(|job| stored.message.job() == job);
        let wanted = self.waiting.iter().filter(|(_, stored)| is_wanted(stored));
        let numbers: Vec<u64> = wanted.map(|(number, _)| *number).take(most.max(1)).collect();
        let (mut claims, mut freed) = (Vec::with_capacity(numbers.len()), 0);
        for number in numbers {
            let Some(mut stored) = self.waiting.remove(&number) else { continue };
            freed += usize::from(std::mem::take(&mut stored.takes_room));
            stored.deliveries = stored.deliveries.saturating_add(1);
            stored.delivery = self.next_delivery;
            self.next_delivery += 1;
            let (message, deliveries) = (stored.message.clone(), stored.deliveries);
            claims.push(Claim {
                message,
                receipt: Delivery { number, delivery: stored.delivery },
                deliveries,
            });
            self.claimed.insert(number, stored);
        }
        self.fresh -= freed;
        let claims = match claims.is_empty() {
            false => Claims::Messages(claims),
            true if self.is_over(job) => Claims::Over,
            true => Claims::Empty,
        };
        (claims, freed)
    }

    /// True once no message will come any more, of `job` or at all.
    fn is_over(&self, job: Option<&str>) -> bool {
        match job {
            Some(job) => match self.jobs.get(job) {
                Some(job) => job.is_over() || (self.is_closed && job.open == 0),
                None => self.is_closed,
            },
            None if self.is_closed => self.waiting.is_empty() && self.claimed.is_empty(),
            None => !self.jobs.is_empty() && self.jobs.values().all(Job::is_over),
        }
    }

    /// Takes a message whose delivery still stands (2).
    fn take(&mut self, Delivery { number, delivery }: Delivery) -> Option<(u64, Stored)> {
        self.claimed.get(&number).filter(|stored| stored.delivery == delivery)?;
        Some((number, self.claimed.remove(&number)?))
    }

    /// A message of the job is not open any more.
    fn has_left(&mut self, job: &str) {
        let Some(job) = self.jobs.get_mut(job) else { return };
        job.open -= 1;
        self.effects.may_be_over |= job.is_over() || self.is_closed;
    }

    /// Takes the effects of the changes so far.
    pub(crate) fn effects(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }

    /// True if the delivery still stands.
    pub(crate) fn is_held(&self, Delivery { number, delivery }: Delivery) -> bool {
        self.claimed.get(&number).is_some_and(|stored| stored.delivery == delivery)
    }

    /// Each of the following returns false for a delivery that does not stand any more.
    pub(crate) fn ack(&mut self, delivery: Delivery) -> bool {
        let Some((_, stored)) = self.take(delivery) else { return false };
        self.has_left(stored.message.job());
        self.effects.gone.push(stored.message);
        self.done += 1;
        true
    }

    pub(crate) fn give_back(&mut self, delivery: Delivery) -> bool {
        let Some((number, stored)) = self.take(delivery) else { return false };
        self.waiting.insert(number, stored);
        true
    }

    /// As `give_back`, and the delivery does not count.
    pub(crate) fn release(&mut self, delivery: Delivery) -> bool {
        let Some((number, mut stored)) = self.take(delivery) else { return false };
        stored.deliveries = stored.deliveries.saturating_sub(1);
        self.waiting.insert(number, stored);
        true
    }

    pub(crate) fn bury(&mut self, delivery: Delivery, reason: &str) -> bool {
        let Some((number, Stored { message, deliveries, .. })) = self.take(delivery) else { return false };
        self.has_left(message.job());
        self.dead.insert(number, DeadLetter::new(message, deliveries, reason));
        true
    }

    /// The oldest dead letters.
    pub(crate) fn dead(&self, most: usize) -> Vec<DeadLetter> {
        self.dead.values().take(most).cloned().collect()
    }

    fn take_dead(&mut self, keys: &[Arc<str>]) -> Vec<(u64, DeadLetter)> {
        let keys: HashSet<&str> = keys.iter().map(|key| &**key).collect();
        let wanted = self.dead.iter().filter(|(_, letter)| keys.contains(letter.message.key()));
        let numbers: Vec<u64> = wanted.map(|(number, _)| *number).collect();
        numbers.into_iter().filter_map(|number| self.dead.remove_entry(&number)).collect()
    }

    /// Gives dead letters back to the queue. They need no room.
    pub(crate) fn redrive(&mut self, keys: &[Arc<str>]) -> usize {
        let letters = self.take_dead(keys);
        let count = letters.len();
        for (number, DeadLetter { message, .. }) in letters {
            self.jobs.get_mut(message.job()).into_iter().for_each(|job| job.open += 1);
            self.waiting.insert(number, Stored::new(message, false));
        }
        count
    }

    pub(crate) fn purge(&mut self, keys: &[Arc<str>]) -> usize {
        let letters = self.take_dead(keys);
        let count = letters.len();
        self.effects.gone.extend(letters.into_iter().map(|(_, letter)| letter.message));
        count
    }

    pub(crate) fn depth(&self) -> Depth {
        Depth {
            waiting: self.waiting.len() as u64,
            delayed: 0,
            claimed: self.claimed.len() as u64,
            done: self.done,
            dead: self.dead.len() as u64,
        }
    }
}
