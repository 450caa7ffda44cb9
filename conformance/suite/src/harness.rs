//! The description that a backend gives of itself, so that the suite can run on it.

use std::future::Future;
use std::time::Duration;

use crate::library::{AsyncTaskError, Runtime};

/// The reason for the failure of a case.
pub type Failure = anyhow::Error;

/// The result of a case.
pub type Outcome = Result<(), Failure>;

/// The name of the thread that a case runs on, which is the one that calls [`Harness::block_on`].
pub const CASE_THREAD: &str = "conformance-case";

/// One flavour of a runtime. Each case starts one for itself, and drops it at its end.
pub trait Harness: Sized + 'static {
    /// The handle that tasks are started with.
    type Runtime: Runtime;

    /// The text that [`Runtime::name`] must return.
    const NAME: &'static str;

    /// True if tasks are polled only by the thread that is inside [`block_on`](Self::block_on).
    const POLLS_ON_CALLER: bool = false;

    /// True if the executor belongs to the process and goes on when the harness is dropped. Cases about the
    /// end of a runtime have nothing to check there, and pass.
    const NEVER_ENDS: bool = false;

    /// False if everything, blocking work included, runs on the one thread that is inside
    /// [`block_on`](Self::block_on), so that work which waits for work of another thread would wait forever.
    /// Cases that need more are marked in the list, and skipped.
    const HAS_THREADS: bool = true;

    /// True if the clock jumps to the next timer when nothing else can run, so that timers are exact.
    const VIRTUAL_TIME: bool = false;

    /// The number of seeds that each case is run with: more than one where [`start_with`](Self::start_with)
    /// makes use of them.
    const SEEDS: u64 = 1;

    /// The time after which no further seed is begun, so that costly cases run with fewer seeds. Setting seeds
    /// ([`CONFORMANCE_SEEDS`](crate::run::SEEDS)) lifts it.
    const PATIENCE: Duration = Duration::MAX;

    /// The time limit of a case, far beyond what any case takes on a busy machine: only a hang reaches it.
    const LIMIT: Duration = Duration::from_secs(90);

    /// Builds the runtime.
    ///
    /// # Errors
    ///
    /// The runtime could not be built.
    fn start() -> Result<Self, Failure>;

    /// Returns the handle to the runtime.
    fn runtime(&self) -> Self::Runtime;

    /// Drives `future` on this thread to its end, with the runtime entered, as a user's program would.
    ///
    /// # Errors
    ///
    /// As for [`BlockOn::block_on`](sweet_async_core::BlockOn::block_on).
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError>;

    /// True on a thread that is polling one of this flavour's tasks. It is found by other means than the
    /// library's own: a thread's name, or the executor's own answer. False on a thread that belongs to no
    /// runtime.
    fn is_inside() -> bool;

    /// As [`start`](Self::start), from a seed that decides everything that is left to chance.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    fn start_with(_seed: u64) -> Result<Self, Failure> {
        Self::start()
    }
}

/// The facts that cases ask about a flavour. A value and not a type, so that flavours of one runtime share
/// the code of the cases.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// [`Harness::NAME`].
    pub name: &'static str,
    /// [`Harness::POLLS_ON_CALLER`].
    pub polls_on_caller: bool,
    /// [`Harness::VIRTUAL_TIME`].
    pub virtual_time: bool,
    /// True if cases that run at the same time are on one executor, and so are counted in one root scope:
    /// [`Harness::NEVER_ENDS`].
    pub shares_root: bool,
    is_inside: fn() -> bool,
}

impl Facts {
    /// Returns the facts about `H`.
    pub fn of<H: Harness>() -> Self {
        let (polls_on_caller, virtual_time) = (H::POLLS_ON_CALLER, H::VIRTUAL_TIME);
        Self {
            name: H::NAME,
            polls_on_caller,
            virtual_time,
            shares_root: H::NEVER_ENDS,
            is_inside: H::is_inside,
        }
    }

    /// [`Harness::is_inside`].
    pub fn is_inside(self) -> bool {
        (self.is_inside)()
    }
}
