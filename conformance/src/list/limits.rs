//! The part of the list that is about limiters and priorities.

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
                of_a_task_that_waits_before_it_exists
                retried_work_loses_no_permit
                supervised_work_loses_no_permit
            }
            limiter_runtime_end owned {
                a_dropped_runtime_returns_all_permits
                a_shutdown_returns_all_permits
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
        }
    };
}
