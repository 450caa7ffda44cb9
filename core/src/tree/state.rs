//! Everything about a task that races, in one atomic, so that each question ("who was first?") is settled by one
//! read-modify-write and no ordering between two words has to be argued.
//!
//! ```text
//! bits  0..=2   phase     0 Pending -> 1 Running -> 3 Completed | 5 Failed | 7 Cancelled
//! bits  3..=4   level     0 none, 1 Graceful, 2 Kill, 3 KillHard; only rises, and not after the end
//! bits  5..=8   cause     who asked first
//! bit   9       HAS_LISTENERS    somebody listens: for the end, for a cancellation, for `started`
//! bit  10       DETACHED         its parent does not wait for it
//! bit  11       UNWANTED         its handle is gone, and nobody will take the output
//! bit  12       HAS_BEEN_PENDING it had to wait at least once
//! bit  13       REPORTED         its end is booked everywhere: who listens for it may be told
//! bit  14       IN_POLL          a poll of it is in progress
//! bit  15       STARTED          it has said that it is ready to be used
//! bit  16       TIMED            its cold slot has, or had, a deadline
//! bit  17       LATE             with Failed: its time was up
//! bit  18       IN_PLACE         it is part of its caller and not on an executor of its own
//! bit  19       MEMBER           its failure is its parent's too
//! bit  20       CHILDREN_KILLED  its body is gone, and its children have been or are being killed: so is what is born now
//! bit  21       BODY_DROPPED     its body is gone, and it had children, or other things in its cold slot
//! bit  22       CALLS            it has, or had, callbacks in its cold slot
//! bit  23       AFTER            born to a task that was killed already, and so by its shielded work or by a destructor
//! bit  24       STOPPED          asked to stop, it has: nothing of it was under way
//! bit  25       RETUNED          its urgency may have changed since its last poll began: it is to be polled again
//! bit  26       HELD             its cold slot has, or had, a place of a limiter
//! bit  27       METERED          its polls and its blocking work are measured
//! bit  28       ORCHESTRAL       set at its birth: an orchestra, or a task of one. Asked in the middle of a poll, it is polled again
//! bit  29       PART             set at the spawn: it is a part of its parent, and its metrics are switched with the parent's
//! ```

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
pub(crate) const TIMED: u32 = 1 << 16;
pub(crate) const LATE: u32 = 1 << 17;
pub(crate) const IN_PLACE: u32 = 1 << 18;
pub(crate) const MEMBER: u32 = 1 << 19;
pub(crate) const CHILDREN_KILLED: u32 = 1 << 20;
pub(crate) const BODY_DROPPED: u32 = 1 << 21;
pub(crate) const CALLS: u32 = 1 << 22;
pub(crate) const AFTER: u32 = 1 << 23;
pub(crate) const STOPPED: u32 = 1 << 24;
pub(crate) const RETUNED: u32 = 1 << 25;
pub(crate) const HELD: u32 = 1 << 26;
pub(crate) const METERED: u32 = 1 << 27;
pub(crate) const ORCHESTRAL: u32 = 1 << 28;
pub(crate) const PART: u32 = 1 << 29;

/// The code of the level that tells the work and no more.
pub(crate) const GRACEFUL: u32 = 1;
/// The code of the level from which on the task is to be dropped.
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

    /// 0 if nobody has asked it to stop.
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
        // SeqCst pairs with `raise`: a parent's level is read after a child was put into its list, and raised before
        // the list is gone through; one of the two sees the other. Acquire for all else: who sees an end sees what the
        // work did before it.
        State(self.0.load(Ordering::SeqCst))
    }

    /// Sets `flags`; gives the state before.
    pub(crate) fn set(&self, flags: u32) -> State {
        // SeqCst: a flag says that something is in the cold slot, and asks whether something else is; and CHILDREN_KILLED is set
        // before the list of children is gone through, as in `load`.
        State(self.0.fetch_or(flags, Ordering::SeqCst))
    }

    /// Takes `flags` back; gives the state before.
    pub(crate) fn clear(&self, flags: u32) -> State {
        State(self.0.fetch_and(!flags, Ordering::SeqCst))
    }

    /// A poll begins. Gives the state before.
    pub(crate) fn begin(&self) -> State {
        // Acquire pairs with the release of `raise`.
        State(self.0.fetch_or(RUNNING | IN_POLL, Ordering::Acquire))
    }

    /// A poll has ended, and its waker is registered. Whatever was raised before this is in the answer; whatever is
    /// raised after it finds the waker.
    pub(crate) fn pause(&self) -> State {
        State(self.0.fetch_and(!(IN_POLL | RETUNED), Ordering::AcqRel))
    }

    /// The poll that is to come looks at its urgency anew.
    pub(crate) fn clear_retuned(&self) {
        self.0.fetch_and(!RETUNED, Ordering::AcqRel);
    }

    /// As [`pause`](Self::pause), and notes that the task has had to wait. Only for the first time: only the one who
    /// polls the task changes these two bits, so that turning both over clears the one and sets the other.
    pub(crate) fn pause_first(&self) -> State {
        State(self.0.fetch_xor(IN_POLL | HAS_BEEN_PENDING, Ordering::AcqRel))
    }

    /// Raises the level. The first cause stays; a level that is not higher changes nothing, nor does one after the end.
    /// Gives the state before, if it was raised.
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
