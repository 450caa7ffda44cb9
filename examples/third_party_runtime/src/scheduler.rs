//! The thread that owns all tasks, and the workers that poll them.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender};

use crate::mailbox::{Inbox, Mailbox};
use crate::task::Task;

/// A message to the scheduler.
pub(crate) enum Message {
    /// A new task.
    Spawned(Task),
    /// The task with this id is to be polled.
    Woken(u64),
    /// This worker can poll another task. `unfinished` is the task that it polled last, if that is not done.
    Free { worker: usize, unfinished: Option<Task> },
}

/// The owner of every task that no worker is polling.
///
/// The fields are dropped in this order: at the end no message is taken any more, then the workers stop, then
/// the tasks that are left are dropped.
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
                Message::Free { worker, unfinished } => {
                    self.free.push(worker);
                    self.take_back(unfinished);
                }
            }
            self.hand_out();
        }
    }

    fn take_back(&mut self, unfinished: Option<Task>) {
        let Some(task) = unfinished else { return };
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
            // A free worker waits for this channel until the scheduler ends, so this cannot fail.
            let _ = worker.send(task);
        }
    }
}

/// Runs a worker: it reports that it is free, polls the task that it is given once, and gives it back.
pub(crate) fn run_worker(worker: usize, tasks: &Receiver<Task>, scheduler: &Mailbox<Message>) {
    let mut unfinished = None;
    // Both fail only at the end of the runtime. A task that cannot be given back is dropped with the message.
    while scheduler.send(Message::Free { worker, unfinished })
        && let Ok(task) = tasks.recv()
    {
        unfinished = task.poll();
    }
}
