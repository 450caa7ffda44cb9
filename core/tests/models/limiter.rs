//! Those who come to a limiter, wait, are let in, give up, and end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use loom::thread::spawn;

use crate::order::{Limits, Rate};
use crate::wait_queue::{Place, WaitQueue};
use crate::{ALL, FEW, check, joined};

const GAP: Duration = Duration::from_millis(10);

/// What a waker has told. Not loom's: it only watches.
#[derive(Default)]
struct Told(AtomicBool);

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Limiter {
    wait_queue: WaitQueue,
    now: Instant,
    places: usize,
    inside: AtomicUsize,
}

/// One who has come, as `Acquire` with its permit.
struct Comer {
    place: Place,
    told: Arc<Told>,
    /// When it is to look again, after a poll.
    due: Option<Instant>,
}

impl Limiter {
    fn new(places: usize, rate: Option<Rate>) -> Arc<Self> {
        let limits = Limits { places: Some(places), rate, ageing: Duration::MAX, ..Limits::default() };
        Arc::new(Self {
            wait_queue: WaitQueue::new(limits),
            now: Instant::now(),
            places,
            inside: AtomicUsize::new(0),
        })
    }

    fn at(&self, gaps: u32) -> Instant {
        self.now + GAP * gaps
    }

    /// `Acquire::come`.
    fn come(&self) -> Option<Comer> {
        let place = self.wait_queue.come(0, self.now).ok()?;
        Some(Comer { place, told: Arc::default(), due: None })
    }

    /// A poll of `Acquire`: true if it is in.
    fn poll(&self, comer: &mut Comer, now: Instant) -> bool {
        comer.told.0.store(false, Ordering::SeqCst);
        let Place::InLine(waiter, key) = &mut comer.place else { return true };
        waiter.waker.register(&Waker::from(comer.told.clone()));
        if waiter.is_admitted() {
            return true;
        }
        comer.due = self.wait_queue.look((waiter, key), 0, now);
        false
    }

    /// The work, and its end.
    fn work(&self, comer: Comer) {
        let others = self.inside.fetch_add(1, Ordering::SeqCst);
        assert!(others < self.places, "more than there are places");
        self.inside.fetch_sub(1, Ordering::SeqCst);
        self.wait_queue.leave(&comer.place, self.now);
    }

    /// Comes, and works if it may; else it is given back, and waits.
    fn pass(&self) -> Option<Comer> {
        let mut comer = self.come()?;
        if !self.poll(&mut comer, self.now) {
            return Some(comer);
        }
        self.work(comer);
        None
    }

    /// One who was left waiting was told, is in, and works.
    fn finish(&self, left: Option<Comer>) {
        if let Some(mut comer) = left {
            assert!(comer.told.0.load(Ordering::SeqCst), "a place is free, and nobody was told");
            assert!(self.poll(&mut comer, self.now));
            self.work(comer);
        }
    }
}

#[test]
fn one_at_a_time_and_who_waits_is_told() {
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
fn of_three_each_is_let_in_by_the_end_before() {
    check(FEW, || {
        let limiter = Limiter::new(1, None);
        let threads = [(); 2].map(|()| {
            let limiter = limiter.clone();
            spawn(move || limiter.pass())
        });
        let mut waiting: Vec<_> = limiter.pass().into_iter().collect();
        waiting.extend(threads.into_iter().filter_map(|thread| joined(thread).flatten()));
        while !waiting.is_empty() {
            let told = waiting.iter().position(|comer| comer.told.0.load(Ordering::SeqCst));
            assert!(told.is_some(), "a place is free, and nobody was told");
            limiter.finish(told.map(|told| waiting.remove(told)));
        }
        assert_eq!(limiter.wait_queue.counts(), (0, 0));
    });
}

#[test]
fn who_gives_up_while_he_is_let_in_gives_the_place_on() {
    check(ALL, || {
        let limiter = Limiter::new(1, None);
        let (inside, quits, waits) = (limiter.come(), limiter.come(), limiter.come());
        let (Some(inside), Some(quits), Some(mut waits)) = (inside, quits, waits) else { return };
        assert!(!limiter.poll(&mut waits, limiter.now));
        let other = limiter.clone();
        let thread = spawn(move || other.work(inside));
        limiter.wait_queue.leave(&quits.place, limiter.now);
        assert!(joined(thread).is_some());
        limiter.finish(Some(waits));
        assert_eq!(limiter.wait_queue.counts(), (0, 0));
    });
}

#[test]
fn who_finds_the_places_taken_hears_that_it_is_the_rate() {
    check(ALL, || {
        // The one inside has used up the rate: with its end it is that which is waited for, and somebody has to keep the time.
        let limiter = Limiter::new(1, Some(Rate { gap: GAP, burst: 1 }));
        let (inside, first, second) = (limiter.come(), limiter.come(), limiter.come());
        let (Some(inside), Some(_unpolled), Some(mut second)) = (inside, first, second) else { return };
        let other = limiter.clone();
        let thread = spawn(move || other.work(inside));
        assert!(!limiter.poll(&mut second, limiter.now));
        assert!(joined(thread).is_some());
        assert!(second.due.is_some() || second.told.0.load(Ordering::SeqCst), "nobody keeps the time");
        assert!(!limiter.poll(&mut second, limiter.now));
        assert_eq!(second.due, Some(limiter.at(1)));
    });
}
