//! The part of the list that is about what pipelines collect and fold.

/// Hands on what it is given, with the topics of collecting after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_collecting {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_ends! {
            [$($then)+]
            $($tasks)*
            collector driven {
                the_last_in_source_order_stays_whatever_the_workers
                the_last_value_is_kept_when_it_is_handled_first
                an_item_is_keyed_by_its_sequence
                a_collector_works_in_another_task
                a_collector_works_in_blocking_work
                len_collected_and_partitions_agree
                nothing_collected_is_empty
                an_error_still_hands_over_the_collected_values
                the_macro_and_the_method_give_the_same_result
                collections_of_two_pipelines_do_not_mix
                a_key_that_panics_fails_its_pipeline_alone
            }
            duplicates driven {
                the_first_or_the_last_in_source_order_stays
                values_are_merged_in_source_order
                one_row_may_merge_many_values
                a_duplicate_key_rejects_the_later_row
                a_duplicate_key_ends_it_at_the_first_in_source_order
                a_duplicate_key_ends_an_endless_source
                a_refused_row_with_a_duplicate_key_is_rejected_once
                two_values_of_one_row_are_no_duplicate_row
                a_merge_that_panics_fails_its_pipeline_alone
                errors_are_collected_with_their_positions
            }
            collected_calls driven {
                each_event_that_is_tried_again_counts_once
                an_event_that_is_refused_leaves_nothing
                an_event_that_times_out_leaves_nothing
                a_batch_that_is_refused_leaves_nothing
                a_rejected_event_leaves_none_of_its_many_entries
                entries_of_a_spawned_task_count_with_the_event_that_awaits_it
                late_entries_are_kept_or_dropped_by_their_events_outcome
                entries_count_with_the_event_of_their_collector
                an_event_that_is_killed_leaves_nothing
            }
            collected_order driven {
                values_of_one_row_keep_their_order_whichever_row_comes_first
                entries_of_a_spawned_task_are_ordered_where_the_row_awaits_it
                the_values_of_rejected_duplicates_are_not_kept
                a_key_may_collect_while_it_is_compared
                collecting_waits_for_no_merge_of_another_worker (threads)
            }
            folding driven {
                a_fold_gives_the_sum_whatever_the_workers
                a_fold_of_no_events_gives_its_initial_value
                a_fold_may_refuse_an_event
                for_each_takes_synchronous_and_asynchronous_receivers
                a_pipeline_runs_inside_a_task
                pipelines_nest
            }
        }
    };
}
