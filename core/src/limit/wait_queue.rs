//! The queue of a limiter under a lock: the waiters, their order, and their wakeups.
//!
//! ```text
//!  enter ── a permit is free, and nothing waits ───────────────────────────► Inside ── end
//!    └──► Queued ── admitted, and woken ──────────────────────────────────────┘  ▲
//!            │                                                                   │
//!            └─ leave: out of the queue; if admitted meanwhile, as an end ───────┘
//! ```
//!
//! Each change admits all waiters that the limits permit. The waiters that it admits, or that must look at
//! the clock, are woken once the lock is free again: no code of the user's is called while it is held.
//!
//! Each change is an event for the controller of an adaptive limiter, which the same lock guards. There is no timer, and no task: nothing happens to a limiter between two events.
//!
//! One waiter, the `timer_owner`, keeps the time of the rate for all. Each of the others also has a timer,
//! for the turn of the waiter before it, since neither the timer owner nor that waiter is sure to be polled.
//! A waiter whose timer ends keeps the time from then on, if the time of the timer owner has passed or if
//! there is none. Without these second timers the conformance case
//! `limiter_rate::an_unpolled_waiter_takes_its_turn_and_others_go_on` fails.
//!
//! # Invariants
//!
//! - **I1** After each change, the queue holds no waiter that the limits admit at the time of the change.
//! - **I2** A permit is returned once for each admission: a waiter that gives up either is taken out of the
//!   queue, or was admitted before and returns its permit.
//! - **I3** While the rate is waited for, there is a timer owner, or the first waiter was woken. In that case
//!   the waiter that is polled next becomes the timer owner.
//! - **I4** While a waiter that was polled has no timer, `is_idle` is true, or the waiter was woken since.
//!   All of these are woken once there is a time to keep.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use crate::adaptive::event_observer::EventObserver;
use crate::adaptive::observer::Change;
use crate::limit::order::{Key, Limits, Queue};
use crate::limit::waiter::Waiter;
use crate::panic::caught;
use crate::sync::{Mutex, MutexGuard};

/// The position of an arrival.
pub(crate) enum Position {
    /// In the queue, perhaps admitted since.
    Queued(Arc<Waiter>, Key),
    /// Admitted.
    Inside,
}

/// The waiters, under a lock that each arrival and each end takes. It is no atomic, since one change may
/// admit several waiters, in an order that no single atomic can hold.
pub(crate) struct WaitQueue {
    waiters: Mutex<Waiters>,
    /// True if an arrival is admitted by the clock: there is a rate, or a controller.
    is_timed: bool,
    /// True if there was a controller from the beginning on.
    is_adaptive: bool,
}

struct Waiters {
    queue: Queue<Arc<Waiter>>,
    /// The waiter that keeps the time of the rate, and when it is due.
    timer_owner: Option<(Arc<Waiter>, Instant)>,
    /// True if a waiter may have no timer, and rely on being woken.
    is_idle: bool,
    /// `None` where the number of permits is fixed.
    controller: Option<Box<Controller>>,
}

/// The controller of the number of permits.
struct Controller {
    observer: EventObserver,
    /// The name of the limiter, for traces.
    name: Option<Arc<str>>,
}

/// A change of the number of permits, to be reported once the lock is free.
type Changed = (Change, Option<Arc<str>>);

impl WaitQueue {
    pub(crate) fn new(limits: Limits) -> Self {
        Self::with(limits, None)
    }

    /// As [`new`](Self::new), for a number of permits in `range` that follows the load. The limits hold the
    /// number at first, which is the least.
    pub(crate) fn adaptive(limits: Limits, range: (usize, usize), name: Option<Arc<str>>) -> Self {
        Self::with(limits, Some(Box::new(Controller { observer: EventObserver::new(range), name })))
    }

