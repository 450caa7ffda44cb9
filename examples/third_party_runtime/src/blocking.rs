//! Work that may block: the thread that hands it out, and those that do it.
//!
//! A job waits with the foreman until a thread says that it is idle. A new thread is started for a job that finds none,
//! up to a bound; it says so too, and is given whichever job is first.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::thread::Builder;
use std::time::Duration;

use crate::mailbox::{Inbox, Mailbox};

/// Threads beyond this would cost more than the work gains; further jobs wait their turn.
const MOST: usize = 256;

/// How long nothing must happen until idle threads are let go.
const KEEP: Duration = Duration::from_secs(5);

/// A piece of work.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// What the foreman is told.
pub(crate) enum Message {
    /// There is work.
    Job(Job),
    /// A thread has none, and can be had here. It ends when this is dropped.
    Idle(Sender<Job>),
}

/// Owns the jobs that wait, and the way to each thread that is idle.
pub(crate) struct Foreman<B> {
    inbox: Inbox<Message>,
    own: Mailbox<Message>,
    /// How its threads are made.
    thread: B,
    threads: usize,
    idle: Vec<Sender<Job>>,
    waiting: VecDeque<Job>,
}

impl<B: Fn() -> Builder> Foreman<B> {
    pub(crate) fn new(inbox: Inbox<Message>, own: Mailbox<Message>, thread: B) -> Self {
        Self { inbox, own, thread, threads: 0, idle: Vec::new(), waiting: VecDeque::new() }
    }

    /// Runs until the mailbox is closed; jobs that have not started by then are dropped.
    pub(crate) fn run(mut self) {
        while let Some(message) = self.next() {
            match message {
                Some(Message::Idle(helper)) => self.idle.push(helper),
                Some(Message::Job(job)) => {
                    self.waiting.push_back(job);
                    if self.idle.is_empty() && self.threads < MOST {
                        self.hire();
                    }
                }
                None => {
                    self.threads -= self.idle.len();
                    self.idle.clear();
                }
            }
            self.hand_out();
        }
    }

    fn next(&self) -> Option<Option<Message>> {
        if self.idle.is_empty() { self.inbox.next().map(Some) } else { self.inbox.next_within(KEEP) }
    }

    fn hire(&mut self) {
        let foreman = self.own.clone();
        if (self.thread)().spawn(move || help(&foreman)).is_ok() {
            self.threads += 1;
        } else if self.threads == 0 {
            // The operating system gives none, and nobody else will come: the handles answer `None`.
            self.waiting.clear();
        }
    }

    fn hand_out(&mut self) {
        while !self.waiting.is_empty()
            && let Some(helper) = self.idle.pop()
            && let Some(job) = self.waiting.pop_front()
        {
            // It waits for nothing else, so this cannot fail.
            let _ = helper.send(job);
        }
    }
}

fn help(foreman: &Mailbox<Message>) {
    loop {
        // A new channel each time: a sender kept here would keep the receiver waiting after the foreman is gone.
        let (sender, given) = channel::<Job>();
        if !foreman.send(Message::Idle(sender)) {
            return;
        }
        let Ok(job) = given.recv() else { return };
        // Core's jobs never panic; one that a user hands over directly must not take the thread along.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}
