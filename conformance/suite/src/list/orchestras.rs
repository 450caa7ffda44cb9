//! The part of the list that is about orchestras.

/// Hands on what it is given, with the topics of orchestras after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_orchestras {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_pipelines! {
            [$($then)+]
            $($tasks)*
            orchestras driven {
                random_graphs_run_in_dependency_order
                twenty_thousand_tasks_run_in_dependency_order
                outputs_are_passed_to_dependent_tasks
                many_outputs_of_one_type_come_in_their_order
                nothing_runs_before_it_is_started
                starting_a_task_starts_its_dependencies_alone
                a_task_declared_while_its_dependency_runs_waits_for_it
                starting_a_group_starts_its_dependencies
                counts_add_up_while_tasks_come_and_go
                reported_times_exclude_the_wait_for_a_permit
                ended_tasks_can_be_cleared
                contexts_hand_values_to_their_tasks
                work_knows_its_task_by_name
            }
            graphs driven {
                a_task_cannot_depend_on_itself
                a_cycle_is_refused_with_its_path
                names_that_are_unknown_or_taken_are_errors
                a_dependency_cannot_be_added_to_a_started_task
                a_node_of_another_orchestrator_is_refused
                a_long_chain_overflows_no_stack
                a_failure_goes_down_a_long_chain
                a_failure_goes_down_a_chain_whose_tasks_were_started_one_by_one
                a_long_chain_that_is_never_started_is_dropped
                ten_thousand_tasks_have_one_common_dependent
                one_failure_of_ten_thousand_skips_their_common_dependent
            }
            orchestra_failures driven {
                a_failure_of_any_task_skips_exactly_its_dependents
                the_cause_of_a_skip_is_the_task_that_failed
                an_any_end_edge_waits_and_ignores_the_outcome
                two_edges_to_one_task_must_both_hold
                a_panic_is_a_failure_of_its_task_alone
                retries_are_the_tasks_own
                limits_are_the_tasks_own_and_count_from_its_start
                breakers_and_recoveries_are_the_tasks_own
                a_node_ends_after_the_tasks_it_has_spawned
                a_failure_is_reported_until_it_is_cleared
            }
            orchestra_stops driven {
                cancelling_a_task_spares_its_dependencies
                a_task_that_has_not_begun_is_cancelled_at_once
                a_value_within_its_grace_counts_and_its_dependents_do_not_begin
                a_group_is_cancelled_and_the_others_go_on
                cancelling_the_orchestra_leaves_nothing
                a_graceful_cancellation_ends_running_tasks_and_starts_none
                dependents_started_later_are_cancelled_like_those_started_together
                an_orchestra_cancelled_before_its_start_never_runs
                the_orchestras_timeout_kills_running_tasks
                dropping_the_last_handle_stops_all_tasks
                a_detached_orchestra_runs_to_its_end
                an_orchestra_keeps_nothing_after_its_end
                a_dropped_join_stops_nothing
            }
            orchestra_shutdown driven {
                a_shutdown_goes_from_the_last_to_the_first
                a_shutdown_gives_each_task_its_own_grace
            }
            orchestra_concurrency driven {
                running_tasks_never_exceed_the_maximum
                a_permit_is_held_until_nothing_of_the_task_is_left
                a_task_holds_permits_of_both_its_limiters
                the_most_urgent_task_starts_first
                tasks_without_a_priority_have_the_default_one
                a_long_waiting_task_starts_before_a_more_urgent_one
                the_concurrency_follows_the_load
                invalid_numbers_are_refused
            }
            orchestra_tasks driven {
                it_has_a_name_a_status_and_times
                it_is_part_of_the_task_that_starts_it
                it_has_a_span_and_its_tasks_are_in_it
                an_orchestra_can_be_a_node_of_another
                a_failure_in_the_inner_one_fails_its_task
                the_inner_one_is_stopped_with_the_outer_one
                an_ad_hoc_task_runs_with_its_policies
                ad_hoc_tasks_share_the_orchestras_permits
                an_ad_hoc_task_times_out_while_it_waits_for_a_permit
                an_ad_hoc_task_is_cancelled_with_the_orchestra_or_its_caller
                pictures_and_reports_show_the_outcome_of_each_task
            }
            nodes driven {
                dependents_of_a_cancelled_node_never_start
                a_failure_after_a_clear_fails_the_orchestra
                a_node_is_distinguished_from_a_namesake_of_another_orchestrator
                a_node_is_distinguished_from_a_later_namesake
            }
            foreign_code driven {
                destructors_of_refused_work_may_call_the_orchestrator
                destructors_of_unstarted_work_may_call_the_orchestrator
                errors_may_call_the_orchestrator_when_displayed_and_dropped
                names_may_call_the_orchestrator_when_they_are_read
            }
            pictures driven {
                names_of_all_kinds_can_be_drawn
            }
            orchestra_statuses driven {
                an_ad_hoc_task_leaves_the_status_as_it_is
                an_ad_hoc_task_after_the_limit_leaves_the_result_as_it_is
            }
            orchestra_members driven {
                a_shutdown_cancels_ad_hoc_tasks_before_nodes
                a_shutdown_kills_ad_hoc_tasks_after_their_grace_period
                the_default_grace_period_applies_to_ad_hoc_tasks_and_nodes
                an_own_grace_period_is_kept_when_the_orchestra_is_cancelled
                a_grace_of_the_request_reaches_all
                a_limit_on_the_wait_holds_for_all
                the_orchestras_timeout_applies_to_ad_hoc_tasks
                ad_hoc_tasks_end_with_the_task_that_runs_the_orchestra
                ad_hoc_tasks_are_cancelled_with_their_caller
                a_stop_during_registration_leaves_no_task
            }
            orchestra_queue driven {
                tasks_queued_for_a_permit_never_begin_after_a_cancellation
                an_ad_hoc_task_run_by_a_node_shares_its_permit
            }
            orchestrated driven {
                retry_policies_can_be_set_before_or_after_the_orchestrator
                its_work_can_be_run_in_all_ways
                the_handle_has_the_settings_of_the_ad_hoc_task
                a_dropped_handle_stops_it_and_a_detached_one_does_not
                the_handle_of_a_refused_task_gives_the_error
            }
            orchestra_again driven {
                failed_and_skipped_tasks_can_be_given_new_work_and_run
                cancelled_tasks_can_be_given_new_work_and_run
                running_and_completed_tasks_refuse_new_work
            }
            orchestra_capabilities driven {
                a_limit_that_is_set_before_the_start_holds
                trace_fields_are_kept_for_the_start
                an_orchestra_reports_the_usage_of_all_its_tasks
            }
            orchestra_sessions driven {
                times_count_from_the_begin_of_the_first_task
                the_usage_of_ended_sessions_is_kept
                a_cancellation_waits_for_a_graph_that_is_ending_beside_ad_hoc_tasks
                starts_beside_the_ends_of_sessions_run_their_tasks
                starts_beside_the_limits_of_sessions_leave_no_task_without_an_end
            }
            orchestra_repeats driven {
                the_report_of_a_repeated_task_is_its_output
                a_run_that_is_to_stop_the_schedule_fails_the_task
                a_cancelled_task_ends_its_schedule_and_its_run
                a_shutdown_ends_schedules_in_order
                an_ad_hoc_task_may_repeat_its_work
            }
        }
    };
}
