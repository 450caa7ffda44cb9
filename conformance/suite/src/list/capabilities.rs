//! The part of the list that is about the capability traits, deadlines and results.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_capabilities {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_metrics! {
            [$($then)+]
            $($tasks)*
            traits driven {
                generic_code_can_ask_for_a_name_alone
                generic_code_can_ask_for_a_status_alone
                generic_code_can_ask_for_the_time_alone
                generic_code_can_ask_for_cancellation_alone
                generic_code_can_ask_for_tracing_alone
                generic_code_can_ask_for_the_runtime_alone
                a_task_gives_the_runtime_that_it_is_on
                capabilities_can_be_used_as_trait_objects
                a_name_set_later_is_the_one_reported
                a_task_without_a_runtime_answers_everything
                a_task_without_a_runtime_has_the_priority_that_it_was_given
            }
            kinds driven {
                asynchronous_work_has_all
                blocking_work_has_all (threads)
                a_member_of_a_scope_has_all
                a_plain_member_of_a_scope_can_be_given_all
                supervised_work_has_all
                a_context_has_the_same_settings_and_setters_as_its_handle
            }
            uuids driven {
                a_task_has_a_uuid_only_on_request
                a_uuid_contains_the_time_of_the_spawn
                a_uuid_is_the_same_wherever_it_is_reported
                each_kind_of_task_can_have_one
            }
            set_status driven {
                setting_pending_cancellation_lets_the_work_end_itself
                setting_it_cancelled_kills_it
                a_status_set_again_lowers_nothing
                after_its_end_no_status_can_be_set
                a_task_not_yet_started_can_be_set_cancelled
                each_way_to_cancel_has_its_own_level
            }
            timed driven {
                no_timestamps_are_recorded_by_default
                each_time_is_there_once_it_is_reached
                elapsed_is_from_the_first_poll_to_the_end
                a_task_that_was_never_polled_was_not_executed
                times_of_every_kind_of_work_are_noted
                a_task_without_a_limit_is_never_expired
                a_limit_is_reported_and_counts_down
                only_a_task_ended_by_its_deadline_has_expired
                a_task_kept_from_ending_at_its_deadline_has_expired
            }
            traces driven {
                a_traced_task_has_a_span_with_its_id_and_parent
                start_end_and_status_are_recorded
                a_task_killed_before_its_first_poll_never_started
                the_work_and_its_destructors_are_in_the_span
                work_in_place_can_be_traced
                each_attempt_of_work_that_is_tried_again_has_a_span
                an_untraced_task_records_nothing
                tracing_changes_no_result
            }
            trace_events driven {
                added_fields_are_in_the_span_and_in_its_events
                user_events_and_errors_are_recorded_in_the_span
            }
            deadlines driven {
                one_attempt_has_a_limit_of_its_own
                on_a_tie_the_overall_timeout_is_reported
                the_shorter_limit_is_the_one_that_passes
                a_limit_on_a_running_work_counts_from_its_first_poll
                a_limit_on_spawned_work_counts_from_the_spawn
                a_moment_can_be_the_limit
                a_moment_that_has_passed_polls_once
                a_zero_limit_polls_every_kind_of_work_once
                the_longest_duration_is_no_limit_on_any_kind_of_work
                the_last_of_two_overall_timeouts_holds
                a_value_that_is_ready_at_the_deadline_wins
                work_that_only_yields_ends_at_its_first_yield_past_the_deadline
                a_cancellation_comes_before_a_deadline_seen_in_the_same_poll
                a_deadline_within_the_grace_period_is_a_timeout
                each_attempt_of_supervised_work_has_the_limit_anew
                the_overall_timeout_covers_all_attempts
            }
            inherited_deadlines driven {
                a_child_has_its_parents_deadline
                the_earliest_of_inherited_and_own_deadlines_is_reported
                a_moved_deadline_is_inherited_by_children
                a_detached_task_has_no_deadline_above_it
                at_its_parents_deadline_a_child_is_killed_and_waited_for
                an_inner_limit_ends_the_inner_work_alone
                a_deadline_takes_work_in_place_with_it
                a_scopes_limit_ends_its_members
                a_members_limit_is_its_scopes_failure
                a_limit_within_a_shielded_region_passes_at_its_own_time
                a_limit_around_a_shielded_region_waits_for_its_end
            }
            set_deadline driven {
                a_task_spawned_without_a_limit_can_be_given_one
                an_earlier_deadline_wakes_a_task_that_sleeps
                a_later_deadline_takes_the_place_of_the_first
                the_longest_duration_takes_a_deadline_away
                work_can_set_a_deadline_for_itself
                a_deadline_that_has_passed_ends_the_task_now
                a_task_not_yet_polled_is_polled_once_all_the_same
                after_its_end_a_task_takes_no_deadline
                a_deadline_moved_many_times_passes_once
                a_child_cannot_outlive_its_parents_deadline
                a_deadline_moved_within_a_shielded_region_is_checked_at_its_end
                a_deadline_after_the_value_ends_the_children_and_keeps_the_value
                started_blocking_work_is_left_at_a_deadline_set_later (threads)
            }
            results driven {
                map_changes_a_value_alone
                map_err_changes_an_error_alone
                and_then_goes_on_with_a_value
                or_else_goes_on_with_an_error
                nothing_happens_before_a_combination_is_awaited
                a_dropped_combination_drops_the_work_it_waits_for
                a_panic_of_a_combinators_closure_is_the_callers_own
                await_result_hands_over_either_outcome
                the_short_spelling_has_an_arm_for_each_outcome
            }
            applied driven {
                a_retry_works_alone_and_its_work_may_borrow
                a_retry_alone_waits_as_its_strategy_says
                a_panic_is_caught_and_not_tried_again
                a_limiter_works_alone_and_its_permits_are_returned
                a_breaker_works_alone
                the_cancellation_of_the_task_around_ends_the_attempts
            }
            result_errors driven {
                predicates_of_several_speak_of_the_first
                several_errors_are_reported_in_their_order
                the_first_of_several_errors_can_be_downcast
                one_failure_is_not_several
                work_that_failed_each_time_is_none_of_the_single_kinds
            }
        }
    };
}
