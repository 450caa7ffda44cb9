//! The one list of all cases. Cases of tasks and runtimes are listed here; each larger subject has a file of
//! its own, which passes the list on to the next.

mod cancellation;
mod capabilities;
mod hedging;
mod limits;
mod metrics;
mod orchestras;
mod pipelines;
mod queues;
mod reading;
mod recovery;
mod schedules;
mod signatures;
mod structure;
mod text;

/// Passes the list to the macro that is named: each topic, how its cases are run, and their names. Cases are
/// `driven` on the erased runtime, `typed` on the backend's own, or `owned`: they hold the flavour that was
/// started, and may end it.
/// `(threads)` marks a case in which work blocks its thread until another thread has done something.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ($($then:tt)+) => {
        $crate::__conformance_with_cancellation! {
            [$($then)+]
            values driven {
                run_takes_all_four_kinds_of_work
                spawn_takes_all_four_kinds_of_work
                try_run_and_try_spawn_let_question_marks_mix
                a_custom_error_can_be_downcast_again
                an_io_error_keeps_its_kind
                texts_are_errors_with_their_message
                an_anyhow_error_keeps_message_and_chain
                a_library_error_is_passed_through_and_never_nested
                errors_go_into_anyhow_and_boxes_by_question_mark
                a_result_can_be_the_value
                predicates_name_one_kind_each
            }
            in_place driven {
                async_work_borrows_and_need_not_be_send
                nothing_runs_before_it_is_awaited
                work_that_is_never_awaited_is_never_called
                a_builder_can_be_cloned_and_used_again
                a_finished_run_polled_again_is_an_error
                dropping_the_future_drops_the_work
                async_work_stays_on_the_callers_thread
                async_work_needs_no_runtime
            }
            unregistered driven {
                a_task_has_the_same_id_in_its_first_poll_and_later
                a_snapshot_shows_waiting_work_with_its_name_and_its_await
                a_panic_in_the_first_poll_is_the_error_and_kills_the_child
                a_child_of_the_first_poll_keeps_the_permit
                a_child_of_a_failed_first_poll_has_ended_before_the_next_attempt
                nested_work_is_registered_with_all_tasks_around_it
                the_runtime_of_the_task_around_is_found_in_the_first_poll
                work_without_a_runtime_is_dropped_before_its_error
                a_time_limit_counts_from_the_first_poll
                a_request_to_the_task_around_reaches_work_that_asks_later
                work_dropped_after_its_first_poll_takes_its_child_along
                work_polled_once_and_moved_to_another_task_ends_there
            }
            spawn typed {
                the_named_backend_is_the_one_that_runs
                work_starts_without_being_awaited
                a_borrowed_handle_in_a_select_stays_usable
                a_handle_awaited_again_is_an_error
                a_thread_without_runtime_can_spawn_and_await (threads)
                a_wake_from_another_thread_arrives (threads)
                ten_thousand_tasks_all_give_their_values
                tasks_that_wait_for_each_other_both_end
                a_timer_beyond_the_clocks_range_does_not_panic
                a_timer_at_the_end_of_the_clocks_range_does_not_panic
                a_timer_that_moves_to_another_task_wakes_it_there
                a_handle_that_moves_to_another_task_wakes_it_there
            }
            status driven {
                passing_on_a_cancellation_is_a_failure
                pending_then_running_then_completed
                an_error_a_panic_and_a_timeout_are_failures
                pending_cancellation_then_cancelled
                a_status_goes_through_its_number_and_back
                ids_are_unique_and_survive_text
                a_name_is_on_the_handle
                a_handle_reports_that_its_task_is_finished
            }
            drop typed {
                dropping_the_handle_cancels_the_task
                work_dropped_before_its_first_poll_never_runs
                a_handle_may_be_dropped_on_another_thread
                dropping_the_handle_of_a_finished_task_changes_nothing
                dropping_an_await_of_a_borrowed_handle_cancels_nothing
                a_drop_returns_at_once_while_blocking_work_runs (threads)
                a_detached_task_runs_to_its_end
                a_detached_task_can_still_be_cancelled
                a_handle_that_is_kept_keeps_no_span_open
            }
            kills typed {
                a_kill_is_the_result_with_level_and_cause
                killed_work_is_never_polled_again
                work_killed_before_its_first_poll_is_never_called
                an_awaited_cancel_means_that_destructors_have_run
                a_cancel_after_the_end_changes_nothing
                the_first_cause_stays
                a_value_of_the_poll_in_progress_wins
                work_that_kills_itself_stops_at_its_next_await
                a_cancel_racing_completion_leaves_one_end_each (threads)
                a_canceller_outlives_the_handle
                a_request_stands_when_its_future_is_dropped
                many_may_await_the_same_end
            }
            quiescence typed {
                nothing_is_left_of_six_levels_that_complete
                nothing_is_left_of_six_levels_that_are_cancelled
                nothing_is_left_of_six_levels_that_time_out
                nothing_is_left_of_six_levels_when_their_parent_panics
                nothing_is_left_of_six_levels_when_their_parent_fails
                a_child_whose_handle_escaped_is_waited_for
                a_child_whose_handle_escaped_is_killed_when_its_parent_fails
                a_detached_child_is_not_waited_for
                ten_thousand_children_end_before_their_parent
                ten_thousand_children_have_ended_when_their_parent_is_killed
                blocking_work_of_a_cancelled_task_is_waited_for (threads)
                a_destructor_that_spawns_during_a_cancel_is_no_deadlock
                a_harder_kill_spares_tasks_detached_by_a_destructor
            }
            panic typed {
                an_untaken_result_may_panic_in_its_destructor
                an_untaken_error_may_panic_in_its_destructor
                a_destructor_that_panics_at_a_timeout_is_a_failure_for_the_breaker
                the_message_is_kept
                the_payload_can_be_taken
                a_closure_may_panic_before_there_is_a_future
                a_future_may_panic_in_place_and_later
                synchronous_work_may_panic
                a_destructor_may_panic_during_a_cancel
                a_destructor_may_panic_at_a_timeout
                the_runtimes_threads_survive
                a_detached_panic_harms_no_other_task
                a_parent_may_handle_the_panic_of_its_child
            }
            blocking typed {
                blocking_work_has_threads_of_its_own (threads)
                synchronous_work_never_holds_up_the_executor (threads)
                inline_work_stays_on_the_executor
                work_killed_before_it_starts_never_runs
                a_kill_waits_for_work_that_has_started (threads)
                the_result_of_killed_blocking_work_is_dropped (threads)
                tasks_spawned_in_blocking_work_belong_to_its_task
                a_child_of_blocking_work_is_killed_when_the_work_fails
            }
            timeout typed {
                a_ready_value_wins_over_a_zero_limit
                a_zero_limit_polls_once
                work_that_never_ends_times_out
                the_longest_duration_is_no_limit
                the_work_is_dropped_before_the_error_is_given
                the_error_names_the_task
                started_blocking_work_is_not_waited_for_and_the_error_says_so (threads)
                started_blocking_work_inside_async_work_is_not_waited_for_either (threads)
                of_nested_limits_the_inner_one_fires_first
                of_nested_limits_the_outer_one_ends_a_longer_inner_one
                a_kill_comes_before_a_limit_on_a_tie
                a_limit_leaves_errors_and_panics_as_they_are
                a_value_in_time_is_never_lost
            }
            timers driven {
                a_sleep_of_zero_is_ready
                a_deadline_in_the_past_is_ready
                an_endless_sleep_stays_pending
                a_sleep_is_never_early
                a_sleep_counts_from_its_creation
                many_sleeps_all_end_and_none_early
                a_dropped_sleep_affects_no_other_sleep
                a_thread_without_context_can_sleep (threads)
                an_interval_of_zero_is_refused
                the_first_tick_is_at_once
                an_interval_of_the_longest_period_has_one_tick
                missed_ticks_come_in_a_burst_each_at_its_own_moment
                a_skip_keeps_to_multiples_and_gives_none_twice
                a_delay_counts_anew_from_the_late_tick
                a_tick_dropped_while_pending_is_not_taken
                a_yield_lets_other_tasks_run
                a_yield_of_the_main_future_lets_tasks_run
            }
            spans driven {
                spawned_work_is_in_its_callers_span
                work_in_place_is_in_the_span_that_awaits_it
                a_child_is_in_the_span_that_its_parent_was_in
                work_started_outside_of_any_span_has_none
                receivers_are_in_the_span_of_the_pipelines_caller
                sources_and_parsers_are_in_the_span_of_the_pipelines_caller
                destructors_of_killed_work_run_in_its_span
                the_result_of_killed_blocking_work_is_dropped_in_its_span (threads)
                the_span_stays_when_work_resumes_on_another_thread
            }
            warnings driven {
                a_handle_dropped_before_the_first_poll_causes_a_warning
                a_handle_that_is_not_forgotten_causes_no_warning
            }
            saturation driven {
                tasks_and_timers_go_on_while_jobs_wait_for_threads (threads)
                a_job_that_waits_for_a_thread_times_out_and_never_runs (threads)
                a_job_killed_in_the_queue_has_run_or_never_will (threads)
                jobs_killed_while_the_pool_is_full_run_or_are_cancelled (threads)
            }
            current_runtime typed {
                block_on_enters_its_runtime
                a_task_knows_its_backends_runtime_however_it_was_started
                a_boxed_runtime_is_not_boxed_again
                a_boxed_runtime_serves_as_well
            }
            runtime_end owned {
                a_join_handle_answers_after_the_future_is_dropped
                unfinished_work_is_dropped
                a_finished_task_keeps_its_value
                a_spawn_after_the_end_is_an_error
                blocking_work_and_timers_after_the_end_neither_panic_nor_hang
                a_pipeline_whose_runtime_ends_is_an_error
                a_runtime_may_be_dropped_inside_async_code
                a_runtime_is_used_again_and_again
                many_runtimes_start_and_end
            }
            root owned {
                a_task_is_counted_from_its_spawn_to_its_end
                every_way_to_end_is_an_end
                a_task_whose_end_was_awaited_is_not_counted
                a_detached_task_stays_counted
                blocking_jobs_are_counted_apart (threads)
                a_job_that_a_timeout_gave_up_stays_counted (threads)
                all_handles_see_the_same_scope
                a_runtime_runs_until_it_is_dropped
                tasks_started_on_a_thread_run_on_its_entered_runtime
                nothing_of_a_runtime_that_was_dropped_is_counted
            }
            shutdown owned {
                with_nothing_left_it_is_done_at_once
                a_detached_task_is_waited_for
                only_running_tasks_may_spawn_during_a_shutdown
                a_loop_that_watches_closing_ends_by_itself
                inside_a_task_of_its_own_it_is_refused
                a_dropped_shutdown_can_be_started_again
                concurrent_shutdowns_agree
                a_backend_is_given_no_more_work_after_a_shutdown
                inside_blocking_work_it_is_refused
                in_place_work_still_runs_while_the_runtime_closes
            }
            shutdown_kills owned {
                at_the_limit_tasks_are_killed_and_counted
                children_and_detached_grandchildren_are_killed_too
                a_detached_parent_passes_the_kill_on_while_it_waits_for_its_child
                started_blocking_work_is_left_and_reported (threads)
                a_spawn_in_a_destructor_during_it_is_no_deadlock
                a_wake_in_a_destructor_when_the_runtime_is_dropped_is_no_deadlock
                unpolled_tasks_are_never_polled
                a_task_with_a_parent_on_another_runtime_is_killed
                a_task_of_running_blocking_work_is_killed (threads)
            }
        }
    };
}

macro_rules! names {
    ($($topic:ident $run:ident { $($case:ident $(($need:ident))?)+ })+) => {
        &[$($(concat!(stringify!($topic), "::", stringify!($case))),+),+]
    };
}

macro_rules! names_of_marked {
    ($($topic:ident $run:ident { $($case:ident $(($need:ident))?)+ })+) => {
        &[$($($((stringify!($need), concat!(stringify!($topic), "::", stringify!($case))),)?)+)+]
    };
}

/// The names of all cases.
pub const CASES: &[&str] = __conformance_cases! { names };

/// The cases that need something of a flavour, each after the name of the need. A flavour without it skips
/// them.
pub const MARKED: &[(&str, &str)] = __conformance_cases! { names_of_marked };
