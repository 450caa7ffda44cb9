//! The part of the list that is about pipelines.

mod collecting;
mod ends;
mod stages;

/// Hands on what it is given, with the topics of pipelines after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_pipelines {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_stages! {
            [$($then)+]
            $($tasks)*
            sources driven {
                items_of_an_iterator
                items_of_a_stream
                a_stream_that_pauses_keeps_nothing_back
                typed_rows_of_bytes
                typed_rows_of_a_file
                columns_are_found_by_name
                lines_are_parsed_by_from_str
                several_sources_are_read_in_their_order
                files_are_read_one_after_the_other_each_with_its_header
                a_source_has_the_name_that_it_was_given
                chunks_and_workers_change_nothing
                delimiters_set_the_field_separator
                without_headers_fields_are_taken_in_order
                functions_may_name_the_source_of_a_stream
            }
            channels driven {
                the_source_ends_with_its_senders
                a_full_channel_pauses_its_senders
                a_send_that_is_given_up_sent_nothing
                events_come_back_from_an_ended_pipeline
                an_error_that_ends_the_pipeline_closes_its_channel
                queued_events_are_dropped_with_the_pipeline
                close_ends_the_source_for_all
                a_sender_is_a_sink
                a_sink_reports_the_end_of_the_pipeline
                a_channel_works_beside_other_sources
            }
            senders driven {
                sources_are_read_at_the_same_time
                as_many_sources_are_read_as_the_queue_wants
                fewer_sources_are_read_while_the_queue_is_full
                sources_read_at_once_never_exceed_the_maximum
                a_source_that_fails_stops_the_others
                a_graceful_stop_handles_the_events_already_read
                nothing_is_left_of_sources_whose_pipeline_is_killed
            }
            sender_order driven {
                sequences_are_unique_and_in_source_order
                ordered_events_come_in_source_order_whatever_is_read_first
                a_sequence_is_read_in_source_order
                items_read_ahead_of_their_turn_are_bounded
                the_last_in_source_order_stays_whatever_is_read_first
                stop_on_first_reports_the_first_of_the_events_read
                the_first_errors_are_kept_whatever_is_read_first
                all_errors_of_parallel_sources_are_kept_in_source_order
            }
            sender_batches driven {
                a_batch_goes_out_when_it_is_full
                a_batch_goes_out_when_its_first_item_has_waited
                a_batch_goes_out_when_its_source_ends
                a_batch_is_numbered_as_its_items_are
            }
            files driven {
                a_missing_file_is_an_error_at_the_start
                a_directory_is_an_error_at_the_start
                a_file_that_may_not_be_read_is_an_error_at_the_start
                a_truncated_file_is_an_error_and_rows_already_read_stand
                lines_appended_before_the_end_are_read_too
                a_file_that_is_replaced_is_read_on_as_it_was
                a_file_removed_after_the_preflight_is_an_error
                a_bad_file_of_several_ends_the_pipeline_when_it_is_reached
                a_half_written_last_line_is_a_row
            }
            rates driven {
                events_come_at_the_rate_whatever_the_receiver
                a_burst_has_as_many_events_as_the_rate_permits
                a_wait_for_the_rate_ends_with_the_pipeline
            }
            order driven {
                ordered_events_come_in_source_order
                ordered_async_receivers_run_one_at_a_time
                ordered_text_is_parsed_apart_and_handled_in_order
                without_order_each_event_comes_exactly_once
                workers_handle_events_at_the_same_time
                no_more_events_are_under_way_than_there_are_workers
                an_event_has_its_sequence_position_time_and_id
            }
            ordered_ends driven {
                a_kill_ends_a_pipeline_whose_rows_wait_for_their_turn
                a_dropped_handle_ends_a_pipeline_whose_rows_wait_for_their_turn
                a_time_limit_ends_a_pipeline_whose_rows_wait_for_their_turn
                no_row_after_a_lost_one_is_handled
                a_pipeline_cancelled_gracefully_handles_waiting_rows_in_order
                the_end_of_the_grace_period_ends_rows_that_wait_for_their_turn
                the_failure_of_a_row_ends_rows_that_wait_for_their_turn
                calls_whose_cleanup_takes_time_let_the_pipeline_end
            }
            errors driven {
                an_error_ends_it_while_the_source_is_silent
                a_row_whose_parser_panics_is_one_bad_row
                stop_on_first_reports_the_first_bad_row_in_source_order
                stop_on_first_reports_the_first_refused_event
                the_receivers_error_can_be_downcast
                continue_counts_exactly_and_keeps_the_first
                a_bad_field_is_named
                a_refusal_keeps_the_position_of_its_row
                a_receivers_panic_is_that_events_error
                a_parser_that_panics_is_an_error
                a_source_that_panics_is_an_error
                the_first_bad_row_of_several_sources_ends_it
                a_stream_that_panics_is_an_error
            }
            settings driven {
                zero_workers_and_zero_queue_are_refused
                an_empty_chunk_is_refused
                a_sender_that_names_no_source_is_refused
                an_empty_list_of_files_is_refused
                a_channel_without_room_is_refused
                sender_strategies_of_zero_are_refused
                a_rate_of_zero_is_refused
                delimiters_that_cannot_work_are_refused
                a_record_limit_of_zero_is_refused
                a_refused_pipeline_calls_no_receiver
                a_missing_file_is_an_error_with_its_path
                a_directory_is_an_error_with_its_path
                an_unreadable_header_is_an_error_with_its_position
            }
            bad_input driven {
                line_ends_may_be_mixed
                blank_lines_are_no_rows_and_count_as_lines
                a_byte_order_mark_is_no_text
                utf_16_is_a_clear_error
                an_empty_file_has_no_rows
                a_header_alone_has_no_rows
                the_last_line_needs_no_end
                short_and_long_rows_are_rejected_with_their_widths
                flexible_takes_rows_of_any_width
                a_row_that_is_not_utf_8_is_rejected_alone
                an_open_quote_is_reported_with_the_line_where_it_opened
                a_record_over_the_limit_is_passed_over
                an_open_quote_cannot_take_the_memory
                newlines_in_quotes_keep_later_lines_right
                quotes_and_nul_inside_a_field_are_text
                a_name_that_two_columns_have_is_kept_as_it_stands
                faulty_lines_are_reported_as_faulty_rows_are
            }
            flow driven {
                a_receiver_that_never_ends_times_out
                a_zero_limit_is_a_timeout_and_the_longest_is_none
                a_stalled_stream_times_out
                a_pipe_without_a_writer_can_be_timed_out (threads)
                a_kill_waits_for_the_reading_of_a_pipe (threads)
                dropping_the_pipeline_drops_its_receivers
                nothing_is_left_of_a_pipeline_whose_task_is_killed
                nothing_is_left_of_a_pipeline_whose_task_times_out
                a_slow_receiver_pauses_the_source
                progress_ends_with_the_totals
                a_server_on_the_same_threads_stays_responsive
                progress_is_also_reported_at_a_timeout
                a_progress_callback_that_panics_fails_its_task_alone
            }
            pulling driven {
                each_event_is_pulled_once
                ordered_events_are_pulled_in_source_order
                try_next_event_distinguishes_empty_from_ended
                an_error_is_the_last_item
                rejected_rows_are_passed_over
                slow_pulling_pauses_the_source
                dropping_the_handle_kills_it
                finishing_early_gives_exact_counts
                a_kill_drops_events_not_yet_pulled
                a_graceful_cancellation_gives_the_events_already_read
                a_limit_ends_it_with_a_timeout
                an_await_of_the_next_event_may_be_dropped
                a_refused_pipeline_is_an_error_to_pull
                a_retry_that_has_nothing_to_call_is_refused
            }
            pipeline_tasks driven {
                an_event_names_the_task_of_its_pipeline
                two_pipelines_of_one_task_have_no_event_in_common
                a_value_that_comes_too_late_names_the_pipelines_task
                a_pipeline_has_the_settings_of_a_task
                a_traced_pipeline_runs_in_its_span
                metrics_are_switched_for_all_parts_of_it
            }
            pipeline_ends driven {
                a_limit_can_be_moved_while_it_runs
                a_limit_that_comes_later_ends_it_with_a_final_event
                a_moment_can_be_its_limit
                a_limit_in_place_can_be_moved_from_within
                a_pipeline_cancelled_on_request_is_drained_and_ends_as_cancelled
                a_cancellation_of_the_enclosing_task_is_the_reported_cause
                a_value_made_from_a_cancellation_is_the_pipelines_result
                a_pipeline_that_does_not_end_is_killed_after_its_grace_period
                a_limit_on_events_that_cannot_be_kept_is_refused
            }
            counts driven {
                they_add_up_in_a_whole_run
                they_add_up_when_the_first_error_stops_it
                they_add_up_when_receivers_panic
                they_add_up_at_the_limit_of_time
                they_add_up_after_a_kill_in_the_middle_of_a_chunk
                a_graceful_end_drops_nothing
            }
            rejects_written driven {
                every_rejected_row_is_written_with_its_text
                rejected_rows_can_be_json_lines
                a_file_of_rejected_rows_is_compressed_by_its_name
                the_rows_that_wait_to_be_written_are_bounded
                a_file_without_rejected_rows_has_its_header
                rows_are_written_whatever_rejects_them
                the_rows_until_a_failure_are_written
                a_killed_pipeline_leaves_no_file
                a_graceful_stop_leaves_the_file
                a_destination_that_fails_ends_the_pipeline
            }
            rejects driven {
                a_failed_event_is_retried
                errors_that_a_retry_cannot_change_are_not_retried
                an_error_is_dropped_before_the_next_attempt
                panics_of_dropped_rows_do_not_replace_the_error
                an_attempt_waits_without_holding_up_others
                a_stop_wakes_an_event_in_backoff
                a_custom_strategy_decides_about_each_row
                a_custom_strategy_that_panics_ends_the_pipeline
                too_many_rejected_rows_end_it
                the_text_of_a_rejected_row_is_kept_on_request
            }
            partial_attempts driven {
                a_partial_result_gives_its_event_no_further_attempts
                a_partial_result_gives_its_batch_no_further_attempts
                a_success_gives_the_next_event_all_of_its_retries
            }
            receivers driven {
                in_sequence_events_are_handled_one_after_the_other
                invalid_numbers_are_refused
                workers_are_added_while_events_only_wait
                surplus_workers_end_as_well
                an_error_stops_adaptive_workers_too
                an_event_that_takes_too_long_is_rejected_alone
                each_attempt_has_the_limit_for_itself
                a_limit_of_zero_polls_once_and_the_longest_is_none
            }
            batches driven {
                a_batch_is_full_or_the_last
                every_event_is_in_one_batch_whatever_the_workers
                a_batch_goes_out_when_its_time_is_up
                a_refused_batch_rejects_its_rows_with_one_error
                the_first_refused_batch_stops_it
                ordered_batches_come_in_source_order
                a_collector_knows_the_events_of_its_batch
                a_batch_is_tried_again_whole
                a_batch_that_takes_too_long_is_rejected
                a_batch_does_not_wait_for_the_rate
                a_kill_drops_and_counts_the_events_of_an_unfinished_batch
            }
            on_the_pool driven {
                a_receiver_that_blocks_leaves_the_executor_free (threads)
                results_are_the_same_as_on_the_executor
                folds_batches_and_retries_work_on_the_pool
                a_kill_waits_for_the_event_under_way_and_counts (threads)
                a_time_limit_holds_on_the_pool (threads)
            }
            properties owned {
                rows_are_those_of_one_reader_whatever_the_chunks
                rows_that_borrow_have_the_fields_of_one_reader_in_any_dialect
                a_fold_gives_the_same_sum_as_an_iterator
            }
        }
    };
}
