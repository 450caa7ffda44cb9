//! The sessions that have ended or that others have replaced: the tasks of those that have not ended, and the
//! usage of the others.

use std::sync::Arc;
use std::time::Duration;

use crate::execution::session_kind::SessionKind;
use sweet_async_core::extend::{Sums, TaskRef, sums};

/// The usage of tasks, and the time for which it was measured.
pub(crate) type Usage = (Sums, Duration);

/// The usage of a session, with that of all tasks below it; `None` if it was not measured. The registry must
/// not be locked: this drops references to tasks, whose destructors are the user's.
pub(crate) fn usage_of(session: &TaskRef) -> Option<Usage> {
    Some((sums(session)?, session.control.metered()?.wall()))
}

/// The usage of sessions of one kind, which follow each other.
pub(crate) fn in_turn((one, first): Usage, (other, then): Usage) -> Usage {
    (one.plus(&other), first.saturating_add(then))
}

/// The sessions that are not in their place any more.
///
/// 1. A session that another one has replaced may not have ended yet: its tasks may be in a shielded region,
///    and its own task takes another poll to end. Until then it is in the list.
/// 2. It leaves the list in the step in which its usage is added to the total. So a reader of both counts it
///    once.
#[derive(Default)]
pub(crate) struct Endings {
    tasks: Vec<(SessionKind, TaskRef)>,
    /// The usage of the sessions that have ended: of graphs, and of ad-hoc tasks.
    graphs: Option<Usage>,
    ad_hoc: Option<Usage>,
}

impl Endings {
    /// Adds the task of a session that leaves its place.
    pub(crate) fn add(&mut self, kind: SessionKind, task: TaskRef) {
        self.tasks.push((kind, task));
    }

    /// Takes out the task of a session that has ended, and adds what it used. Returns the reference from the
    /// list, to be dropped without the lock.
    pub(crate) fn end(&mut self, kind: SessionKind, task: &TaskRef, used: Option<Usage>) -> Vec<TaskRef> {
        let total = match kind {
            SessionKind::Graph => &mut self.graphs,
            SessionKind::AdHoc => &mut self.ad_hoc,
        };
        let ended = self.tasks.extract_if(.., |(_, own)| Arc::ptr_eq(own, task));
        let ended: Vec<_> = ended.map(|(_, task)| task).collect();
        // One that never was in its place leaves no trace.
        if !ended.is_empty() {
            *total = total.take().into_iter().chain(used).reduce(in_turn);
        }
        ended
    }

    /// The tasks of the sessions of a kind that have not ended.
    pub(crate) fn tasks(&self, kind: SessionKind) -> impl Iterator<Item = &TaskRef> {
        self.tasks.iter().filter(move |(own, _)| *own == kind).map(|(_, task)| task)
    }

    /// The usage of the sessions of a kind that have ended.
    pub(crate) fn used(&self, kind: SessionKind) -> Option<Usage> {
        match kind {
            SessionKind::Graph => self.graphs,
            SessionKind::AdHoc => self.ad_hoc,
        }
    }
}
