//! The part of the list that is about work that is repeated by a schedule.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_schedules {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_limits! {
            [$($then)+]
            $($tasks)*
            schedules driven {
                the_first_run_is_at_once
                the_period_is_kept
                a_day_of_runs_does_not_drift
                the_beginning_can_be_later
                a_fixed_delay_counts_from_the_end_of_each_run
                a_jitter_is_within_its_bounds_and_does_not_add_up
                a_union_has_the_times_of_both_once
                a_schedule_ends_at_its_bounds
                a_schedule_without_a_time_has_no_run
                a_period_beyond_counting_has_one_run
                settings_that_cannot_work_are_refused_before_any_run
                missed_times_are_skipped_unless_set_otherwise
                missed_times_of_a_union_end_with_it
            }
            repeats driven {
                each_run_is_a_child_with_a_status_of_its_own
                a_snapshot_shows_the_run_below_the_whole
                a_run_begins_only_after_the_end_of_the_last
                runs_overlap_up_to_the_permitted_number
                failures_are_counted_and_the_schedule_goes_on
                a_value_whose_destructor_panics_is_a_failure
                a_failure_that_is_to_stop_the_schedule_ends_all_other_runs
                a_cancellation_ends_the_wait_at_once
                a_graceful_cancellation_is_passed_on_to_the_run
                a_run_that_does_not_listen_is_killed_after_the_grace_period
                a_kill_and_a_dropped_handle_end_the_run_too
            }
            repeat_policies driven {
                each_run_has_the_time_limit_anew
                a_retried_run_is_one_run
                an_open_breaker_refuses_runs
                a_recovery_is_that_of_each_run
                an_error_that_no_run_can_mend_ends_the_schedule
                work_of_all_kinds_can_be_repeated
                the_deadline_of_a_task_around_ends_the_schedule
                repeated_work_dropped_in_place_takes_its_run_along
            }
            repeat_pipelines driven {
                each_run_is_a_pipeline_of_its_own
                a_row_that_fails_is_a_failure_of_its_run
                the_limit_of_a_run_stops_its_pipeline_and_the_schedule_goes_on
                a_pipeline_in_a_run_drains_after_a_graceful_cancellation
            }
            crons driven {
                a_run_is_not_before_its_time_of_day
                a_day_of_cron_is_exact
                a_time_zone_has_times_of_its_own
                a_union_has_the_times_of_a_period_and_of_an_expression
                a_slow_run_misses_times
                an_invalid_expression_is_refused_before_any_run
            }
        }
    };
}
