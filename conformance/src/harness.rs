//! What a backend says about itself, so that the suite can run on it.

use std::future::Future;
use std::time::Duration;

use sweet_async::{AsyncTaskError, Runtime};

/// Why a case failed.
pub type Failure = anyhow::Error;

/// What a case gives.
pub type Outcome = Result<(), Failure>;

/// The name of the thread that a case runs on: the one that calls [`Harness::block_on`].
pub const CASE_THREAD: &str = "conformance-case";

/// One flavour of a runtime. Each case starts one for itself, and drops it at its end.
pub trait Harness: Sized + 'static {
    /// The handle that tasks are started with.
    type Runtime: Runtime;

    /// What [`Runtime::name`] must say.
    const NAME: &'static str;

    /// True if tasks are polled only by the thread that is inside [`block_on`](Self::block_on).
    const POLLS_ON_CALLER: bool = false;

    /// True if the executor belongs to the process and goes on when the harness is dropped. Cases about the end of
    /// a runtime have nothing to look at there, and pass.
    const NEVER_ENDS: bool = false;

    /// False if everything, blocking work included, runs on the one thread that is inside
    /// [`block_on`](Self::block_on), so that work which waits for another thread's would wait for ever. Cases that need
    /// more are marked in the list, and passed over.
    const HAS_THREADS: bool = true;

    /// True if the clock jumps to the next timer when there is nothing else to do, so that timers are exact.
    const VIRTUAL_TIME: bool = false;

    /// With how many seeds each case is run: more than one where [`start_with`](Self::start_with) makes use of them.
    const SEEDS: u64 = 1;

    /// After how long no further seed is begun: the few cases of tens of thousands of tasks have fewer of them, the others all.
    /// Naming seeds ([`CONFORMANCE_SEEDS`](crate::run::SEEDS)) lifts it.
    const PATIENCE: Duration = Duration::MAX;

    /// Far beyond what any case takes on a busy machine: only a hang reaches it.
    const LIMIT: Duration = Duration::from_secs(90);

    /// Builds the runtime.
    ///
    /// # Errors
    ///
    /// It could not be built.
    fn start() -> Result<Self, Failure>;

    /// As [`start`](Self::start), from a seed that decides all that is left to chance.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    fn start_with(_seed: u64) -> Result<Self, Failure> {
        Self::start()
    }

    /// The handle to it.
    fn runtime(&self) -> Self::Runtime;

    /// Drives `future` on this thread to its end, with the runtime entered, as a program of a user would.
    ///
    /// # Errors
    ///
    /// As for [`BlockOn::block_on`](sweet_async::BlockOn::block_on).
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError>;

    /// True on a thread that is polling one of this flavour's tasks, found by other means than the library's own:
    /// a thread's name, or what the executor itself says. False on a thread of nobody's.
    fn is_inside() -> bool;
}

/// What cases ask about a flavour. A value and no type, so that flavours of one runtime share the code of the cases.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// [`Harness::NAME`].
    pub name: &'static str,
    /// [`Harness::POLLS_ON_CALLER`].
    pub polls_on_caller: bool,
    /// [`Harness::VIRTUAL_TIME`].
    pub virtual_time: bool,
    /// True if cases that run at the same time are on one executor, and so count in one root scope:
    /// [`Harness::NEVER_ENDS`].
    pub shares_root: bool,
    is_inside: fn() -> bool,
}

impl Facts {
    /// The facts about `H`.
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
