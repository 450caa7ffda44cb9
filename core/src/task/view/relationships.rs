//! The parent and the children of a task, and the channels between a task and its spawner.

use std::fmt;

use crate::tree::children::children;
use crate::tree::extras::channels::{Channel, open};
use crate::tree::node::TaskRef;
use crate::vocabulary::info::TaskInfo;

/// A task's parent, children and channels, as they are at the time of each call.
#[derive(Clone)]
pub struct Relationships {
    task: Option<TaskRef>,
}

impl Relationships {
    /// The relationships of `task`; none if there is none.
    #[doc(hidden)]
    pub fn new(task: Option<TaskRef>) -> Self {
        Self { task }
    }

    /// The task that spawned this one and waits for it; `None` for a detached task, and where no task spawned
    /// it.
    pub fn parent(&self) -> Option<TaskInfo> {
        Some(self.task.as_ref()?.parent()?.control.info())
    }

    /// The tasks that this one has spawned and waits for, and that have not ended, in no order. Cost: linear
    /// in their number.
    pub fn children(&self) -> Vec<TaskInfo> {
        let children = self.task.as_ref().map(children).unwrap_or_default();
        children.iter().map(|child| child.control.info()).collect()
    }

    /// The channel for messages of type `M` from the task that spawned this one to it. All calls give the
    /// same channel.
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

    /// The channel for messages of type `M` from this task to the one that spawned it. All calls give the
    /// same channel.
    pub fn upward<M: Send + 'static>(&self) -> Channel<M> {
        self.channel::<Up, M>()
    }

    fn channel<Direction: 'static, M: Send + 'static>(&self) -> Channel<M> {
        match &self.task {
            Some(task) => {
                let channel = task.control.extras().channels.get::<Direction, M>();
                // Made first, then look: an end closes the channels that were made before it.
                if is_closed(task) {
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

/// True once the work of the task, or of the task that spawned it, is done.
fn is_closed(task: &TaskRef) -> bool {
    if task.control.is_work_done() {
        return true;
    }
    let alone = task.parent.is_none() || task.control.is_detached();
    !alone && task.parent().is_none_or(|parent| parent.control.is_work_done())
}

struct Down;
struct Up;
