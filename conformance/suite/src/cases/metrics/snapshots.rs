//! Seeing what runs, snapshots: a snapshot holds the tree of a runtime's live tasks.

use crate::library::task::{RuntimeSnapshot, TaskSnapshot};
use crate::library::{TaskContext, TaskId};

use crate::kit::prelude::*;

fn find(snapshot: &RuntimeSnapshot, id: TaskId) -> Result<&TaskSnapshot, Failure> {
    snapshot
        .tasks
        .iter()
        .find(|task| task.info.id == id)
        .with_context(|| format!("{id} is not in it:\n{snapshot}"))
}

/// Waits for a snapshot with a task for which `such` is true. On an executor of the whole process, also a task
/// that was in one before may be missing: while the snapshot of another case looks at it.
async fn until_named<R: Runtime>(rt: &R, such: impl Fn(&TaskSnapshot) -> bool) -> RuntimeSnapshot {
    loop {
        let snapshot = rt.snapshot();
        if snapshot.tasks.iter().any(&such) {
            return snapshot;
        }
        yield_now().await;
    }
}

/// A task that waits forever in an await of the library, and has a child that does so too; and their
/// contexts.
async fn two_levels<R: Runtime>(rt: &R) -> Result<(Task<(), R>, TaskContext, TaskContext), Failure> {
    let (inner, (sender, contexts)) = (rt.clone(), async_channel::bounded(2));
    let parent = AsyncTask::to::<()>().on(rt).name("parent").timestamps(true).spawn_with(|cx| async move {
        let _ = sender.try_send(cx);
        let child =
            AsyncTask::to::<()>().on(&inner).name("child").metrics(true).spawn_with(|cx| async move {
                let _ = sender.try_send(cx.clone());
                cx.cancelled().await;
                pending::<()>().await
            });
        let _ = child.await;
    });
    let (first, second) = (contexts.recv().await?, contexts.recv().await?);
    // In its first poll the parent is not yet in the list of waiting tasks, and the child may not have waited
    // yet.
    until_named(rt, |task| task.info.id == first.id()).await;
    until_named(rt, |task| task.info.id == second.id() && task.info.status == TaskStatus::Running).await;
    until_named(rt, |task| task.info.id == second.id() && task.polling.is_none()).await;
    Ok((parent, first, second))
}

pub async fn a_snapshot_shows_the_parent_of_each_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (task, parent, child) = two_levels(&rt).await?;
    let snapshot = until_named(&rt, |task| task.info.id == child.id()).await;
    let (above, below) = (find(&snapshot, parent.id())?, find(&snapshot, child.id())?);
    ensure!((above.parent, above.depth) == (None, 0), "{snapshot}");
    ensure!((below.parent, below.depth) == (Some(parent.id()), 1), "{snapshot}");
    let index = |id| snapshot.tasks.iter().position(|task| task.info.id == id);
    ensure!(index(parent.id()) < index(child.id()), "a task comes before those below it");
    ensure!(above.info.status == TaskStatus::Running && above.info.name.as_deref() == Some("parent"));
    ensure!(below.info.location.file().ends_with("snapshots.rs"), "{snapshot}");
    ensure!(above.age.is_some() && above.metrics.is_none(), "it has timestamps, and no metrics: {above:?}");
    ensure!(below.age.is_some() && below.metrics.is_some_and(|metrics| metrics.polls.is_some()), "{below:?}");
    ensure!(above.asked.is_none() && above.stopping.is_none() && snapshot.runtime == rt.name());
    task.cancel(CancelLevel::Kill).await;
    let after = rt.snapshot();
    ensure!(
        after.tasks.iter().all(|task| task.info.id != parent.id() && task.info.id != child.id()),
        "{after}"
    );
    Ok(())
}

