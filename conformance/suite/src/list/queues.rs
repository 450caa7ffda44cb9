//! The part of the list that is about queues between pipelines.

/// Hands on what it is given, with the topics of queues after it, to the macro named first.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_queues {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $($then)+! {
            $($tasks)*
            engines driven {
                a_known_message_leaves_its_room_to_another
                a_dropped_receipt_gives_its_message_back
            }
            jobs driven {
                a_consumer_ends_with_the_job_of_its_publisher
                what_was_not_published_whole_is_not_sealed
                a_consumer_of_one_job_leaves_the_others
                an_endless_consumer_serves_jobs_as_they_come
                results_are_sealed_once_all_chunks_are_handled
                a_message_comes_back_with_the_error_of_its_row
                a_dead_letter_that_is_given_back_is_handled
                an_engine_that_has_nothing_for_now_is_asked_again
            }
            queues driven {
                published_rows_are_read_as_local_ones
                rows_without_a_header_keep_the_width_of_the_first
                consumers_share_the_published_messages
                a_consumer_that_is_killed_loses_nothing
                a_lease_that_runs_out_is_claimed_by_another
                a_lease_is_extended_while_its_rows_are_handled
                a_graceful_stop_settles_the_claimed_messages
                publishing_again_under_the_same_name_adds_nothing
                a_full_queue_pauses_its_publisher
                a_batch_is_settled_once_it_is_handled
            }
            publishing driven {
                an_unfinished_chunk_of_a_source_that_fails_is_not_published
                an_unfinished_chunk_of_a_source_that_panics_is_not_published
                a_file_that_is_cut_short_publishes_no_unfinished_chunk
                pauses_of_a_reader_change_no_message
            }
            queue_batches driven {
                the_last_batch_is_given_when_a_closed_queue_has_no_more
                a_batch_is_given_when_a_queue_has_nothing_for_now
                a_graceful_stop_gives_the_last_batch
                a_queue_that_cannot_be_claimed_gives_the_last_batch
                messages_without_events_are_settled_beside_a_batch
                batches_of_a_busy_queue_are_full
                batches_of_a_queue_may_be_handled_on_the_blocking_pool
                batches_of_two_queues_do_not_wait_for_each_other
                a_batch_that_takes_too_long_is_settled
                a_batch_that_is_tried_again_is_settled_once
                a_batch_that_ends_the_pipeline_gives_its_messages_back
            }
            settling driven {
                a_message_is_settled_once_its_events_are_handled
                a_message_is_settled_while_a_batch_spans_many
                a_message_is_settled_while_a_batch_is_smaller
                a_message_is_settled_where_its_events_may_be_tried_again
            }
            published_items driven {
                published_items_come_back_as_they_were
                results_of_claimed_chunks_are_gathered
                a_chunk_that_is_handled_twice_gives_one_result
                a_large_result_is_several_messages_with_their_own_keys
                rows_that_are_handled_one_by_one_give_keys_of_their_own
                a_row_that_fails_leaves_no_value_in_the_results
                a_queue_that_takes_no_result_ends_the_pipeline
                a_chunk_that_an_error_ends_publishes_nothing
                enough_of_a_claimed_chunk_is_published
            }
            published_names driven {
                a_duplicate_names_the_sources_that_were_published
                a_collected_error_names_the_source_that_was_published
                a_refused_batch_names_the_source_that_was_published
                a_batch_of_other_sources_is_named_by_them
            }
            queue_order driven {
                a_queue_is_not_claimed_before_its_turn
                a_queue_that_is_named_twice_is_read_to_its_end
            }
            queue_errors driven {
                a_message_in_which_the_pipeline_ends_comes_back
                a_publisher_may_try_again
                a_queue_error_names_the_failed_operation
                a_queue_whose_claim_panics_is_a_source_that_fails
                unreadable_messages_are_rejected_and_named
                a_message_that_is_delivered_too_often_is_rejected
                invalid_uses_of_a_queue_are_refused
                any_bytes_are_read_or_rejected
                a_receiver_that_panics_is_its_rows_error
            }
        }
    };
}
