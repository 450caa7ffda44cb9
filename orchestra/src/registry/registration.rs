//! A registered task, and the stage that it is in.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "durable")]
use crate::durable::run::Restore;
use crate::execution::batch::{Batch, Node, Work};
use crate::execution::node_state::NodeState;
use crate::status::{Cause, NodeStatus};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Values;
use sweet_async_core::runtime::Runtime;

/// A registered task.
pub(crate) struct Registration<R: Runtime> {
    pub(crate) name: Arc<str>,
    /// The number of its node, unique among all tasks that were ever registered.
    pub(crate) number: u64,
    pub(crate) stage: Stage<R>,
    pub(crate) values: Option<Arc<Values>>,
    /// Set for a node of a durable run whose output is kept.
    #[cfg(feature = "durable")]
    pub(crate) restore: Option<Restore>,
}

/// The stage of a registered task.
pub(crate) enum Stage<R: Runtime> {
    /// Not started. This is its work.
    Registered(Work<R>),
    /// Cancelled before it was started, for this reason if one was given.
    Cancelled(Option<Arc<str>>),
    /// Skipped before it was started.
    Skipped(Cause),
    /// Started, as the node of this index in the batch.
    Started(Arc<Batch<R>>, u32),
}

impl<R: Runtime> Registration<R> {
    pub(crate) fn status(&self) -> NodeStatus {
        match &self.stage {
            Stage::Registered(_) => NodeStatus::Pending,
            Stage::Cancelled(_) => NodeStatus::Cancelled,
            Stage::Skipped(cause) => NodeStatus::Skipped { cause: cause.clone() },
            Stage::Started(batch, index) => batch.node(*index).map_or(NodeStatus::Pending, NodeState::status),
        }
    }
}

impl<R: Runtime> Registration<R> {
    /// True if it has ended without an output, or was not started.
    pub(crate) fn can_be_renewed(&self) -> bool {
        let status = self.status();
        matches!(self.stage, Stage::Registered(_))
            || (status.is_terminal() && status != NodeStatus::Completed)
    }

    pub(crate) fn is_started(&self) -> bool {
        matches!(self.stage, Stage::Started(..))
    }

    /// Its node in a batch, if it was started.
    pub(crate) fn started(&self) -> Option<(Arc<Batch<R>>, u32)> {
        match &self.stage {
            Stage::Started(batch, index) => Some((batch.clone(), *index)),
            _ => None,
        }
    }

    fn in_node<O>(&self, f: impl FnOnce(&Node<R>) -> Option<O>) -> Option<O> {
        match &self.stage {
            Stage::Started(batch, index) => f(batch.node(*index)?),
            _ => None,
        }
    }

    /// True if it has completed without being run.
    pub(crate) fn is_restored(&self) -> bool {
        self.in_node(|node| node.is_restored().then_some(())).is_some()
    }

    /// The time that it took, if it was run to its end.
    pub(crate) fn took(&self) -> Option<Duration> {
        self.in_node(NodeState::took)
    }

    /// The times at which it began and ended, from the epoch of the orchestrator.
    pub(crate) fn times(&self) -> (Option<Duration>, Option<Duration>) {
        self.in_node(|node| Some(node.times())).unwrap_or_default()
    }

    /// The error with which its task ended.
    pub(crate) fn error(&self) -> Option<Arc<AsyncTaskError>> {
        self.in_node(NodeState::error)
    }

    /// The reason of its cancellation, if it was cancelled and one was given.
    pub(crate) fn cancel_reason(&self) -> Option<Arc<str>> {
        if let Stage::Cancelled(reason) = &self.stage {
            return reason.clone();
        }
        let error = self.error()?;
        match &*error {
            AsyncTaskError::Cancelled { reason, .. } => reason.clone(),
            _ => None,
        }
    }
}
