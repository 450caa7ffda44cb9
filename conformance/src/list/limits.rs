//! The part of the list that is about limiters and priorities.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_limits {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_orchestras! {
            [$($then)+]
            $($tasks)*
            limiters driven {
                never_more_than_so_many_of_all_kinds_of_work_are_under_way
                who_waits_comes_in_the_order_of_coming
                clones_and_clones_of_builders_share_its_places
                it_says_how_many_are_under_way_and_wait
                the_place_is_given_back_during_the_backoff
                work_in_a_place_may_need_one_of_another
                who_comes_beyond_those_that_may_wait_is_refused
                a_refusal_says_nothing_to_a_breaker
                a_refusal_is_not_retried
                a_refusal_can_be_recovered_from
                one_that_cannot_work_is_refused_with_the_setting_to_change
            }
            limiter_rate driven {
                the_burst_comes_first_and_then_one_each_gap
                what_was_not_used_is_kept_up_to_the_burst
                places_and_rate_both_hold
                all_get_through
                who_gives_up_does_not_use_up_the_rate
                the_one_who_keeps_the_time_may_be_stopped
                one_that_nobody_polls_takes_its_turn_and_lets_others_go_on
                who_waits_for_a_place_hears_that_it_is_the_rate_now
                a_limit_on_the_one_who_keeps_the_time_lets_others_go_on
                a_period_beyond_counting_lets_nobody_in_after_the_burst
                of_those_who_wait_for_it_the_most_urgent_comes_first
                each_attempt_counts
                one_who_comes_when_it_opens_is_not_refused_for_those_let_in_then
            }
            limiter_ends driven {
                of_those_who_are_stopped_while_they_wait
                of_those_who_are_stopped_while_they_run
                of_those_who_are_stopped_when_they_were_just_let_in
                of_work_that_panics
                of_work_whose_destructor_panics
                at_a_limit_on_an_attempt
                at_a_limit_on_the_whole
                the_wait_is_not_under_the_limit_on_an_attempt
                when_handles_are_dropped
                when_work_in_place_is_dropped
                when_a_scope_fails
                however_kills_and_places_meet
                when_who_was_let_in_has_a_waker_that_does_nothing
            }
            limiter_permits driven {
                blocking_work_that_is_killed_keeps_it_to_its_end (threads)
                blocking_work_whose_time_is_up_keeps_it_to_its_end (threads)
                what_the_work_has_spawned_keeps_it
                what_it_has_detached_does_not
                it_is_given_back_before_a_recovery_with_all_that_had_it
            }
            permits_swept driven {
                of_work_in_place
                of_work_in_place_within_a_task
                of_a_task
                of_work_that_is_tried_again
                of_supervised_work
            }
            limiter_runtime_end owned {
                a_dropped_runtime_gives_all_places_back
                a_shutdown_gives_all_places_back
            }
            priorities driven {
                they_are_ordered_numbered_and_bounded
                the_most_urgent_comes_first_and_of_equals_who_came_first
                work_of_all_kinds_has_that_of_its_task
                work_in_place_has_that_of_its_builder
                generic_code_can_ask_for_a_priority_alone
                one_without_its_own_has_that_of_the_task_around
                one_that_waits_moves_when_it_is_changed
                one_that_is_changed_keeps_its_turn_among_its_equals
                what_waits_below_moves_with_the_task_around
                members_of_a_scope_come_in_the_order_of_theirs
            }
            ageing driven {
                everybody_comes_within_the_bound_under_endless_urgency
                what_was_before_it_when_it_has_aged_stays_before_it
                without_ageing_the_less_urgent_wait_for_ever
                among_those_who_have_aged_the_first_who_came_comes_first
                an_interval_is_worth_one_class
                a_change_keeps_the_time_that_it_has_waited
            }
            lending driven {
                who_awaits_a_handle_lends
                what_is_lent_is_lent_on
                one_who_becomes_more_urgent_lends_that
                the_less_urgent_take_nothing_away
                who_awaits_a_member_or_a_set_lends
                a_task_that_only_waits_for_its_children_lends_to_them
                it_lends_what_is_lent_to_it
                it_lends_what_it_is_given_later
                a_scope_whose_body_has_ended_lends_to_its_members
                nothing_is_lent_to_a_detached_task
                what_a_lender_no_longer_awaits_keeps_it
            }
        }
    };
}
