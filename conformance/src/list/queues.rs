//! The part of the list that is about queues between pipelines.

/// Hands on what it is given, with the topics of queues after it, to the macro named first.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_queues {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $($then)+! {
            $($tasks)*
            queues driven {
                what_is_published_is_read_as_if_it_were_here
                rows_without_a_header_keep_the_width_of_the_first
                consumers_share_what_is_published
                a_consumer_that_is_killed_loses_nothing
                a_lease_that_runs_out_is_claimed_by_another
                a_lease_is_extended_while_its_rows_are_handled
                a_graceful_stop_settles_what_was_claimed
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
            queue_errors driven {
                a_message_in_which_the_pipeline_ends_comes_back
                a_publisher_may_try_again
                a_queues_error_says_what_was_done
                what_cannot_be_read_is_rejected_and_named
                a_message_that_is_delivered_too_often_is_rejected
                what_makes_no_sense_is_refused
                any_bytes_are_read_or_rejected
                a_receiver_that_panics_is_its_rows_error
            }
        }
    };
}
