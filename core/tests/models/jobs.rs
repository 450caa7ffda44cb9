//! A blocking job that is given up while the pool runs it, queues it or drops it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::thread::spawn;

use crate::job::Slot;
use crate::{ALL, check, joined};

/// The number of times that each event has happened. Not loom's atomics: they only observe.
#[derive(Default)]
struct Seen {
    ran: AtomicUsize,
    work_dropped: AtomicUsize,
    result_dropped: AtomicUsize,
    settled: AtomicUsize,
    jobs_ended: AtomicUsize,
}

fn count(what: &AtomicUsize) {
    what.fetch_add(1, Ordering::SeqCst);
}

struct Work(Arc<Seen>);

impl Drop for Work {
    fn drop(&mut self) {
        count(&self.0.work_dropped);
    }
}

struct Outcome(Arc<Seen>);

impl Drop for Outcome {
    fn drop(&mut self) {
        count(&self.0.result_dropped);
    }
}

/// `blocking::Job`.
struct Job {
    slot: Slot<Work, Outcome>,
    seen: Arc<Seen>,
}

impl Job {
    fn settle(&self) {
        if self.slot.settle() {
            count(&self.seen.settled);
        }
    }

    fn revoke(&self) -> bool {
        let Some(work) = self.slot.take_work() else { return false };
        drop(work);
        self.settle();
        count(&self.seen.jobs_ended);
        true
    }

    fn abandon(&self) -> bool {
        let still_runs = self.slot.abandon();
        if !still_runs {
            drop(self.slot.take_result());
        }
        still_runs
    }

    fn deliver(&self, result: Outcome) {
        if !self.slot.deliver(result) {
            drop(self.slot.take_result());
        }
    }

    /// `Runner::run`, and the drop of the runner.
    fn run(&self) {
        if let Some(work) = self.slot.take_work() {
            count(&self.seen.ran);
            drop(work);
            self.deliver(Outcome(self.seen.clone()));
            // The drop of `InRoot`.
            count(&self.seen.jobs_ended);
        }
        self.drop_runner();
    }

    fn drop_runner(&self) {
        if !self.revoke() {
            self.settle();
        }
    }

    /// The drop of `OnPool`.
    fn give_up(&self, keeps_running: bool) {
        if !self.revoke() && self.abandon() && keeps_running {
            self.settle();
        }
    }
}

/// Runs `pool` on the pool's thread and `other` on the other side.
fn all_happens_once(pool: fn(&Job), other: fn(&Job)) {
    check(ALL, move || {
        let seen = Arc::new(Seen::default());
        let job = Arc::new(Job { slot: Slot::new(Work(seen.clone())), seen: seen.clone() });
        let pooled = job.clone();
        let thread = spawn(move || pool(&pooled));
        other(&job);
        assert!(joined(thread).is_some());
        // While the job still exists: nothing is left to its own drop.
        let read = |what: &AtomicUsize| what.load(Ordering::SeqCst);
        let ran = read(&seen.ran);
        assert!(ran <= 1);
        assert_eq!(read(&seen.work_dropped), 1, "the closure is dropped once, run or not");
        assert_eq!(read(&seen.result_dropped), ran, "the result is dropped once");
        assert_eq!(read(&seen.settled), 1, "the parent is notified once");
        assert_eq!(read(&seen.jobs_ended), 1, "the root scope is notified once");
        drop(job);
    });
}

#[test]
fn a_job_that_is_killed_ends_once() {
    all_happens_once(Job::run, |job| job.give_up(false));
}

#[test]
fn a_job_that_times_out_ends_once() {
    all_happens_once(Job::run, |job| job.give_up(true));
}

#[test]
fn a_job_that_the_pool_drops_ends_once() {
    all_happens_once(Job::drop_runner, |job| job.give_up(true));
}

#[test]
fn a_job_that_the_pool_refuses_and_runs_ends_once() {
    all_happens_once(Job::run, |job| {
        if job.revoke() {
            assert_eq!(job.seen.settled.load(Ordering::SeqCst), 1, "without waiting for the pool");
        }
        // The runner is dropped with the refusal, or by the pool: here by the pool. The result is dropped
        // with the job.
        job.abandon();
    });
}

#[test]
fn an_awaited_result_is_dropped_only_by_its_receiver() {
    check(ALL, || {
        let seen = Arc::new(Seen::default());
        let job = Arc::new(Job { slot: Slot::new(Work(seen.clone())), seen: seen.clone() });
        let pooled = job.clone();
        let thread = spawn(move || pooled.run());
        // A look before the pool is done finds nothing, or the result.
        let early = job.slot.take_result();
        assert!(joined(thread).is_some());
        let late = job.slot.take_result();
        assert!(early.is_some() != late.is_some());
        assert_eq!(seen.result_dropped.load(Ordering::SeqCst), 0);
        drop((early, late));
    });
}
