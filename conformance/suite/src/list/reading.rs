//! The part of the list that is about what pipelines read.

/// Hands on what it is given, with the topics of reading after it, to the last part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_reading {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_queues! {
            [$($then)+]
            $($tasks)*
            readers driven {
                one_byte_at_a_time_changes_nothing
                an_interrupted_read_is_tried_again
                a_failed_reader_is_named_and_the_rows_before_the_failure_stand
                a_reader_that_panics_is_an_error
                a_reader_that_overreports_its_bytes_is_an_error
                a_polled_reader_that_stalls_can_be_timed_out_and_cancelled
                a_polled_reader_that_pauses_keeps_no_line_back
                a_polled_reader_that_is_always_ready_lets_others_run
            }
            compressed driven {
                files_are_read_by_their_extension
                bytes_and_readers_are_read_with_the_set_compression
                plain_text_may_have_any_name
                several_members_and_frames_are_one_text
                data_that_is_cut_short_is_an_error_with_its_path
                data_that_is_corrupt_is_an_error_with_its_path
                a_polled_reader_cannot_be_decompressed
                progress_counts_compressed_bytes
                a_window_beyond_the_bound_is_refused
            }
            compressed_ends driven {
                the_whole_rows_before_a_cut_stand
                the_whole_rows_before_a_corrupt_block_stand
                zeros_after_a_gzip_member_are_padding
                bytes_after_the_padding_are_a_member_or_an_error
            }
            unfinished driven {
                items_of_an_iterator_before_its_panic_are_handled
                items_of_a_stream_before_its_panic_are_handled
                lines_of_a_reader_before_its_failure_are_handled
                a_graceful_stop_handles_all_lines_of_a_reader
                a_graceful_stop_handles_the_lines_of_a_stalled_reader (threads)
                a_kill_counts_the_lines_of_a_stalled_reader (threads)
                a_time_limit_counts_the_lines_of_a_stalled_reader_until_then (threads)
            }
            blocking_reads driven {
                a_kill_waits_for_a_started_read (threads)
                a_hard_kill_reports_that_the_read_goes_on (threads)
                a_time_limit_leaves_the_read_and_reports_it (threads)
                the_limit_of_an_enclosing_task_leaves_the_read_and_reports_it (threads)
                a_failed_source_waits_for_a_read_of_another_source (threads)
                a_polled_reader_is_dropped_by_a_kill
            }
            reads_left owned {
                a_read_in_progress_is_reported_as_left (threads)
                a_read_abandoned_by_a_hard_kill_is_reported_as_left (threads)
            }
            large_chunks driven {
                others_run_while_a_chunk_is_filled
                a_graceful_stop_handles_the_part_of_a_chunk_that_there_is
                a_chunk_of_large_rows_is_bounded_in_bytes (threads)
                the_bound_of_a_chunk_can_be_set
            }
            row_ranges driven {
                rows_that_are_passed_over_are_not_counted
                no_more_rows_are_read_than_are_wanted
                a_source_is_not_read_beyond_the_last_wanted_row
                each_file_has_a_range_of_its_own
                positions_are_those_of_the_whole_text
                limits_of_zero_are_refused
            }
            skipped_sources driven {
                a_corrupt_file_is_reported_and_the_others_are_read
                a_missing_file_is_reported_and_the_others_are_read
                a_source_that_panics_is_reported_and_the_others_are_read
                all_failures_are_counted_and_the_first_are_kept
                a_failed_source_ends_it_unless_it_is_to_be_skipped
                a_cancellation_is_no_failure_of_a_source
                a_skipped_source_leaves_rows_to_their_own_strategy
            }
            totals driven {
                the_total_is_known_from_the_start
                a_file_that_grows_before_its_turn_counts_as_it_is
                a_source_of_unknown_size_has_no_total
                a_queue_has_no_total
            }
        }
    };
}
