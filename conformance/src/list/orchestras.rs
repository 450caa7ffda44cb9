//! The part of the list that is about orchestras.

/// Hands on what it is given, with the topics of orchestras after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_orchestras {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_pipelines! {
            [$($then)+]
            $($tasks)*
            orchestras typed {
                random_graphs_run_in_dependency_order
                a_hundred_thousand_tasks_run_in_dependency_order
                outputs_flow_to_what_is_declared_after
                many_outputs_of_one_type_come_in_their_order
                nothing_runs_before_it_is_started
                a_task_is_started_with_what_it_depends_on_alone
                what_is_declared_while_others_run_waits_for_them
                a_group_is_started_with_what_it_depends_on
                counts_add_up_while_tasks_come_and_go
                times_are_those_of_the_work
                what_has_ended_can_be_cleared
                contexts_hand_values_to_their_tasks
                work_knows_its_task_by_name
            }
            graphs driven {
                a_task_cannot_depend_on_itself
                a_circle_is_refused_and_its_path_named
                names_that_are_unknown_or_taken_are_errors
                nothing_can_be_added_to_what_was_started
                a_node_of_another_orchestrator_is_refused
                a_chain_of_a_hundred_thousand_overflows_no_stack
                a_failure_goes_down_a_chain_of_a_hundred_thousand
                a_long_chain_that_is_never_started_is_dropped
                ten_thousand_meet_in_one
                one_failure_of_ten_thousand_skips_what_they_meet_in
            }
            orchestra_failures driven {
                a_failure_at_each_task_skips_what_needs_it_alone
                the_cause_of_a_skip_is_where_it_began
                an_edge_of_any_end_waits_and_does_not_mind
                two_edges_to_one_must_both_hold
                a_panic_is_a_failure_of_its_task_alone
                retries_are_the_tasks_own
                limits_are_the_tasks_own_and_count_from_its_start
                breakers_and_recoveries_are_the_tasks_own
                a_task_ends_with_what_it_has_spawned
                what_fails_is_told_until_it_is_cleared
            }
            orchestra_stops driven {
                cancelling_a_task_spares_what_it_depends_on
                a_task_that_has_not_begun_is_cancelled_at_once
                a_value_within_its_grace_counts_and_its_dependents_do_not_begin
                a_group_is_cancelled_and_the_others_go_on
                cancelling_the_whole_leaves_nothing
                asked_gracefully_what_runs_ends_and_nothing_begins
                one_that_was_cancelled_before_its_start_never_runs
                a_limit_on_the_whole_kills_what_runs
                the_last_handle_takes_all_along
                a_detached_one_runs_to_its_end
                nothing_is_kept_of_one_that_has_ended
                a_dropped_join_stops_nothing
            }
            orchestra_shutdown driven {
                a_shutdown_goes_from_the_last_to_the_first
                a_shutdown_gives_each_task_its_own_grace
            }
            orchestra_concurrency driven {
                no_more_are_under_way_than_may_be
                a_place_is_kept_until_nothing_of_the_task_is_left
                a_task_has_places_of_both_its_limiters
                the_more_urgent_come_first
                the_default_priority_is_of_those_without_one
                who_waits_long_enough_comes_before_who_is_urgent
                the_concurrency_follows_the_load
                numbers_that_cannot_be_are_refused
            }
            orchestra_tasks driven {
                it_has_a_name_a_status_and_times
                it_is_part_of_the_task_that_starts_it
                it_has_a_span_and_its_tasks_are_in_it
                one_can_be_a_task_of_another
                a_failure_in_the_inner_one_fails_its_task
                the_inner_one_is_stopped_with_the_outer_one
                one_task_runs_under_it
                tasks_under_it_share_its_places
                a_task_under_it_times_out_while_it_waits_for_a_place
                a_task_under_it_is_stopped_with_it_and_with_its_caller
                pictures_show_what_happened
            }
            nodes driven {
                what_depends_on_one_that_was_cancelled_never_begins
                a_failure_after_a_clear_fails_the_whole
                a_node_is_told_from_a_namesake_of_another_orchestrator
                a_node_is_told_from_a_namesake_that_came_after_it
            }
            foreign_code driven {
                destructors_of_what_is_refused_may_ask
                destructors_of_what_is_never_begun_may_ask
                errors_may_ask_when_they_are_shown_and_dropped
                names_may_ask_when_they_are_read
            }
            pictures driven {
                names_of_all_kinds_can_be_drawn
            }
            orchestra_statuses driven {
                an_ad_hoc_task_leaves_the_status_as_it_is
                an_ad_hoc_task_after_the_limit_leaves_the_result_as_it_is
            }
            orchestra_members driven {
                a_shutdown_asks_them_before_the_others
                a_shutdown_kills_them_at_their_grace
                the_default_grace_is_theirs_and_the_nodes
                a_grace_of_their_own_is_kept_whoever_asks
                a_grace_of_the_request_reaches_all
                a_limit_on_the_wait_holds_for_all
                the_limit_on_the_whole_is_theirs
                they_end_with_the_task_that_the_others_are_part_of
                they_are_asked_what_their_caller_is_asked
                a_stop_while_they_come_leaves_none
            }
            orchestra_queue driven {
                what_waits_for_a_place_never_begins_once_all_are_asked
                one_that_a_task_of_the_orchestra_runs_is_in_its_place
            }
            orchestrated driven {
                policies_about_retries_are_said_before_or_after
                its_work_can_be_run_in_all_ways
                its_handle_is_that_of_the_task
                a_dropped_handle_stops_it_and_a_detached_one_does_not
                one_that_is_refused_says_so_at_its_handle
            }
            orchestra_again driven {
                what_has_failed_is_run_again_with_what_it_held_up
                what_was_cancelled_is_run_again
                what_runs_or_has_completed_is_not_given_new_work
            }
            orchestra_capabilities driven {
                a_limit_that_is_set_before_the_start_holds
                trace_fields_are_kept_for_the_start
                it_says_what_all_its_tasks_use
            }
        }
    };
}
