//! Cancellation: its levels, its causes and its outcomes.

use std::fmt;
use std::sync::Arc;

use crate::vocabulary::info::TaskInfo;
use crate::vocabulary::status::TaskStatus;

/// The level of a cancellation. The level of a task only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CancelLevel {
    /// The work is notified, and given time: [`TaskContext::cancelled`](crate::TaskContext::cancelled) is
    /// ready, `on_cancel` callbacks run, and a result that the work returns within its grace period counts.
    /// Then it is killed.
    Graceful,
    /// The future is dropped at its next poll boundary: its destructors run, and nothing else of it. Blocking
    /// work that has not started never starts; blocking work that has started cannot be killed and is waited
    /// for.
    Kill,
    /// As [`Kill`](Self::Kill), but an await of the cancellation does not wait for work that cannot be
    /// dropped now: if a poll is in progress, blocking work has started or a shielded region is under way,
    /// the answer is [`CancelOutcome::Abandoned`] at once. The handle still resolves at the true end.
    KillHard,
}

impl CancelLevel {
    const ALL: [Self; 3] = [Self::Graceful, Self::Kill, Self::KillHard];

    /// The code of the level: 1 and up; 0 is no level.
    pub(crate) fn code(self) -> u32 {
        Self::ALL.iter().zip(1..).find(|(level, _)| **level == self).map_or(0, |(_, code)| code)
    }

    pub(crate) fn from_code(code: u32) -> Option<Self> {
        Self::ALL.iter().zip(1..).find(|(_, c)| *c == code).map(|(level, _)| *level)
    }
}

impl fmt::Display for CancelLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Graceful => "graceful",
            Self::Kill => "kill",
            Self::KillHard => "kill hard",
        })
    }
}

/// The cause of a cancellation. The first recorded cause stays. A caller may give a reason of its own beside
/// it: see [`Task::cancel_because`](crate::Task::cancel_because).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelCause {
    /// `cancel` was called.
    Requested,
    /// The handle was dropped without `detach`.
    HandleDropped,
    /// The task that spawned this one ended without a value, or its time limit passed.
    ParentEnded,
    /// The task that spawned this one was cancelled, and passed the request on.
    ParentCancelled,
    /// Another member of its scope, or of the tasks that it was joined with, failed; or another attempt that it was
    /// hedged with.
    SiblingFailed,
    /// The future of its scope, or of the task in place that has spawned it, was dropped.
    ScopeDropped,
    /// Enough of the tasks that it was joined with, or of the attempts that it was hedged with, have succeeded; or
    /// [`TaskSet::stop`](crate::TaskSet::stop) was called.
    Unneeded,
    /// Its runtime has shut down: the executor dropped the task, or a shutdown killed it at its limit. The
    /// error is then [`AsyncTaskError::Shutdown`](crate::AsyncTaskError::Shutdown).
    Shutdown,
    /// It is a [daemon](crate::Scope::spawn_daemon), and the other tasks of its scope have ended.
    ScopeEnded,
}

impl CancelCause {
    const ALL: [Self; 9] = [
        Self::Requested,
        Self::HandleDropped,
        Self::ParentEnded,
        Self::ParentCancelled,
        Self::SiblingFailed,
        Self::ScopeDropped,
        Self::Unneeded,
        Self::Shutdown,
        Self::ScopeEnded,
    ];

    pub(crate) fn code(self) -> u32 {
        Self::ALL.iter().zip(0..).find(|(cause, _)| **cause == self).map_or(0, |(_, code)| code)
    }

    pub(crate) fn from_code(code: u32) -> Self {
        Self::ALL.iter().zip(0..).find(|(_, c)| *c == code).map_or(Self::Requested, |(cause, _)| *cause)
    }

    /// The cause that is passed on to the children of a task that was cancelled for this one.
    pub(crate) fn passed_on(self) -> Self {
        match self {
            Self::Shutdown | Self::ScopeDropped | Self::SiblingFailed => self,
            _ => Self::ParentCancelled,
        }
    }
}

impl fmt::Display for CancelCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "requested",
            Self::HandleDropped => "its handle was dropped; keep the handle, await it, or call detach()",
            Self::ParentEnded => "the task that spawned it ended",
            Self::ParentCancelled => "the task that spawned it was cancelled",
            Self::SiblingFailed => "another task of its scope or group failed",
            Self::ScopeDropped => "the future that it was a part of was dropped",
            Self::Unneeded => "it was not needed any more",
            Self::Shutdown => "its runtime has shut down",
            Self::ScopeEnded => "the other tasks of its scope have ended",
        })
    }
}

/// The outcome of a cancellation for the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelOutcome {
    /// The work was stopped.
    Cancelled,
    /// The work gave its value: before the request, or within its grace period.
    Success,
    /// Its time limit passed first.
    Timeout,
    /// It failed first: an error of its own, or a panic.
    Failure,
    /// It had not stopped within the time that the caller was ready to wait; the request stands.
    Running,
    /// It cannot be stopped now, and the caller did not want to wait: see [`CancelLevel::KillHard`].
    Abandoned,
}

/// The result of a cancellation for the task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancellationResult {
    pub(crate) outcome: CancelOutcome,
    pub(crate) status: TaskStatus,
    pub(crate) asked: Option<(CancelLevel, CancelCause)>,
    pub(crate) reason: Option<Arc<str>>,
    pub(crate) stuck: Vec<TaskInfo>,
}

impl CancellationResult {
    /// Combines the results of two tasks that were cancelled as one: if either has not ended, the whole has
    /// not ended.
    pub(crate) fn and(mut self, other: Self) -> Self {
        if self.has_ended() && !other.has_ended() {
            self.outcome = other.outcome;
        }
        self.stuck.extend(other.stuck);
        self
    }

    /// The outcome for the work.
    pub fn outcome(&self) -> CancelOutcome {
        self.outcome
    }

    /// The status of the task.
    pub fn status(&self) -> TaskStatus {
        self.status
    }

    /// The level that was in force, if a cancellation was recorded before the end.
    pub fn level(&self) -> Option<CancelLevel> {
        self.asked.map(|(level, _)| level)
    }

    /// The first recorded cause, if a cancellation was recorded before the end.
    pub fn cause(&self) -> Option<CancelCause> {
        self.asked.map(|(_, cause)| cause)
    }

    /// The reason that was given with the first recorded cause, if one was: see
    /// [`Task::cancel_because`](crate::Task::cancel_because).
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// True if the work was stopped, false if it had ended by itself or has not ended.
    pub fn was_cancelled(&self) -> bool {
        self.outcome == CancelOutcome::Cancelled
    }

    /// True once nothing of the work is left.
    pub fn has_ended(&self) -> bool {
        !matches!(self.outcome, CancelOutcome::Running | CancelOutcome::Abandoned)
    }

    /// If [`has_ended`](Self::has_ended) is false, the tasks of its tree that had not ended, the topmost
    /// first, each with the source location of its last await of the library.
    pub fn stuck(&self) -> &[TaskInfo] {
        &self.stuck
    }
}