    fn with(limits: Limits, controller: Option<Box<Controller>>) -> Self {
        let is_adaptive = controller.is_some();
        let is_timed = limits.rate.is_some() || is_adaptive;
        let queue = Queue::new(limits);
        Self {
            waiters: Mutex::new(Waiters { queue, timer_owner: None, is_idle: false, controller }),
            is_timed,
            is_adaptive,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change, admits the waiters that it permits (I1), and wakes them.
    fn change<O>(&self, now: Instant, change: impl FnOnce(&mut Waiters) -> O) -> O {
        let mut waiters = self.lock();
        waiters.measure(now);
        let output = change(&mut waiters);
        let changed = waiters.adapt();
        let to_wake = waiters.admit(now);
        drop(waiters);
        for waiter in to_wake {
            // A waker may be foreign code; its panic must not become that of the caller.
            let _ = caught(|| waiter.waker.wake());
        }
        if let Some(changed) = changed {
            // So may a `tracing` subscriber.
            let _ = caught(|| report(changed));
        }
        output
    }

    /// Sets the number of permits, which the load no longer decides.
    pub(crate) fn set_permits(&self, permits: usize, now: Instant) {
        self.change(now, |waiters| {
            waiters.controller = None;
            waiters.queue.set_permits(permits);
        });
    }

    /// The number of permits; `None` for any number.
    pub(crate) fn permits(&self) -> Option<usize> {
        self.lock().queue.permits()
    }

    /// See [`Queue::is_as_new`].
    pub(crate) fn is_as_new(&self, now: Instant) -> bool {
        self.lock().queue.is_as_new(now)
    }

    /// The number of permits that are held, and the number of waiters.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let waiters = self.lock();
        (waiters.queue.under_way(), waiters.queue.waiting())
    }

    /// Admits an arrival if nothing waits and the limits permit it at once; true if so.
    pub(crate) fn try_enter(&self, now: impl FnOnce() -> Instant) -> bool {
        // The controller must see all arrivals.
        if self.is_adaptive {
            return false;
        }
        let read = self.is_timed.then(now);
        self.lock().enter_at_once(read)
    }

    /// Admits an arrival of this class, or queues it; `Err` is the number of waiters if there may be no more.
    pub(crate) fn enter(&self, class: u8, now: impl Fn() -> Instant) -> Result<Position, usize> {
        // The clock is foreign code: it is not read under the lock. Nor is it read where it decides nothing.
        let read = self.is_timed.then(&now);
        if self.lock().enter_at_once(read) {
            return Ok(Position::Inside);
        }
        let now = read.unwrap_or_else(now);
        // This also admits the waiters whose time has come by now, so that none of them is in the queue any
        // more.
        if self.change(now, |waiters| waiters.queue.enter(now)) {
            return Ok(Position::Inside);
        }
        let waiter = Waiter::new();
        self.change(now, |waiters| {
            if waiters.queue.enter(now) {
                return Ok(Position::Inside);
            }
            let queued = waiters.queue.wait(class, now, waiter.clone());
            queued.map(|key| Position::Queued(waiter, key)).map_err(|_| waiters.queue.waiting())
        })
    }

    /// Removes an arrival: from the queue, or from the work under way.
    pub(crate) fn leave(&self, position: &Position, now: impl FnOnce() -> Instant) {
        if let Position::Inside = position
            && self.lock().end_at_once()
        {
            return;
        }
        self.change(now(), |waiters| match position {
            Position::Queued(waiter, key) if waiters.queue.leave(*key).is_some() => {
                waiter.leave();
            }
            // Admitted, whether its future has seen that or not (I2).
            _ => waiters.end(),
        });
    }

    /// Updates the class of a waiter that is polled in the queue. Returns when it must check again; `None` if
    /// it relies on being woken.
    pub(crate) fn update(
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
        waiter.set_timed(due.is_some());
        waiters.is_idle |= due.is_none();
        due
    }

    /// The timer of `waiter` has ended: if the time of the timer owner has passed, `waiter` is the timer
    /// owner from now on.
    pub(crate) fn keep_time(&self, waiter: &Arc<Waiter>, now: Instant) {
        self.change(now, |waiters| match &mut waiters.timer_owner {
            Some((timer_owner, at)) if *at <= now => timer_owner.clone_from(waiter),
            _ => {}
        });
    }
}

fn report((change, limiter): Changed) {
    let Change { before, decided, window } = change;
    tracing::debug!(
        limiter = limiter.as_deref(),
        permits = decided,
        before,
        ?window,
        "a limiter changes its permits"
    );
}

impl Waiters {
    /// Accounts for the time until now, in which nothing has changed.
    fn measure(&mut self, now: Instant) {
        if let Some(controller) = &mut self.controller {
            controller.observer.pass(now, self.queue.under_way(), self.queue.lacks_permits(now));
        }
    }

    /// Changes the number of permits, if the load decides it and has changed.
    fn adapt(&mut self) -> Option<Changed> {
        let controller = self.controller.as_mut()?;
        let change = controller.observer.decide()?;
        self.queue.set_permits(change.decided);
        Some((change, controller.name.clone()))
    }

    /// True if nothing waits, and no controller counts what happens.
    fn is_calm(&self) -> bool {
        self.controller.is_none() && self.queue.waiting() == 0
    }

    /// Admits an arrival if nothing but the limits is to be looked at, and they permit it; true if so.
    /// Without a rate no time is needed.
    fn enter_at_once(&mut self, now: Option<Instant>) -> bool {
        self.is_calm()
            && match now {
                None => self.queue.enter_untimed(),
                Some(now) => self.queue.enter(now),
            }
    }

    /// As [`end`](Self::end), if nothing waits for the permit; true if so.
    fn end_at_once(&mut self) -> bool {
        self.is_calm() && {
            self.end();
            true
        }
    }

    /// Returns the permit of work that has ended.
    fn end(&mut self) {
        self.queue.end();
        if let Some(controller) = &mut self.controller {
            controller.observer.end();
        }
    }

    /// Admits all waiters that the limits permit. Returns the waiters to wake: they are admitted, or must check
    /// again.
    fn admit(&mut self, now: Instant) -> Vec<Arc<Waiter>> {
        let mut to_wake = Vec::new();
        if self.queue.waiting() == 0 {
            return to_wake;
        }
        let due = loop {
            match self.queue.next(now) {
                Ok(waiter) => {
                    waiter.admit();
                    to_wake.push(waiter);
                }
                Err(due) => break due,
            }
        };
        // The timer owner was admitted, or has left, or there is no time to wait for any more.
        if due.is_none() || self.timer_owner.as_ref().is_some_and(|(timer_owner, _)| timer_owner.is_done()) {
            self.timer_owner = None;
        }
        let Some(due) = due else { return to_wake };
        match &mut self.timer_owner {
            Some((_, at)) => *at = due,
            // The first waiter is woken to keep the time (I3); a waiter that is polled before it keeps it
            // instead.
            None => to_wake.extend(self.queue.first_waiting(now)),
        }
        // Waiters without a timer have a time to keep now (I4).
        if std::mem::take(&mut self.is_idle) {
            to_wake.extend(self.queue.all().filter(|waiter| !waiter.is_timed()).cloned());
        }
        to_wake
    }
}
