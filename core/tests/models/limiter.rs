//! Callers of a limiter that arrive, wait, are admitted, give up and end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

use loom::thread::spawn;

use crate::limit::order::{Limits, Rate};
use crate::limit::wait_queue::{Position, WaitQueue};
use crate::tasks::Woken;
use crate::{ALL, FEW, check, joined};

const GAP: Duration = Duration::from_millis(10);

struct Limiter {
    wait_queue: WaitQueue,
    now: Instant,
    permits: usize,
    inside: AtomicUsize,
}

/// A caller that has arrived, as `Acquire` with its permit.
struct Caller {
    position: Position,
    woken: Arc<Woken>,
    waker: Waker,
    /// The time of its next look, after a poll.
    due: Option<Instant>,
}

impl Limiter {
    fn new(permits: usize, rate: Option<Rate>) -> Arc<Self> {
        let limits = Limits { permits: Some(permits), rate, ageing: Duration::MAX, ..Limits::default() };
        Arc::new(Self {
            wait_queue: WaitQueue::new(limits),
            now: Instant::now(),
            permits,
            inside: AtomicUsize::new(0),
        })
    }

    fn at(&self, gaps: u32) -> Instant {
        self.now + GAP * gaps
    }

    /// `Acquire::enter`.
    fn enter(&self) -> Option<Caller> {
        let position = self.wait_queue.enter(0, || self.now).ok()?;
        let (woken, waker) = Woken::new();
        Some(Caller { position, woken, waker, due: None })
    }

    /// A poll of `Acquire`: true if it is admitted.
    fn poll(&self, caller: &mut Caller, now: Instant) -> bool {
        caller.woken.forget();
        let Position::Queued(waiter, key) = &mut caller.position else { return true };
        waiter.waker.register(&caller.waker);
        if waiter.is_admitted() {
            return true;
        }
        caller.due = self.wait_queue.update((waiter, key), 0, now);
        false
    }

    /// Runs the work to its end.
    fn work(&self, caller: Caller) {
        let others = self.inside.fetch_add(1, Ordering::SeqCst);
        assert!(others < self.permits, "more than there are permits");
        self.inside.fetch_sub(1, Ordering::SeqCst);
        self.wait_queue.leave(&caller.position, || self.now);
    }

    /// Arrives, and works if it is admitted; otherwise it is returned, and waits.
    fn pass(&self) -> Option<Caller> {
        let mut caller = self.enter()?;
        if !self.poll(&mut caller, self.now) {
            return Some(caller);
        }
        self.work(caller);
        None
    }

    /// Checks that a caller that was left waiting was woken and is admitted, and lets it work.
    fn finish(&self, left: Option<Caller>) {
        if let Some(mut caller) = left {
            assert!(caller.woken.was_woken(), "a permit is free, and no waiter was woken");
            assert!(self.poll(&mut caller, self.now));
            self.work(caller);
        }
    }
}

#[test]
fn one_caller_runs_at_a_time_and_a_waiter_is_woken() {
    check(ALL, || {
        let limiter = Limiter::new(1, None);
        let other = limiter.clone();
        let thread = spawn(move || other.pass());
        let left = limiter.pass();
        let others = joined(thread).flatten();
        assert!(left.is_none() || others.is_none(), "both wait");
        limiter.finish(left);
        limiter.finish(others);
        assert_eq!(limiter.wait_queue.counts(), (0, 0));
    });
}

#[test]
fn each_of_three_callers_is_admitted_by_the_end_of_another() {
    check(FEW, || {
        let limiter = Limiter::new(1, None);
        let threads = [(); 2].map(|()| {
            let limiter = limiter.clone();
            spawn(move || limiter.pass())
        });
        let mut waiting: Vec<_> = limiter.pass().into_iter().collect();
        waiting.extend(threads.into_iter().filter_map(|thread| joined(thread).flatten()));
        while !waiting.is_empty() {
            let woken = waiting.iter().position(|caller| caller.woken.was_woken());
            assert!(woken.is_some(), "a permit is free, and no waiter was woken");
            limiter.finish(woken.map(|woken| waiting.remove(woken)));
        }
        assert_eq!(limiter.wait_queue.counts(), (0, 0));
    });
}

#[test]
fn a_waiter_that_gives_up_while_it_is_admitted_passes_the_permit_on() {
    check(ALL, || {
        let limiter = Limiter::new(1, None);
        let (inside, quits, waits) = (limiter.enter(), limiter.enter(), limiter.enter());
        let (Some(inside), Some(quits), Some(mut waits)) = (inside, quits, waits) else { return };
        assert!(!limiter.poll(&mut waits, limiter.now));
        let other = limiter.clone();
        let thread = spawn(move || other.work(inside));
        limiter.wait_queue.leave(&quits.position, || limiter.now);
        assert!(joined(thread).is_some());
        limiter.finish(Some(waits));
        assert_eq!(limiter.wait_queue.counts(), (0, 0));
    });
}

#[test]
fn a_waiter_that_finds_the_permits_taken_is_notified_of_the_rate() {
    check(ALL, || {
        // The caller inside has used up the rate. After its end the others wait for the rate, so that a
        // waiter has to own the timer.
        let limiter = Limiter::new(1, Some(Rate { gap: GAP, burst: 1 }));
        let (inside, first, second) = (limiter.enter(), limiter.enter(), limiter.enter());
        let (Some(inside), Some(_unpolled), Some(mut second)) = (inside, first, second) else { return };
        let other = limiter.clone();
        let thread = spawn(move || other.work(inside));
        assert!(!limiter.poll(&mut second, limiter.now));
        assert!(joined(thread).is_some());
        assert!(second.due.is_some() || second.woken.was_woken(), "no waiter keeps the time");
        assert!(!limiter.poll(&mut second, limiter.now));
        assert_eq!(second.due, Some(limiter.at(1)));
    });
}
