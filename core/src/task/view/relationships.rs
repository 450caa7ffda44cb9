//! Who is above a task and who below it, and what they say to each other.

use std::fmt;

use crate::tree::channels::{Channel, open};
use crate::tree::children::children;
use crate::tree::node::TaskRef;
use crate::vocabulary::info::TaskInfo;

/// A task's place among others, as it is when it is asked for.
#[derive(Clone)]
pub struct Relationships {
    task: Option<TaskRef>,
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
                let channel = task.control.extras().links.get::<Way, M>();
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
