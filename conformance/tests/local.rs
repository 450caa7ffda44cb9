//! Work that is not `Send`: it stays on the thread of its scope, and ends with it.
#![cfg(any(feature = "tokio", feature = "smol"))]

#[macro_use]
mod flavours;

#[cfg(feature = "tokio")]
#[path = "local/native.rs"]
mod native;
#[path = "local/runtime.rs"]
mod runtime;
#[path = "local/scope.rs"]
mod scope;
#[path = "local/work.rs"]
mod work;

use std::future::pending;
use std::rc::Rc;

use async_channel::{Receiver, Sender, bounded};
use conformance::{Failure, Harness, Outcome};
use sweet_async::{AsyncTask, DynRuntime, LocalRuntime, Task};

/// A module of tests for each flavour that can run local work.
macro_rules! on {
    (sim $module:ident $flavour:ty) => {};
    (smol $module:ident $flavour:ty) => {
        on! { @module $module $flavour: }
    };
    (tokio $module:ident $flavour:ty) => {
        on! { @module $module $flavour: native tokios_own_local_tasks_work_inside }
    };
    (@module $module:ident $flavour:ty: $($topic:ident $more:ident)*) => {
        mod $module {
            on! { @each $flavour:
                work work_that_holds_an_rc_across_an_await_gives_its_value
                work local_tasks_spawn_local_tasks
                work outside_of_a_scope_it_is_an_error
                work errors_panics_and_limits_are_as_for_other_tasks
                work a_handle_can_run_the_recovery
                work builder_settings_are_reported_and_can_be_changed
                work killed_local_work_is_dropped_when_its_end_is_reported
                work a_dropped_handle_cancels_and_a_detached_task_goes_on
                work synchronous_work_may_stay_or_go_to_the_pool
                scope tasks_left_at_the_end_of_a_scope_are_dropped
                scope a_scope_that_is_dropped_midway_drops_its_tasks
                scope a_local_task_stays_on_the_thread_of_its_scope
                scope scopes_side_by_side_do_not_mix
                scope a_scope_inside_a_scope_ends_by_itself
                runtime tasks_on_the_runtime_are_spawned_from_local_ones
                runtime a_local_parent_does_not_end_before_its_children
                runtime local_tasks_are_counted_by_their_runtime
                runtime a_shutdown_of_the_runtime_ends_local_tasks
                $($topic $more)*
            }
        }
    };
    (@each $flavour:ty: $($topic:ident $case:ident)+) => {$(
        #[test]
        fn $case() -> conformance::Outcome {
            let case = |harness: $flavour| crate::$topic::$case(&harness);
            conformance::run::with_harness::<$flavour>(stringify!($case), case)
        }
    )+};
}

on_each_flavour! { on }

trait Local: Harness<Runtime: LocalRuntime> {
    /// Runs a scope on this thread.
    fn scope(&self, main: impl Future<Output = Outcome>) -> Outcome {
        self.block_on(self.runtime().run_local(main))?
    }
}

impl<H: Harness<Runtime: LocalRuntime>> Local for H {}

/// A guard, and a receiver that is closed once the guard is dropped.
fn held() -> (Sender<()>, Receiver<()>) {
    bounded(1)
}

fn is_dropped(held: &Receiver<()>) -> bool {
    held.is_closed()
}

/// Starts local work that holds `guard` and never ends, and waits until it has begun.
async fn begun(guard: Sender<()>) -> Result<Task<(), DynRuntime>, Failure> {
    let (start, started) = bounded(1);
    let task = AsyncTask::to::<()>().spawn_local(move || async move {
        let _guard = (guard, Rc::new(()));
        let _ = start.try_send(());
        pending::<()>().await
    });
    started.recv().await?;
    Ok(task)
}
