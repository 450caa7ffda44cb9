//! The part of the list that is about retries, recovery and circuit breakers.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_recovery {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_hedging! {
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
                an_attempt_is_a_task_below_its_own
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
            retry_after driven {
                the_wait_is_as_long_as_the_error_says
                jitter_does_not_shorten_the_wait
                a_longer_wait_is_shortened_to_the_maximum
                the_maximum_is_one_minute_unless_it_is_set
                an_error_without_a_delay_leaves_the_wait_to_the_strategy
                a_delay_of_zero_leads_to_an_attempt_at_once
                a_wait_that_would_end_after_the_deadline_is_not_begun
                a_wait_that_the_maximum_makes_short_enough_is_begun
                a_wait_beyond_counting_lasts_until_a_cancellation
                the_works_own_error_is_found_through_retries_inside_of_the_attempt
                the_function_is_called_for_each_error_that_is_retried
                the_function_is_not_called_where_no_attempt_follows
                a_spent_budget_ends_the_attempts_before_the_function_is_called
                a_standalone_retry_has_the_wait_too
            }
            on_retry driven {
                the_function_is_called_before_each_wait
                the_reported_delay_is_that_of_the_wait_with_its_jitter
                the_function_is_not_called_where_no_attempt_follows
                the_function_is_not_called_in_a_cancelled_task
                a_standalone_retry_in_a_cancelled_task_calls_no_function
                the_function_is_called_in_the_task_and_may_cancel_it
                numbers_go_on_after_a_reset_of_the_count
                the_last_function_that_was_set_is_called
            }
            attempt_numbers driven {
                each_kind_of_retried_work_has_it
                tasks_that_an_attempt_starts_count_from_one
                hedged_attempts_each_have_their_own
                restarted_work_has_it
                a_recovery_finds_how_many_attempts_were_made
                each_run_of_a_schedule_counts_from_one
                tasks_of_an_orchestra_have_it
            }
            retry_panics driven {
                a_panic_in_a_function_is_the_error_of_the_task
                a_panic_in_a_function_is_the_error_of_a_standalone_retry
                a_recovery_is_called_with_the_panic
                the_row_of_a_pipeline_is_rejected_with_the_panic_alone
            }
            retry_events driven {
                an_error_of_an_event_sets_the_wait
                a_failed_call_is_reported_before_each_wait
                a_wait_beyond_the_limit_of_the_pipeline_is_not_begun
                a_wait_beyond_the_limit_of_a_task_around_is_not_begun
                a_failed_call_of_a_cancelled_pipeline_is_not_reported
            }
            retry_settings driven {
                impossible_settings_are_refused_with_their_value_and_range
                extreme_settings_work
                an_ad_hoc_task_of_an_orchestra_has_all_settings
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
                each_attempt_passes_the_breaker_and_a_refusal_ends_the_retries
            }
            breaker_settings driven {
                settings_that_cannot_work_are_refused
                the_ends_of_their_ranges_work
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
            breaker_rates driven {
                a_share_of_failures_that_reaches_the_rate_opens_the_breaker
                the_oldest_call_leaves_a_window_of_calls
                the_oldest_calls_leave_a_window_of_time
                failures_in_a_row_do_not_open_a_breaker_with_a_rate_alone
                the_first_limit_that_is_reached_opens_the_breaker
                twenty_calls_are_the_default_minimum
                a_share_of_slow_calls_that_reaches_the_rate_opens_the_breaker
                a_slow_call_counts_when_it_ends
                a_timed_out_call_has_failed_and_may_be_slow
                a_slow_half_open_call_opens_the_breaker_again
                the_window_of_a_breaker_that_closes_is_empty
                calls_admitted_before_a_change_are_not_in_the_window
                calls_without_an_answer_of_the_dependency_are_not_in_the_window
                concurrent_calls_are_each_counted_once
                numbers_that_are_not_counted_are_not_reported
            }
            breaker_overrides driven {
                an_isolated_breaker_admits_no_call_until_it_is_closed
                a_breaker_closed_by_hand_admits_calls_at_once
                a_breaker_closed_by_hand_has_no_counted_calls
                calls_under_way_at_a_change_do_not_count
                a_waiter_for_a_change_is_woken_by_it
                a_change_is_reported_with_the_name
                retries_end_at_an_isolated_breaker
            }
            breaker_predicates driven {
                excepted_errors_are_successes
                excepted_errors_are_successes_in_a_window_too
                an_excepted_half_open_call_closes_the_breaker
                the_predicate_is_called_for_panics_and_attempt_timeouts
                the_predicate_is_not_called_for_the_limit_on_the_whole
                the_predicate_is_not_called_for_errors_that_never_count
                a_panic_in_the_predicate_is_a_failure_and_the_error_stays
                the_predicate_may_change_the_breaker_itself
            }
            chaos_faults driven {
                a_failure_takes_the_place_of_the_work
                the_error_of_a_failure_can_be_chosen
                a_panic_says_that_it_is_injected
                a_callback_that_panics_is_the_error_of_the_attempt
                latency_passes_before_the_work_begins
                the_shortest_latency_is_none_and_the_longest_does_not_end
                rates_of_zero_draw_no_random_number
                an_attempt_draws_its_latency_then_a_panic_then_a_failure
                half_of_many_attempts_fail_at_a_rate_of_one_half
                chaos_is_turned_off_and_on_at_run_time
                rates_that_are_no_probabilities_are_refused
            }
            chaos_kinds driven {
                each_kind_of_work_can_have_chaos
                an_injected_failure_of_a_member_is_that_of_its_scope
                supervised_work_is_restarted_after_injected_faults
                tasks_of_an_orchestrator_can_have_chaos
                chaos_stands_alone
            }
            chaos_layers driven {
                a_breaker_counts_injected_faults
                a_retry_follows_an_injected_failure
                injected_latency_is_under_the_limit_of_the_attempt
                a_kill_in_injected_latency_ends_it_before_the_work
                work_cancelled_gracefully_in_injected_latency_has_its_grace
                no_permit_is_lost_with_an_injected_fault
                a_recovery_is_given_the_injected_error
            }
            chaos_events driven {
                an_injected_fault_is_the_error_of_its_event
                an_injected_failure_is_retried
                an_injected_failure_takes_the_place_of_the_stages
                injected_latency_is_under_the_limit_of_the_event
                faults_are_drawn_for_each_attempt_from_the_runtime
                a_kill_in_injected_latency_ends_it_before_the_call
                a_pulled_pipeline_refuses_policies_around_calls
            }
            event_guards driven {
                an_open_breaker_refuses_events_which_are_not_called
                failed_attempts_at_events_open_the_breaker
                calls_never_exceed_the_permits_that_others_share
                no_permit_is_held_between_two_attempts
                the_wait_for_a_permit_is_not_under_the_limit_of_the_event
                a_refusal_of_the_limiter_is_the_error_of_the_event
                an_event_that_is_not_wanted_any_more_waits_no_longer
                a_killed_pipeline_loses_no_permit
            }
            around_pipelines driven {
                a_failed_pipeline_is_retried_from_its_beginning
                a_pipeline_that_fails_opens_the_breaker_around_it
                pipelines_run_one_at_a_time_under_a_limiter
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
