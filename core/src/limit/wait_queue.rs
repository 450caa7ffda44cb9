//! The wait_queue of a limiter: who waits in which order, behind a lock, and how those are told.
//!
//! ```text
//!  come ── a place is free, and nobody waits ──────────────────────────────► Inside ── end
//!    └──► InLine ── admitted, which is told ──────────────────────────────────┘  ▲
//!            │                                                                   │
//!            └─ leave: out of the line; if admitted meanwhile, as an end ────────┘
//! ```
//!
//! Each change lets in all that may. Those who are let in by it, or are to look at the clock, are woken when the lock is free
//! again: nothing of the user's is called while it is held.
//!
//! One of those who wait keeps the time of the rate for all. Each of the others has a timer beside that, for the turn of the one
//! before it: nobody can know that the timer_owner will be polled, or that one. Who finds at that time that the timer_owner has not seen
//! to it, or that there is none, keeps the time from then on.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use crate::limit::order::{Key, Limits, Queue};
use crate::panic::caught;
use crate::sync::{AtomicBool, AtomicU8, AtomicWaker, Mutex, MutexGuard, Ordering};

const WAITING: u8 = 0;
const ADMITTED: u8 = 1;
const LEFT: u8 = 2;

/// One who waits. But for the waker it is changed only while the wait_queue is locked.
pub(crate) struct Waiter {
    state: AtomicU8,
    /// False while it waits to be told, and has no timer.
    timed: AtomicBool,
    pub(crate) waker: AtomicWaker,
}

impl Waiter {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU8::new(WAITING),
            timed: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        })
    }

    pub(crate) fn is_admitted(&self) -> bool {
        // Acquire pairs with the release of `leave`, and of `let_in`: what ended to let it in happened before.
        self.state.load(Ordering::Acquire) == ADMITTED
    }

    /// True if it waits no more.
    fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) != WAITING
    }
}

/// Where one is who has come.
pub(crate) enum Place {
    InLine(Arc<Waiter>, Key),
    Inside,
}

/// A lock, taken for each who comes and each who ends: one change may let in several, in an order that no single word holds.
pub(crate) struct WaitQueue(Mutex<Waiters>);

struct Waiters {
    queue: Queue<Arc<Waiter>>,
    /// Who keeps the time of the rate, and when it is due.
    timer_owner: Option<(Arc<Waiter>, Instant)>,
    /// True if somebody may wait to be told, without a timer.
    is_idle: bool,
}

impl WaitQueue {
    pub(crate) fn new(limits: Limits) -> Self {
        Self(Mutex::new(Waiters { queue: Queue::new(limits), timer_owner: None, is_idle: false }))
    }

    fn lock(&self) -> MutexGuard<'_, Waiters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, lets in whom that lets in, and tells them.
    fn change<O>(&self, now: Instant, change: impl FnOnce(&mut Waiters) -> O) -> O {
        let mut waiters = self.lock();
        let output = change(&mut waiters);
        let told = waiters.let_in(now);
        drop(waiters);
        for waiter in told {
            // A waker may be foreign code; its panic is not to become that of the one who left.
            let _ = caught(|| waiter.waker.wake());
        }
        output
    }

    /// From now on so many may be under way.
    pub(crate) fn set_places(&self, places: usize, now: Instant) {
        self.change(now, |waiters| waiters.queue.set_places(places));
    }

    /// How many are under way, and how many wait.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let waiters = self.lock();
        (waiters.queue.under_way(), waiters.queue.waiting())
    }

    /// One comes, of this class; `Err` says how many wait where no more may.
    pub(crate) fn come(&self, class: u8, now: Instant) -> Result<Place, usize> {
        // Also lets in those whose time has come by now, so that none of them is in line any more.
        if self.change(now, |waiters| waiters.queue.enter(now)) {
            return Ok(Place::Inside);
        }
        let waiter = Waiter::new();
        self.change(now, |waiters| {
            if waiters.queue.enter(now) {
                return Ok(Place::Inside);
            }
            let place = waiters.queue.wait(class, now, waiter.clone());
            place.map(|key| Place::InLine(waiter, key)).map_err(|_| waiters.queue.waiting())
        })
    }

    /// One goes who has come: out of the line, or from inside.
    pub(crate) fn leave(&self, place: &Place, now: Instant) {
        self.change(now, |waiters| match place {
            Place::InLine(waiter, key) if waiters.queue.leave(*key).is_some() => {
                waiter.state.store(LEFT, Ordering::Release);
            }
            // Let in, seen or not.
            _ => waiters.queue.end(),
        });
    }

    /// When one who is polled in the line, as of this class, is to look again: `None` when told.
    pub(crate) fn look(
        &self,
        (waiter, key): (&Arc<Waiter>, &mut Key),
        class: u8,
        now: Instant,
    ) -> Option<Instant> {
        let mut waiters = self.lock();
        if waiter.is_done() {
            return None;
        }
        if class != key.0 {
            *key = waiters.queue.change(*key, class);
        }
        let opens = waiters.queue.opens(now);
        if let (None, Some(opens)) = (&waiters.timer_owner, opens) {
            waiters.timer_owner = Some((waiter.clone(), opens));
        }
        let due = match &waiters.timer_owner {
            Some((timer_owner, at)) if Arc::ptr_eq(timer_owner, waiter) => opens.map(|_| *at),
            _ => waiters.queue.turn_before(*key, now),
        };
        // Relaxed, as where it is read: the lock orders it.
        waiter.timed.store(due.is_some(), Ordering::Relaxed);
        waiters.is_idle |= due.is_none();
        due
    }

    /// The time of `waiter` has come.
    pub(crate) fn keep_time(&self, waiter: &Arc<Waiter>, now: Instant) {
        self.change(now, |waiters| match &mut waiters.timer_owner {
            Some((timer_owner, at)) if *at <= now => timer_owner.clone_from(waiter),
            _ => {}
        });
    }
}

impl Waiters {
    /// Lets in all that may. Gives those who are to be woken: they have come in, or are to look again.
    fn let_in(&mut self, now: Instant) -> Vec<Arc<Waiter>> {
        let mut told = Vec::new();
        if self.queue.waiting() == 0 {
            return told;
        }
        let due = loop {
            match self.queue.next(now) {
                Ok(waiter) => {
                    waiter.state.store(ADMITTED, Ordering::Release);
                    told.push(waiter);
                }
                Err(due) => break due,
            }
        };
        // The timer_owner has come in, or has left, or there is nothing to wait for any more.
        if due.is_none() || self.timer_owner.as_ref().is_some_and(|(timer_owner, _)| timer_owner.is_done()) {
            self.timer_owner = None;
        }
        let Some(due) = due else { return told };
        match &mut self.timer_owner {
            Some((_, at)) => *at = due,
            // It is the first to be asked; whoever is polled before it keeps the time.
            None => told.extend(self.queue.first_waiting(now)),
        }
        if std::mem::take(&mut self.is_idle) {
            told.extend(self.queue.all().filter(|waiter| !waiter.timed.load(Ordering::Relaxed)).cloned());
        }
        told
    }
}
