//! The state that all handles of one simulation share, and the end of the simulation.
//!
//! The schedule lies in a slot, and is out of it only while a step is drawn. User code, which may come back
//! here through a nested `block_on`, or end the simulation, so finds it there until the simulation has ended.
//!
//! ```text
//! any thread ── event ──► inbox ──► schedule ── draws ──► step, run with the schedule back in its slot
//! ```

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;

use concurrent_queue::ConcurrentQueue;
use sweet_async_core::TaskId;
use sweet_async_core::runtime::RootScope;

use crate::clock::Clock;
use crate::driver_lock::Driver;
use crate::random::{Random, mix};
use crate::schedule::{Event, MAIN, Number, Schedule, Step};

/// The names of the streams of random numbers.
const SCHEDULE: u64 = 1;
const ENTROPY: u64 = 2;

pub(crate) struct Executor {
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    /// Lists all tasks, so that a deadlock can name them.
    pub(crate) root: RootScope,
    pub(crate) clock: Clock,
    pub(crate) entropy: Random,
    pub(crate) driver: Driver,
    last_id: AtomicU64,
    last_number: AtomicU64,
    trace: AtomicU64,
    inbox: ConcurrentQueue<Event>,
    schedule: ConcurrentQueue<Box<Schedule>>,
    ended: AtomicBool,
}

impl Executor {
    pub(crate) fn new(seed: u64, workers: usize) -> Self {
        let schedule = ConcurrentQueue::bounded(1);
        // The slot is new and holds one, so the push cannot fail.
        let _ = schedule.push(Box::new(Schedule::new(Random::new(seed, SCHEDULE))));
        Self {
            seed,
            workers,
            root: RootScope::listing_all(),
            clock: Clock::new(),
            entropy: Random::new(seed, ENTROPY),
            driver: Driver::unlocked(),
            last_id: AtomicU64::new(0),
            last_number: AtomicU64::new(MAIN),
            trace: AtomicU64::new(0),
            inbox: ConcurrentQueue::unbounded(),
            schedule,
            ended: AtomicBool::new(false),
        }
    }

    /// The id of the next task: from 1 in every simulation, so that a replay has the same ids. Relaxed, as
    /// below: an id only has to be unique.
    pub(crate) fn next_id(&self) -> TaskId {
        TaskId::from_u64(self.last_id.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// A number for a task, a job or a timer.
    pub(crate) fn next_number(&self) -> Number {
        self.last_number.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Sends an event to the simulation. It is returned once the simulation has ended.
    pub(crate) fn send(&self, event: Event) -> Result<(), Event> {
        self.inbox.push(event).map_err(concurrent_queue::PushError::into_inner)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.trace.load(Ordering::Relaxed)
    }

    /// Draws the next step. `main` is true if the future of `block_on` can be polled.
    pub(crate) fn step(&self, main: &AtomicBool) -> Step {
        if self.has_ended() {
            self.clear();
        }
        let Ok(mut schedule) = self.schedule.pop() else {
            // If that future waited for a task, the drop of the task has woken it, and it may end by that.
            return if main.load(Ordering::SeqCst) { Step::Main } else { Step::Ended };
        };
        while let Ok(event) = self.inbox.pop() {
            schedule.apply(event);
        }
        let step = schedule.draw(main.load(Ordering::SeqCst), &self.clock);
        // It was taken from there, so there is room.
        let _ = self.schedule.push(schedule);
        self.record(&step);
        step
    }

    /// Folds a step into the trace. There is no other writer: one thread drives at a time.
    fn record(&self, step: &Step) {
        let number = match step {
            Step::Main => MAIN,
            Step::Run(runnable) => *runnable.metadata(),
            // The passage of time shows in the steps that follow.
            Step::Wake(_) | Step::Deadlock | Step::Ended => return,
        };
        let trace = mix(mix(self.fingerprint() ^ self.clock.moment()) ^ number);
        self.trace.store(trace, Ordering::Relaxed);
    }

    /// Ends the simulation, and drops all tasks: here, or, if another thread is driving, on that thread
    /// before its next step.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.root.close();
        if !self.driver.is_held_elsewhere() {
            self.clear();
        }
    }

    /// Drops everything that is left, once. While there is a driver, only the driver calls this.
    pub(crate) fn clear(&self) {
        let Ok(mut schedule) = self.schedule.pop() else { return };
        self.drop_tasks(&mut schedule);
        // From here on wakes and timers are refused; earlier events are still in the inbox.
        self.inbox.close();
        self.drop_tasks(&mut schedule);
        // A waiter for a timer elsewhere is woken, to find that there are no timers any more.
        schedule.take_alarms().for_each(Waker::wake);
    }

    /// Wakes every task, so that it leaves whatever it waits in, and drops it. This is repeated for as long
    /// as destructors cause further events. Tasks are dropped one after the other, and never inside a wake,
    /// which may hold locks.
    fn drop_tasks(&self, schedule: &mut Schedule) {
        loop {
            while let Ok(event) = self.inbox.pop() {
                schedule.apply(event);
            }
            schedule.take_alive().for_each(Waker::wake);
            let runnable = schedule.take_runnable();
            if runnable.is_empty() && self.inbox.is_empty() {
                return;
            }
            drop(runnable);
        }
    }
}
