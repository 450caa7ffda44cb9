//! The part of the list that is about what tasks use, and what is seen of them.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_metrics {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_recovery! {
            [$($then)+]
            $($tasks)*
            task_metrics driven {
                without_them_nothing_is_known
                processor_time_is_charged_to_the_task_that_uses_it
                a_noisy_neighbour_is_not_charged_to_it
                blocking_work_is_charged_to_its_task
                attempts_are_charged_to_their_task
                usage_of_destructors_is_charged
                they_can_be_switched_while_the_task_runs
                generic_code_can_ask_for_metrics_alone
            }
            metrics_modes driven {
                sampled_time_of_short_polls_is_not_too_small
                a_long_wait_within_a_poll_is_no_processor_time
                exact_time_leaves_out_short_waits
                nodes_are_measured_as_their_orchestra
                the_last_mode_that_a_builder_is_given_counts
            }
            metrics_tree driven {
                usage_of_ended_children_is_added_to_their_parent
                usage_of_live_children_is_included_when_it_is_read
                usage_of_in_place_work_is_not_counted_twice
                usage_of_detached_tasks_is_not_added_to_their_parent
                usage_never_decreases_while_children_end
            }
            metered_io driven {
                blocking_reads_and_writes_are_counted
                polled_reads_and_writes_are_counted
                an_operation_that_waits_is_one
                an_error_counts_as_an_operation_unless_it_is_transient
                without_metrics_or_a_task_nothing_is_charged
                a_pipelines_file_reads_are_charged_to_it
                a_pipelines_own_readers_can_be_metered
            }
            polls driven {
                each_poll_is_counted
                the_longest_poll_is_reported
                a_wait_for_a_thread_is_a_delay
                a_wait_for_something_else_is_idle
                a_measured_task_is_woken_as_any_other
                measured_work_that_moves_is_woken_where_it_is
                a_long_poll_causes_a_warning
            }
            snapshots driven {
                a_snapshot_shows_the_parent_of_each_task
                it_prints_as_a_tree
                a_snapshot_shows_pending_cancellations
                a_poll_in_progress_is_reported
                a_chain_of_a_thousand_tasks_is_shown
            }
            watching owned {
                a_slow_end_causes_a_warning
                a_watched_task_is_named_before_its_first_poll
            }
            counters owned {
                every_task_of_a_large_burst_is_counted_by_its_outcome
                blocking_work_is_queued_running_or_ended
                the_usage_of_tasks_is_added_to_their_runtime
                without_measured_tasks_no_usage_is_known
                the_wall_time_of_memory_usage_is_unknown_for_several_tasks
            }
        }
    };
}
