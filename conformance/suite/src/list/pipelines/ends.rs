//! The part of the list that is about the ends of pipelines beside receivers.

/// Hands on what it is given, with the topics of ends after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_ends {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_signatures! {
            [$($then)+]
            $($tasks)*
            collected_map driven {
                it_reads_as_a_hash_map_of_the_same_entries
                entries_can_be_removed
                it_is_equal_to_another_of_the_same_entries
                it_is_serialized_as_a_map
                without_entries_it_is_empty
            }
            enough driven {
                a_break_ends_it_as_a_success
                rows_before_the_earliest_break_are_handled
                every_kind_of_receiver_may_break
                an_error_before_the_break_fails_it
                an_error_after_the_break_is_only_counted
                a_source_that_fails_after_the_break_is_of_no_account
                a_break_ends_a_source_that_never_ends
                a_message_with_rows_after_the_break_comes_back
            }
            taken driven {
                exactly_as_many_events_are_handed_out
                the_first_in_source_order_are_taken_where_they_are_ordered
                a_source_that_fails_before_the_last_event_is_the_error
                rows_that_cannot_be_parsed_do_not_count
                taken_events_keep_their_attempts
                batches_hold_as_many_events_as_are_taken
                a_message_that_was_cut_short_comes_back
                a_pulled_pipeline_gives_as_many_as_are_taken
                a_wait_for_the_rate_ends_with_the_last_event
            }
            listed driven {
                values_come_in_source_order_whatever_the_strategy
                rejected_rows_leave_no_gap
                an_error_drops_the_values
                a_spawned_pipeline_gives_its_values
                policies_around_calls_are_refused
            }
            written driven {
                lines_are_in_source_order_where_they_are_ordered
                each_row_is_written_once_whatever_the_workers
                rows_of_csv_are_read_as_they_were
                json_lines_are_read_as_they_were
                without_rows_the_file_is_empty
                a_row_that_cannot_be_written_leaves_nothing
                rows_of_two_shapes_are_refused
            }
            written_ends driven {
                an_older_file_stays_until_the_new_one_is_whole
                a_pipeline_that_fails_leaves_nothing
                a_pipeline_that_is_cancelled_leaves_nothing
                a_pipeline_that_is_dropped_leaves_nothing
                a_pipeline_out_of_time_leaves_nothing
                a_place_without_room_for_a_file_is_an_error_at_the_start
                a_link_and_permissions_stay
                what_cannot_be_kept_is_refused
            }
            forwarded driven {
                a_sink_gets_the_values_that_stages_make
                a_sink_takes_each_value_once
                values_are_in_source_order_where_they_are_ordered
                a_sink_that_is_not_ready_pauses_the_source
                a_sink_is_flushed_and_closed_before_the_end
                the_error_of_a_sink_ends_the_pipeline
                a_sink_that_panics_fails_its_pipeline_alone
                a_kill_drops_the_sink
                a_pipeline_may_feed_another
            }
        }
    };
}
