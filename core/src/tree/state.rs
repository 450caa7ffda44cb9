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
//! bit 30      HAS_REASON          set with the cause: its extras have the reason of that request
//! bit 31      DAEMON              a member that its scope stops once all others have ended
//! ```
//!
//! IN_PLACE, MEMBER, SPAWNED_AFTER_KILL, ORCHESTRAL, PART and DAEMON are set when the task is registered. The
//! other flags are set and cleared by the methods of [`AtomicState`], each of which is a step of the
//! protocol.
//!
//! # Invariants
//!
//! - **I1** Each step is one read-modify-write. So all steps of a task are in one order, and each sees those
//!   before it.
//! - **I2** The level only rises, and does not change after the end. The cause is that of the first request.
//! - **I3** The end is recorded once, and the phase does not change after that. The caller that records it
//!   has taken the frame of the task; after a drop with children left, it has closed their count.
//! - **I4** A flag, once set, stays set. Exceptions are IN_POLL, NEEDS_REPOLL and METERED.
//! - **I5** HAS_LISTENERS, HAS_CALLBACKS, HAS_PERMIT and HAS_DEADLINE are set after the listener, callback,
//!   permit or deadline is in the extras. So a thread that sees the flag finds the extras allocated.
//! - **I6** A listener listens first, then sets HAS_LISTENERS, and looks for its change in the state before.
//!   The steps that listeners wait for look for that flag in the state before them. So either the listener
//!   sees the change, or the change finds the listener.
//! - **I7** A callback is in its queue before HAS_CALLBACKS is set. So either the end finds the flag and
//!   drops the callbacks, or the registration finds the end and drops them itself.
//! - **I8** Of a detach and the end, the first counts the task out of its parent: the end if it does not find
//!   DETACHED, the detach if it does not find the end.
//! - **I9** The waker is registered before a poll is noted as pending. So a request is in the state that this
//!   step returns, or comes after it and finds the waker.
//! - **I10** Only the thread that polls the task changes IN_POLL and HAS_BEEN_PENDING.
//! - **I11** A child is in the list of its parent before the state of the parent is read. The level is
//!   raised, and CHILDREN_KILLED is set, before the list is read. So no child misses a cancellation. A list
//!   that was allocated for the child is found by requests after the next step of the parent, which its
//!   thread takes at once.
//! - **I12** CHILDREN_KILLED is set after the body was dropped. Until then a kill does not reach the children
//!   that are spawned after it: a destructor may still detach them. They have SPAWNED_AFTER_KILL, which is
//!   decided before they are in the list.
//! - **I13** REPORTED is set after the end was counted in the root scope and in the parent. So a listener
//!   that it notifies finds the task counted nowhere.
//! - **I14** A request with a reason first puts it into the extras, together with its level and cause. If
//!   another request with a reason came first there, it records that one before itself. HAS_REASON is set in
//!   the step that records the cause, and only there. So a thread that sees the flag finds the reason, it is
//!   that of the recorded cause, and it does not change. A reason whose request did not record the cause is
//!   never read.

use crate::sync::{AtomicU32, Ordering};
use crate::tree::ending::Ending;

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
pub(crate) const HAS_REASON: u32 = 1 << 30;
pub(crate) const DAEMON: u32 = 1 << 31;

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

    /// True once the task has ended.
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

/// The state, which only the steps below change. Their order here is that of a task's life.
pub(crate) struct AtomicState(AtomicU32);

impl AtomicState {
    /// The state of a task that is being registered, with the flags of its kind.
    pub(crate) fn new(flags: u32) -> Self {
        Self(AtomicU32::new(flags))
    }

    pub(crate) fn load(&self) -> State {
        // SeqCst: pairs with `raise` and `kill_children`, for I11: of the reading of the parent's state and
        // that of the list, one sees the other's change. Acquire for everything else: a thread that sees an
        // end sees what the work did before it.
        State(self.0.load(Ordering::SeqCst))
    }

    /// Sets `flags`; returns the state before.
    fn set(&self, flags: u32) -> State {
        // SeqCst: a flag says that something is in the extras, and its setter then looks whether something
        // else is. And CHILDREN_KILLED is set before the list of children is read, as in `load`.
        State(self.0.fetch_or(flags, Ordering::SeqCst))
    }

    /// Clears `flags`; returns the state before.
    fn clear(&self, flags: u32) -> State {
        State(self.0.fetch_and(!flags, Ordering::SeqCst))
    }

    /// Marks a task as an orchestra's own: before its first poll.
    pub(crate) fn mark_orchestral(&self) {
        self.set(ORCHESTRAL);
    }

    /// Switches metrics on, from the next poll on. True if they were off.
    pub(crate) fn start_metering(&self) -> bool {
        !self.set(METERED).has(METERED)
    }

    /// Switches metrics off, from the next poll on. True if they were on.
    pub(crate) fn stop_metering(&self) -> bool {
        self.clear(METERED).has(METERED)
    }

    /// Notes that the extras have a deadline (I5).
    pub(crate) fn note_deadline(&self) {
        self.set(HAS_DEADLINE);
    }

    /// Notes that the extras have a permit (I5).
    pub(crate) fn note_permit(&self) {
        self.set(HAS_PERMIT);
    }

    /// Notes that a callback is in its queue (I5); returns the state before. If that is terminal, the end has
    /// not seen the callback, and the caller must drop it (I7).
    pub(crate) fn note_callback(&self) -> State {
        self.set(HAS_CALLBACKS)
    }

