//! The daemons of a scope: a scope that closes or is dropped, against the last member, the last daemon, and
//! one more daemon from anywhere.

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread::{JoinHandle, spawn};

use crate::tasks::{Woken, counted, daemon, ends, has_ended, level, lingers, task};
use crate::tree::children::{end, leave};
use crate::tree::daemons::is_childless;
use crate::tree::ending::Ending;
use crate::tree::node::TaskRef;
use crate::tree::state::{GRACEFUL, IN_PLACE, RUNNING};
use crate::{ALL, FEW, check, joined};

/// A scope below a task.
fn scope() -> (TaskRef, TaskRef) {
    let around = task(RUNNING);
    let scope = counted(RUNNING | IN_PLACE, &around);
    (around, scope)
}

fn ending(task: &TaskRef, scope: &TaskRef) -> JoinHandle<()> {
    let (task, scope) = (task.clone(), scope.clone());
    spawn(move || end(&task, Some(&scope), Ending::Completed))
}

/// A daemon that comes from another thread and ends. Gives true if it was taken.
fn late(scope: &TaskRef) -> JoinHandle<bool> {
    let scope = scope.clone();
    spawn(move || {
        let daemon = daemon(&scope);
        if let Some(daemon) = &daemon {
            assert!(!has_ended(&scope), "added to a scope that had ended");
            end(daemon, Some(&scope), Ending::Completed);
        }
        daemon.is_some()
    })
}

/// The scope has ended once: counted out twice, there would be fewer than no children around it.
fn has_ended_once(scope: &TaskRef, around: &TaskRef) -> bool {
    has_ended(scope) && is_childless(around) && !has_ended(around)
}

#[test]
fn a_scope_stops_its_daemons_after_the_last_member_and_ends_after_the_last_daemon() {
    check(FEW, || {
        let (_, scope) = scope();
        let (woken, waker) = Woken::new();
        let Some(daemon) = daemon(&scope) else { return };
        let work = Arc::new(AtomicUsize::new(0));
        let (member, done, from) = (counted(RUNNING, &scope), work.clone(), scope.clone());
        let member = spawn(move || {
            done.fetch_add(1, Ordering::Relaxed);
            end(&member, Some(&from), Ending::Completed);
        });
        let (server, done, from) = (daemon.clone(), work.clone(), scope.clone());
        let server = spawn(move || {
            // It may end by itself, and it is asked to stop only after the member.
            if level(&server) >= GRACEFUL {
                assert_eq!(done.load(Ordering::Relaxed), 1, "stopped before the member had ended");
            }
            end(&server, Some(&from), Ending::Completed);
        });
        let waits = lingers(&scope, &waker);
        assert!(waits || work.load(Ordering::Relaxed) == 1, "ended before a member");
        assert!(waits || has_ended(&daemon));
        assert!(joined(member).is_some() && joined(server).is_some());
        assert!(!waits || woken.was_woken(), "asleep");
        assert!(is_childless(&scope) && !scope.control.member_started());
    });
}

#[test]
fn a_scope_that_closes_takes_no_daemon_and_ends_before_none() {
    check(FEW, || {
        let (around, scope) = scope();
        let (woken, waker) = Woken::new();
        let late = late(&scope);
        let waits = lingers(&scope, &waker);
        if !waits {
            end(&scope, Some(&around), Ending::Completed);
        }
        assert!(joined(late).is_some());
        assert!(!waits || woken.was_woken(), "asleep");
        assert!(is_childless(&scope) && daemon(&scope).is_none());
        assert!(waits || has_ended_once(&scope, &around));
    });
}

#[test]
fn a_dropped_scope_is_ended_once_after_its_daemons_and_members() {
    check(FEW, || {
        let (around, scope) = scope();
        let Some(daemon) = daemon(&scope) else { return };
        let member = counted(RUNNING, &scope);
        let (stopping, serving) = (ending(&member, &scope), ending(&daemon, &scope));
        leave(&scope, Some(around.clone()));
        assert!(!has_ended(&scope) || has_ended(&member) && has_ended(&daemon));
        assert!(joined(stopping).is_some() && joined(serving).is_some());
        assert!(has_ended_once(&scope, &around));
        assert_eq!((ends(&member), ends(&daemon)), (1, 1));
    });
}

#[test]
fn a_dropped_scope_takes_no_daemon_or_waits_for_it() {
    check(ALL, || {
        let (around, scope) = scope();
        let late = late(&scope);
        leave(&scope, Some(around.clone()));
        assert!(joined(late).is_some());
        assert!(has_ended_once(&scope, &around));
        assert!(daemon(&scope).is_none());
    });
}

#[test]
fn a_scope_that_is_dropped_while_it_stops_its_daemons_is_ended_once() {
    check(FEW, || {
        let (around, scope) = scope();
        let (_, waker) = Woken::new();
        let Some(daemon) = daemon(&scope) else { return };
        let server = ending(&daemon, &scope);
        match lingers(&scope, &waker) {
            true => leave(&scope, Some(around.clone())),
            false => end(&scope, Some(&around), Ending::Completed),
        }
        assert!(joined(server).is_some());
        assert!(has_ended_once(&scope, &around));
    });
}
