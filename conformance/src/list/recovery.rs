//! The part of the list that is about retries, recovery and circuit breakers.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_recovery {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_limits! {
            [$($then)+]
            $($tasks)*
            retries driven {
                it_is_tried_until_it_succeeds
                it_is_tried_once_more_often_than_there_are_retries
                with_no_retries_the_error_is_the_works_own
                the_last_error_keeps_its_type_and_its_causes
                what_another_attempt_cannot_mend_is_tried_once
                the_predicate_is_asked_about_the_rest
                a_failed_attempt_is_dropped_before_the_next
                the_children_of_an_attempt_are_gone_before_the_next
                each_attempt_has_the_values_and_the_name_of_the_task
                retries_inside_of_retries_multiply
            }
            retry_kinds driven {
                async_work_in_place_borrows_and_need_not_be_send
                run_tries_each_kind_of_work_again
                spawn_tries_each_kind_of_work_again
                the_closure_itself_may_fail_an_attempt
                a_member_of_a_scope_is_tried_again
            }
            retry_limits driven {
                an_attempt_that_takes_too_long_is_tried_again
                the_limit_on_the_whole_covers_attempts_and_backoff
                the_error_of_the_whole_says_how_the_attempt_before_failed
                on_a_tie_the_limit_on_the_whole_comes_before_that_of_an_attempt
                a_cancellation_comes_before_both_limits
                a_limit_of_zero_makes_one_attempt
            }
            limit_errors driven {
                that_of_supervised_work_tells_the_last_failure
                that_of_a_task_of_an_orchestra_tells_the_last_failure
                that_of_work_in_place_tells_the_last_failure
                in_the_first_backoff_the_failure_before_it_is_told
                that_of_another_task_passed_on_is_a_failure
                that_of_a_member_is_a_failure_of_its_scope
                that_of_an_attempt_is_no_end_of_the_whole_ones_time
                that_of_other_work_waits_for_no_tie
            }
            retry_deadlines driven {
                a_wait_that_would_end_after_it_is_not_begun
                waits_that_fit_are_made
                that_of_a_task_above_counts
                a_retry_that_stands_alone_looks_at_the_task_around_it
                in_a_shielded_region_the_wait_is_made
                one_that_has_passed_ends_it_as_a_time_limit
                one_that_is_moved_away_leaves_time
                what_stands_behind_it_recovers_at_once
            }
            error_chains driven {
                the_works_own_error_is_in_the_chain
                a_reporter_says_each_thing_once
                work_that_failed_each_time_says_so_and_why
                a_panic_names_its_task
                the_task_in_which_it_was_is_named_and_no_other
                of_several_each_is_told_with_its_causes
            }
            backoff driven {
                it_is_as_long_as_the_strategy_says
                with_jitter_it_is_within_its_bounds
                where_nothing_is_said_it_doubles_from_100_ms_with_full_jitter
                a_factor_that_cannot_work_is_refused_before_any_attempt
                a_cancellation_ends_it_at_once
                a_dropped_handle_ends_it_at_once
                asked_gracefully_in_it_the_callbacks_run_before_the_end
                a_cancellation_of_the_task_around_ends_it
                asked_gracefully_in_an_attempt_its_end_is_that_of_the_task
                work_without_any_can_be_killed_between_its_attempts
            }
            retry_budgets driven {
                down_to_half_of_it_failing_work_is_tried_again
                successes_give_back_what_permits_retries_again
                what_is_not_tried_again_costs_nothing
                many_at_the_same_time_have_no_more_together
            }
            recovery driven {
                it_is_asked_when_all_else_has_failed
                it_is_asked_about_what_was_refused
                the_limit_on_the_whole_is_not_on_it
                a_limit_that_passes_while_a_callback_runs_is_recovered_from
                the_limit_of_the_task_around_is_on_it
                it_is_not_asked_about_what_was_meant_to_stop
                it_may_fail_or_panic_itself
                a_kill_drops_it
                asked_gracefully_its_value_counts
                of_supervised_work_it_is_asked_once_for_the_whole
                it_is_part_of_the_task
            }
            recoverable driven {
                it_tells_of_the_retries_while_they_go_on
                a_reset_permits_as_many_more
                a_reset_does_not_cut_the_wait_short
                a_task_without_retries_says_so
                it_tells_what_would_be_tried_again_or_recovered_from
                recover_does_the_recovery_work_for_the_caller
            }
            breakers driven {
                failures_in_a_row_open_it
                while_it_is_open_nothing_passes
                it_closes_once_all_its_probes_have_succeeded
                a_probe_that_fails_opens_it_again
                what_was_let_through_before_a_change_says_nothing
                panics_and_time_limits_count
                what_says_nothing_about_the_called_does_not_count
                whoever_waits_for_a_change_is_woken
                its_changes_are_told_with_its_name
                settings_that_cannot_work_are_refused
                each_attempt_asks_it_and_its_refusal_ends_the_retries
            }
            breaker_probes driven {
                of_a_thousand_at_once_only_as_many_pass_as_are_permitted
                one_that_is_stopped_gives_its_place_back
                one_that_is_dropped_in_place_gives_its_place_back
                one_that_stands_in_line_takes_none
                what_stands_in_line_when_it_opens_does_not_begin
                one_that_a_limiter_refuses_takes_none
                one_whose_time_is_up_has_failed
            }
            breaker_hangs driven {
                a_probe_that_hangs_keeps_its_place_for_so_long
                what_it_ends_with_later_counts
                one_that_hangs_has_no_place_to_give_back
                without_a_bound_it_keeps_its_place
            }
            composition driven {
                the_order_of_a_builders_calls_does_not_matter
                the_limit_of_an_attempt_is_not_on_the_wait_for_a_limiter
                a_place_of_a_limiter_is_kept_for_one_attempt_and_not_for_the_backoff
                a_place_is_free_before_the_error_is_given
            }
        }
    };
}
