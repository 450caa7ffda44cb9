//! What all handles of one simulation share, and the simulation's end.
//!
//! The agenda lies in a slot, and is out of it only while a step is drawn: user code, which may come back here through
//! a nested `block_on`, or end the simulation, always finds it there.
//!
//! ```text
//! any thread ── news ──► inbox ──► agenda ── draws ──► step, run with the agenda back in its slot
//! ```

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;

use concurrent_queue::ConcurrentQueue;
use sweet_async_core::TaskId;
use sweet_async_core::runtime::RootScope;

use crate::agenda::{Agenda, MAIN, News, Number, Step};
use crate::clock::Clock;
use crate::random::{Random, mix};
use crate::turn::Driver;

/// The names of the streams of random numbers.
const SCHEDULE: u64 = 1;
const ENTROPY: u64 = 2;

pub(crate) struct Executor {
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    /// Lists all tasks: a deadlock is to name them.
    pub(crate) root: RootScope,
    pub(crate) clock: Clock,
    pub(crate) entropy: Random,
    pub(crate) driver: Driver,
    last_id: AtomicU64,
    last_number: AtomicU64,
    trace: AtomicU64,
    inbox: ConcurrentQueue<News>,
    agenda: ConcurrentQueue<Box<Agenda>>,
    ended: AtomicBool,
}

impl Executor {
    pub(crate) fn new(seed: u64, workers: usize) -> Self {
        let agenda = ConcurrentQueue::bounded(1);
        // The slot is new and holds one, so the push cannot fail.
        let _ = agenda.push(Box::new(Agenda::new(Random::new(seed, SCHEDULE))));
        Self {
            seed,
            workers,
            root: RootScope::listing_all(),
            clock: Clock::new(),
            entropy: Random::new(seed, ENTROPY),
            driver: Driver::nobody(),
            last_id: AtomicU64::new(0),
            last_number: AtomicU64::new(MAIN),
            trace: AtomicU64::new(0),
            inbox: ConcurrentQueue::unbounded(),
            agenda,
            ended: AtomicBool::new(false),
        }
    }

    /// From 1 in every simulation, so that a replay names its tasks alike. Relaxed, as below: only uniqueness is asked.
    pub(crate) fn next_id(&self) -> TaskId {
        TaskId::from_u64(self.last_id.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// A number for a task, a job or a timer.
    pub(crate) fn next_number(&self) -> Number {
        self.last_number.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Tells the simulation something; the news are given back once it has ended.
    pub(crate) fn tell(&self, news: News) -> Result<(), News> {
        self.inbox.push(news).map_err(concurrent_queue::PushError::into_inner)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.trace.load(Ordering::Relaxed)
    }

    /// Draws the next step. `main` says whether the future of `block_on` can be polled.
    pub(crate) fn step(&self, main: &AtomicBool) -> Step {
        if self.has_ended() {
            self.clear();
        }
        let Ok(mut agenda) = self.agenda.pop() else {
            // What waited for a task hears that it is gone, and may end by that.
            return if main.load(Ordering::SeqCst) { Step::Main } else { Step::Over };
        };
        while let Ok(news) = self.inbox.pop() {
            agenda.hear(news);
        }
        let step = agenda.draw(main.load(Ordering::SeqCst), &self.clock);
        // It came out of there, so there is room.
        let _ = self.agenda.push(agenda);
        self.record(&step);
        step
    }

    /// Folds a step into the trace. Nobody else writes to it: one thread drives at a time.
    fn record(&self, step: &Step) {
        let number = match step {
            Step::Main => MAIN,
            Step::Run(runnable) => *runnable.metadata(),
            // That time has passed is seen in the steps that follow.
            Step::Ring(_) | Step::Stuck | Step::Over => return,
        };
        let trace = mix(mix(self.fingerprint() ^ self.clock.moment()) ^ number);
        self.trace.store(trace, Ordering::Relaxed);
    }

    /// Ends the simulation. All tasks are dropped here; if another thread is driving, there, before its next step.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.root.close();
        if !self.driver.is_elsewhere() {
            self.clear();
        }
    }

    /// Drops all that is left, once; by nobody but the driver while there is one.
    pub(crate) fn clear(&self) {
        let Ok(mut agenda) = self.agenda.pop() else { return };
        self.drop_tasks(&mut agenda);
        // From here on a wake or a timer is refused; what came before is still in the inbox.
        self.inbox.close();
        self.drop_tasks(&mut agenda);
        // Whoever waits for a timer elsewhere is to learn that there is none any more.
        agenda.take_alarms().for_each(Waker::wake);
    }

    /// Wakes every task, so that it comes out of wherever it waits, and drops it; and again, for those that the
    /// destructors have woken or left behind. One after the other, and never inside a wake: that may hold locks.
    fn drop_tasks(&self, agenda: &mut Agenda) {
        loop {
            while let Ok(news) = self.inbox.pop() {
                agenda.hear(news);
            }
            agenda.take_alive().for_each(Waker::wake);
            let runnable = agenda.take_runnable();
            if runnable.is_empty() && self.inbox.is_empty() {
                return;
            }
            drop(runnable);
        }
    }
}
