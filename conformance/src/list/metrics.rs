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
                what_destructors_use_is_charged
                they_can_be_switched_while_the_task_runs
                generic_code_can_ask_for_metrics_alone
            }
            metrics_tree driven {
                what_ended_children_have_used_is_their_parents
                what_live_children_use_is_told_when_it_is_asked_for
                what_is_part_of_a_task_is_not_counted_twice
                what_was_detached_is_nobodys
                an_account_never_shrinks_while_children_end
            }
            metered_io driven {
                blocking_reads_and_writes_are_counted
                polled_reads_and_writes_are_counted
                an_operation_that_waits_is_one
                an_error_is_an_operation_and_a_try_is_none
                without_metrics_or_a_task_nothing_is_charged
                a_pipelines_files_are_on_its_account
                a_pipelines_own_readers_can_be_metered
            }
            polls driven {
                each_poll_is_counted
                the_longest_poll_is_told
                a_wait_for_a_thread_is_a_delay
                a_wait_for_something_else_is_idle
                a_measured_task_is_woken_as_any_other
                a_long_poll_is_told_of
            }
            snapshots driven {
                it_shows_who_is_below_whom
                it_prints_as_a_tree
                it_tells_who_is_being_stopped
                a_poll_under_way_is_told
                a_thousand_tasks_in_a_chain_are_told
            }
            watching owned {
                a_slow_end_is_told_of
                what_is_watched_is_named_before_its_first_poll
            }
            counters owned {
                after_a_storm_every_task_is_one_of_them
                blocking_work_is_queued_running_or_ended
                what_tasks_have_used_is_the_runtimes
                where_nothing_was_measured_nothing_is_known
                of_several_tasks_the_time_for_memory_is_not_known
            }
        }
    };
}
