//! Who is above a task and who below it, and what they say to each other.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use async_channel::{Receiver, Sender};

use super::TaskInfo;
use super::control::{TaskRef, children};
use super::in_place::caught;

/// How many messages a channel between two tasks holds before it makes senders wait.
pub const CHANNEL_CAPACITY: usize = 32;

/// A task's place among others, as it is when it is asked for.
#[derive(Clone)]
pub struct Relationships {
    task: Option<TaskRef>,
}

/// Both ends of a bounded channel between a task and the one that spawned it: many may send and many receive, and each
/// message goes to one of them.
///
/// It holds [`CHANNEL_CAPACITY`] messages, and is closed when either task's work has ended: who has it can still receive
/// what is in it. That of a detached task is closed at its own end.
pub struct Channel<M> {
    /// Sends a message; waits while the channel is full. An error gives the message back: the channel is closed.
    pub sender: Sender<M>,
    /// Receives the next message; an error says that none will come.
    pub receiver: Receiver<M>,
}

impl<M> Clone for Channel<M> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), receiver: self.receiver.clone() }
    }
}

impl<M> fmt::Debug for Channel<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (waiting, closed) = (self.sender.len(), self.sender.is_closed());
        f.debug_struct("Channel").field("waiting", &waiting).field("closed", &closed).finish()
    }
}

impl Relationships {
    /// The relationships of `task`; none if there is none.
    pub fn new(task: Option<TaskRef>) -> Self {
        Self { task }
    }

    /// The task that spawned this one and waits for it; `None` for a detached task, and where no task spawned it.
    pub fn parent(&self) -> Option<TaskInfo> {
        Some(self.task.as_ref()?.parent()?.control.info())
    }

    /// The tasks that this one has spawned and waits for, in no order: those that have not ended. Costs as much as there
    /// are.
    pub fn children(&self) -> Vec<TaskInfo> {
        let children = self.task.as_ref().map(children).unwrap_or_default();
        children.iter().map(|child| child.control.info()).collect()
    }

    /// The channel for messages of type `M` from the one who spawned this task to it. The same for all who ask.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, ContextualizedTask as _, Runtime, TaskBuilder};
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// let task = TaskBuilder::<u32, _>::new(runtime.clone()).spawn_with(|cx| async move {
    ///     cx.relationships().downward::<u32>().receiver.recv().await
    /// });
    /// let _ = task.relationships().downward::<u32>().sender.send(7).await;
    /// assert_eq!(task.await?, 7);
    /// # Ok(()) }
    /// ```
    pub fn downward<M: Send + 'static>(&self) -> Channel<M> {
        self.channel::<Down, M>()
    }

    /// The channel for messages of type `M` from this task to the one who spawned it. The same for all who ask.
    pub fn upward<M: Send + 'static>(&self) -> Channel<M> {
        self.channel::<Up, M>()
    }

    fn channel<Way: 'static, M: Send + 'static>(&self) -> Channel<M> {
        match &self.task {
            Some(task) => {
                let channel = task.control.cold().links.get::<Way, M>();
                // Made first, then looked: an end closes what has been made by then.
                if is_over(task) {
                    channel.sender.close();
                }
                channel
            }
            None => {
                let channel = open();
                channel.sender.close();
                channel
            }
        }
    }
}

impl fmt::Debug for Relationships {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relationships")
            .field("parent", &self.parent())
            .field("children", &self.children())
            .finish()
    }
}

/// True once the task, or the one that spawned it, will not talk any more.
fn is_over(task: &TaskRef) -> bool {
    if task.control.is_settled() {
        return true;
    }
    let alone = task.parent.is_none() || task.control.is_detached();
    !alone && task.parent().is_none_or(|parent| parent.control.is_settled())
}

struct Down;
struct Up;

fn open<M>() -> Channel<M> {
    let (sender, receiver) = async_channel::bounded(CHANNEL_CAPACITY);
    Channel { sender, receiver }
}

/// A channel of whatever type.
trait Link: Any + Send + Sync {
    fn close(&self);
    fn as_any(&self) -> &dyn Any;
}

impl<M: Send + 'static> Link for Channel<M> {
    fn close(&self) {
        self.sender.close();
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[derive(Clone, Default)]
struct Open(Vec<(TypeId, Arc<dyn Link>)>);

/// The channels of one task, each made when it is first asked for.
#[derive(Default)]
pub(crate) struct Links {
    open: ArcSwapOption<Open>,
    closed: AtomicBool,
}

impl Links {
    fn get<Way: 'static, M: Send + 'static>(&self) -> Channel<M> {
        let id = TypeId::of::<(Way, M)>();
        let find = |links: Option<&Arc<Open>>| {
            let (_, link) = links?.0.iter().find(|(other, _)| *other == id)?;
            link.as_any().downcast_ref::<Channel<M>>().cloned()
        };
        let fresh = open::<M>();
        let link: Arc<dyn Link> = Arc::new(fresh.clone());
        // Of two who ask at once, one finds what the other has put in.
        let before = self.open.rcu(|links| match find(links.as_ref()) {
            Some(_) => links.clone(),
            None => {
                let mut more = links.as_deref().cloned().unwrap_or_default();
                more.0.push((id, link.clone()));
                Some(Arc::new(more))
            }
        });
        let channel = find(before.as_ref()).unwrap_or(fresh);
        // Put in first, then look: `close` sets the flag and then goes through what is in.
        if self.closed.load(Ordering::SeqCst) {
            channel.sender.close();
        }
        channel
    }

    /// Closes all. Who waits for a message may wake badly, and a message may be dropped badly: neither is this task's.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        if let Some(links) = self.open.swap(None) {
            links.0.iter().for_each(|(_, link)| while caught(|| link.close()).is_err() {});
            let _ = caught(|| drop(links));
        }
    }
}
