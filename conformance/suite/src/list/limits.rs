//! The part of the list that is about limiters, keyed policies, priorities, and impossible settings of all
//! policies.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_limits {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_orchestras! {
            [$($then)+]
            $($tasks)*
            limiters driven {
                running_work_of_all_kinds_never_exceeds_the_maximum
                waiters_are_admitted_in_the_order_of_arrival
                clones_of_a_limiter_and_of_builders_share_its_permits
                a_limiter_reports_how_many_run_and_wait
                the_permit_is_returned_during_the_backoff
                work_with_a_permit_may_need_one_of_another_limiter
                work_beyond_max_waiting_is_refused
                a_refusal_does_not_count_for_a_breaker
                a_refusal_is_not_retried
                a_refusal_can_be_recovered_from
                an_invalid_limiter_is_refused_with_the_setting_to_change
            }
            limiter_rate driven {
                the_burst_comes_first_and_then_one_each_gap
                unused_rate_is_kept_up_to_the_burst
                a_rate_that_is_no_whole_number_of_nanoseconds_is_not_exceeded
                permits_and_rate_both_hold
                all_tasks_are_admitted
                a_waiter_that_gives_up_does_not_use_the_rate
                the_timer_owner_may_be_cancelled
                an_unpolled_waiter_takes_its_turn_and_others_go_on
                a_waiter_for_a_permit_is_notified_to_wait_for_the_rate
                a_timeout_of_the_timer_owner_lets_others_go_on
                the_longest_period_admits_no_work_after_the_burst
                the_most_urgent_waiter_for_the_rate_is_admitted_first
                each_attempt_counts
                an_arrival_is_not_refused_for_waiters_admitted_at_that_moment
            }
            limiter_ends driven {
                cancelled_waiters_lose_no_permit
                cancelled_running_work_loses_no_permit
                work_cancelled_right_after_admission_loses_no_permit
                panicking_work_loses_no_permit
                a_panicking_destructor_loses_no_permit
                an_attempt_timeout_loses_no_permit
                an_overall_timeout_loses_no_permit
                the_wait_is_not_under_the_limit_on_an_attempt
                dropped_handles_lose_no_permit
                dropped_in_place_work_loses_no_permit
                a_failed_scope_loses_no_permit
                kills_racing_with_admission_lose_no_permit
                a_moved_waiter_is_woken_by_its_last_waker
            }
            limiter_permits driven {
                killed_blocking_work_holds_its_permit_to_its_end (threads)
                timed_out_blocking_work_holds_its_permit_to_its_end (threads)
                children_of_the_work_keep_its_permit
                detached_tasks_do_not_keep_the_permit
                the_permit_is_returned_and_children_have_ended_before_a_recovery
            }
            permits_swept driven {
                in_place_work_loses_no_permit
                in_place_work_within_a_task_loses_no_permit
                a_task_loses_no_permit
                a_task_that_waits_before_it_exists_loses_no_permit
                retried_work_loses_no_permit
                hedged_work_loses_no_permit
                supervised_work_loses_no_permit
            }
            limiter_runtime_end owned {
                a_dropped_runtime_returns_all_permits
                a_shutdown_returns_all_permits
            }
            limiter_adaptive driven {
                the_number_of_permits_can_be_read
                permits_rise_while_more_of_them_help
                permits_stop_rising_where_more_make_all_slower
                idle_hours_change_nothing
                permits_that_are_set_are_fixed
                a_range_of_one_number_is_fixed
                waiters_for_the_rate_raise_no_permits
                an_arrival_beyond_the_bound_on_waiters_is_refused
                no_permit_is_lost_while_their_number_changes
                each_change_is_an_event_with_the_name
                settings_that_cannot_work_are_refused_with_their_values
            }
            limiter_handover driven {
                an_arrival_takes_no_permit_of_a_waiter_that_was_not_yet_polled
                an_arrival_waits_for_an_admitted_task_that_is_not_polled
                a_permit_that_its_waiter_gives_up_goes_to_the_next_and_to_no_arrival
                permits_that_are_raised_admit_only_as_many_as_are_free
            }
            limiter_unpolled driven {
                a_waiter_in_the_same_task_can_be_timed_out
                the_permit_of_dropped_work_is_free
                the_permit_of_work_that_is_polled_to_its_end_is_free
                spawned_work_ends_whatever_its_spawner_polls
                a_permit_given_to_unpolled_work_in_the_queue_serves_no_work
            }
            keyed_policies driven {
                each_key_has_a_limiter_of_its_own
                a_breaker_that_opens_for_one_key_is_closed_for_the_others
                a_pair_of_policies_has_one_key
                a_policy_is_made_once_for_its_key
                concurrent_callers_with_a_new_key_have_the_same_policy
                an_error_of_the_making_is_returned_and_not_kept
                a_removed_key_has_another_policy_from_then_on
                a_snapshot_is_in_the_order_of_uses_and_is_no_use
                a_bound_of_zero_is_refused
            }
            keyed_eviction driven {
                the_least_recently_used_is_evicted_first
                a_limiter_with_work_under_way_or_waiting_is_not_evicted
                a_policy_is_not_evicted_while_a_task_has_it
                a_breaker_is_not_evicted_while_it_refuses_calls
                a_closed_breaker_without_calls_is_evicted
                a_limiter_whose_rate_is_used_up_is_not_evicted
                a_limiter_that_all_keys_share_keeps_none_of_them
                the_clock_of_an_eviction_is_that_of_the_calling_task
                a_new_key_is_refused_while_the_policies_of_all_others_are_in_use
                no_key_has_two_limiters_and_there_are_never_too_many
            }
            keyed_foreign_code driven {
                the_code_of_a_key_may_call_back
                the_making_of_a_policy_may_get_those_of_other_keys
                a_policy_made_during_its_own_making_is_the_one_that_stays
                a_panic_while_a_policy_is_made_is_an_error
                a_panic_in_the_code_of_a_key_is_an_error_and_harms_nothing
            }
            priorities driven {
                priorities_are_ordered_numbered_and_bounded
                the_most_urgent_waiter_is_first_and_equals_keep_their_order
                work_of_all_kinds_has_the_priority_of_its_task
                in_place_work_has_the_priority_of_its_builder
                generic_code_can_ask_for_a_priority_alone
                a_task_without_a_priority_has_that_of_the_enclosing_task
                a_waiter_moves_when_its_priority_changes
                a_waiter_with_a_changed_priority_keeps_its_turn_among_equals
                a_waiting_descendant_moves_with_the_priority_of_its_ancestor
                scope_members_are_admitted_in_the_order_of_priority
            }
            ageing driven {
                every_waiter_is_admitted_within_the_bound_under_endless_urgency
                waiters_that_arrived_earlier_stay_before_an_aged_one
                without_ageing_less_urgent_waiters_wait_forever
                fully_aged_waiters_are_admitted_in_the_order_of_arrival
                an_interval_is_worth_one_class
                a_change_keeps_the_time_that_it_has_waited
            }
            lending driven {
                a_task_that_awaits_a_handle_lends_its_priority
                a_lent_priority_is_lent_on
                a_priority_raised_later_is_lent
                a_less_urgent_lender_lowers_nothing
                a_task_that_awaits_a_member_or_a_set_lends_its_priority
                a_task_that_only_waits_for_its_children_lends_to_them
                a_parent_waiting_for_children_passes_on_a_lent_priority
                a_parent_waiting_for_children_passes_on_a_priority_set_later
                a_scope_whose_body_has_ended_lends_to_its_members
                nothing_is_lent_to_a_detached_task
                a_task_keeps_a_lent_priority_when_it_is_no_longer_awaited
            }
            impossible_settings driven {
                a_task_refuses_them_in_each_order_and_each_way_to_start
                supervised_work_refuses_them_before_its_first_call
                repeated_work_refuses_them_before_its_first_run
            }
            impossible_builds driven {
                a_limiter_is_not_built_with_them
                a_circuit_breaker_is_not_built_with_them
                keyed_policies_and_intervals_are_not_made_with_them
                an_orchestrator_is_not_built_with_them
                the_ends_of_their_ranges_work
            }
            impossible_pipelines driven {
                a_pipeline_refuses_them_in_each_order_and_each_way_to_start
                batches_refuse_them
                stages_that_run_ahead_refuse_policies_around_attempts
                stages_refuse_a_number_of_events_to_take
                sources_refuse_them_before_anything_is_read
                the_ends_of_their_ranges_work
            }
        }
    };
}
