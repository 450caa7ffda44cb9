//! The capability of a task to report its times, and to have a limit.

use std::time::{Duration, Instant};

use crate::error::AsyncTaskError;
use crate::task::capabilities::{Handle, live};
use crate::vocabulary::cancel::CancelOutcome;

/// A task with times and a limit, by the clock of its runtime.
pub trait TimedTask {
    /// The time of its spawn; `None` unless it was built with `.timestamps(true)`, as for the next two.
    fn created_timestamp(&self) -> Option<Instant>;

    /// The time of its first poll; `None` until then.
    fn executed_timestamp(&self) -> Option<Instant>;

    /// The time of its end; `None` until then.
    fn completed_timestamp(&self) -> Option<Instant>;

    /// The limit that was set last; for a deadline, the time that was left when it was set.
    fn timeout(&self) -> Option<Duration>;

    /// Limits it to `limit` from now on, in place of its deadline; [`Duration::MAX`] removes the deadline. A
    /// deadline of a task above it stays in force.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] once it has ended.
    fn set_timeout(&self, limit: Duration) -> Result<(), AsyncTaskError>;

    /// The earliest deadline of this task and of those above it.
    fn deadline(&self) -> Option<Instant>;

    /// Moves its deadline, also while it runs: at the new one its work is dropped, and it fails with
    /// [`AsyncTaskError::Timeout`]. A deadline that has passed ends it at its next poll, for which it is
    /// woken.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] once it has ended.
    fn set_deadline(&self, deadline: Instant) -> Result<(), AsyncTaskError>;

    /// The time for which it has run, from its first poll to its end, or to now. It needs timestamps.
    fn elapsed(&self) -> Option<Duration>;

    /// The time until its deadline; zero once that has passed.
    fn remaining(&self) -> Option<Duration>;

    /// True if its deadline has passed: the task has ended at it, or is about to. False if something else has
    /// ended it, such as the limit of an attempt or of other work.
    fn is_expired(&self) -> bool;
}

impl<H: Handle> TimedTask for H {
    fn created_timestamp(&self) -> Option<Instant> {
        Some(self.task_ref()?.control.times()?.created)
    }

    fn executed_timestamp(&self) -> Option<Instant> {
        self.task_ref()?.control.times()?.executed.get().copied()
    }

    fn completed_timestamp(&self) -> Option<Instant> {
        self.task_ref()?.control.times()?.completed.get().copied()
    }

    fn timeout(&self) -> Option<Duration> {
        self.task_ref()?.control.limit()
    }

    fn set_timeout(&self, limit: Duration) -> Result<(), AsyncTaskError> {
        let task = live(self.task_ref())?;
        let now = task.runtime.clock();
        let deadline = if limit == Duration::MAX { None } else { now.checked_add(limit) };
        task.control.set_deadline(deadline, now);
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.task_ref()?.deadline()
    }

    fn set_deadline(&self, deadline: Instant) -> Result<(), AsyncTaskError> {
        let task = live(self.task_ref())?;
        task.control.set_deadline(Some(deadline), task.runtime.clock());
        Ok(())
    }

    fn elapsed(&self) -> Option<Duration> {
        let task = self.task_ref()?;
        let times = task.control.times()?;
        let end = times.completed.get().copied().unwrap_or_else(|| task.runtime.clock());
        Some(end.saturating_duration_since(*times.executed.get()?))
    }

    fn remaining(&self) -> Option<Duration> {
        let task = self.task_ref()?;
        Some(task.deadline()?.saturating_duration_since(task.runtime.clock()))
    }

    fn is_expired(&self) -> bool {
        let Some(task) = self.task_ref() else { return false };
        match task.control.outcome() {
            CancelOutcome::Running => {
                task.deadline().is_some_and(|deadline| task.runtime.clock() >= deadline)
            }
            outcome => outcome == CancelOutcome::Timeout && task.control.has_expired(),
        }
    }
}
