//! The state of a task, with everything about it that races, in one atomic. So each race is settled by one
//! read-modify-write, and no ordering between two atomics has to be argued.
//!
//! ```text
//! bits 0..=2  phase               0 Pending -> 1 Running -> 3 Completed | 5 Failed | 7 Cancelled
//! bits 3..=4  level               0 none, 1 Graceful, 2 Kill, 3 KillHard; only rises, and not after the end
//! bits 5..=8  cause               of the first cancellation request
//! bit 9       HAS_LISTENERS       a listener was made: for the end, for a cancellation, or for `started`
//! bit 10      DETACHED            its parent does not wait for it
//! bit 11      UNWANTED            its handle is dropped, and its output will not be taken
//! bit 12      HAS_BEEN_PENDING    it had to wait at least once
//! bit 13      REPORTED            its end is recorded everywhere: its listeners may be notified
//! bit 14      IN_POLL             a poll of it is in progress
//! bit 15      STARTED             it has reported that it is ready to be used
//! bit 16      HAS_DEADLINE        its extras have, or had, a deadline
//! bit 17      TIMED_OUT           set with Failed: its time limit had passed
//! bit 18      IN_PLACE            it is part of its caller and not on an executor of its own
//! bit 19      MEMBER              its failure is its parent's too
//! bit 20      CHILDREN_KILLED     its body is dropped, and its children are killed, new ones too
//! bit 21      BODY_DROPPED        its body is dropped, and it has extras: perhaps children, or channels
//! bit 22      HAS_CALLBACKS       its extras have, or had, callbacks
//! bit 23      SPAWNED_AFTER_KILL  its parent had been killed before it was registered: its spawner was
//!                                 shielded work or a destructor
//! bit 24      STOPPED             it has ended for a cancellation, since nothing of it was under way
//! bit 25      NEEDS_REPOLL        another poll was requested since its last one began
//! bit 26      HAS_PERMIT          its extras have, or had, a permit of a limiter
//! bit 27      METERED             its polls and its blocking work are measured
//! bit 28      ORCHESTRAL          an orchestra or a task of one: cancelled during a poll, it is polled again
//! bit 29      PART                a part of its parent: its metrics are switched with the parent's
//! ```
//!
//! IN_PLACE, MEMBER, SPAWNED_AFTER_KILL, ORCHESTRAL and PART are set when the task is registered. IN_POLL,
//! NEEDS_REPOLL and METERED are cleared again; all other flags, once set, stay set. NEEDS_REPOLL is requested
//! where the urgency may have changed, and where an ORCHESTRAL task is cancelled.

use crate::sync::{AtomicU32, Ordering};

pub(crate) const PHASE: u32 = 0b111;
pub(crate) const RUNNING: u32 = 0b001;
pub(crate) const COMPLETED: u32 = 0b011;
pub(crate) const FAILED: u32 = 0b101;
pub(crate) const CANCELLED: u32 = 0b111;
const LEVEL_SHIFT: u32 = 3;
const LEVEL: u32 = 0b11 << LEVEL_SHIFT;
const CAUSE_SHIFT: u32 = 5;
const CAUSE: u32 = 0b1111 << CAUSE_SHIFT;
pub(crate) const HAS_LISTENERS: u32 = 1 << 9;
pub(crate) const DETACHED: u32 = 1 << 10;
pub(crate) const UNWANTED: u32 = 1 << 11;
pub(crate) const HAS_BEEN_PENDING: u32 = 1 << 12;
pub(crate) const REPORTED: u32 = 1 << 13;
pub(crate) const IN_POLL: u32 = 1 << 14;
pub(crate) const STARTED: u32 = 1 << 15;
pub(crate) const HAS_DEADLINE: u32 = 1 << 16;
pub(crate) const TIMED_OUT: u32 = 1 << 17;
pub(crate) const IN_PLACE: u32 = 1 << 18;
pub(crate) const MEMBER: u32 = 1 << 19;
pub(crate) const CHILDREN_KILLED: u32 = 1 << 20;
pub(crate) const BODY_DROPPED: u32 = 1 << 21;
pub(crate) const HAS_CALLBACKS: u32 = 1 << 22;
pub(crate) const SPAWNED_AFTER_KILL: u32 = 1 << 23;
pub(crate) const STOPPED: u32 = 1 << 24;
pub(crate) const NEEDS_REPOLL: u32 = 1 << 25;
pub(crate) const HAS_PERMIT: u32 = 1 << 26;
pub(crate) const METERED: u32 = 1 << 27;
pub(crate) const ORCHESTRAL: u32 = 1 << 28;
pub(crate) const PART: u32 = 1 << 29;

