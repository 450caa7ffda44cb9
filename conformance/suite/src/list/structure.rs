//! The part of the list that is about scopes, sets, restarts, relationships.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_structure {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_capabilities! {
            [$($then)+]
            $($tasks)*
            scopes driven {
                its_value_is_that_of_its_body
                it_begins_when_it_is_awaited
                it_does_not_end_before_a_member_whose_handle_was_dropped
                members_may_spawn_members_after_its_body
                a_spawn_on_an_ended_scope_is_an_error_on_the_handle
                other_tasks_of_its_body_are_waited_for_and_fail_alone
                an_inner_scope_ends_first_and_its_error_can_be_handled
                spawn_as_takes_policies_and_all_kinds_of_work
                ten_thousand_members_end_before_it
                a_scope_awaited_again_is_an_error
                members_and_daemons_are_given_their_context
            }
            scope_stops driven {
                a_limit_on_it_ends_its_members
                a_limit_is_on_its_members_when_its_body_has_ended
                a_cancelled_scope_cancels_its_members
                values_of_body_and_members_count_after_a_graceful_request
                a_member_that_passes_on_the_request_kills_no_other
                a_daemon_that_passes_on_its_end_is_no_failure
                a_stop_for_a_failure_elsewhere_is_a_failure
                several_errors_are_not_lost_for_one_that_is_the_request
            }
            scope_failures driven {
                a_member_that_fails_ends_its_siblings_and_the_body
                a_member_may_fail_after_the_body_has_ended
                a_body_that_fails_ends_its_members
                a_member_that_is_cancelled_alone_is_no_failure
                a_member_that_passes_on_a_cancellation_has_failed
                an_error_of_another_scope_passed_on_by_a_member_is_a_failure
                a_members_own_limit_is_a_failure_of_the_scope
                nothing_of_a_scope_is_kept_whatever_its_end
                callbacks_of_members_are_dropped_before_the_scope_ends
            }
            scope_errors driven {
                later_failures_are_attached_in_their_order
                a_body_that_fails_after_a_member_is_attached_to_it
                a_member_that_fails_after_the_body_is_attached_to_it
                no_error_is_lost_when_all_fail_at_once
                passing_on_the_error_of_a_member_adds_no_error
                the_main_error_can_be_downcast
                errors_of_nested_scopes_are_one_flat_list
                a_destructor_that_panics_when_siblings_are_killed_is_attached
            }
            daemons driven {
                a_daemon_serves_members_until_they_have_ended
                a_daemon_is_cancelled_once_only_daemons_are_left
                a_daemon_that_ends_early_leaves_the_members_alone
                a_scope_of_daemons_alone_ends_with_its_body
                all_daemons_are_stopped_at_the_same_time
                spawn_daemon_as_takes_policies_and_all_kinds_of_work
            }
            daemon_spawns driven {
                tasks_that_a_daemon_spawns_are_part_of_it
                a_member_that_a_daemon_has_spawned_is_waited_for_first
                a_scope_inside_a_daemon_ends_before_it
                a_scope_whose_daemons_are_cancelled_takes_no_more
            }
            daemon_ends driven {
                a_daemon_that_fails_ends_its_scope
                a_daemon_that_fails_in_its_grace_period_fails_its_scope
                a_daemon_that_stays_is_killed_after_its_grace_period
                a_daemon_that_is_killed_alone_is_no_failure
                a_daemon_of_a_killed_scope_is_killed_with_the_members
                a_daemon_of_a_scope_killed_for_a_reason_has_it
                a_scope_cancelled_gracefully_stops_its_daemons_after_the_members
                a_failure_in_the_scope_kills_its_daemons
                a_limit_on_the_scope_is_on_the_grace_period_of_its_daemons
                a_dropped_scope_kills_its_daemons_and_the_task_around_waits
                a_recovery_begins_once_the_daemons_are_gone
                a_scope_that_has_ended_takes_no_daemon
            }
            spawn_in driven {
                ten_thousand_inputs_are_never_more_tasks_than_permits
                a_waiting_spawn_has_no_task_and_may_be_dropped
                an_unseen_permit_of_a_dropped_spawn_goes_to_the_next
                a_caller_killed_while_it_waits_has_spawned_no_task
                the_permit_is_held_until_the_children_have_ended
                retries_and_a_recovery_keep_the_permit
                a_spawn_beyond_the_bound_on_waiters_is_rejected
                the_most_urgent_caller_comes_first
                a_rate_is_that_of_the_spawns
                a_scope_that_has_ended_meanwhile_takes_no_member
                the_failure_of_a_member_is_that_of_its_scope
                the_limiter_of_the_work_must_be_another_one
                a_policy_that_cannot_work_is_refused_before_the_wait
                an_ad_hoc_task_of_an_orchestra_can_wait_too
            }
            scope_shutdowns owned {
                daemons_are_cancelled_after_the_members
                a_runtime_that_has_shut_down_takes_no_task_with_a_permit
            }
            adoption driven {
                the_task_around_a_dropped_scope_waits_for_its_members
                the_task_around_dropped_work_with_a_context_waits_for_its_children
                the_task_around_a_dropped_set_waits_for_its_tasks
                several_levels_dropped_at_once_are_all_waited_for
                a_scope_waits_for_a_scope_dropped_in_its_body
                a_kill_waits_for_the_members_of_a_dropped_scope
                a_failure_in_a_dropped_scope_harms_no_other_task
                work_spawned_by_a_member_of_a_dropped_scope_is_never_called
                blocking_work_of_a_dropped_scope_is_waited_for (threads)
            }
            sweeps driven {
                a_scope
                scopes_inside_scopes
                a_scope_that_fails
                a_scope_with_daemons
                a_scope_that_spawns_in_a_limiter
                a_set
                a_set_of_work_in_place
                the_first_of_many
                work_with_a_context
                a_tree_of_tasks
                blocking_work_in_place
            }
            pipeline_sweeps driven {
                a_pipeline
                a_pipeline_in_batches
                a_pipeline_on_the_blocking_pool
            }
            root_adoption owned {
                members_of_a_dropped_scope_are_counted_until_they_end
                children_of_dropped_work_in_place_are_counted_until_they_end
                a_scope_itself_is_no_task_of_the_root
                the_count_falls_by_one_for_each_end
                a_shutdown_after_any_number_of_ends_waits_for_the_rest
                ten_shutdowns_at_once_all_end_with_the_last_task
                all_tasks_spawned_before_a_shutdown_have_run
                a_scope_under_a_shutdown_ends_by_itself_or_is_killed
                a_scope_whose_runtime_closes_takes_members_while_it_goes_on
                a_waiting_scope_without_members_is_not_counted_by_the_root
            }
            sets driven {
                next_gives_results_in_the_order_of_their_ends
                a_member_may_be_pushed_between_results
                members_in_place_borrow_and_need_not_be_send
                all_gives_values_in_the_order_of_pushing
                an_empty_set_has_all_and_none
                a_dropped_next_has_taken_nothing
                unfinished_members_stay_in_the_set_when_all_is_dropped
                a_thousand_ended_members_are_all_returned
                killed_members_are_distinguished_from_completed_ones
                a_dropped_set_kills_its_tasks
                a_dropped_set_leaves_members_to_their_scope
                a_failure_in_a_set_of_members_fails_their_scope
                a_gracefully_cancelled_task_gives_its_value_to_the_set
            }
            set_ends driven {
                the_first_failure_stops_the_others_of_all
                the_first_success_stops_the_others_of_any
                losers_have_ended_when_the_winner_is_returned
                losers_in_place_are_dropped
                children_of_in_place_losers_end_with_the_enclosing_task
                any_without_a_success_reports_all_failures
                n_of_gives_the_first_in_the_order_of_their_success
                n_of_ends_when_so_many_cannot_succeed_any_more
                n_of_more_than_the_members_is_refused
                a_failure_during_the_stop_is_attached
                stop_waits_and_returns_only_the_members_own_failures
            }
            restarts driven {
                errors_panics_and_limits_of_one_attempt_are_restarted
                the_closure_may_panic_and_work_may_be_synchronous
                the_last_failure_is_reported_with_the_number_of_attempts
                a_restart_counts_for_one_period
                children_have_ended_before_the_next_attempt
                killed_work_is_not_restarted
                a_kill_while_the_children_of_an_attempt_end_is_the_end
                no_attempt_begins_after_a_cancellation
                the_value_of_an_attempt_counts_after_a_graceful_request
                the_overall_timeout_covers_all_attempts
                errors_that_a_restart_cannot_change_are_passed_on
                each_attempt_has_the_values_and_the_name_of_the_task
            }
            restart_breakers driven {
                the_wait_for_an_open_breaker_uses_up_no_restart
                supervised_tasks_all_pass_a_half_open_breaker
                a_breaker_that_opens_while_the_task_is_queued_is_waited_for
                supervised_work_waits_for_the_change_of_an_isolated_breaker
                a_cancellation_ends_the_wait_for_a_breaker
            }
            restart_waits driven {
                a_policy_that_counts_nothing_is_refused_before_any_call
                a_restart_waits_for_the_set_backoff
                the_default_backoff_doubles_from_100_ms_with_full_jitter
                restarts_that_no_longer_count_make_the_wait_short_again
                a_cancellation_ends_the_wait_at_once
                a_cancelled_helper_task_is_a_failure_like_any_other
                work_that_cancels_itself_is_not_restarted
                a_handle_reports_restarts_as_retries
                a_restart_that_comes_too_late_is_not_waited_for
                without_jitter_a_restart_draws_no_random_number
            }
            relations driven {
                parents_and_children_are_named_while_they_live
                in_place_tasks_and_scopes_are_levels_of_the_tree
                a_detached_child_has_no_parent_and_is_no_child
                messages_go_both_ways_by_type
                a_full_channel_makes_its_senders_wait
                channels_are_closed_when_the_task_has_ended
                channels_are_closed_when_the_parents_work_has_ended
                channels_made_after_the_parents_work_has_ended_are_closed
                a_detached_child_keeps_its_channels
                a_refused_task_has_no_children_and_closed_channels
                unreceived_messages_are_dropped
            }
            context driven {
                work_of_all_kinds_finds_its_task
                outside_of_a_task_there_is_none
                part_of_a_task_finds_that_task
                a_destructor_of_killed_work_finds_its_task
                a_value_reaches_work_of_all_kinds
                a_value_reaches_all_below_and_each_may_replace_it
                a_detached_child_keeps_its_values
                a_value_is_dropped_with_its_last_holder
                receivers_find_the_values_of_pipeline_and_enclosing_task
            }
            readiness driven {
                a_task_is_ready_once_it_calls_started_and_no_sooner
                a_ready_task_stays_ready_and_may_call_started_again
                many_may_wait_for_it
                a_task_that_ends_without_calling_started_is_never_ready
                a_task_stopped_before_started_is_never_ready
                a_failure_after_readiness_is_reported_by_the_handle
                blocking_work_may_call_started
                a_member_that_is_not_ready_keeps_its_scope_open
                a_member_that_fails_before_fails_its_scope
                a_waiter_may_be_cancelled_and_the_task_goes_on
                started_may_be_called_around_a_cancellation
                a_started_call_before_the_end_is_not_lost
            }
        }
    };
}
