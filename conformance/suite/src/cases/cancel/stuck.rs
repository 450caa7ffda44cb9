//! Promise 6, levels: a cancellation awaited with a limit names the tasks that are left, and their awaits.

use std::collections::BTreeMap;

use crate::library::{CancelOutcome, CancellationResult, Interval, TaskContext};

use crate::kit::ending::idle;
use crate::kit::prelude::*;

/// The names in the answer, in its order.
fn names(answer: &CancellationResult) -> Vec<&str> {
    answer.stuck().iter().map(|info| info.name.as_deref().unwrap_or("")).collect()
}

pub async fn after_the_limit_the_answer_is_that_it_still_runs<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (open, begun) = (Latch::new(), rt.now());
    let opened = open.clone();
    let mut task = AsyncTask::to::<u32>().on(&rt).name("slow").grace(1.hours()).spawn(|| async move {
        opened.wait().await;
        8
    });
    let answer = task.cancel(CancelLevel::Graceful).within(5.millis()).await;
    let waited = rt.now().saturating_duration_since(begun);
    ensure!(waited >= 5.millis() && (!at.virtual_time || waited == 5.millis()), "{waited:?}");
    ensure!(answer.outcome() == CancelOutcome::Running && !answer.has_ended() && !answer.was_cancelled());
    ensure!(answer.status() == TaskStatus::PendingCancellation);
    ensure!((answer.level(), answer.cause()) == (Some(CancelLevel::Graceful), Some(CancelCause::Requested)));
    ensure!(names(&answer) == ["slow"] && answer.stuck().iter().all(|info| info.id == task.id()));
    // The request stands, and so does the task.
    ensure!(task.status() == TaskStatus::PendingCancellation);
    open.set();
    ensure!((&mut task).await? == 8);
    let answer = task.cancel(CancelLevel::Kill).within(Duration::ZERO).await;
    ensure!(answer.outcome() == CancelOutcome::Success && answer.stuck().is_empty(), "{answer:?}");
    Ok(())
}

pub async fn an_end_within_the_limit_is_the_answer<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Kill, CancelLevel::KillHard] {
        let (task, dropped) = idle(&rt).await;
        let held = task.cancel(CancelLevel::Kill).within(1.hours()).await;
        ensure!(held.was_cancelled() && held.stuck().is_empty() && dropped.is_set());
        ensure!(task.cancel(level).within(Duration::ZERO).await == held);
    }
    let cooperative = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move { cx.cancelled().await });
    let end = cooperative.cancel(CancelLevel::Graceful).within(Duration::MAX).await;
    ensure!(end.outcome() == CancelOutcome::Success, "{end:?}");
    Ok(())
}

pub async fn a_limit_of_zero_answers_in_the_first_poll<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let held = hold_workers(&rt, at).await?;
    let task = AsyncTask::to::<()>().on(&rt).name("held").spawn(pending::<()>);
    let end = task.cancel(CancelLevel::Kill).within(Duration::ZERO);
    let answer = poll_once(end).await.context("it waits")?;
    ensure!(answer.outcome() == CancelOutcome::Running && names(&answer) == ["held"], "{answer:?}");
    held.release().await?;
    ensure!(failed(task.await)?.is_cancelled(), "the request stands");
    Ok(())
}

pub async fn remaining_tasks_are_named_topmost_first<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inner, (ready, open)) = (rt.clone(), (Latch::new(), Latch::new()));
    let (begin, opened) = (ready.clone(), open.clone());
    let top = AsyncTask::to::<()>().on(&rt).name("top").grace(1.hours()).try_spawn(|| async move {
        let below = inner.clone();
        let middle = AsyncTask::to::<()>().on(&inner).name("middle").try_spawn(|| async move {
            AsyncTask::to::<()>().on(&below).name("gone").spawn(|| async {}).await?;
            let (detached, _) = idle(&below).await;
            detached.detach();
            let leaf = AsyncTask::to::<()>().on(&below).name("leaf").spawn(|| async move {
                begin.set();
                opened.wait().await;
            });
            Ok(leaf.await?)
        });
        Ok(middle.await?)
    });
    ready.wait().await;
    let answer = top.cancel(CancelLevel::Graceful).within(1.millis()).await;
    ensure!(names(&answer) == ["top", "middle", "leaf"], "{answer:?}");
    ensure!(answer.stuck().iter().all(|info| !info.status.is_terminal()));
    let text = answer.stuck().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    ensure!(text.contains("leaf") && text.contains(file!()), "{text}");
    open.set();
    Ok(top.await?)
}

