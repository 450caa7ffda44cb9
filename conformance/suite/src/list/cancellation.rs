//! The part of the list that is about levels, reasons, callbacks, shielded regions and the tree.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_cancellation {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_structure! {
            [$($then)+]
            $($tasks)*
            levels driven {
                work_cancelled_before_its_first_poll_is_notified_or_never_called
                waiting_work_is_notified_or_dropped
                a_request_can_be_escalated_within_the_grace_period
                a_value_that_waits_for_children_is_kept_at_every_level
                after_its_end_nothing_is_recorded
                a_level_never_falls_and_the_first_cause_stays
            }
            levels_busy driven {
                a_poll_in_progress_is_waited_for_unless_it_is_a_hard_kill (threads)
                a_kill_that_an_in_place_task_sees_first_cancels_the_whole_task (threads)
                blocking_work_in_the_queue_never_runs_once_killed
                queued_blocking_work_runs_and_sees_a_graceful_request
                started_blocking_work_is_waited_for_unless_it_is_a_hard_kill (threads)
            }
            own_end driven {
                work_that_cancels_itself_gracefully_may_go_on
                work_that_awaits_its_own_end_ends_with_its_grace_period
                work_that_kills_itself_hard_gets_an_outcome_and_stops_at_next_await
                blocking_work_that_kills_its_task_hard_gets_an_outcome_and_goes_on
                a_child_may_cancel_its_parent
            }
            grace driven {
                a_result_within_the_grace_period_counts
                a_grace_period_ends_in_a_kill_exactly_at_its_end
                a_grace_period_of_zero_leaves_waiting_work_one_poll
                the_default_grace_period_is_five_seconds
                the_longest_duration_never_kills
                a_cancellation_may_give_another_one
                it_counts_from_the_first_request_however_often_it_is_set
                a_deadline_within_it_comes_first_and_is_no_cancellation
                work_that_waits_for_a_child_is_killed_with_it
            }
            stuck driven {
                after_the_limit_the_answer_is_that_it_still_runs
                an_end_within_the_limit_is_the_answer
                a_limit_of_zero_answers_in_the_first_poll
                remaining_tasks_are_named_topmost_first
                a_task_that_only_waits_for_its_children_is_named_with_them
                the_reported_location_is_the_last_await_of_the_library
            }
            callbacks driven {
                all_run_once_the_last_registered_first
                each_begins_after_the_end_of_the_one_before
                work_that_ends_on_cancellation_does_not_end_before_its_callbacks
                work_cancelled_before_its_first_poll_can_still_register_callbacks
                a_callback_registered_after_the_request_still_runs
                callbacks_are_part_of_their_task
                a_panic_fails_its_task_alone_and_the_others_still_run
                a_kill_runs_none_and_drops_them
            }
            callbacks_end driven {
                a_task_that_ends_by_itself_runs_none_and_has_dropped_them
                a_parent_does_not_end_before_the_callbacks_of_its_child_are_dropped
                a_callback_registered_after_the_end_runs_at_once_or_never
                an_unfinished_callback_is_dropped_at_the_end_of_the_grace_period
                an_unfinished_callback_is_dropped_by_a_kill_and_by_a_deadline
                a_task_in_place_has_callbacks_of_its_own
            }
            reasons driven {
                a_reason_is_in_the_error_the_result_and_the_context
                an_empty_reason_is_none
                every_kind_of_text_can_be_a_reason
                the_first_request_decides_on_the_reason
                a_request_after_the_end_records_no_reason
                a_reason_given_before_the_first_poll_is_kept
                retried_work_finds_the_reason_in_a_wait_and_in_an_attempt
                started_blocking_work_finds_the_reason (threads)
                queued_blocking_work_finds_the_reason
                work_in_place_can_be_cancelled_for_a_reason
                a_member_can_be_cancelled_for_a_reason_and_its_scope_goes_on
                callbacks_find_the_reason
                two_requests_at_once_leave_the_same_reason_for_all (threads)
            }
            reasons_below driven {
                all_tasks_below_find_the_reason
                errors_of_children_have_the_reason
                children_stopped_for_another_cause_have_no_reason
                tasks_that_a_cancelled_task_starts_find_the_reason
            }
            reasons_shown driven {
                the_error_names_the_task_that_was_cancelled
                an_error_can_be_made_for_a_test
                a_snapshot_shows_the_reason
                a_trace_has_the_reason
                a_cancelled_pipeline_ends_with_the_reason
                a_pipeline_in_a_cancelled_task_has_the_reason
                all_tasks_of_a_cancelled_orchestra_have_the_reason
                ad_hoc_tasks_of_a_cancelled_orchestra_have_the_reason
                single_tasks_of_an_orchestra_are_cancelled_for_a_reason
                an_orchestra_inside_a_cancelled_one_has_the_reason
            }
            shields driven {
                a_kill_waits_for_the_end_of_the_region
                a_hard_kill_returns_at_once_and_still_waits_for_the_region
                the_end_of_a_grace_period_waits_as_well
                a_value_that_comes_with_the_end_of_the_region_wins
                every_kind_of_deadline_waits_for_the_end_of_the_region
                the_failure_of_a_scope_waits_for_the_end_of_the_region
                of_nested_regions_the_outer_one_holds
                a_region_in_an_in_place_task_or_scope_shields_the_whole_task
            }
            shields_around driven {
                children_are_not_cancelled_before_the_end_of_the_region
                a_region_that_is_dropped_has_ended
                a_region_dropped_elsewhere_lets_the_kill_through
                an_unpolled_region_shields_from_nothing
                a_region_entered_after_the_request_is_run_to_its_end
                a_future_polled_beside_the_region_goes_on_with_it
                tasks_inside_a_region_keep_their_own_limits_kills_and_failures
                a_limit_on_bare_work_inside_it_still_fires
            }
            cancelled driven {
                a_waiter_is_woken_once_and_a_later_one_is_ready_at_once
                a_waiter_woken_and_not_polled_is_not_woken_again
                a_dropped_waiter_is_not_woken_and_its_waker_is_dropped
                a_task_that_ends_without_a_request_notifies_no_waiter
                a_request_notifies_exactly_the_tree_below_it
                contexts_and_cancellers_are_send_and_sync
            }
            cancelled_below driven {
                a_cancelled_child_leaves_its_ancestors_alone
                a_child_of_a_cancelled_task_is_spawned_cancelled
                children_that_end_in_any_order_leave_their_parent_as_it_was
                a_task_that_waits_only_for_children_passes_a_request_on
            }
            tree driven {
                a_graceful_request_reaches_every_kind_of_task_below
                a_kill_reaches_every_kind_of_task_below
                a_request_goes_down_a_long_chain
                a_request_reaches_many_children
            }
            tree_edges driven {
                a_request_reaches_no_detached_task_and_none_below_it
                a_task_spawned_by_a_destructor_in_a_kill_lives_only_detached
                the_cause_of_a_child_reflects_the_end_of_its_parent
                children_of_running_blocking_work_are_cancelled_while_it_runs (threads)
                children_share_the_grace_period_of_the_cancelled_task
                a_hard_kill_reports_busy_tasks_far_below
            }
            tree_reads driven {
                two_concurrent_readers_both_see_all_children (threads)
                a_hard_kill_during_concurrent_reads_sees_busy_tasks (threads)
                a_concurrent_read_of_a_failing_tasks_children_spares_none (threads)
                a_child_spawned_after_its_parents_failure_is_killed (threads)
            }
            notice owned {
                waiting_tasks_are_notified_and_may_end_by_themselves
                the_grace_period_is_the_shutdowns_limit
                a_tasks_own_grace_period_holds_within_the_limit
                its_callbacks_run_before_a_task_ends
                tasks_that_start_waiting_after_the_notice_are_notified_as_well
                an_earlier_request_keeps_its_cause
            }
            signal_moments owned {
                the_report_names_the_killed_tasks
            }
            second_signal owned {
                a_kill_that_is_over_at_once_is_in_the_report (threads)
                two_signals_in_one_poll_count_as_two
                a_main_future_that_ends_by_itself_and_then_one_signal
                a_longer_shutdown_reports_the_tasks_killed_by_a_shorter_one
            }
        }
    };
}
