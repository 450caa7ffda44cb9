//! The schedule of a simulation: everything that may happen next, and the choice among it. It runs nothing,
//! and only returns the step to be run.

use std::collections::BTreeMap;
use std::task::Waker;

use async_task::Runnable;

use crate::clock::{Clock, Moment};
use crate::random::Random;

/// The number of a task, a blocking job or a timer, from 1, in the order in which they were created.
pub(crate) type Number = u64;

/// The number that a trace gives to the future of `block_on`.
pub(crate) const MAIN: Number = 0;

/// An event that any thread sends to a simulation. It is applied before the next step.
pub(crate) enum Event {
    /// A task was spawned. Its waker reaches it at the end of the simulation.
    Spawned(Number, Waker),
    /// A task can be polled.
    Woken(Runnable<Number>),
    /// A task's future has been dropped.
    Dropped(Number),
    /// A timer was set, or is to wake another waiter than before.
    TimerSet(Alarm, Waker),
    /// A timer was dropped.
    TimerDropped(Alarm),
}

/// The time of a timer, and its number. Of timers for the same moment, those that were set first fire first.
/// This fixed order costs no interleaving: which of the woken tasks runs first is drawn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alarm {
    pub(crate) at: Moment,
    pub(crate) number: u64,
}

/// The next step of a simulation.
pub(crate) enum Step {
    /// Poll the future of `block_on`.
    Main,
    /// Poll a task, or run a blocking job.
    Run(Runnable<Number>),
    /// Wake the waiters of the timers that are due.
    Wake(Vec<Waker>),
    /// Nothing can run, and no timer is set.
    Deadlock,
    /// The simulation has ended.
    Ended,
}

/// All that is alive in a simulation, and the random numbers that choose among it.
pub(crate) struct Schedule {
    random: Random,
    runnable: Vec<Runnable<Number>>,
    /// In the order of their creation, in which they are dropped at the end.
    alive: BTreeMap<Number, Waker>,
    alarms: BTreeMap<Alarm, Waker>,
}

impl Schedule {
    pub(crate) fn new(random: Random) -> Self {
        Self { random, runnable: Vec::new(), alive: BTreeMap::new(), alarms: BTreeMap::new() }
    }

    pub(crate) fn apply(&mut self, event: Event) {
        match event {
            Event::Spawned(number, waker) => {
                self.alive.insert(number, waker);
            }
            Event::Woken(runnable) => self.runnable.push(runnable),
            Event::Dropped(number) => {
                self.alive.remove(&number);
            }
            Event::TimerSet(alarm, waker) => {
                self.alarms.insert(alarm, waker);
            }
            Event::TimerDropped(alarm) => {
                self.alarms.remove(&alarm);
            }
        }
    }

    /// Draws the next step. `main` is true if the future of `block_on` can be polled. Time passes only when
    /// nothing can be polled.
    pub(crate) fn draw(&mut self, main: bool, clock: &Clock) -> Step {
        let due = self.due(clock.moment());
        if !due.is_empty() {
            return Step::Wake(due);
        }
        let choices = self.runnable.len() + usize::from(main);
        if choices > 0 {
            let choice = self.random.below(choices);
            return if choice < self.runnable.len() {
                Step::Run(self.runnable.swap_remove(choice))
            } else {
                Step::Main
            };
        }
        let Some((next, _)) = self.alarms.first_key_value() else { return Step::Deadlock };
        clock.go_to(next.at);
        Step::Wake(self.due(clock.moment()))
    }

    fn due(&mut self, now: Moment) -> Vec<Waker> {
        let mut due = Vec::new();
        while let Some(first) = self.alarms.first_entry()
            && first.key().at <= now
        {
            due.push(first.remove());
        }
        due
    }

    /// Takes out everything that can be polled.
    pub(crate) fn take_runnable(&mut self) -> Vec<Runnable<Number>> {
        std::mem::take(&mut self.runnable)
    }

    /// Takes out the wakers of all tasks.
    pub(crate) fn take_alive(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.alive).into_values()
    }

    /// Takes out the waiters of all timers.
    pub(crate) fn take_alarms(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.alarms).into_values()
    }
}
