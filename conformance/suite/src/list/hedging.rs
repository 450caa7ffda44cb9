//! The part of the list that is about hedged attempts.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_hedging {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_schedules! {
            [$($then)+]
            $($tasks)*
            hedges driven {
                the_second_wins_beside_a_slow_first
                the_first_may_still_win_beside_the_second
                a_first_that_is_fast_enough_has_no_second
                further_attempts_begin_one_delay_apart
                no_more_begin_than_are_permitted
                without_a_delay_all_begin_at_once
                with_the_longest_delay_none_begins_for_being_late
                of_two_in_one_poll_the_earlier_wins
                each_retry_is_another_round
            }
            hedge_failures driven {
                after_an_early_failure_the_next_begins_at_once
                the_delay_counts_anew_from_it
                if_all_fail_the_last_failure_is_the_error_with_the_count
                the_last_to_fail_may_be_the_first_attempt
                an_error_that_no_attempt_mends_is_the_result_at_once
                the_predicate_of_the_retries_holds_for_hedges_as_well
                hedge_if_excludes_errors_from_hedges_and_not_from_retries
                nothing_is_left_of_a_round_before_the_next
                a_refused_attempt_leaves_the_others_alone
                once_the_task_is_asked_to_stop_no_attempt_begins
                a_timeout_has_the_failure_of_an_attempt_before
                panics_in_its_functions_are_the_error
            }
            hedge_ends driven {
                losers_and_their_children_have_ended
                a_child_of_a_loser_is_waited_for
                a_loser_ends_its_shielded_region
                the_cause_says_why_an_attempt_was_stopped
                a_kill_ends_all_attempts
                asked_gracefully_the_first_to_end_wins
                the_overall_timeout_ends_all_attempts
                a_dropped_future_drops_all_attempts
                a_panic_in_a_losers_destructor_leaves_the_value
                a_recovery_begins_after_all_attempts
            }
            hedge_policies driven {
                a_breaker_counts_each_attempt
                a_loser_is_neither_a_failure_nor_a_success_for_a_breaker
                each_attempt_needs_a_permit_of_its_own
                a_success_takes_a_waiting_attempt_out_of_the_queue
                a_child_of_a_loser_keeps_its_permit
                an_attempt_that_takes_too_long_is_followed_by_the_next
                each_attempt_has_the_limit_for_itself
                chaos_strikes_each_attempt_by_itself
                a_round_counts_once_in_the_budget_of_the_retries
            }
            hedge_budgets driven {
                it_is_used_up_and_filled_by_calls
                at_a_hundred_per_cent_each_call_pays_for_itself
                it_is_shared_by_all_that_have_it
                without_a_token_an_early_failure_is_the_result
                each_round_pays
            }
            hedge_kinds driven {
                work_in_place_borrows_and_need_not_be_send
                each_start_of_asynchronous_work_hedges_it
                each_attempt_has_a_context_of_its_own
                a_member_of_a_scope_is_hedged
                tasks_of_an_orchestra_are_hedged
                a_node_ends_after_the_attempts_that_were_not_needed
                each_run_of_repeated_work_is_hedged
                a_hedge_stands_alone
            }
            hedge_settings driven {
                impossible_ones_are_refused_with_their_value_and_range
                a_hedge_is_a_value_that_can_be_read
            }
        }
    };
}
