//! How work is asked to stop: level, cause, and what became of it.

use std::fmt;

use crate::vocabulary::info::TaskInfo;
use crate::vocabulary::status::TaskStatus;

/// How firmly a task is asked to stop. A level only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CancelLevel {
    /// The work is told, and given time: [`TaskContext::cancelled`](crate::TaskContext::cancelled) is ready, `on_cancel`
    /// callbacks run, and what it returns within its grace period counts. Then it is killed.
    Graceful,
    /// The future is dropped at its next poll boundary: its destructors run, nothing else of it does. Blocking work
    /// that has not started never will; started blocking work cannot be killed and is waited for.
    Kill,
    /// As [`Kill`](Self::Kill), but whoever awaits the cancellation is not made to wait for work that cannot be
    /// dropped now: if a poll is in progress, blocking work has started or a shielded region is under way, the answer is
    /// [`CancelOutcome::Abandoned`] at once. The handle still resolves at the true end.
    KillHard,
}

impl CancelLevel {
    const ALL: [Self; 3] = [Self::Graceful, Self::Kill, Self::KillHard];

    /// 1 and up; 0 is no level.
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

/// Who asked a task to stop. The first recorded cause stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelCause {
    /// Somebody called `cancel`.
    Requested,
    /// The handle was dropped without `detach`.
    HandleDropped,
    /// The task that spawned this one ended without a value, or its time was up.
    ParentEnded,
    /// The task that spawned this one was asked to stop, and passed it on.
    ParentCancelled,
    /// Another member of its scope, or of what is joined, failed.
    SiblingFailed,
    /// The future of its scope was dropped.
    ScopeDropped,
    /// Enough others of what was joined have succeeded.
    Unneeded,
    /// Its runtime has shut down: the executor dropped the task, or a shutdown killed it at its limit. The error is then
    /// [`AsyncTaskError::Shutdown`](crate::AsyncTaskError::Shutdown).
    Shutdown,
}

impl CancelCause {
    const ALL: [Self; 8] = [
        Self::Requested,
        Self::HandleDropped,
        Self::ParentEnded,
        Self::ParentCancelled,
        Self::SiblingFailed,
        Self::ScopeDropped,
        Self::Unneeded,
        Self::Shutdown,
    ];

    pub(crate) fn code(self) -> u32 {
        Self::ALL.iter().zip(0..).find(|(cause, _)| **cause == self).map_or(0, |(_, code)| code)
    }

    pub(crate) fn from_code(code: u32) -> Self {
        Self::ALL.iter().zip(0..).find(|(_, c)| *c == code).map_or(Self::Requested, |(cause, _)| *cause)
    }

    /// The cause that the children of a task are given which was asked to stop for this one.
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
            Self::SiblingFailed => "another task of its scope failed",
            Self::ScopeDropped => "the future of its scope was dropped",
            Self::Unneeded => "enough others had succeeded",
            Self::Shutdown => "its runtime has shut down",
        })
    }
}

/// What became of work that was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelOutcome {
    /// It was stopped.
    Cancelled,
    /// It gave its value: before it was asked, or within its grace period.
    Success,
    /// Its time was up first.
    Timeout,
    /// It failed first: an error of its own, or a panic.
    Failure,
    /// It had not stopped within the time that the caller was ready to wait; the request stands.
    Running,
    /// It cannot be stopped now, and the caller did not want to wait: see [`CancelLevel::KillHard`].
    Abandoned,
}

/// What became of a task that was asked to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancellationResult {
    pub(crate) outcome: CancelOutcome,
    pub(crate) status: TaskStatus,
    pub(crate) asked: Option<(CancelLevel, CancelCause)>,
    pub(crate) stuck: Vec<TaskInfo>,
}

impl CancellationResult {
    /// Of two that were asked as one: what has not ended of either has not ended.
    pub(crate) fn and(mut self, other: Self) -> Self {
        if self.has_ended() && !other.has_ended() {
            self.outcome = other.outcome;
        }
        self.stuck.extend(other.stuck);
        self
    }

    /// What became of the work.
    pub fn outcome(&self) -> CancelOutcome {
        self.outcome
    }

    /// Where the task was in its life.
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

    /// True if the work was stopped, false if it had ended by itself or has not ended.
    pub fn was_cancelled(&self) -> bool {
        self.outcome == CancelOutcome::Cancelled
    }

    /// True once nothing of the work is left.
    pub fn has_ended(&self) -> bool {
        !matches!(self.outcome, CancelOutcome::Running | CancelOutcome::Abandoned)
    }

    /// Where [`has_ended`](Self::has_ended) is false: the tasks of its tree that had not ended, the topmost first, each with
    /// the place of its last library await.
    pub fn stuck(&self) -> &[TaskInfo] {
        &self.stuck
    }
}
