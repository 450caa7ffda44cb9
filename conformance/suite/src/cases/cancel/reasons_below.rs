//! Cancellation, reasons: the reason of a cancellation is passed on to all tasks below the cancelled one.

use std::sync::Arc;

use crate::library::TaskContext;
use async_channel::{Receiver, Sender};

use super::levels::LEVELS;
use super::reasons::REASON;
use crate::kit::cause_of;
use crate::kit::prelude::*;

/// The reason that a task of this name has found.
type Found = (&'static str, Option<Arc<str>>);

/// A value that reports the reason of its task when it is dropped.
struct ReportsReason {
    name: &'static str,
    cx: TaskContext,
    report: Sender<Found>,
}

impl Drop for ReportsReason {
    fn drop(&mut self) {
        let _ = self.report.try_send((self.name, self.cx.cancel_reason()));
    }
}

/// The work of tasks that wait for a cancellation, and report its reason at their end.
#[derive(Clone)]
pub(super) struct Reporting {
    report: Sender<Found>,
    ready: Sender<()>,
}

/// The reports, and the notices of the tasks that have begun to wait.
pub(super) struct Reports {
    pub(super) found: Receiver<Found>,
    ready: Receiver<()>,
}

impl Reporting {
    pub(super) fn new() -> (Self, Reports) {
        let ((report, found), (ready, readies)) = (async_channel::unbounded(), async_channel::unbounded());
        (Self { report, ready }, Reports { found, ready: readies })
    }

    pub(super) async fn wait(self, name: &'static str, cx: TaskContext) {
        let _reports = ReportsReason { name, cx: cx.clone(), report: self.report };
        let _ = self.ready.try_send(());
        cx.cancelled().await;
        // A value of the poll in which it is killed would win.
        yield_now().await;
    }

    /// A child with a grandchild, a task in place, and a scope with a member, below the task itself: six
    /// tasks.
    async fn all_kinds<R: Runtime>(self, rt: R, cx: TaskContext) -> Result<(), AsyncTaskError> {
        let builder = || AsyncTask::to::<()>().on(&rt);
        let (child, deeper, inner) = (self.clone(), self.clone(), rt.clone());
        let child = builder().spawn_with(move |cx| async move {
            let grandchild =
                AsyncTask::to::<()>().on(&inner).spawn_with(move |cx| deeper.wait("grandchild", cx));
            child.wait("child", cx).await;
            grandchild.await
        });
        let part = self.clone();
        let part = builder().run_with(move |cx| part.wait("part", cx));
        let (own, member) = (self.clone(), self.clone());
        let scope = builder().scope(|s| async move {
            let member = s.spawn(move || async move {
                let cx = TaskContext::current().context("a member has a context")?;
                Ok(member.wait("member", cx).await)
            });
            own.wait("scope", s.context().clone()).await;
            Ok(member.await?)
        });
        let rest = futures_lite::future::zip(scope, self.wait("itself", cx));
        let (child, (part, (scope, ()))) =
            futures_lite::future::zip(child, futures_lite::future::zip(part, rest)).await;
        child?;
        part?;
        scope
    }
}

impl Reports {
    /// Waits until this many tasks have begun to wait.
    pub(super) async fn ready(&self, tasks: usize) -> Outcome {
        for _ in 0..tasks {
            self.ready.recv().await?;
        }
        Ok(())
    }
}

pub async fn all_tasks_below_find_the_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in LEVELS {
        let ((below, reports), inner) = (Reporting::new(), rt.clone());
        let builder = AsyncTask::to::<()>().on(&rt).grace(1.hours());
        let task = builder.spawn_with(move |cx| below.all_kinds(inner, cx));
        reports.ready(6).await?;
        drop(task.cancel_because(level, REASON));
        let end = task.cancel(CancelLevel::Graceful).await;
        ensure!(end.reason() == Some(REASON), "{end:?}");
        let mut names = Vec::new();
        while let Ok((name, reason)) = reports.found.try_recv() {
            ensure!(reason.as_deref() == Some(REASON), "{level}, {name}: {reason:?}");
            names.push(name);
        }
        names.sort_unstable();
        ensure!(names == ["child", "grandchild", "itself", "member", "part", "scope"], "{level}: {names:?}");
    }
    Ok(())
}

pub async fn errors_of_children_have_the_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inner, (give, given)) = (rt.clone(), async_channel::bounded(1));
    let task = AsyncTask::to::<()>().on(&rt).name("tenant").spawn(|| async move {
        let child = AsyncTask::to::<()>().on(&inner).name("job").spawn(pending::<()>);
        let _ = give.try_send(child);
        pending::<()>().await
    });
    let child = given.recv().await?;
    drop(task.cancel_because(CancelLevel::Kill, REASON));
    let error = failed(child.await)?;
    ensure!(cause_of(&error) == Some(CancelCause::ParentCancelled), "{error:?}");
    ensure!(error.cancel_reason() == Some(REASON), "{error:?}");
    let text = "task `job` was cancelled (kill, the task that spawned it was cancelled): tenant removed";
    ensure!(error.to_string() == text, "{error}");
    ensure!(failed(task.await)?.cancel_reason() == Some(REASON));
    Ok(())
}

pub async fn children_stopped_for_another_cause_have_no_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inner, (give, given)) = (rt.clone(), async_channel::bounded(1));
    let task = AsyncTask::to::<()>().on(&rt).timeout(5.millis()).spawn(|| async move {
        let child = AsyncTask::to::<()>().on(&inner).spawn(pending::<()>);
        let _ = give.try_send(child);
        pending::<()>().await
    });
    let child = given.recv().await?;
    ensure!(failed(task.await)?.is_timeout());
    let error = failed(child.await)?;
    ensure!(cause_of(&error) == Some(CancelCause::ParentEnded), "{error:?}");
    ensure!(error.cancel_reason().is_none(), "{error:?}");
    Ok(())
}

pub async fn tasks_that_a_cancelled_task_starts_find_the_reason<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let builder = AsyncTask::to::<Vec<Option<Arc<str>>>>().on(&rt).grace(1.hours());
    let task = builder.try_spawn(|| async move {
        let cx = TaskContext::current().context("a task has a context")?;
        drop(cx.canceller().cancel_because(CancelLevel::Graceful, REASON));
        let builder = AsyncTask::to::<Option<Arc<str>>>().on(&inner);
        let find = |cx: TaskContext| async move { cx.cancel_reason() };
        let spawned = builder.clone().spawn_with(find).await?;
        let part = builder.run_with(find).await?;
        Ok(vec![cx.cancel_reason(), spawned, part])
    });
    let found = task.await?;
    ensure!(found.iter().all(|reason| reason.as_deref() == Some(REASON)), "{found:?}");
    Ok(())
}
