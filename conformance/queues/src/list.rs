//! The list of all cases.

use std::future::Future;
use std::pin::Pin;

use crate::Outcome;
use crate::bench::Bench;

/// The function of a case.
pub(crate) type Body = for<'a> fn(&'a Bench) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

macro_rules! list {
    ($($topic:ident { $($case:ident)+ })+) => {
        /// The names of all cases, `topic::case`.
        pub const CASES: &[&str] = &[$($(concat!(stringify!($topic), "::", stringify!($case))),+),+];

        pub(crate) static LIST: &[(&str, Body)] = &[$($((
            concat!(stringify!($topic), "::", stringify!($case)),
            |bench| Box::pin(crate::cases::$topic::$case(bench)),
        )),+),+];
    };
}

list! {
    publishing {
        a_message_comes_back_as_it_was_published
        an_empty_body_is_kept
        a_body_of_megabytes_is_kept
        names_with_quotes_and_wildcards_are_plain
        a_key_is_taken_once
        a_key_is_taken_once_over_all_jobs
        keys_that_look_alike_are_different
        queues_of_different_names_share_nothing
    }
    claiming {
        messages_are_claimed_in_the_order_in_which_they_came
        a_claim_takes_no_more_than_it_asks_for
        a_claimed_message_is_not_handed_out
        a_job_is_claimed_by_its_name
        another_handle_sees_all_changes
        the_messages_of_one_claim_are_settled_one_by_one
    }
    leases {
        a_lease_that_has_run_out_gives_its_message_to_another
        an_extended_lease_holds
        an_extension_counts_from_now
        a_message_that_came_back_is_held_for_its_new_lease_alone
        a_late_ack_stands_or_does_nothing
        an_acknowledged_message_does_not_come_back
        a_lease_is_measured_by_the_engines_clock
        a_claim_that_is_dropped_loses_nothing
    }
    settling {
        a_receipt_of_an_earlier_delivery_changes_nothing
        a_message_is_settled_once
        a_receipt_that_is_given_twice_counts_once
        only_held_messages_are_counted
        no_receipts_change_nothing
        many_receipts_are_acknowledged_at_once
    }
    returning {
        a_message_that_is_given_back_goes_before_later_ones
        a_message_that_is_given_back_is_handed_out_again
        deliveries_are_counted
        a_released_delivery_does_not_count
        a_delay_is_kept
        a_delayed_message_lets_others_pass
    }
    dead_letters {
        dead_letters_are_listed_given_back_and_dropped
        a_dead_letter_is_not_handed_out
        a_dead_letter_says_what_it_was
        dead_letters_are_listed_oldest_first_and_no_more_than_asked
        a_receipt_from_before_a_redrive_changes_nothing
        a_redriven_message_opens_its_job_again
        only_dead_letters_are_redriven_and_purged
    }
    jobs {
        a_sealed_job_takes_no_new_message
        a_job_is_over_once_it_is_sealed_and_settled
        a_queue_is_over_once_all_of_its_jobs_are
        a_job_without_a_message_is_over_once_it_is_sealed
        a_queue_without_a_job_is_not_over
        a_delayed_message_keeps_its_job_open
        a_claimed_message_keeps_its_job_open
        a_dead_letter_keeps_no_job_open
    }
    depth {
        the_depth_counts_each_message_in_its_state
        a_new_queue_is_empty
        a_delayed_message_is_counted_as_such
    }
    races {
        concurrent_claims_hand_out_each_message_once
        a_key_that_many_publish_at_once_is_taken_once
        a_seal_that_races_publishers_loses_no_message
        consumers_that_die_lose_no_message
    }
    pipelines {
        a_published_pipeline_is_read_to_its_end
        results_come_back_once_for_each_chunk
        a_consumer_that_is_killed_loses_nothing
        a_poisonous_chunk_becomes_a_dead_letter
        a_waiting_consumer_gets_what_is_published
    }
}