pub async fn it_prints_as_a_tree<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (task, parent, child) = two_levels(&rt).await?;
    let text = until_named(&rt, |task| task.info.id == child.id()).await.to_string();
    let line = |start: String| text.lines().find(|line| line.starts_with(&start)).map(str::to_owned);
    let above = line(format!("- task {} \"parent\"", parent.id())).context("the parent")?;
    ensure!(above.contains("snapshots.rs:") && above.contains(" old"), "{above}");
    let below = line(format!("  - task {} \"child\"", child.id())).with_context(|| text.clone())?;
    ensure!(below.contains("Running") && below.contains(" polls"), "{below}");
    ensure!(text.starts_with(&format!("{}: ", rt.name())), "{text}");
    task.cancel(CancelLevel::Kill).await;
    Ok(())
}

pub async fn a_snapshot_shows_pending_cancellations<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (task, parent, child) = two_levels(&rt).await?;
    let stopped = task.cancel(CancelLevel::Graceful);
    // The request reaches the child through its parent.
    while child.level().is_none() {
        yield_now().await;
    }
    let snapshot = until_named(&rt, |task| task.info.id == child.id()).await;
    let (above, below) = (find(&snapshot, parent.id())?, find(&snapshot, child.id())?);
    ensure!(above.info.status == TaskStatus::PendingCancellation, "{snapshot}");
    ensure!(above.asked == Some((CancelLevel::Graceful, CancelCause::Requested)), "{above:?}");
    ensure!(below.asked.is_some() && below.stopping.is_some(), "{below:?}");
    ensure!(snapshot.stuck(Duration::ZERO).any(|task| task.info.id == child.id()), "{snapshot}");
    ensure!(snapshot.stuck(1.hours()).next().is_none(), "{snapshot}");
    drop(stopped);
    task.cancel(CancelLevel::Kill).await;
    Ok(())
}

pub async fn a_poll_in_progress_is_reported<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let looks = rt.clone();
    let (sender, seen) = async_channel::bounded(1);
    let inner = rt.clone();
    let task = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
        // Below a task that has waited, so that it can be named in its first poll.
        yield_now().await;
        let child = AsyncTask::to::<()>().on(&inner).metrics(true).spawn_with(|cx| async move {
            std::thread::sleep(5.millis());
            // Another case may have hidden it, as for `until_named`; but no await may end this poll.
            let snapshot = std::iter::repeat_with(|| looks.snapshot())
                .find(|snapshot| snapshot.tasks.iter().any(|task| task.info.id == cx.id()));
            let _ = sender.try_send(snapshot.map(|snapshot| (cx.id(), snapshot)));
        });
        let _ = child.await;
    });
    task.await?;
    let (id, snapshot) = seen.recv().await?.context("it has looked until it was found")?;
    let task = find(&snapshot, id)?;
    ensure!(task.polling.is_some_and(|polling| polling >= 5.millis()), "{task:?}");
    ensure!(snapshot.long_polls(5.millis()).any(|task| task.info.id == id), "{snapshot}");
    Ok(())
}

pub async fn a_chain_of_a_thousand_tasks_is_shown<R: Runtime>(rt: R, _: Facts) -> Outcome {
    fn descend<R: Runtime>(rt: R, left: u32, deepest: async_channel::Sender<TaskId>) -> Task<(), R> {
        AsyncTask::to::<()>().on(&rt).spawn_with(move |cx| async move {
            if left == 0 {
                // All tasks above it wait by now, or are about to.
                let _ = deepest.try_send(cx.id());
                return pending().await;
            }
            let child = descend(rt, left - 1, deepest);
            let _ = child.await;
        })
    }
    let (sender, deepest) = async_channel::bounded(1);
    let task = descend(rt.clone(), 1000, sender);
    let (id, top) = (deepest.recv().await?, task.id());
    let snapshot = until_named(&rt, |task| task.info.id == top).await;
    ensure!(find(&snapshot, id)?.depth == 1000);
    ensure!(snapshot.to_string().lines().all(|line| line.len() < 300));
    task.cancel(CancelLevel::Kill).await;
    Ok(())
}
