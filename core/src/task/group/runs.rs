//! The runs of repeated work: the loop that waits for the times of a schedule and begins a run at each.
//!
//! ```text
//!            ┌────────────────────────────────────────────────────────────────┐
//!            ▼                                                                │
//!   a time has passed, and a run may begin ── begin it; count missed times ───┤
//!            │ no                                                             │
//!   no time comes, and no run is under way ── the schedule is over            │
//!            │ no                                                             │
//!   wait: for the time, unless no run may begin; for the end of a run ────────┘
//!            │ the task is cancelled gracefully
//!            ▼
//!   no further run: wait for the end of those under way, which are cancelled, too
//! ```
//!
//! The loop knows neither the work nor its type, and is compiled once for each runtime.

use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_core::Stream;
use futures_util::stream::FuturesUnordered;

use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::Runtime;
use crate::task::group::restart::may_restart;
use crate::task::view::context::TaskContext;
use crate::time::Sleep;
use crate::time::schedule::{Clock, Schedule};

/// The longest wait for a time of day without another look at the clock, which may be set meanwhile.
const RECHECK: Duration = Duration::from_secs(60);

/// The effect of a failed run on repeated work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnFailure {
    /// The failure is counted and logged, as a warning through `tracing`, and the schedule goes on.
    #[default]
    Continue,
    /// The failure is that of the whole: there is no further run, and the others are killed.
    Stop,
}

/// The report of repeated work, once its schedule is over or it was cancelled gracefully.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Repeated {
    /// The number of runs that were begun.
    pub runs: u64,
    /// The number of runs that failed: by an error, a panic, or a time limit. Runs that ended because the
    /// whole was cancelled are not counted.
    pub failures: u64,
    /// The number of times of the schedule that had no run, since they passed while as many runs as may
    /// overlap were under way. A moment that two schedules of a union have in common is counted for each; of
    /// a cron expression, at most 10 000 are counted at once.
    pub missed: u64,
    /// The error of the last run that failed.
    pub last_failure: Option<AsyncTaskError>,
}

/// The number of a run, from 1, and its result.
pub(super) type Ended = (u64, Result<(), AsyncTaskError>);

/// A run that is under way.
pub(super) type UnderWay = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// Begins the run of a number.
pub(super) type BeginRun = Box<dyn FnMut(u64) -> UnderWay + Send>;

impl Repeated {
    /// Counts a run that has ended. Returns the error of the whole, if it is to end.
    fn count(
        &mut self,
        (number, result): Ended,
        on_failure: OnFailure,
        runtime: &impl Runtime,
    ) -> Result<(), AsyncTaskError> {
        let Err(error) = result else { return Ok(()) };
        if error.is_cancelled() && is_stopping() {
            return Ok(());
        }
        if on_failure == OnFailure::Stop || !may_restart(&error, runtime) {
            return Err(error);
        }
        self.failures = self.failures.saturating_add(1);
        tracing::warn!(
            task.run = number,
            error = format_args!("{error:#}"),
            "a run of repeated work failed; the schedule goes on"
        );
        let before = self.last_failure.replace(error);
        // The destructor of an error is the user's.
        let _ = caught(|| drop(before));
        Ok(())
    }
}

/// True if cancellation of the task that is polled here was requested.
fn is_stopping() -> bool {
    TaskContext::current().is_some_and(|cx| cx.is_cancelled())
}

/// Repeats work by `schedule`; `begin` begins a run, or is the error of an invalid policy. It is the body of
/// the task whose children the runs are.
pub(super) async fn repeat<R: Runtime>(
    runtime: R,
    schedule: Schedule,
    on_failure: OnFailure,
    begin: Result<BeginRun, AsyncTaskError>,
    location: &'static Location<'static>,
) -> Result<Repeated, AsyncTaskError> {
    let mut upcoming = schedule.begin(&Clock::of(&runtime), &mut || runtime.entropy())?;
    let mut begin = begin?;
    let mut under_way = FuturesUnordered::new();
    let mut report = Repeated::default();
    while !is_stopping() {
        let clock = Clock::of(&runtime);
        let may_begin = under_way.len() < schedule.overlap;
        let due = if may_begin { upcoming.due(&clock) } else { None };
        if due.is_some_and(|due| due <= clock.now) {
            let missed = upcoming.begin_run(&clock, schedule.missed, &mut || runtime.entropy());
            if missed > 0 {
                report.missed = report.missed.saturating_add(missed);
                tracing::debug!(missed, "times of a schedule have passed without a run");
            }
            report.runs = report.runs.saturating_add(1);
            under_way.push(begin(report.runs));
            continue;
        }
        if due.is_none() && under_way.is_empty() {
            return Ok(report);
        }
        let until = match due {
            Some(due) if upcoming.follows_time_of_day() => {
                Some(clock.now.checked_add(RECHECK).map_or(due, |recheck| recheck.min(due)))
            }
            due => due,
        };
        if let Some(ended) = wait(&runtime, until, &mut under_way, location).await? {
            upcoming.ended(runtime.now());
            report.count(ended, on_failure, &runtime)?;
        }
    }
    while let Some(ended) = poll_fn(|cx| Pin::new(&mut under_way).poll_next(cx)).await {
        report.count(ended, on_failure, &runtime)?;
    }
    Ok(report)
}

/// Waits for the end of a run, which is returned, for `until`, or for a cancellation of the task.
async fn wait<R: Runtime>(
    runtime: &R,
    until: Option<Instant>,
    under_way: &mut FuturesUnordered<UnderWay>,
    location: &'static Location<'static>,
) -> Result<Option<Ended>, AsyncTaskError> {
    let mut timer = pin!(until.map(|until| Sleep::silent(runtime, Some(until))));
    let mut cancelled = pin!(TaskContext::current().map(|cx| cx.cancelled_at(location)));
    poll_fn(|cx| {
        if let Poll::Ready(Some(ended)) = Pin::new(&mut *under_way).poll_next(cx) {
            return Poll::Ready(Ok(Some(ended)));
        }
        if cancelled.as_mut().as_pin_mut().is_some_and(|cancelled| cancelled.poll(cx).is_ready()) {
            return Poll::Ready(Ok(None));
        }
        match timer.as_mut().as_pin_mut() {
            Some(timer) => timer.poll(cx).map_ok(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}
