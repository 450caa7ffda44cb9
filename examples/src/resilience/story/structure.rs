//! Work around the calls: a schedule, a scope with a daemon, and a cancellation for a reason.

use std::sync::atomic::{AtomicU32, Ordering};

use sweet_async::BoxError;
use sweet_async::prelude::*;

use crate::resilience::story::Story;

/// A report that is due three times. A run that fails does not end the schedule.
pub(super) async fn schedule(story: &Story) -> Result<(), BoxError> {
    story.line("A schedule with take(3)");
    let (log, runs) = (story.clone(), AtomicU32::new(0));
    let builder = AsyncTask::to::<()>().name("report").repeat(Schedule::every(5.millis()).take(3));
    let report = builder.spawn(move || {
        let (log, run) = (log.clone(), runs.fetch_add(1, Ordering::Relaxed) + 1);
        async move {
            log.line(format!("  run {run}"));
            if run == 2 { Err("the disk is full") } else { Ok(()) }
        }
    });
    let report = report.await?;
    let reason = report.last_failure.as_ref().map(AsyncTaskError::reason).unwrap_or_default();
    story.line(format!("  {} runs, of which {} failed: {reason}", report.runs, report.failures));
    Ok(())
}

/// A heartbeat that lives as long as the members that it stands for. Nothing has to stop it by hand.
pub(super) async fn heartbeat(story: &Story) -> Result<(), BoxError> {
    story.line("A scope with a heartbeat");
    let log = story.clone();
    let sum = scope(|s| async move {
        let heart = log.clone();
        let heartbeat = s.spawn_daemon(move || async move {
            let context = TaskContext::current().ok_or("a daemon is a task")?;
            heart.line("  the heartbeat begins");
            context.started();
            while !context.is_cancelled() {
                sweet_async::sleep(2.millis()).await?;
            }
            heart.line("  the heartbeat stops");
            Ok(())
        });
        heartbeat.ready().await?;
        let members = [1, 2, 3].map(|number: u32| s.spawn(move || async move { Ok(number) }));
        let sum: u32 = sweet_async::all(members).await?.into_iter().sum();
        log.line(format!("  the members give {sum}"));
        Ok(sum)
    });
    let sum = sum.await?;
    story.line(format!("  the scope gives {sum}, and nothing of it is left"));
    Ok(())
}

/// The reason is in the error, in snapshots and in traces.
pub(super) async fn cancelled_for_a_reason(story: &Story) -> Result<(), BoxError> {
    story.line("A cancellation for a reason");
    let import = AsyncTask::to::<()>().name("import").spawn(std::future::pending::<()>);
    import.cancel_because(CancelLevel::Kill, "tenant 7 was removed").await;
    let error = import.await.err().ok_or("it was not cancelled")?;
    story.line(format!("  {error}"));
    story.line(format!("  the reason alone: {}", error.cancel_reason().unwrap_or("none")));
    Ok(())
}
