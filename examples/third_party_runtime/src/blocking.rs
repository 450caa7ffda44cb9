//! Work that may block: a thread for each job, an idle one if there is one.

use std::sync::mpsc::{Sender, channel};
use std::thread::Builder;
use std::time::Duration;

use crate::mailbox::{Inbox, Mailbox};

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

/// Hands out jobs until the mailbox is closed; jobs that have not started by then are dropped.
pub(crate) fn run(inbox: &Inbox<Message>, own: &Mailbox<Message>, thread: impl Fn() -> Builder) {
    let mut idle = Vec::<Sender<Job>>::new();
    loop {
        let message = if idle.is_empty() { inbox.next().map(Some) } else { inbox.next_within(KEEP) };
        let Some(message) = message else { return };
        match message {
            Some(Message::Idle(helper)) => idle.push(helper),
            Some(Message::Job(job)) => match idle.pop() {
                // It waits for nothing else, so this cannot fail.
                Some(helper) => {
                    let _ = helper.send(job);
                }
                None => {
                    let foreman = own.clone();
                    // Refused by the operating system, the job is dropped, and its handle answers `None`.
                    let _ = thread().spawn(move || help(job, &foreman));
                }
            },
            None => idle.clear(),
        }
    }
}

fn help(mut job: Job, foreman: &Mailbox<Message>) {
    loop {
        job();
        // A new channel each time: a sender kept here would keep the receiver waiting after the foreman is gone.
        let (sender, next) = channel();
        if !foreman.send(Message::Idle(sender)) {
            return;
        }
        let Ok(given) = next.recv() else { return };
        job = given;
    }
}
