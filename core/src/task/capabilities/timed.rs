//! The capability of a task to know the time, and to have a limit.

use std::time::{Duration, Instant};

use crate::error::AsyncTaskError;
use crate::task::capabilities::{Handle, live};
use crate::vocabulary::cancel::CancelOutcome;

/// A task that knows the time, by the clock of its runtime.
pub trait TimedTask {
    /// When it was spawned; `None` unless the builder was told `.timestamps(true)`, as for the next two.
    fn created_timestamp(&self) -> Option<Instant>;

    /// When it was first polled; `None` until then.
    fn executed_timestamp(&self) -> Option<Instant>;

    /// When it ended; `None` until then.
    fn completed_timestamp(&self) -> Option<Instant>;

    /// The limit that it was given last; where that was a deadline, the time until then.
    fn timeout(&self) -> Option<Duration>;

    /// Gives it `limit` from now on, in place of the deadline that it has; [`Duration::MAX`] takes the deadline away. A
    /// deadline of a task above it stays in force.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] once it has ended.
    fn set_timeout(&self, limit: Duration) -> Result<(), AsyncTaskError>;

    /// The earliest deadline of this task and of those above it.
    fn deadline(&self) -> Option<Instant>;

    /// Moves its deadline, also while it runs: at the new one its work is dropped, and it fails with
    /// [`AsyncTaskError::Timeout`]. One that has passed ends it at its next poll, which is woken.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] once it has ended.
    fn set_deadline(&self, deadline: Instant) -> Result<(), AsyncTaskError>;

    /// How long it has run: from its first poll to its end, or to now. Needs timestamps.
    fn elapsed(&self) -> Option<Duration>;

    /// The time until its deadline; zero once that has passed.
    fn remaining(&self) -> Option<Duration>;

    /// True if its deadline has passed: it ended at it, or is about to. False where something else ended it, the limit of an
    /// attempt, or of other work, among them.
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