/// The code of the level that only notifies the work.
pub(crate) const GRACEFUL: u32 = 1;
/// The code of the level from which on the body must be dropped.
pub(crate) const KILL: u32 = 2;

/// One reading of the state.
#[derive(Clone, Copy)]
pub struct State(u32);

impl State {
    pub(crate) fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    pub(crate) fn phase(self) -> u32 {
        self.0 & PHASE
    }

    pub fn is_terminal(self) -> bool {
        matches!(self.phase(), COMPLETED | FAILED | CANCELLED)
    }

    /// The code of the level; 0 if no cancellation was requested.
    pub(crate) fn level(self) -> u32 {
        (self.0 & LEVEL) >> LEVEL_SHIFT
    }

    pub(crate) fn cause(self) -> u32 {
        (self.0 & CAUSE) >> CAUSE_SHIFT
    }
}

pub(crate) struct AtomicState(AtomicU32);

impl AtomicState {
    pub(crate) fn new(flags: u32) -> Self {
        Self(AtomicU32::new(flags))
    }

    pub(crate) fn load(&self) -> State {
        // SeqCst: pairs with `raise`. A parent's level is read after a child was put into its list, and
        // raised before the list is read; one of the two sees the other. Acquire for everything else: a
        // thread that sees an end sees what the work did before it.
        State(self.0.load(Ordering::SeqCst))
    }

    /// Sets `flags`; returns the state before.
    pub(crate) fn set(&self, flags: u32) -> State {
        // SeqCst: a flag says that something is in the extras, and its setter then looks whether something
        // else is. And CHILDREN_KILLED is set before the list of children is read, as in `load`.
        State(self.0.fetch_or(flags, Ordering::SeqCst))
    }

    /// Clears `flags`; returns the state before.
    pub(crate) fn clear(&self, flags: u32) -> State {
        State(self.0.fetch_and(!flags, Ordering::SeqCst))
    }

    /// Notes that a poll begins; returns the state before.
    pub(crate) fn begin(&self) -> State {
        // Acquire: pairs with the Release of `raise`.
        State(self.0.fetch_or(RUNNING | IN_POLL, Ordering::Acquire))
    }

    /// Notes that a poll has ended, whose waker is registered. What was raised before this is in the returned
    /// state; what is raised after it finds the waker.
    pub(crate) fn pause(&self) -> State {
        State(self.0.fetch_and(!(IN_POLL | NEEDS_REPOLL), Ordering::AcqRel))
    }

    /// Notes that the requested poll is about to come.
    pub(crate) fn clear_needs_repoll(&self) {
        self.0.fetch_and(!NEEDS_REPOLL, Ordering::AcqRel);
    }

    /// As [`pause`](Self::pause), and notes that the task has had to wait. Only for the first time: only the
    /// thread that polls the task changes these two bits, so turning both over clears the one and sets the
    /// other.
    pub(crate) fn pause_first(&self) -> State {
        State(self.0.fetch_xor(IN_POLL | HAS_BEEN_PENDING, Ordering::AcqRel))
    }

    /// Raises the level. The first cause stays; a level that is not higher changes nothing, nor does one
    /// after the end. Returns the state before, if the level was raised.
    pub(crate) fn raise(&self, level: u32, cause: u32) -> Option<State> {
        let raised = self.0.fetch_update(Ordering::SeqCst, Ordering::Acquire, |bits| {
            let state = State(bits);
            let cause = if state.level() == 0 { cause } else { state.cause() };
            (!state.is_terminal() && level > state.level())
                .then_some(bits & !(LEVEL | CAUSE) | level << LEVEL_SHIFT | cause << CAUSE_SHIFT)
        });
        raised.ok().map(State)
    }
}
