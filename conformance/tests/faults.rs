//! The suite against planted faults: a backend with a fault fails the case about it, and passes the case
//! without the fault.
#![cfg(all(feature = "cases", feature = "smol"))]

#[path = "faults/plants.rs"]
mod plants;
#[path = "faults/wrapper.rs"]
mod wrapper;

use anyhow::{Context as _, bail, ensure};
use conformance::{Flavour, Outcome, cases, run};

use crate::wrapper::{FaultyPool, Healthy};

/// Runs one case on a flavour. A `driven` case has the flavour's own type here, since an erased runtime hides
/// the faults of join handles.
macro_rules! on {
    (driven, $fault:ty, $case:path) => {
        run::typed::<FaultyPool<$fault>>(stringify!($case), |rt, at| Box::pin($case(rt, at)))
    };
    (owned, $fault:ty, $case:path) => {
        run::owned(Flavour::of::<FaultyPool<$fault>>(), stringify!($case), $case)
    };
}

/// A test for each fault: the case, and a part of its failure's text, so that no other failure is taken for
/// this one. The text is empty if it depends on the features.
macro_rules! noticed {
    ($($test:ident: $fault:ident by $run:ident $case:path, $why:literal;)+) => {$(
        #[test]
        fn $test() -> Outcome {
            on!($run, Healthy, $case).context("without the fault")?;
            check_noticed(on!($run, plants::$fault, $case), $why)
        }
    )+};
}

/// Checks that a case has failed, and that this is the reason.
fn check_noticed(outcome: Outcome, why: &str) -> Outcome {
    let Err(failure) = outcome else { bail!("the fault is not noticed") };
    let text = format!("{failure:#}");
    ensure!(text.contains(why), "it failed for another reason: {text}");
    Ok(())
}

noticed! {
    // The end of the runtime.
    a_drop_that_detaches: DropDetaches by owned cases::runtime_end::unfinished_work_is_dropped, "it hangs";
    a_drop_that_detaches_still_spawns:
        DropDetaches by owned cases::runtime_end::a_spawn_after_the_end_is_an_error, "a value came";
    a_drop_that_waits:
        DropWaits by owned cases::runtime_end::a_runtime_may_be_dropped_inside_async_code, "it hangs";
    a_handle_that_answers_first:
        HandleAnswersFirst by owned cases::runtime_end::a_join_handle_answers_after_the_future_is_dropped, "still there";

    // Timers.
    far_timers_that_panic: FarTimersPanic
        by driven cases::spawn::a_timer_beyond_the_clocks_range_does_not_panic, "the case panicked";
    timers_that_round_up: TimersRoundUp
        by driven cases::spawn::a_timer_at_the_end_of_the_clocks_range_does_not_panic, "the case panicked";
    timers_that_fire_at_once:
        TimersFireAtOnce by driven cases::timeout::work_that_never_ends_times_out, "a timeout is not";
    timers_that_never_fire:
        TimersNeverFire by driven cases::timeout::work_that_never_ends_times_out, "it hangs";
    a_clock_that_runs_backwards:
        ClockRunsBackwards by driven cases::timeout::work_that_never_ends_times_out, "a timeout is not";
    timers_that_keep_the_first_waker: TimersKeepTheFirstWaker
        by driven cases::spawn::a_timer_that_moves_to_another_task_wakes_it_there, "it hangs";

    // Wake-ups and handles.
    a_second_wake_that_is_lost:
        SecondWakeIsLost by driven cases::timeout::the_longest_duration_is_no_limit, "it hangs";
    a_wake_during_a_poll_that_is_lost: WakeDuringAPollIsLost
        by driven cases::spawn::ten_thousand_tasks_all_give_their_values, "it hangs";
    handles_that_keep_the_first_waker: HandlesKeepTheFirstWaker
        by driven cases::spawn::a_handle_that_moves_to_another_task_wakes_it_there, "it hangs";
    a_detach_that_cancels: DetachCancels by driven cases::drop::a_detached_task_runs_to_its_end, "it hangs";

    // Blocking.
    blocking_work_on_the_workers: BlockingOnWorkers
        by driven cases::saturation::tasks_and_timers_go_on_while_jobs_wait_for_threads, "it hangs";
    blocking_work_on_the_workers_with_few_jobs:
        BlockingOnWorkers by driven cases::blocking::blocking_work_has_threads_of_its_own, "it hangs";
    blocking_work_on_the_caller: BlockingOnTheCaller
        by driven cases::blocking::synchronous_work_never_holds_up_the_executor, "it hangs";
    a_block_on_that_does_not_enter:
        BlockOnDoesNotEnter by driven cases::current_runtime::block_on_enters_its_runtime, "";
}