pub async fn a_task_that_only_waits_for_its_children_is_named_with_them<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (inner, (ready, open)) = (rt.clone(), (Latch::new(), Latch::new()));
    let (begun_guard, opened) = (ready.on_drop(), open.clone());
    let (handles, escaped) = async_channel::bounded(1);
    let parent = AsyncTask::to::<()>().on(&rt).name("parent").grace(1.hours()).spawn(|| async move {
        let _guard = begun_guard;
        let child =
            AsyncTask::to::<()>().on(&inner).name("child").spawn(|| async move { opened.wait().await });
        let _ = handles.try_send(child);
    });
    ready.wait().await;
    let child = escaped.recv().await?;
    let answer = parent.cancel(CancelLevel::Graceful).within(1.millis()).await;
    ensure!(names(&answer) == ["parent", "child"], "{answer:?}");
    open.set();
    parent.await?;
    Ok(child.await?)
}

/// The line of the await at which a task with `work` waits.
async fn await_line_of<R: Runtime, F>(
    rt: &R,
    work: impl FnOnce(TaskContext) -> F + Send + 'static,
) -> Result<u32, Failure>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (started, start) = async_channel::bounded::<()>(1);
    let task = AsyncTask::to::<()>().on(rt).grace(1.hours()).spawn_with(|cx| async move {
        let _ = started.try_send(());
        work(cx).await;
    });
    start.recv().await?;
    // Usually long enough for the end of the poll that has sent this. If it is not, the loop waits for the
    // await.
    loop {
        let answer = task.cancel(CancelLevel::Graceful).within(1.millis()).await;
        let own = answer.stuck().first().context("it has ended")?;
        if own.location.file() == file!() && own.location.line() > START {
            return Ok(own.location.line());
        }
    }
}

/// The awaits of the next case are below this line.
const START: u32 = line!();

pub async fn the_reported_location_is_the_last_await_of_the_library<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut lines = BTreeMap::new();
    let line = line!() + 2;
    let found = await_line_of(&rt, |cx| async move {
        let _ = cx.runtime().sleep(1.hours()).await;
    });
    lines.insert("a sleep", (line, found.await?));
    let line = line!() + 4;
    let found = await_line_of(&rt, |cx| async move {
        let Ok(mut hourly) = Interval::new(&cx.runtime(), 1.hours()) else { return };
        for _ in 0..2 {
            let _ = hourly.tick().await;
        }
    });
    lines.insert("a tick", (line, found.await?));
    let line = line!() + 2;
    let found = await_line_of(&rt, |cx| async move {
        cx.shield(pending::<()>()).await;
    });
    lines.insert("a shielded region", (line, found.await?));
    let line = line!() + 2;
    let found = await_line_of(&rt, |cx| async move {
        let child = AsyncTask::to::<()>().on(&cx.runtime()).spawn(pending::<()>);
        let _ = child.await;
    });
    lines.insert("a task", (line, found.await?));
    let line = line!() + 3;
    let found = await_line_of(&rt, |cx| async move {
        let child = AsyncTask::to::<()>().on(&cx.runtime()).spawn(pending::<()>);
        let _ = child.ready().await;
    });
    lines.insert("a task to be ready", (line, found.await?));
    let line = line!() + 2;
    let found = await_line_of(&rt, |cx| async move {
        let _: Result<(), _> = AsyncTask::to().on(&cx.runtime()).scope(|_| pending()).await;
    });
    lines.insert("a scope", (line, found.await?));
    let line = line!() + 2;
    let found = await_line_of(&rt, |cx| async move {
        let _ = AsyncTask::to::<()>().on(&cx.runtime()).run_with(|_| pending::<()>()).await;
    });
    lines.insert("a task in place", (line, found.await?));
    let line = line!() + 3;
    let found = await_line_of(&rt, |cx| async move {
        let limited = AsyncTask::to::<()>().on(&cx.runtime()).timeout(2.hours());
        let _ = limited.run(|| async move { cx.runtime().sleep(1.hours()).await }).await;
    });
    lines.insert("work with a limit", (line, found.await?));
    let wrong: Vec<_> = lines.iter().filter(|(_, (line, found))| line != found).collect();
    ensure!(wrong.is_empty(), "{wrong:?}");
    Ok(())
}
