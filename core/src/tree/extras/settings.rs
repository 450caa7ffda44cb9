//! The settings of a task that can be changed while it runs: grace period, limit, deadline, priority.

use std::time::{Duration, Instant};

use crate::sync::Ordering;
use crate::tree::extras::{LONGEST, NO_PRIORITY, UNSET, nanos};
use crate::tree::node::Control;
use crate::vocabulary::priority::TaskPriority;

/// The part of a task that its limit stops.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum LimitOwner {
    /// The body is dropped at the limit.
    Task = 0,
    /// The body ends its work itself.
    Body = 1,
    /// Nothing: the body has ended its work before the limit.
    Released = 2,
    /// Nothing: the body has ended its work at the limit.
    Passed = 3,
}

impl Control {
    pub(crate) fn grace(&self) -> Option<Duration> {
        let nanos = self.extras.get()?.grace.load(Ordering::Acquire);
        match nanos {
            UNSET => None,
            // Too long to count: forever.
            LONGEST => Some(Duration::MAX),
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    pub(crate) fn set_grace(&self, grace: Duration) {
        self.extras().grace.store(nanos(grace), Ordering::Release);
        self.wake();
    }

    /// Sets the limit and its deadline.
    pub(crate) fn set_limit(&self, limit: Duration, deadline: Option<Instant>) {
        self.extras().limit.store(nanos(limit), Ordering::Release);
        self.extras().deadline.set(deadline);
        self.state.note_deadline();
    }

    pub(crate) fn limit(&self) -> Option<Duration> {
        let limit = self.extras.get()?.limit.load(Ordering::Acquire);
        (limit != UNSET).then(|| Duration::from_nanos(limit))
    }

    /// The deadline of the task itself, if it has one.
    pub fn own_deadline(&self) -> Option<Instant> {
        self.extras.get()?.deadline.get()
    }

    /// Moves the deadline. The task arms its timer anew in its next poll, for which it is woken here.
    pub(crate) fn set_deadline(&self, deadline: Option<Instant>, now: Instant) {
        let limit = deadline.map_or(UNSET, |deadline| nanos(deadline.saturating_duration_since(now)));
        self.extras().limit.store(limit, Ordering::Release);
        self.extras().deadline.set(deadline);
        self.state.note_deadline();
        self.wake();
    }

    /// Notes that the body ends its work itself at the deadline, and goes on without one.
    pub fn mind_limit(&self) {
        self.set_limit_owner(LimitOwner::Body);
    }

    pub(crate) fn minds_limit(&self) -> bool {
        self.is_limit_owned_by(LimitOwner::Body)
    }

    /// Notes that the deadline has passed, which ends the work.
    pub(crate) fn expire(&self) {
        // Relaxed: a reader has seen the end of the task before, which is written after this.
        self.extras().expired.store(true, Ordering::Relaxed);
    }

    /// True if its deadline has ended its work, and not the limit of an attempt.
    pub(crate) fn has_expired(&self) -> bool {
        self.extras.get().is_some_and(|extras| extras.expired.load(Ordering::Relaxed))
    }

    /// Takes the deadline away: the work that follows is not under the limit.
    pub(crate) fn lift_limit(&self) {
        if let Some(extras) = self.extras.get() {
            extras.deadline.set(None);
            self.set_limit_owner(LimitOwner::Task);
        }
    }

    /// Notes that the body has ended its work, at its limit or before. The limit is reported as before, and
    /// stops nothing any more.
    pub fn release_limit(&self, has_passed: bool) {
        self.set_limit_owner(if has_passed { LimitOwner::Passed } else { LimitOwner::Released });
    }

    /// True if the limit has ended the work of a body that ends its work itself.
    pub fn has_passed_limit(&self) -> bool {
        self.is_limit_owned_by(LimitOwner::Passed)
    }

    /// True if the limit stops nothing any more.
    pub(crate) fn is_limit_released(&self) -> bool {
        self.is_limit_owned_by(LimitOwner::Released) || self.has_passed_limit()
    }

    // Relaxed, as where it is read: only the poll of the task acts on it. A handle that sees it late reports
    // the state before.
    fn set_limit_owner(&self, owner: LimitOwner) {
        self.extras().limit_owner.store(owner as u8, Ordering::Relaxed);
    }

    fn is_limit_owned_by(&self, owner: LimitOwner) -> bool {
        self.extras.get().is_some_and(|extras| extras.limit_owner.load(Ordering::Relaxed) == owner as u8)
    }

    /// Notes the number of attempts that were begun; of an attempt, its own number.
    pub(crate) fn attempted(&self, attempts: u32) {
        // Relaxed: the number stands for itself.
        self.extras().attempts.store(attempts, Ordering::Relaxed);
    }

    /// The number of attempts that were begun; of an attempt, its own number.
    pub(crate) fn attempts(&self) -> u32 {
        self.extras.get().map_or(1, |extras| extras.attempts.load(Ordering::Relaxed))
    }

    /// The priority that was set for it.
    pub(crate) fn own_priority(&self) -> Option<TaskPriority> {
        // Relaxed, as for all priorities: the number stands for itself, and a task that a change concerns is
        // woken.
        let rank = self.extras.get()?.priority.load(Ordering::Relaxed);
        (rank != NO_PRIORITY).then(|| TaskPriority::of_rank(rank))
    }

    pub(crate) fn set_priority(&self, priority: TaskPriority) {
        self.extras().priority.store(priority.number(), Ordering::Relaxed);
    }

    /// The greatest urgency of the tasks that wait for it.
    pub(crate) fn lent(&self) -> Option<TaskPriority> {
        let rank = self.extras.get()?.lent.load(Ordering::Relaxed);
        (rank != NO_PRIORITY).then(|| TaskPriority::of_rank(rank))
    }

    /// Lends a priority to the task. True if no task as urgent had waited for it before.
    pub(crate) fn lend(&self, priority: TaskPriority) -> bool {
        self.extras().lent.fetch_min(priority.number(), Ordering::Relaxed) > priority.number()
    }
}
