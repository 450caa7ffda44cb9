//! What a task ends with, and what of that is its scope's.

use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::tree::children::cancel;
use crate::tree::ending::Ending;
use crate::tree::node::TaskRef;
use crate::tree::state::MEMBER;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};

/// What the task will give, and how that is recorded: an error that the work passed on from another task's
/// cancellation is a failure of this one.
pub(crate) struct Output<T> {
    pub(crate) result: Result<T, AsyncTaskError>,
    pub(crate) ending: Ending,
}

/// What a member hears of another's failure.
pub(crate) const SIBLINGS: AsyncTaskError =
    AsyncTaskError::Cancelled { level: CancelLevel::Kill, cause: CancelCause::SiblingFailed };

/// The failure of a member is its scope's, which ends the others.
pub(crate) fn give_to_scope<T>(task: &TaskRef, parent: &Option<TaskRef>, output: &mut Output<T>) {
    let Some(scope) = parent.as_ref().filter(|_| task.control.state().has(MEMBER)) else { return };
    if output.ending == Ending::Cancelled {
        return;
    }
    match std::mem::replace(&mut output.result, Err(SIBLINGS)) {
        // It has only heard of another's failure.
        Err(error) if error.is_siblings() && scope.control.is_failed_by_member() => {}
        Err(error) => {
            scope.control.push_failure(error.passed_on());
            cancel(scope, CancelLevel::Kill, CancelCause::SiblingFailed);
        }
        Ok(value) => output.result = Ok(value),
    }
}

/// The failures of a scope's members are its own.
pub(crate) fn attach_failures<T>(task: &TaskRef, output: &mut Output<T>) {
    let mut failures = task.control.take_failures();
    if failures.is_empty() {
        return;
    }
    // What the body made of a member's failure, or of being stopped for it, is not an error of its own.
    let result = std::mem::replace(&mut output.result, Err(SIBLINGS));
    // A value that is dropped here may panic.
    let own = caught(|| result.err()).ok().flatten();
    failures.splice(..0, own.filter(|own| !own.is_siblings()));
    output.result = Err(AsyncTaskError::several(failures));
    if output.ending != Ending::Cancelled || task.control.is_failed_by_member() {
        output.ending = Ending::of(&output.result);
    }
}
