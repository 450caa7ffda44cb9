//! The part of the list that is about levels, callbacks, shielded regions and the tree.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_cancellation {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_structure! {
            [$($then)+]
            $($tasks)*
            levels driven {
                before_its_first_poll_work_is_told_or_never_called
                while_it_waits_work_is_told_or_dropped
                within_its_grace_period_work_can_be_asked_more_firmly
                a_value_that_waits_for_children_is_kept_at_every_level
                after_its_end_nothing_is_recorded
                a_level_never_falls_and_the_first_cause_stays
            }
            levels_busy driven {
                a_poll_in_progress_is_waited_for_unless_it_is_a_hard_kill (threads)
                a_kill_that_a_part_of_the_task_hears_of_first_is_the_tasks (threads)
                blocking_work_in_the_queue_never_runs_once_killed
                blocking_work_in_the_queue_runs_and_is_told_when_asked_gracefully
                started_blocking_work_is_waited_for_unless_it_is_a_hard_kill (threads)
            }
            own_end driven {
                work_that_asks_itself_gracefully_goes_on_as_it_likes
                work_that_awaits_its_own_end_ends_with_its_grace_period
                work_that_kills_itself_hard_is_answered_and_stops_at_its_next_await
                blocking_work_that_kills_its_task_hard_is_answered_and_goes_on
                a_child_may_ask_its_parent
            }
            grace driven {
                what_the_work_returns_within_it_counts
                it_ends_in_a_kill_exactly_at_its_end
                none_at_all_leaves_work_that_waits_one_poll
                it_is_five_seconds_where_nobody_has_said_otherwise
                the_longest_duration_never_kills
                a_cancellation_may_give_another_one
                it_counts_from_the_first_request_however_often_it_is_set
                a_deadline_within_it_comes_first_and_is_no_cancellation
                work_that_waits_for_a_child_is_killed_with_it
            }
            stuck driven {
                after_the_limit_the_answer_is_that_it_still_runs
                an_end_within_the_limit_is_the_answer
                a_limit_of_zero_asks_once
                all_that_is_left_is_named_the_topmost_first
                a_task_that_only_waits_for_its_children_is_named_with_them
                the_place_is_that_of_the_last_await_of_the_library
            }
            callbacks driven {
                all_run_once_the_last_registered_first
                each_begins_after_the_end_of_the_one_before
                work_that_ends_when_it_is_told_does_not_end_before_them
                work_asked_before_its_first_poll_can_still_register_them
                one_registered_late_is_run_as_well
                they_are_part_of_their_task
                a_panic_fails_its_task_alone_and_the_others_still_run
                a_kill_runs_none_and_drops_them
            }
            callbacks_end driven {
                a_task_that_ends_by_itself_runs_none_and_has_dropped_them
                a_parent_does_not_end_before_the_callbacks_of_its_child_are_gone
                registered_after_the_end_one_runs_at_once_or_never
                one_that_is_not_done_is_dropped_with_the_grace_period
                one_that_is_not_done_is_dropped_by_a_kill_and_by_a_deadline
                a_task_in_place_has_callbacks_of_its_own
            }
            shields driven {
                a_kill_waits_for_the_end_of_the_region
                a_hard_kill_is_answered_at_once_and_waits_all_the_same
                the_end_of_a_grace_period_waits_as_well
                a_value_that_comes_with_the_end_of_the_region_wins
                every_kind_of_deadline_waits_for_the_end_of_the_region
                the_failure_of_a_scope_waits_for_the_end_of_the_region
                of_nested_regions_the_outer_one_holds
                a_region_in_a_part_of_the_task_is_the_tasks
            }
            shields_around driven {
                children_are_not_asked_before_its_end
                a_region_that_is_dropped_has_ended
                a_region_dropped_elsewhere_lets_the_kill_through
                one_that_is_not_polled_shields_from_nothing
                one_that_is_entered_after_the_request_is_run_to_its_end
                what_is_polled_beside_the_region_goes_on_with_it
                what_has_an_end_of_its_own_inside_it_still_comes_to_it
                a_limit_on_bare_work_inside_it_still_fires
            }
            cancelled driven {
                whoever_waits_is_woken_once_and_then_always_told
                one_that_is_woken_and_not_polled_is_not_woken_again
                one_that_is_dropped_is_not_woken_and_keeps_nothing
                a_task_that_ends_unasked_tells_nobody
                exactly_the_tree_below_is_told
                what_is_handed_around_is_send_and_sync
            }
            cancelled_below driven {
                a_child_that_is_asked_leaves_those_above_alone
                a_child_of_one_that_was_asked_is_born_told
                children_that_end_in_any_order_leave_their_parent_as_it_was
                one_that_waits_only_for_children_passes_a_request_on
            }
            tree driven {
                a_graceful_request_reaches_every_kind_of_task_below
                a_kill_reaches_every_kind_of_task_below
                a_request_goes_down_a_long_chain
                a_request_reaches_many_children
            }
            tree_edges driven {
                a_detached_task_is_not_reached_nor_what_is_below_it
                what_a_destructor_spawns_during_a_kill_lives_only_detached
                the_cause_says_what_has_become_of_the_parent
                children_of_running_blocking_work_are_told_while_it_runs (threads)
                a_child_born_to_running_blocking_work_that_was_asked_is_told
                children_share_the_grace_period_of_the_one_that_was_asked
                a_hard_kill_is_answered_for_what_is_busy_far_below
            }
            tree_reads driven {
                of_two_who_look_at_the_children_both_see_all (threads)
                a_hard_kill_while_others_look_sees_what_is_busy (threads)
                a_look_at_the_children_of_one_that_fails_spares_none (threads)
                what_is_born_to_one_that_has_failed_is_killed (threads)
            }
            notice owned {
                it_reaches_all_that_waits_and_they_may_end_by_themselves
                its_grace_is_the_shutdowns_limit
                a_grace_period_of_ones_own_holds_within_it
                its_callbacks_run_before_a_task_ends
                what_begins_to_wait_only_after_it_is_told_as_well
                a_request_that_was_there_before_it_keeps_its_cause
            }
            signal_moments owned {
                the_report_names_what_was_killed
            }
            second_signal owned {
                a_kill_that_is_over_at_once_is_in_the_report (threads)
                two_signals_in_one_poll_count_as_two
                a_main_future_that_ends_by_itself_and_then_one_signal
                a_shutdown_with_more_time_reports_what_one_with_less_has_killed
            }
        }
    };
}
