//! What may happen next, and the choice among it. It runs nothing: it says what is to be run.

use std::collections::BTreeMap;
use std::task::Waker;

use async_task::Runnable;

use crate::clock::{Clock, Moment};
use crate::random::Random;

/// The number of a task or a blocking job, in the order of their making, from 1.
pub(crate) type Number = u64;

/// The number that a trace gives to the future of `block_on`.
pub(crate) const MAIN: Number = 0;

/// What is told to a simulation, from whatever thread, and looked at before its next step.
pub(crate) enum News {
    /// There is a new task; its waker is how it is found at the end of the simulation.
    Spawned(Number, Waker),
    /// A task can be polled.
    Woken(Runnable<Number>),
    /// A task's future has been dropped.
    Gone(Number),
    /// A timer waits, or waits for somebody else than before.
    Set(Alarm, Waker),
    /// A timer was dropped.
    Unset(Alarm),
}

/// When a timer rings; at the same moment, those that were set first ring first. That they ring in a fixed order costs
/// no interleaving: which of the woken tasks runs first is drawn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alarm {
    pub(crate) at: Moment,
    pub(crate) number: u64,
}

/// What a simulation does next.
pub(crate) enum Step {
    /// Poll the future of `block_on`.
    Main,
    /// Poll a task, or run a blocking job.
    Run(Runnable<Number>),
    /// Wake those whose time has come.
    Ring(Vec<Waker>),
    /// Nothing can run, and nothing will.
    Stuck,
    /// The simulation has ended.
    Over,
}

/// All that is alive in a simulation.
pub(crate) struct Agenda {
    random: Random,
    runnable: Vec<Runnable<Number>>,
    /// In the order of their making, in which they are dropped at the end.
    alive: BTreeMap<Number, Waker>,
    alarms: BTreeMap<Alarm, Waker>,
}

impl Agenda {
    pub(crate) fn new(random: Random) -> Self {
        Self { random, runnable: Vec::new(), alive: BTreeMap::new(), alarms: BTreeMap::new() }
    }

    pub(crate) fn hear(&mut self, news: News) {
        match news {
            News::Spawned(number, waker) => {
                self.alive.insert(number, waker);
            }
            News::Woken(runnable) => self.runnable.push(runnable),
            News::Gone(number) => {
                self.alive.remove(&number);
            }
            News::Set(alarm, waker) => {
                self.alarms.insert(alarm, waker);
            }
            News::Unset(alarm) => {
                self.alarms.remove(&alarm);
            }
        }
    }

    /// Draws the next step; `main` says whether the future of `block_on` can be polled. Only when nothing can does
    /// time pass.
    pub(crate) fn draw(&mut self, main: bool, clock: &Clock) -> Step {
        let due = self.due(clock.moment());
        if !due.is_empty() {
            return Step::Ring(due);
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
        let Some((next, _)) = self.alarms.first_key_value() else { return Step::Stuck };
        clock.go_to(next.at);
        Step::Ring(self.due(clock.moment()))
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

    /// Everything that can be polled, taken out.
    pub(crate) fn take_runnable(&mut self) -> Vec<Runnable<Number>> {
        std::mem::take(&mut self.runnable)
    }

    /// The wakers of all tasks, taken out.
    pub(crate) fn take_alive(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.alive).into_values()
    }

    /// Those who wait for a timer, taken out.
    pub(crate) fn take_alarms(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.alarms).into_values()
    }
}
