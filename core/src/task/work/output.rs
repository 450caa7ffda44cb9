//! A task's result, and how a failed scope member reports to its scope.

use crate::error::AsyncTaskError;
use crate::tree::children::cancel;
use crate::tree::ending::Ending;
use crate::tree::node::TaskRef;
use crate::tree::state::MEMBER;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};

/// The result of a task, and the ending that is recorded for it. The value of a success stays in the body
/// ([`Body`]), whose type is not known here. An error that the work passed on from another task's
/// cancellation is a failure of this one. It is none of its scope where the task itself was asked to end.
///
/// [`Body`]: crate::body::Body
pub(crate) struct Output {
    pub(crate) result: Result<(), AsyncTaskError>,
    pub(crate) ending: Ending,
}

/// The error of a member that is stopped because another has failed.
pub(crate) const SIBLINGS: AsyncTaskError =
    AsyncTaskError::cancelled(CancelLevel::Kill, CancelCause::SiblingFailed);

/// Reports the failure of a member to its scope, which then kills the others.
pub(crate) fn report_to_scope(task: &TaskRef, parent: &Option<TaskRef>, output: &mut Output) {
    let Some(scope) = parent.as_ref().filter(|_| task.control.state().has(MEMBER)) else { return };
    if output.ending == Ending::Cancelled || output.result.is_ok() {
        return;
    }
    if is_passed_on_stop(task, &output.result) {
        return;
    }
    match std::mem::replace(&mut output.result, Err(SIBLINGS)) {
        // It only passes on that another has failed.
        Err(error) if error.is_siblings() && scope.control.is_failed_by_member() => {}
        Err(error) => {
            scope.control.push_failure(error.passed_on());
            cancel(scope, CancelLevel::Kill, CancelCause::SiblingFailed);
        }
        Ok(()) => {}
    }
}

/// True if `task` was asked to end, and its error only says so: a wait in it, or a task below it, has ended for the
/// same request. Members that still clean up after that request are not to be killed for it.
fn is_passed_on_stop(task: &TaskRef, result: &Result<(), AsyncTaskError>) -> bool {
    let Some((_, own)) = task.control.asked() else { return false };
    match result {
        Err(AsyncTaskError::Cancelled { cause, .. }) => {
            *cause != CancelCause::SiblingFailed && (*cause == own || *cause == own.passed_on())
        }
        Err(AsyncTaskError::Shutdown) => own == CancelCause::Shutdown,
        // Of several errors, one at least is more than the request.
        _ => false,
    }
}

/// Makes the failures of a scope's members those of the scope. True if there were any: its own value is then
/// void.
pub(crate) fn attach_failures(task: &TaskRef, output: &mut Output) -> bool {
    let mut failures = task.control.take_failures();
    if failures.is_empty() {
        return false;
    }
    // A member's failure, or a stop for it, that the body has passed on is not an error of its own.
    let own = std::mem::replace(&mut output.result, Err(SIBLINGS)).err();
    failures.splice(..0, own.filter(|own| !own.is_siblings()));
    output.result = Err(AsyncTaskError::several(failures));
    if output.ending != Ending::Cancelled || task.control.is_failed_by_member() {
        output.ending = Ending::of(&output.result);
    }
    true
}
