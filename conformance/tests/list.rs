//! The list of cases against the topics' files: every case that is written is listed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use conformance::{CASES, Failure, MARKED, Outcome};

/// The files of all topics, in their folders.
fn topic_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(topic_files(&path)?);
        } else if path.file_name().is_some_and(|name| name != "mod.rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The names of all functions in the topics' files that have the form of a case.
fn written() -> Result<BTreeSet<String>, Failure> {
    let mut names = BTreeSet::new();
    for path in topic_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("suite/src/cases"))? {
        let Some(topic) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        for line in std::fs::read_to_string(&path)?.lines() {
            let case = line.strip_prefix("pub async fn ").or_else(|| line.strip_prefix("pub fn "));
            if let Some((name, _)) = case.and_then(|case| case.split_once(['<', '('])) {
                names.insert(format!("{topic}::{name}"));
            }
        }
    }
    Ok(names)
}

#[test]
fn every_case_that_is_written_is_listed() -> Outcome {
    let listed: BTreeSet<String> = CASES.iter().map(|case| (*case).to_owned()).collect();
    anyhow::ensure!(listed.len() == CASES.len(), "a case is listed twice");
    let written = written()?;
    let forgotten: Vec<_> = written.difference(&listed).collect();
    anyhow::ensure!(forgotten.is_empty(), "written and not listed: {forgotten:?}");
    anyhow::ensure!(written.len() == listed.len() && listed.len() >= 80, "{} cases", listed.len());
    Ok(())
}

/// The cases about the effect of threads on each other: one waits, or races, while another goes on. A flavour
/// of one thread skips them, so a case is added here only if it would show nothing without a second thread.
const NEEDS_THREADS: &[&str] = &[
    "reasons::two_requests_at_once_leave_the_same_reason_for_all",
    "reasons::started_blocking_work_finds_the_reason",
    "adoption::blocking_work_of_a_dropped_scope_is_waited_for",
    "set_deadline::started_blocking_work_is_left_at_a_deadline_set_later",
    "tree_edges::children_of_running_blocking_work_are_cancelled_while_it_runs",
    "tree_reads::two_concurrent_readers_both_see_all_children",
    "tree_reads::a_hard_kill_during_concurrent_reads_sees_busy_tasks",
    "tree_reads::a_concurrent_read_of_a_failing_tasks_children_spares_none",
    "tree_reads::a_child_spawned_after_its_parents_failure_is_killed",
    "kinds::blocking_work_has_all",
    "limiter_permits::killed_blocking_work_holds_its_permit_to_its_end",
    "limiter_permits::timed_out_blocking_work_holds_its_permit_to_its_end",
    "levels_busy::a_kill_that_an_in_place_task_sees_first_cancels_the_whole_task",
    "levels_busy::started_blocking_work_is_waited_for_unless_it_is_a_hard_kill",
    "levels_busy::a_poll_in_progress_is_waited_for_unless_it_is_a_hard_kill",
    "second_signal::a_kill_that_is_over_at_once_is_in_the_report",
    "spawn::a_thread_without_runtime_can_spawn_and_await",
    "spawn::a_wake_from_another_thread_arrives",
    "drop::a_drop_returns_at_once_while_blocking_work_runs",
    "kills::a_cancel_racing_completion_leaves_one_end_each",
    "quiescence::blocking_work_of_a_cancelled_task_is_waited_for",
    "blocking::blocking_work_has_threads_of_its_own",
    "blocking::synchronous_work_never_holds_up_the_executor",
    "blocking::a_kill_waits_for_work_that_has_started",
    "blocking::the_result_of_killed_blocking_work_is_dropped",
    "timeout::started_blocking_work_is_not_waited_for_and_the_error_says_so",
    "timeout::started_blocking_work_inside_async_work_is_not_waited_for_either",
    "timers::a_thread_without_context_can_sleep",
    "spans::the_result_of_killed_blocking_work_is_dropped_in_its_span",
    "saturation::tasks_and_timers_go_on_while_jobs_wait_for_threads",
    "saturation::a_job_that_waits_for_a_thread_times_out_and_never_runs",
    "saturation::a_job_killed_in_the_queue_has_run_or_never_will",
    "saturation::jobs_killed_while_the_pool_is_full_run_or_are_cancelled",
    "root::blocking_jobs_are_counted_apart",
    "root::a_job_that_a_timeout_gave_up_stays_counted",
    "shutdown_kills::started_blocking_work_is_left_and_reported",
    "shutdown_kills::a_task_of_running_blocking_work_is_killed",
    "flow::a_pipe_without_a_writer_can_be_timed_out",
    "flow::a_kill_waits_for_the_reading_of_a_pipe",
    "unfinished::a_graceful_stop_handles_the_lines_of_a_stalled_reader",
    "unfinished::a_kill_counts_the_lines_of_a_stalled_reader",
    "unfinished::a_time_limit_counts_the_lines_of_a_stalled_reader_until_then",
    "blocking_reads::a_kill_waits_for_a_started_read",
    "blocking_reads::a_hard_kill_reports_that_the_read_goes_on",
    "blocking_reads::a_time_limit_leaves_the_read_and_reports_it",
    "blocking_reads::the_limit_of_an_enclosing_task_leaves_the_read_and_reports_it",
    "blocking_reads::a_failed_source_waits_for_a_read_of_another_source",
    "reads_left::a_read_in_progress_is_reported_as_left",
    "reads_left::a_read_abandoned_by_a_hard_kill_is_reported_as_left",
    "large_chunks::a_chunk_of_large_rows_is_bounded_in_bytes",
    "on_the_pool::a_kill_waits_for_the_event_under_way_and_counts",
    "collected_order::collecting_waits_for_no_merge_of_another_worker",
    "on_the_pool::a_time_limit_holds_on_the_pool",
    "on_the_pool::a_receiver_that_blocks_leaves_the_executor_free",
];

#[test]
fn a_case_is_marked_on_purpose() -> Outcome {
    let marked: BTreeSet<_> = MARKED.iter().copied().collect();
    let meant: BTreeSet<_> = NEEDS_THREADS.iter().map(|case| ("threads", *case)).collect();
    let differ: Vec<_> = marked.symmetric_difference(&meant).collect();
    anyhow::ensure!(
        differ.is_empty(),
        "marked in the list and not here, or here and not in the list: {differ:?}"
    );
    Ok(())
}
