//! A task as it was registered.

use std::sync::Arc;
use std::time::Duration;

use crate::execution::batch::Batch;
use crate::execution::node_state::{NodeState, Work};
use crate::status::{Cause, NodeStatus};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Values;
use sweet_async_core::runtime::Runtime;

/// A task as it was registered.
pub(crate) struct Registration<R: Runtime> {
    pub(crate) name: Arc<str>,
    /// Its node's, unique among all that were ever registered.
    pub(crate) number: u64,
    pub(crate) stage: Stage<R>,
    pub(crate) values: Option<Arc<Values>>,
}

pub(crate) enum Stage<R: Runtime> {
    Registered(Work<R>),
    /// Cancelled before it was started.
    Cancelled,
    /// Skipped before it was started.
    Skipped(Cause),
    Started(Arc<Batch<R>>, u32),
}

impl<R: Runtime> Registration<R> {
    pub(crate) fn status(&self) -> NodeStatus {
        match &self.stage {
            Stage::Registered(_) => NodeStatus::Pending,
            Stage::Cancelled => NodeStatus::Cancelled,
            Stage::Skipped(cause) => NodeStatus::Skipped { cause: cause.clone() },
            Stage::Started(plan, index) => plan.cell(*index).map_or(NodeStatus::Pending, NodeState::status),
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

    /// Where it is, if it was started.
    pub(crate) fn started(&self) -> Option<(Arc<Batch<R>>, u32)> {
        match &self.stage {
            Stage::Started(plan, index) => Some((plan.clone(), *index)),
            _ => None,
        }
    }

    fn in_cell<O>(&self, f: impl FnOnce(&NodeState<R>) -> Option<O>) -> Option<O> {
        match &self.stage {
            Stage::Started(plan, index) => f(plan.cell(*index)?),
            _ => None,
        }
    }

    /// How long it took, if it was run.
    pub(crate) fn took(&self) -> Option<Duration> {
        self.in_cell(NodeState::took)
    }

    /// When it began and ended, from the beginning of the orchestrator.
    pub(crate) fn times(&self) -> (Option<Duration>, Option<Duration>) {
        self.in_cell(|cell| Some(cell.times())).unwrap_or_default()
    }

    /// What it has failed with.
    pub(crate) fn error(&self) -> Option<Arc<AsyncTaskError>> {
        self.in_cell(NodeState::error)
    }
}
