//! Hedged attempts at one piece of work, without a builder.

use std::future::Future;
use std::panic::{Location, resume_unwind};

use crate::error::{AsyncTaskError, PanicError};
use crate::hedge::Hedge;
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::layers::hedge::rounds::Rounds;
use crate::task::layers::hedge::work::{Hedged, MakeWork};
use crate::task::layers::standalone::CallAgain;
use crate::task::lifecycle::in_place::{InPlaceTask, Ready};
use crate::task::settings::configured::Configured;
use crate::task::settings::resilience::Guards;
use crate::task::view::context::TaskContext;
use crate::task::work::in_place::InPlace;
use crate::task::work::kinds::{AttemptOf, Attempted, Call, ValueOf};

/// The future of work that a hedge is applied to: an in-place task, whose children the attempts are.
pub type HedgedAlone<F, O, T, K, S> =
    InPlaceTask<Ready, S, Hedged<Calling<F>, InPlace<Made<O>, O, T, K>, T, S>, T>;

impl Hedge {
    /// Runs `work`, when awaited, and again beside it where it is slow or fails, with the timers of `source`.
    /// A panic is caught, and is the result. It is an in-place task: see
    /// [`TaskBuilder::hedge`](crate::TaskBuilder::hedge), which also has breakers, limiters and retries.
    ///
    /// # Errors
    ///
    /// If more than one attempt was made and all have failed, [`AsyncTaskError::RetriesExhausted`], with the
    /// last failure and the number of attempts. An error that another attempt cannot mend, as it is.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops all attempts. What they have spawned is killed, and waited for by the task around,
    /// if there is one.
    #[track_caller]
    #[must_use = "nothing runs until it is awaited"]
    pub fn apply_on<F, O, S>(&self, source: &S, work: F) -> HedgedAlone<F, O, ValueOf<O>, AttemptOf<O>, S>
    where
        F: FnMut() -> O,
        O: Future<Output: Attempted>,
        S: RuntimeSource,
    {
        self.apply_to(source.clone(), work)
    }

    /// As [`apply_on`](Self::apply_on), for work that is no closure.
    #[doc(hidden)]
    #[track_caller]
    pub fn apply_to<F, O, T, K, S>(&self, source: S, work: F) -> HedgedAlone<F, O, T, K, S>
    where
        F: CallAgain<Output = O>,
        S: RuntimeSource,
    {
        let (settings, location) = (Configured::default(), Location::caller());
        let policies = (None, self.clone());
        let rounds =
            Rounds::new(settings.one_attempt(), policies, Guards::default(), source.clone(), location);
        InPlaceTask::around(Hedged::new(Calling(work), rounds, None), source, settings, location)
    }
}

/// The maker of attempts that are calls of work without a context.
pub struct Calling<F>(F);

impl<F, O, T, K, S> MakeWork<S, InPlace<Made<O>, O, T, K>> for Calling<F>
where
    F: CallAgain<Output = O>,
{
    const NEEDS_CONTEXT: bool = false;

    fn make_work(&mut self, _: &S, _: Option<TaskContext>) -> Option<InPlace<Made<O>, O, T, K>> {
        let made = match caught(|| self.0.call_again()) {
            Ok(future) => Made::Future(future),
            Err(AsyncTaskError::Panic(panic)) => Made::Panicked(panic),
            Err(_) => return None,
        };
        Some(InPlace::new(made))
    }
}

/// The future of one attempt, which the work has made; or the panic of the work.
pub enum Made<O> {
    /// The future.
    Future(O),
    /// The panic, which goes on where the future would be polled.
    Panicked(PanicError),
}

impl<O> Call for Made<O> {
    type Output = O;

    fn call(self) -> O {
        match self {
            Self::Future(future) => future,
            Self::Panicked(panic) => resume_unwind(panic.into_panic()),
        }
    }
}
