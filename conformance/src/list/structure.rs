//! The part of the list that is about scopes, sets, restarts, relationships.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_structure {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_capabilities! {
            [$($then)+]
            $($tasks)*
            scopes typed {
                its_value_is_that_of_its_body
                it_begins_when_it_is_awaited
                it_does_not_end_before_a_member_whose_handle_was_dropped
                members_may_spawn_members_after_its_body
                a_spawn_on_one_that_has_ended_is_an_error_on_the_handle
                other_tasks_of_its_body_are_waited_for_and_fail_alone
                one_inside_another_ends_first_and_its_error_can_be_mended
                spawn_as_takes_policies_and_all_kinds_of_work
                ten_thousand_members_end_before_it
                one_awaited_again_is_an_error
            }
            scope_stops driven {
                a_limit_on_it_ends_its_members
                a_limit_is_on_its_members_when_its_body_has_ended
                asked_to_stop_it_stops_its_members
                asked_gracefully_what_body_and_members_give_counts
            }
            scope_failures driven {
                a_member_that_fails_ends_its_siblings_and_the_body
                a_member_may_fail_after_the_body_has_ended
                a_body_that_fails_ends_its_members
                a_member_that_is_cancelled_alone_is_no_failure
                a_member_that_passes_on_a_cancellation_has_failed
                what_a_member_hears_of_another_scopes_failure_is_a_failure
                a_members_own_limit_is_a_failure_of_the_scope
                nothing_of_it_is_kept_whatever_its_end
                what_a_callback_of_a_member_holds_is_dropped_before_it_ends
            }
            scope_errors driven {
                what_fails_later_is_attached_in_the_order_of_its_coming
                a_body_that_fails_after_a_member_is_attached_to_it
                a_member_that_fails_after_the_body_is_attached_to_it
                no_error_is_lost_when_all_fail_at_once
                handing_on_what_a_member_says_adds_no_error
                the_main_error_can_be_downcast
                what_nested_scopes_fail_with_is_one_flat_list
                a_destructor_that_panics_when_siblings_are_killed_is_attached
            }
            adoption driven {
                the_task_around_a_dropped_scope_waits_for_its_members
                the_task_around_dropped_work_with_a_context_waits_for_its_children
                the_task_around_a_dropped_set_waits_for_its_tasks
                several_levels_dropped_at_once_are_all_waited_for
                a_scope_waits_for_what_was_dropped_in_its_body
                a_kill_is_over_when_what_it_dropped_is_gone
                a_failure_in_a_dropped_scope_harms_nobody
                what_a_member_of_a_dropped_scope_spawns_is_never_called
                blocking_work_of_a_dropped_scope_is_waited_for (threads)
            }
            sweeps driven {
                a_scope
                scopes_inside_scopes
                a_scope_that_fails
                a_set
                a_set_of_work_in_place
                the_first_of_many
                work_with_a_context
                a_tree_of_tasks
                a_pipeline
                a_pipeline_in_batches
                a_pipeline_on_the_blocking_pool
                blocking_work_in_place
            }
            root_adoption owned {
                members_of_a_dropped_scope_are_counted_until_they_end
                children_of_dropped_work_in_place_are_counted_until_they_end
                a_scope_itself_is_no_task_of_the_root
                the_count_falls_by_one_for_each_end
                a_shutdown_after_any_number_of_ends_waits_for_the_rest
                ten_shutdowns_at_once_all_end_with_the_last_task
                all_that_was_spawned_before_a_shutdown_has_run
                a_scope_under_a_shutdown_ends_by_itself_or_is_killed
                a_scope_whose_runtime_closes_takes_members_while_it_goes_on
                what_waits_in_a_scope_lets_the_root_go_on
            }
            sets driven {
                next_gives_results_in_the_order_of_their_ends
                a_member_may_be_pushed_between_results
                members_in_place_borrow_and_need_not_be_send
                all_gives_values_in_the_order_of_pushing
                an_empty_set_has_all_and_none
                a_dropped_next_has_taken_nothing
                what_had_not_ended_stays_in_the_set_when_all_is_dropped
                a_thousand_that_have_ended_are_all_given
                killed_members_are_told_from_those_that_ended
                a_dropped_set_kills_its_tasks
                a_dropped_set_leaves_members_to_their_scope
                what_fails_in_a_set_of_members_fails_their_scope
                a_task_asked_gracefully_gives_its_value_to_the_set
            }
            set_ends driven {
                the_first_failure_stops_the_others_of_all
                the_first_success_stops_the_others_of_any
                losers_are_gone_when_the_winner_is_told
                losers_in_place_are_dropped
                children_of_losers_in_place_are_gone_with_the_task_around
                any_that_none_wins_tells_all_failures
                n_of_gives_the_first_in_the_order_of_their_success
                n_of_ends_when_so_many_cannot_succeed_any_more
                more_than_there_are_cannot_be_asked_for
                what_fails_while_it_is_stopped_is_attached
                stop_waits_and_tells_own_failures_alone
            }
            restarts driven {
                errors_panics_and_limits_of_one_attempt_are_restarted
                the_closure_may_panic_and_work_may_be_synchronous
                the_last_failure_is_told_with_the_number_of_attempts
                a_restart_counts_for_one_period
                children_are_gone_before_the_next_attempt
                killed_work_is_not_restarted
                a_kill_while_the_children_of_an_attempt_end_is_the_end
                no_attempt_begins_once_it_was_asked_to_stop
                asked_gracefully_the_value_of_the_attempt_counts
                a_limit_on_the_whole_is_on_all_attempts
                what_another_attempt_cannot_mend_is_passed_on
                each_attempt_has_the_values_and_the_name_of_the_task
            }
            restart_breakers driven {
                behind_an_open_breaker_it_waits_and_uses_up_no_restart
                behind_a_half_open_breaker_all_come_through
                what_opens_while_it_stands_in_line_is_waited_for
                a_cancellation_ends_the_wait_for_a_breaker
            }
            restart_waits driven {
                a_policy_that_counts_nothing_is_refused_before_any_call
                a_restart_waits_as_it_was_told
                where_nothing_is_said_it_doubles_from_100_ms_with_full_jitter
                restarts_that_no_longer_count_make_the_wait_short_again
                a_cancellation_ends_the_wait_at_once
                a_helper_that_somebody_cancelled_is_a_failure_as_others
                work_that_asks_itself_to_stop_is_not_started_again
                a_handle_tells_of_restarts_as_of_retries
                a_restart_that_comes_too_late_is_not_waited_for
            }
            relations driven {
                parents_and_children_are_named_while_they_live
                what_runs_in_place_and_scopes_are_between
                a_detached_child_has_no_parent_and_is_no_child
                messages_go_both_ways_by_type
                a_full_channel_makes_its_senders_wait
                channels_are_closed_when_the_task_has_ended
                channels_are_closed_when_the_parents_work_has_ended
                channels_made_after_the_parents_work_has_ended_are_closed
                a_detached_child_keeps_its_channels
                one_that_was_refused_has_nobody_and_closed_channels
                messages_that_nobody_took_are_dropped
            }
            context driven {
                work_of_all_kinds_finds_its_task
                outside_of_a_task_there_is_none
                part_of_a_task_finds_that_task
                a_destructor_of_killed_work_finds_its_task
                a_value_reaches_work_of_all_kinds
                a_value_reaches_all_below_and_each_may_replace_it
                a_detached_child_keeps_what_it_was_given
                a_value_is_dropped_with_the_last_that_has_it
                receivers_of_a_pipeline_find_its_values_and_those_around
            }
            readiness driven {
                it_is_ready_when_it_says_so_and_no_sooner
                it_stays_ready_and_may_say_so_again
                many_may_wait_for_it
                one_that_ends_without_saying_so_is_never_ready
                one_that_is_stopped_before_is_never_ready
                what_happens_after_it_is_ready_is_told_by_its_handle
                blocking_work_may_say_so
                a_member_that_is_not_ready_keeps_its_scope_open
                a_member_that_fails_before_fails_its_scope
                whoever_waits_may_be_stopped_and_the_task_goes_on
                it_may_be_said_around_a_cancellation
                it_is_told_or_the_end_is_whichever_comes_first
            }
        }
    };
}
