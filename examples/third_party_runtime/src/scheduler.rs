//! Who polls which task, and when: the thread that owns all tasks, and the workers that borrow them.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender};

use crate::mailbox::{Inbox, Mailbox};
use crate::task::Task;

/// What the scheduler is told.
pub(crate) enum Message {
    /// A new task.
    Spawned(Task),
    /// The task with this id is to be polled.
    Woken(u64),
    /// This worker can poll another task. `left` is the one that it had, if it is not done.
    Free { worker: usize, left: Option<Task> },
}

/// Owns every task that no worker is polling. The fields are dropped in this order: at the end nothing more is taken,
/// then the workers stop, then the tasks are dropped that are left.
pub(crate) struct Scheduler {
    inbox: Inbox<Message>,
    workers: Vec<Sender<Task>>,
    free: Vec<usize>,
    ready: VecDeque<Task>,
    waiting: HashMap<u64, Task>,
}

impl Scheduler {
    pub(crate) fn new(inbox: Inbox<Message>, workers: Vec<Sender<Task>>) -> Self {
        Self { inbox, workers, free: Vec::new(), ready: VecDeque::new(), waiting: HashMap::new() }
    }

    /// Runs until the mailbox is closed.
    pub(crate) fn run(mut self) {
        while let Some(message) = self.inbox.next() {
            match message {
                Message::Spawned(task) => self.ready.push_back(task),
                Message::Woken(id) => self.ready.extend(self.waiting.remove(&id)),
                Message::Free { worker, left } => {
                    self.free.push(worker);
                    self.take_back(left);
                }
            }
            self.hand_out();
        }
    }

    fn take_back(&mut self, left: Option<Task>) {
        let Some(task) = left else { return };
        if task.is_woken() {
            self.ready.push_back(task);
        } else {
            self.waiting.insert(task.id(), task);
        }
    }

    fn hand_out(&mut self) {
        while !self.ready.is_empty()
            && let Some(worker) = self.free.pop().and_then(|free| self.workers.get(free))
            && let Some(task) = self.ready.pop_front()
        {
            // A worker ends only after the scheduler, so this cannot fail.
            let _ = worker.send(task);
        }
    }
}

/// A worker: asks for a task, polls it once, gives it back.
pub(crate) fn work(worker: usize, tasks: &Receiver<Task>, scheduler: &Mailbox<Message>) {
    let mut left = None;
    // Either fails only at the end of the runtime; a task that cannot be given back is dropped with the message.
    while scheduler.send(Message::Free { worker, left })
        && let Ok(task) = tasks.recv()
    {
        left = task.poll();
    }
}
