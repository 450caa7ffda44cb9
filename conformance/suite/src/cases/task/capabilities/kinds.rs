//! Capabilities: each kind of task has all of them, set by its builder and moved by its setters.

use crate::library::{
    CancellableTask, MetricsEnabledTask, NamedTask, PrioritizedTask, RecoverableTask, RestartPolicy,
    RetryStrategy, StatusEnabledTask, TaskContext, TaskPriority, TimedTask, TracingTask,
};

use crate::kit::prelude::*;
use crate::kit::{spans, tape};

/// A builder that sets each capability. A macro, since the builder's type is private to the library.
macro_rules! set {
    ($value:ty, $rt:expr) => {
        AsyncTask::to::<$value>()
            .on($rt)
            .name("kind")
            .priority(TaskPriority::High)
            .timeout(1.hours())
            .tracing(true)
            .metrics(true)
    };
}

/// Checks the capabilities of `task`, which runs and was built by `set!`, moves all of them, and lets its
/// time limit pass.
fn check<H>(rt: &impl Runtime, at: Facts, task: &H) -> Outcome
where
    H: NamedTask
        + StatusEnabledTask
        + PrioritizedTask
        + TimedTask
        + TracingTask
        + MetricsEnabledTask
        + CancellableTask,
{
    ensure!(task.name().as_deref() == Some("kind") && task.priority() == TaskPriority::High);
    ensure!(task.status() == TaskStatus::Running && !task.is_finished() && !task.is_cancelled());
    let (timeout, deadline) = (task.timeout(), task.deadline());
    ensure!(timeout == Some(1.hours()), "{timeout:?}");
    ensure!(
        deadline <= Some(rt.now() + 1.hours()) && deadline > Some(rt.now() + 50.minutes()),
        "{deadline:?}"
    );
    ensure!(task.is_tracing_enabled() && task.is_metrics_enabled());
    move_all(rt, at, task)
}

/// Moves each capability of `task`, and lets its time limit pass.
fn move_all<H>(rt: &impl Runtime, at: Facts, task: &H) -> Outcome
where
    H: NamedTask + PrioritizedTask + TimedTask + TracingTask + MetricsEnabledTask + CancellableTask,
{
    task.set_name("moved");
    ensure!(task.name().as_deref() == Some("moved"));
    task.set_priority(TaskPriority::Low);
    ensure!(task.priority() == TaskPriority::Low);
    task.disable_metrics();
    ensure!(!task.is_metrics_enabled());
    task.enable_metrics();
    ensure!(task.is_metrics_enabled());
    task.on_cancel(|| ())?;
    if task.is_tracing_enabled() {
        task.add_trace_field("tenant", &7);
        let fields = task.trace_fields();
        ensure!(fields.iter().any(|(key, value)| (&**key, &**value) == ("tenant", "7")), "{fields:?}");
    }
    task.set_timeout(20.millis())?;
    ensure!(task.timeout() == Some(20.millis()) && task.remaining() <= Some(20.millis()));
    ensure!(!at.virtual_time || task.deadline() == Some(rt.now() + 20.millis()));
    Ok(())
}

/// Returns work that sets `started`, and never ends.
fn stuck(started: &Latch) -> impl Fn() -> std::future::Pending<()> + Send + Sync + use<> {
    let started = started.clone();
    move || {
        started.set();
        pending()
    }
}

pub async fn asynchronous_work_has_all<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let span = spans::span()?;
    let _tape = tape::record(&span)?;
    let started = Latch::new();
    let task = span.in_scope(|| set!((), &rt).retry(3).spawn(stuck(&started)));
    started.wait().await;
    check(&rt, at, &task)?;
    ensure!(task.max_retries() == 3 && task.retry_strategy().is_some());
    ensure!(failed(task.await)?.is_timeout());
    Ok(())
}

pub async fn blocking_work_has_all<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let span = spans::span()?;
    let _tape = tape::record(&span)?;
    let (started, (open, opened)) = (Latch::new(), std::sync::mpsc::channel::<()>());
    let opened = std::sync::Arc::new(std::sync::Mutex::new(opened));
    let begun = started.clone();
    let task = span.in_scope(|| {
        set!(u32, &rt).retry(3).spawn(move || {
            begun.set();
            let _ = opened.lock().map(|opened| opened.recv());
            1
        })
    });
    started.wait().await;
    check(&rt, at, &task)?;
    ensure!(task.max_retries() == 3 && task.retry_strategy().is_some());
    let AsyncTaskError::Timeout(error) = failed(task.await)? else { bail!("not a timeout") };
    ensure!(error.still_running());
    drop(open);
    Ok(())
}

pub async fn a_member_of_a_scope_has_all<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let span = spans::span()?;
    let _tape = tape::record(&span)?;
    let (started, inner) = (Latch::new(), rt.clone());
    let begun = started.clone();
    let scope = AsyncTask::to::<()>().on(&rt).scope(|scope| async move {
        let member = span.in_scope(|| scope.spawn_as(set!((), &inner).retry(3), stuck(&begun)));
        begun.wait().await;
        check(&inner, at, &member).map_err(|error| format!("{error:#}"))?;
        if member.max_retries() != 3 || member.retry_strategy().is_none() {
            return Err("its retries".into());
        }
        Ok(member.await?)
    });
    let error = failed(scope.await)?;
    ensure!(error.is_timeout(), "{error:?}");
    Ok(())
}

pub async fn a_plain_member_of_a_scope_can_be_given_all<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (started, inner) = (Latch::new(), rt.clone());
    let scope = AsyncTask::to::<()>().on(&rt).scope(|scope| async move {
        let begun = started.clone();
        let member = scope.spawn(move || async move {
            begun.set();
            pending::<()>().await;
            Ok(())
        });
        started.wait().await;
        let untold = (member.name(), member.timeout(), member.is_metrics_enabled(), member.max_retries());
        if untold != (None, None, false, 0) || member.priority() != TaskPriority::Normal {
            return Err(format!("{untold:?}").into());
        }
        move_all(&inner, at, &member).map_err(|error| format!("{error:#}"))?;
        Ok(member.await?)
    });
    let error = failed(scope.await)?;
    ensure!(error.is_timeout(), "{error:?}");
    Ok(())
}

pub async fn supervised_work_has_all<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let span = spans::span()?;
    let _tape = tape::record(&span)?;
    let started = Latch::new();
    let policy = RestartPolicy { intensity: 3, period: 1.hours() };
    let supervision = set!((), &rt).supervise(policy).backoff(RetryStrategy::Immediate);
    let task = span.in_scope(|| supervision.spawn(stuck(&started)));
    started.wait().await;
    check(&rt, at, &task)?;
    ensure!(task.max_retries() == 3 && task.retry_strategy() == Some(RetryStrategy::Immediate));
    ensure!(failed(task.await)?.is_timeout());
    Ok(())
}

pub async fn a_context_has_the_same_settings_and_setters_as_its_handle<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let span = spans::span()?;
    let _tape = tape::record(&span)?;
    let (sender, contexts) = async_channel::bounded::<TaskContext>(1);
    let task = span.in_scope(|| {
        set!((), &rt).spawn_with(|cx| async move {
            let _ = sender.send(cx).await;
            pending::<()>().await
        })
    });
    check(&rt, at, &contexts.recv().await?)?;
    ensure!(task.name().as_deref() == Some("moved") && task.priority() == TaskPriority::Low);
    ensure!(failed(task.await)?.is_timeout());
    Ok(())
}
