//! The part of the list that is about stages of pipelines.

/// Hands on what it is given, with the topics of stages after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_stages {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_collecting! {
            [$($then)+]
            $($tasks)*
            stages driven {
                values_pass_through_stages_in_their_order
                asynchronous_stages_pass_on_the_same
                a_row_without_a_value_is_handled
                events_keep_the_position_of_their_row
                a_pipeline_with_stages_can_be_cloned_and_run_again
                stages_run_at_the_same_time
            }
            stage_attempts driven {
                the_error_of_a_stage_is_that_of_its_row
                the_first_error_of_a_stage_in_source_order_ends_it
                the_panic_of_a_stage_is_the_error_of_its_row
                a_row_that_fails_at_one_of_its_values_collects_nothing
                a_retried_event_runs_its_stages_again
                a_stage_that_takes_too_long_is_stopped
                a_limit_of_synchronous_stages_is_refused
                a_killed_pipeline_drops_the_stage_that_is_awaited
            }
            stage_ends driven {
                values_are_collected
                values_are_pulled_and_rows_are_counted
                a_pulled_row_counts_with_its_last_value
                batches_are_made_of_values_and_count_rows
                batches_after_stages_are_not_retried
                receivers_on_the_blocking_pool_have_stages
                a_boxed_pipeline_has_stages
            }
            staged_ends driven {
                listed_values_keep_source_order_and_that_of_their_row
                a_file_has_what_a_filter_has_left
                a_row_that_cannot_be_written_whole_is_not_in_the_file
                a_break_at_a_value_ends_it_after_its_row
            }
            stage_keys driven {
                events_of_one_key_are_handled_in_source_order
                events_of_different_keys_are_handled_at_the_same_time
                a_row_of_several_keys_waits_for_each_of_them
                a_retried_event_keeps_its_key
                a_row_whose_stages_are_tried_again_keeps_the_order_of_its_key
                a_key_that_panics_rejects_its_row
                the_first_error_in_source_order_ends_a_keyed_pipeline
                keys_that_mean_nothing_are_refused
            }
            stage_order driven {
                values_come_in_source_order
                text_comes_in_source_order_with_its_positions
                ordered_stages_run_at_the_same_time
                the_rate_holds_for_ordered_stages
                one_worker_runs_the_stages_of_several_rows_at_once
                the_first_error_of_rows_that_run_at_once_ends_it
                a_number_of_rows_that_cannot_run_at_once_is_refused
            }
        }
    };
}
