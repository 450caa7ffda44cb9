//! The daemons of a scope: a scope that closes or is dropped, against the last member, the last daemon, and
//! one more daemon from anywhere.

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread::spawn;

use crate::counting::lingers;
use crate::state::{DAEMON, GRACEFUL, IN_PLACE, RUNNING};
use crate::task::{Ending, Task, daemon_started, end, is_childless, leave, release};
use crate::{ALL, FEW, check, joined};

/// A scope below a task.
fn scope() -> (Arc<Task>, Arc<Task>) {
    let around = Task::new(RUNNING);
    around.pending_children.add();
    (around.clone(), Arc::new(Task::below(RUNNING | IN_PLACE, Some(around))))
}

fn member(scope: &Arc<Task>) -> Task {
    scope.pending_children.add();
    Task::below(RUNNING, Some(scope.clone()))
}

/// `Registered::new`, for a daemon. Gives the daemon, if it was taken, and the number of tasks that have
/// ended.
fn daemon(scope: &Arc<Task>) -> (Option<Arc<Task>>, usize) {
    if let Err(ended) = daemon_started(scope) {
        return (None, ended);
    }
    let daemon = Arc::new(Task::below(RUNNING | DAEMON, Some(scope.clone())));
    scope.add(daemon.clone());
    assert!(!scope.state.load().is_terminal(), "added to a scope that had ended");
    (Some(daemon), release(scope))
}

#[test]
fn a_scope_stops_its_daemons_after_the_last_member_and_ends_after_the_last_daemon() {
    check(FEW, || {
        let (_, scope) = scope();
        let (daemon, _) = daemon(&scope);
        let work = Arc::new(AtomicUsize::new(0));
        let (member, done) = (member(&scope), work.clone());
        let member = spawn(move || {
            done.fetch_add(1, Ordering::Relaxed);
            end(&member, Ending::Completed)
        });
        let (ending, done) = (daemon.clone(), work.clone());
        let server = spawn(move || {
            let Some(daemon) = ending else { return 0 };
            // It may end by itself, and it is asked to stop only after the member.
            if daemon.level() >= GRACEFUL {
                assert_eq!(done.load(Ordering::Relaxed), 1, "stopped before the member had ended");
            }
            end(&daemon, Ending::Completed)
        });
        let waits = lingers(&scope, is_childless);
        assert!(waits || work.load(Ordering::Relaxed) == 1, "ended before a member");
        assert!(waits || daemon.as_ref().is_none_or(|daemon| daemon.state.load().is_terminal()));
        assert_eq!((joined(member), joined(server)), (Some(1), Some(1)));
        assert!(!waits || scope.waker.has_rung(), "asleep");
        assert!(is_childless(&scope) && !scope.pending_children.try_add());
    });
}

#[test]
fn a_scope_that_closes_takes_no_daemon_and_ends_before_none() {
    check(FEW, || {
        let (_, scope) = scope();
        let from = scope.clone();
        let late = spawn(move || {
            let (daemon, ended) = daemon(&from);
            let taken = daemon.is_some();
            (taken, daemon.map_or(ended, |daemon| ended + end(&daemon, Ending::Completed)))
        });
        let waits = lingers(&scope, is_childless);
        if !waits {
            end(&scope, Ending::Completed);
        }
        let Some((taken, ended)) = joined(late) else { return };
        assert_eq!(ended, usize::from(taken));
        assert!(!waits || scope.waker.has_rung(), "asleep");
        assert!(is_childless(&scope) && daemon(&scope).0.is_none());
    });
}

#[test]
fn a_dropped_scope_is_ended_once_after_its_daemons_and_members() {
    check(FEW, || {
        let (around, scope) = scope();
        let (daemon, _) = daemon(&scope);
        let member = member(&scope);
        let member = spawn(move || end(&member, Ending::Completed));
        let server = spawn(move || daemon.map_or(0, |daemon| end(&daemon, Ending::Completed)));
        let left = leave(&scope);
        let ends = [Some(left), joined(member), joined(server)].into_iter().flatten().sum::<usize>();
        assert_eq!(ends, 3);
        assert!(scope.state.load().is_terminal() && around.pending_children.is_empty());
    });
}

#[test]
fn a_dropped_scope_takes_no_daemon_or_waits_for_it() {
    check(ALL, || {
        let (around, scope) = scope();
        let from = scope.clone();
        let late = spawn(move || {
            let (daemon, ended) = daemon(&from);
            let taken = daemon.is_some();
            (taken, daemon.map_or(ended, |daemon| ended + end(&daemon, Ending::Completed)))
        });
        let left = leave(&scope);
        let Some((taken, ended)) = joined(late) else { return };
        assert_eq!(left + ended, 1 + usize::from(taken));
        assert!(scope.state.load().is_terminal() && around.pending_children.is_empty());
        assert!(daemon(&scope).0.is_none());
    });
}

#[test]
fn a_scope_that_is_dropped_while_it_stops_its_daemons_is_ended_once() {
    check(FEW, || {
        let (around, scope) = scope();
        let (daemon, _) = daemon(&scope);
        let server = spawn(move || daemon.map_or(0, |daemon| end(&daemon, Ending::Completed)));
        let waits = lingers(&scope, is_childless);
        let left = if waits { leave(&scope) } else { end(&scope, Ending::Completed) };
        assert_eq!(joined(server).map(|ended| ended + left), Some(2));
        assert!(scope.state.load().is_terminal() && around.pending_children.is_empty());
    });
}
