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
                errors_that_a_retry_cannot_change_are_not_retried
                the_predicate_decides_about_all_other_errors
                a_failed_attempt_is_dropped_before_the_next
                the_children_of_an_attempt_have_ended_before_the_next
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
                the_overall_timeout_covers_attempts_and_backoff
                an_overall_timeout_error_has_the_failure_of_the_attempt_before
                on_a_tie_the_overall_timeout_comes_before_the_attempt_timeout
                a_cancellation_comes_before_both_limits
                a_limit_of_zero_makes_one_attempt
            }
            limit_errors driven {
                a_timeout_of_supervised_work_has_the_last_failure
                a_timeout_in_an_orchestra_has_the_last_failure
                a_timeout_of_in_place_work_has_the_last_failure
                a_timeout_in_the_first_backoff_has_the_failure_before_it
                a_passed_on_timeout_of_another_task_is_a_failure
                a_timeout_of_a_member_is_a_failure_of_its_scope
                an_attempt_timeout_does_not_expire_the_task
                a_passed_on_timeout_wins_a_tie_with_the_own_deadline
            }
            retry_deadlines driven {
                a_wait_that_would_end_after_the_deadline_is_not_begun
                waits_that_end_before_the_deadline_are_made
                the_deadline_of_an_enclosing_task_counts
                a_standalone_retry_respects_the_deadline_of_the_enclosing_task
                in_a_shielded_region_the_wait_is_made
                a_passed_deadline_ends_the_retries_with_a_timeout
                a_deadline_moved_later_leaves_time_for_retries
                recovery_runs_at_once_when_no_wait_fits
            }
            error_chains driven {
                the_works_own_error_is_in_the_chain
                a_reporter_prints_each_text_once
                exhausted_retries_report_the_count_and_the_last_error
                a_panic_names_its_task
                only_the_nearest_named_task_of_an_error_is_named
                each_of_several_errors_is_reported_with_its_causes
            }
            backoff driven {
                it_is_as_long_as_the_strategy_says
                with_jitter_it_is_within_its_bounds
                the_default_backoff_doubles_from_100_ms_with_full_jitter
                a_factor_that_cannot_work_is_refused_before_any_attempt
                a_cancellation_ends_it_at_once
                a_dropped_handle_ends_it_at_once
                callbacks_run_before_the_end_of_a_gracefully_cancelled_backoff
                a_cancellation_of_the_task_around_ends_it
                an_attempt_gracefully_cancelled_decides_the_end_of_the_task
                work_without_any_can_be_killed_between_its_attempts
            }
            retry_budgets driven {
                failing_work_is_retried_down_to_half_of_the_budget
                successes_return_tokens_that_permit_retries_again
                errors_that_are_not_retried_cost_nothing
                concurrent_tasks_have_no_more_retries_together
            }
            recovery driven {
                recovery_runs_after_all_other_policies_have_failed
                recovery_is_called_for_refusals
                the_overall_timeout_does_not_cover_recovery
                a_limit_that_passes_while_a_callback_runs_is_recovered_from
                the_limit_of_an_enclosing_task_covers_recovery
                recovery_is_not_called_for_cancellations_and_shutdown
                it_may_fail_or_panic_itself
                a_kill_drops_it
                a_recovered_value_counts_after_a_graceful_request
                supervised_work_is_recovered_once_after_all_attempts
                it_is_part_of_the_task
            }
            recoverable driven {
                retries_are_reported_while_they_go_on
                a_reset_permits_as_many_retries_again
                a_reset_does_not_cut_the_wait_short
                a_task_without_retries_says_so
                a_handle_reports_which_errors_are_retried_or_recovered
                recover_does_the_recovery_work_for_the_caller
            }
            breakers driven {
                failures_in_a_row_open_it
                while_it_is_open_nothing_passes
                it_closes_once_all_its_probes_have_succeeded
                a_probe_that_fails_opens_it_again
                a_call_admitted_before_a_state_change_does_not_count
                panics_and_time_limits_count
                outcomes_unrelated_to_the_callee_do_not_count
                a_waiter_for_a_state_change_is_woken
                state_changes_are_logged_with_the_breakers_name
                settings_that_cannot_work_are_refused
                each_attempt_passes_the_breaker_and_a_refusal_ends_the_retries
            }
            breaker_probes driven {
                only_the_permitted_number_of_a_thousand_calls_passes
                a_cancelled_probe_returns_its_permit
                a_dropped_in_place_probe_returns_its_permit
                a_call_queued_at_a_limiter_takes_no_permit
                a_call_queued_when_the_breaker_opens_does_not_begin
                a_call_refused_by_a_limiter_takes_no_permit
                a_probe_that_times_out_has_failed
            }
            breaker_hangs driven {
                a_hanging_probe_keeps_its_permit_until_the_half_open_timeout
                a_late_outcome_of_a_hanging_probe_counts
                an_overdue_probe_has_no_permit_to_return
                without_a_half_open_timeout_a_hanging_probe_keeps_its_permit
            }
            composition driven {
                the_order_of_a_builders_calls_does_not_matter
                the_limit_of_an_attempt_is_not_on_the_wait_for_a_limiter
                a_permit_is_held_for_one_attempt_and_not_for_the_backoff
                a_permit_is_free_before_the_error_is_given
            }
        }
    };
}
