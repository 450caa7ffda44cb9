//! The daemons of a scope: members that serve the others, and that the scope stops once these have ended.
//!
//! A daemon is in the list of its scope's children, so that a kill reaches it as it does the others. It is in
//! a count of its own, as `pending_children` says.

use crate::tree::children::{cancel, children, count_daemons, release};
use crate::tree::node::TaskRef;
use crate::tree::pending_children::Left;
use crate::tree::state::DAEMON;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};

/// Counts one more daemon of `scope`; false if that takes no more. The scope does not end, nor stop its
/// daemons, before the caller has adopted the daemon and then calls [`release`] for the scope.
pub(crate) fn daemon_started(scope: &TaskRef) -> bool {
    if !scope.control.pending_children.try_add_daemon() {
        return false;
    }
    let is_taken = scope.control.extras().daemons.try_add();
    if !is_taken {
        release(scope);
    }
    is_taken
}

/// True once `task`, whose body is dropped, has no child left; else the last one will wake it. A scope that
/// has only daemons left takes no more members, and cancels the daemons gracefully, all at the same time.
pub(crate) fn is_childless(task: &TaskRef) -> bool {
    loop {
        match task.control.left() {
            Left::Nothing => return true,
            Left::Children => return false,
            Left::Daemons => stop_daemons(task),
        }
    }
}

/// Waits for the daemons of `scope` as for one child, and cancels them gracefully. None is missed: while a
/// daemon was being added, the scope had a child.
fn stop_daemons(scope: &TaskRef) {
    count_daemons(scope);
    for child in children(scope) {
        if child.control.state().has(DAEMON) {
            cancel(&child, CancelLevel::Graceful, CancelCause::ScopeEnded);
        }
    }
}
