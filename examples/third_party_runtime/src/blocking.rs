//! The foreman, a thread that hands out blocking jobs, and the threads that run them.
//!
//! A job waits in the foreman's queue until a thread reports that it is idle. For a job that finds no idle
//! thread a new one is started, up to a bound. The new thread reports that it is idle, too, and is given the
//! first job of the queue.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::thread::Builder;
use std::time::Duration;

use crate::mailbox::{Inbox, Mailbox};

/// The most threads. More would cost more than the work gains; further jobs wait in the queue.
const MAX_THREADS: usize = 256;

/// The time without a message after which idle threads are ended.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// A blocking job.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// A message to the foreman.
pub(crate) enum Message {
    /// A job to run.
    Job(Job),
    /// A thread is idle, and takes a job from this channel. It ends when the sender is dropped.
    Idle(Sender<Job>),
}

/// The owner of the waiting jobs, and of a channel to each idle thread.
pub(crate) struct Foreman<B> {
    inbox: Inbox<Message>,
    mailbox: Mailbox<Message>,
    /// Makes the builder of a thread.
    thread_builder: B,
    threads: usize,
    idle: Vec<Sender<Job>>,
    waiting: VecDeque<Job>,
}

impl<B: Fn() -> Builder> Foreman<B> {
    pub(crate) fn new(inbox: Inbox<Message>, mailbox: Mailbox<Message>, thread_builder: B) -> Self {
        Self { inbox, mailbox, thread_builder, threads: 0, idle: Vec::new(), waiting: VecDeque::new() }
    }

    /// Runs until the mailbox is closed; jobs that have not started by then are dropped.
    pub(crate) fn run(mut self) {
        while let Some(message) = self.next() {
            match message {
                Some(Message::Idle(thread)) => self.idle.push(thread),
                Some(Message::Job(job)) => {
                    self.waiting.push_back(job);
                    if self.idle.is_empty() && self.threads < MAX_THREADS {
                        self.start_thread();
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
        if self.idle.is_empty() { self.inbox.next().map(Some) } else { self.inbox.next_within(IDLE_TIMEOUT) }
    }

    fn start_thread(&mut self) {
        let foreman = self.mailbox.clone();
        if (self.thread_builder)().spawn(move || run_jobs(&foreman)).is_ok() {
            self.threads += 1;
        } else if self.threads == 0 {
            // The operating system refuses a thread, and no other will come: the handles answer `None`.
            self.waiting.clear();
        }
    }

    fn hand_out(&mut self) {
        while !self.waiting.is_empty()
            && let Some(thread) = self.idle.pop()
            && let Some(job) = self.waiting.pop_front()
        {
            // An idle thread waits for nothing else, so this cannot fail.
            let _ = thread.send(job);
        }
    }
}

fn run_jobs(foreman: &Mailbox<Message>) {
    loop {
        // A new channel each time: a sender kept here would keep the receiver waiting after the foreman has
        // ended.
        let (sender, jobs) = channel::<Job>();
        if !foreman.send(Message::Idle(sender)) {
            return;
        }
        let Ok(job) = jobs.recv() else { return };
        // Core's jobs never panic. The panic of one that a user hands over directly must not end the thread.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}
