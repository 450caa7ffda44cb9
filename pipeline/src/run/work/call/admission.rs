//! The policies around one call of a receiver, which may refuse it, delay it, or take its place.

use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures_lite::future::{or, pending};

use crate::run::shared::control::Control;
use crate::run::shared::guards::Guards;
use crate::run::work::erased::Boxed;
use crate::stage::chain::Answer;
use sweet_async_core::error::{AsyncTaskError, TimeoutError, TimeoutKind};
use sweet_async_core::extend::{Sleep, caught};
use sweet_async_core::internals::Guarded;
use sweet_async_core::runtime::{DynRuntime, Runtime as _};

/// One call of a receiver, which has not begun.
pub(crate) type Attempt<'a> = Boxed<'a, Answer>;

/// Makes an attempt at the event at `sequence`, once the breaker admits it and the limiter has a permit for
/// it. `None` if the event is not wanted any more before that: nothing was called.
pub(crate) async fn admitted(
    control: &Control,
    sequence: u64,
    attempt: Attempt<'_>,
) -> Result<Option<ControlFlow<()>>, AsyncTaskError> {
    let Guards { breaker, limiter, .. } = &control.guards;
    if breaker.is_none() && limiter.is_none() {
        return attempt.await.map(Some);
    }
    // Relaxed: it is read by the task that writes it.
    let has_begun = AtomicBool::new(false);
    let work = async {
        has_begun.store(true, Ordering::Relaxed);
        attempt.await
    };
    let call = Guarded::<_, ControlFlow<()>, _>::new(
        work,
        breaker.clone(),
        limiter.clone(),
        control.runtime.clone(),
    );
    let mut call = pin!(Some(call));
    let unwanted = async {
        control.limit.excludes(sequence).await;
        // A call that has begun is made to its end.
        if has_begun.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
        Ok(None)
    };
    let admitted = async {
        match call.as_mut().as_pin_mut() {
            Some(call) => call.await.map(Some),
            None => Ok(None),
        }
    };
    let result = or(unwanted, admitted).await;
    // The destructor of an event that is not wanted any more is user code.
    let dropped = caught(|| call.set(None));
    result.and_then(|answer| dropped.map(|()| answer))
}

/// The injected faults of one call, if the pipeline has chaos. Ready once the receiver may be called, or with
/// the error that takes the place of the call, which is that of the time limit if `deadline` comes first.
/// Nothing was called by then.
pub(crate) fn injected(
    control: &Control,
    deadline: Option<Instant>,
) -> Option<Boxed<'_, Result<(), AsyncTaskError>>> {
    let chaos = control.guards.chaos.as_ref()?;
    let faults = chaos.apply_on(&control.runtime, || async { Ok::<(), AsyncTaskError>(()) });
    Some(Box::pin(or(faults, async move {
        match deadline {
            Some(deadline) => Sleep::<DynRuntime>::silent(&control.runtime, Some(deadline)).await?,
            None => pending().await,
        }
        Err(timed_out(control))
    })))
}

/// Returns the argument of a call after its injected faults, or the error in the place of the call.
pub(crate) async fn after_faults<A>(
    argument: A,
    faults: Boxed<'_, Result<(), AsyncTaskError>>,
) -> Result<A, AsyncTaskError> {
    match faults.await {
        Ok(()) => Ok(argument),
        Err(error) => {
            // Its destructor is user code.
            caught(|| drop(argument))?;
            Err(error)
        }
    }
}

/// The deadline of a call that begins now; `None` if it has no limit, or one beyond the clock's range.
pub(crate) fn deadline(control: &Control) -> Option<Instant> {
    control.event_timeout.and_then(|limit| control.runtime.now().checked_add(limit))
}

/// The error of a call whose deadline has passed.
pub(crate) fn timed_out(control: &Control) -> AsyncTaskError {
    let limit = control.event_timeout.unwrap_or_default();
    TimeoutError::passed(control.name.clone(), TimeoutKind::Event, limit, false)
}