    /// Notes that a listener was made (I5); returns the state before, in which the caller must look for the
    /// change that it waits for (I6).
    pub(crate) fn note_listener(&self) -> State {
        self.set(HAS_LISTENERS)
    }

    /// Notes that a poll begins; returns the state before. A kill in that excludes the poll, outside of
    /// shielded regions.
    pub(crate) fn begin(&self) -> State {
        // Acquire: pairs with the Release of `raise`.
        State(self.0.fetch_or(RUNNING | IN_POLL, Ordering::Acquire))
    }

    /// Notes that a poll has ended, whose waker is registered. A request that came before this is in the
    /// returned state; one that comes after it finds the waker (I9).
    pub(crate) fn pause(&self) -> State {
        // AcqRel: Acquire pairs with the Release of `raise`. Release: a thread that finds IN_POLL cleared, or
        // raises the level, finds the waker.
        State(self.0.fetch_and(!(IN_POLL | NEEDS_REPOLL), Ordering::AcqRel))
    }

    /// As [`pause`](Self::pause), and notes that the task has had to wait: for the first poll that is
    /// pending. The caller has found IN_POLL set and HAS_BEEN_PENDING not, and is the only one to change them
    /// (I10). So turning both over clears the one and sets the other.
    pub(crate) fn pause_first(&self) -> State {
        State(self.0.fetch_xor(IN_POLL | HAS_BEEN_PENDING, Ordering::AcqRel))
    }

    /// As [`pause_first`](Self::pause_first), for a task that was stopped before it was polled, and so has no
    /// IN_POLL to clear.
    pub(crate) fn pause_unpolled(&self) -> State {
        self.set(HAS_BEEN_PENDING)
    }

    /// Requests another poll: where the urgency may have changed, and where an ORCHESTRAL task is cancelled.
    /// The caller then wakes the task. If a poll is in progress, the step that ends it finds the request.
    pub(crate) fn request_repoll(&self) {
        self.set(NEEDS_REPOLL);
    }

    /// Notes that the requested poll is about to come: the thread that has found the request wakes the task.
    pub(crate) fn clear_needs_repoll(&self) {
        self.0.fetch_and(!NEEDS_REPOLL, Ordering::AcqRel);
    }

    /// Takes a step without a change, after the list of children was allocated: a request that comes after
    /// this finds the list, and one that came before is in the state that the caller reads next (I11).
    pub(crate) fn note_list(&self) {
        self.set(0);
    }

    /// Raises the level. The first cause stays; a level that is not higher changes nothing, nor does one
    /// after the end (I2). Returns the state before, if the level was raised.
    pub(crate) fn raise(&self, level: u32, cause: u32) -> Option<State> {
        self.raise_with(level, cause << CAUSE_SHIFT)
    }

    /// As [`raise`](Self::raise), for the request whose reason is in the extras (I14).
    pub(crate) fn raise_with_reason(&self, level: u32, cause: u32) -> Option<State> {
        self.raise_with(level, cause << CAUSE_SHIFT | HAS_REASON)
    }

    /// `first` is the cause in its place, with HAS_REASON or without: it is set if no level was there.
    fn raise_with(&self, level: u32, first: u32) -> Option<State> {
        // SeqCst: see `load`. As Release it also publishes the reason, which the extras have by now.
        let raised = self.0.fetch_update(Ordering::SeqCst, Ordering::Acquire, |bits| {
            let state = State(bits);
            let first = if state.level() == 0 { first } else { 0 };
            (!state.is_terminal() && level > state.level())
                .then_some(bits & !LEVEL | level << LEVEL_SHIFT | first)
        });
        raised.ok().map(State)
    }

    /// Notes that the task has reported that it is ready to be used. True if there are listeners to notify
    /// (I6).
    pub(crate) fn note_started(&self) -> bool {
        self.set(STARTED).has(HAS_LISTENERS)
    }

    /// Notes that the handle is dropped, and the output will not be taken.
    pub(crate) fn note_unwanted(&self) {
        self.set(UNWANTED);
    }

    /// Notes that the handle has detached the task. True if the caller must now count it out of its parent,
    /// which the end then does not do (I8).
    pub(crate) fn detach(&self) -> bool {
        let before = self.set(DETACHED | UNWANTED);
        !before.has(DETACHED) && !before.is_terminal()
    }

    /// Notes that the task ends for a cancellation, since nothing of it is under way: an error that its body
    /// gives now is no failure.
    pub(crate) fn note_stopped(&self) {
        self.set(STOPPED);
    }

    /// Notes that the body of a task with extras is dropped.
    pub(crate) fn note_body_dropped(&self) {
        self.set(BODY_DROPPED);
    }

    /// Notes that the body is dropped, and the children are killed. True for the first caller, which must now
    /// kill those in the list (I11). A child that is put into the list later is killed as it is put there.
    pub(crate) fn kill_children(&self) -> bool {
        !self.set(CHILDREN_KILLED).has(CHILDREN_KILLED)
    }

    /// Records the end, once (I3). Returns the state before, with what is to be done: without DETACHED, the
    /// caller counts the task out of its parent (I8); with HAS_CALLBACKS, it drops the callbacks (I7).
    pub(crate) fn end(&self, ending: Ending) -> State {
        self.set(match ending {
            Ending::Completed => COMPLETED,
            Ending::Failed => FAILED,
            Ending::TimedOut => FAILED | TIMED_OUT,
            Ending::Cancelled => CANCELLED,
        })
    }

    /// Notes that the end is recorded everywhere (I13). True if there are listeners to notify (I6).
    pub(crate) fn report(&self) -> bool {
        self.set(REPORTED).has(HAS_LISTENERS)
    }
}
