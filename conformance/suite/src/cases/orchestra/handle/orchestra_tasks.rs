//! Orchestras, tasks: an orchestrator is itself a task, can be a node of another, and runs single tasks.

use crate::library::orchestra::{NodeStatus, OrchestratorError};
use crate::library::{
    CancellableTask as _, NamedTask, PrioritizedTask as _, Retry, RetryStrategy, StatusEnabledTask,
    TaskContext, TaskPriority, TimedTask as _,
};

use crate::kit::orchestras::{Log, failing, noting, orchestra, statuses};
use crate::kit::prelude::*;
use crate::kit::{spans, tape};

pub async fn it_has_a_name_a_status_and_times<R: Runtime>(rt: R, at: Facts) -> Outcome {
    fn name_and_status(task: &(impl NamedTask + StatusEnabledTask)) -> (Option<String>, TaskStatus) {
        (task.name().map(|name| name.to_string()), task.status())
    }
    let all = orchestra(&rt).name("nightly").timestamps(true).timeout(1.hours()).build()?;
    let sleeper = rt.clone();
    let parent = all.register_task("a", AsyncTask::to::<Option<String>>(), || async move {
        sleeper.sleep(20.millis()).await?;
        let above = TaskContext::current().and_then(|cx| cx.relationships().parent());
        Ok::<_, AsyncTaskError>(above.map(|above| above.status.to_string()))
    })?;
    ensure!(
        name_and_status(&all) == (Some("nightly".into()), TaskStatus::Pending),
        "{:?}",
        name_and_status(&all)
    );
    ensure!(all.elapsed().is_none() && all.remaining().is_none(), "before the start");
    all.start_all()?;
    ensure!(matches!(all.status(), TaskStatus::Pending | TaskStatus::Running), "{:?}", all.status());
    ensure!(
        all.remaining().is_some_and(|left| left <= 1.hours()) && !all.is_expired(),
        "{:?}",
        all.remaining()
    );
    all.set_name("daily");
    (&all).await?;
    ensure!(
        name_and_status(&all) == (Some("daily".into()), TaskStatus::Completed),
        "{:?}",
        name_and_status(&all)
    );
    let elapsed = all.elapsed().context("no times")?;
    ensure!(elapsed >= 20.millis() && (!at.virtual_time || elapsed == 20.millis()), "{elapsed:?}");
    ensure!(parent.output().is_some_and(|above| above.is_some()), "its tasks have no parent");
    Ok(())
}

pub async fn it_is_part_of_the_task_that_starts_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (started, dropped) = (Latch::new(), Latch::new());
    let (start, guard, on) = (started.clone(), dropped.on_drop(), rt.clone());
    let caller = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        let all = orchestra(&on).build()?;
        all.register_task("a", AsyncTask::to::<()>(), || async move {
            let _guard = guard;
            start.set();
            pending::<()>().await
        })?;
        all.run().await.map(drop)
    });
    started.wait().await;
    caller.cancel(CancelLevel::Kill).await;
    ensure!(dropped.is_set(), "something of it is left");
    Ok(())
}

pub async fn it_has_a_span_and_its_tasks_are_in_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let span = spans::span()?;
    let mut tape = tape::record(&span)?;
    let all = orchestra(&rt).name("traced orchestra").tracing(true).build()?;
    all.register_task("a", AsyncTask::to::<()>(), || async {})?;
    let traced = AsyncTask::to::<()>().tracing(true);
    all.register_task("traced node", traced, || async {})?;
    all.add_dependency("traced node", "a")?;
    span.in_scope(|| all.start_all())?;
    all.join_all().await?;
    let recording = tape.read();
    let (index, whole) = recording.task("traced orchestra")?;
    ensure!(whole.statuses.last().is_some_and(|status| status == "completed"), "{whole:?}");
    let (_, node) = recording.task("traced node")?;
    ensure!(node.parent == Some(index), "{recording:?}");
    Ok(())
}

pub async fn an_orchestra_can_be_a_node_of_another<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let log = Log::default();
    let (outer, inner) = (orchestra(&rt).build()?, orchestra(&rt).name("inner").build()?);
    noting(&inner, &log, "in a")?;
    noting(&inner, &log, "in b")?;
    inner.add_dependency("in b", "in a")?;
    noting(&outer, &log, "before")?;
    noting(&outer, &log, "after")?;
    let nested = outer.register_orchestrator("inner", &inner)?;
    outer.add_dependency("inner", "before")?;
    outer.add_dependency("after", "inner")?;
    outer.run().await?;
    ensure!(log.read() == ["before", "in a", "in b", "after"], "{:?}", log.read());
    ensure!(nested.output().is_some_and(|stats| stats.completed == 2), "{:?}", nested.output());
    Ok(())
}

pub async fn a_failure_in_the_inner_one_fails_its_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let log = Log::default();
    let (outer, inner) = (orchestra(&rt).build()?, orchestra(&rt).build()?);
    failing(&inner, "in a")?;
    outer.register_orchestrator("inner", &inner)?;
    noting(&outer, &log, "after")?;
    outer.add_dependency("after", "inner")?;
    let error = failed(outer.run().await)?;
    let chain: Vec<_> = anyhow::Error::from(error).chain().map(ToString::to_string).collect();
    let due = [
        "the task `inner` has failed",
        "the work failed",
        "the task `in a` has failed",
        "the work failed",
        "in a",
    ];
    ensure!(chain == due, "{chain:?}");
    ensure!(statuses(&outer) == ["inner: failed", "after: skipped"], "{:?}", statuses(&outer));
    Ok(())
}

pub async fn the_inner_one_is_stopped_with_the_outer_one<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (outer, inner) = (orchestra(&rt).build()?, orchestra(&rt).build()?);
        let (started, dropped) = (Latch::new(), Latch::new());
        let (start, guard) = (started.clone(), dropped.on_drop());
        let builder = AsyncTask::to::<()>().grace(Duration::ZERO);
        inner.register_task("in a", builder, || async move {
            let _guard = guard;
            start.set();
            pending::<()>().await
        })?;
        inner.register_task("in b", AsyncTask::to::<()>(), || async {})?;
        inner.add_dependency("in b", "in a")?;
        outer.register_orchestrator("inner", &inner)?;
        outer.start_all()?;
        started.wait().await;
        outer.cancel(level).await;
        ensure!(dropped.is_set(), "{level}: something is left");
        ensure!(statuses(&outer) == ["inner: cancelled"], "{level}: {:?}", statuses(&outer));
        ensure!(
            statuses(&inner) == ["in a: cancelled", "in b: cancelled"],
            "{level}: {:?}",
            statuses(&inner)
        );
    }
    Ok(())
}

pub async fn an_ad_hoc_task_runs_with_its_policies<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).max_concurrency(1).build()?;
    let builder = AsyncTask::to::<u32>().orchestrator(&all).timeout(1.hours());
    let answer = builder.run(|| async { 42 }).await?;
    let (name, priority) = AsyncTask::to::<(Option<String>, TaskPriority)>()
        .name("guest")
        .orchestrator(&all)
        .priority(TaskPriority::High)
        .run(|| async {
            let cx = TaskContext::current();
            let name = cx.as_ref().and_then(|cx| cx.name()).map(|name| name.to_string());
            (name, cx.map_or(TaskPriority::Low, |cx| cx.priority()))
        })
        .await?;
    ensure!((answer, name.as_deref(), priority) == (42, Some("guest"), TaskPriority::High), "{name:?}");
    let retry = Retry::new(1).backoff(RetryStrategy::Immediate);
    let hopeless = AsyncTask::to::<u32>().orchestrator(&all).retry_as(retry);
    let error = failed(hopeless.run(|| async { Err::<u32, _>("no") }).await)?;
    ensure!(error.is_retries_exhausted(), "{error}");
    let stats = all.execution_stats();
    ensure!((stats.completed, stats.failed, stats.total()) == (2, 1, 3), "{stats:?}");
    Ok(())
}

pub async fn ad_hoc_tasks_share_the_orchestras_permits<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, census) = (orchestra(&rt).max_concurrency(2).build()?, Census::default());
    let mut tasks = Vec::new();
    for n in 0..10u32 {
        let (census, all) = (census.clone(), all.clone());
        tasks.push(AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
            let one = AsyncTask::to::<u32>().orchestrator(&all).name("one").run(move || async move {
                let _resident = census.enter();
                yield_now().await;
                n
            });
            one.await
        }));
    }
    let mut sum = 0;
    for task in tasks {
        sum += task.await?;
    }
    ensure!(sum == 45 && census.ever() == 10 && census.most() <= 2, "{} at the same time", census.most());
    Ok(())
}

pub async fn an_ad_hoc_task_times_out_while_it_waits_for_a_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, (started, open)) = (orchestra(&rt).max_concurrency(1).build()?, (Latch::new(), Latch::new()));
    let (start, wait) = (started.clone(), open.clone());
    all.register_task("holds the permit", AsyncTask::to::<()>(), || async move {
        start.set();
        wait.wait().await;
    })?;
    all.start_all()?;
    started.wait().await;
    let late = AsyncTask::to::<u32>().orchestrator(&all).timeout(20.millis()).run(|| async { 1 });
    let error = failed(late.await)?;
    ensure!(error.is_timeout(), "{error}");
    open.set();
    let stats = all.join_all().await?;
    ensure!((stats.completed, stats.failed, stats.total()) == (1, 1, 2), "{stats:?}");
    Ok(())
}

pub async fn an_ad_hoc_task_is_cancelled_with_the_orchestra_or_its_caller<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let all = orchestra(&rt).build()?;
    for by_caller in [true, false] {
        let (started, dropped) = (Latch::new(), Latch::new());
        let (start, guard) = (started.clone(), dropped.on_drop());
        let run = AsyncTask::to::<()>().orchestrator(&all).name("guest").run(|| async move {
            let _guard = guard;
            start.set();
            pending::<()>().await
        });
        let caller = AsyncTask::to::<()>().on(&rt).spawn(|| run);
        started.wait().await;
        if by_caller {
            caller.cancel(CancelLevel::Kill).await;
            all.join_all().await?;
            ensure!(dropped.is_set() && all.execution_stats().cancelled == 1, "{:?}", all.execution_stats());
        } else {
            all.cancel(CancelLevel::Kill).await;
            let error = failed(caller.await)?;
            ensure!(dropped.is_set() && error.is_cancelled(), "{error}");
            ensure!(all.execution_stats().cancelled == 2, "{:?}", all.execution_stats());
        }
    }
    let refused = AsyncTask::to::<u32>().orchestrator(&all).name("late").run(|| async { 1 });
    let error = failed(refused.await)?;
    let closed = error.downcast_ref::<OrchestratorError>();
    ensure!(matches!(closed, Some(OrchestratorError::Closed)) && all.is_cancelled(), "{error}");
    Ok(())
}

pub async fn pictures_and_reports_show_the_outcome_of_each_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).name("a <b> & \"c\"").build()?;
    let log = Log::default();
    noting(&all, &log, "say \"hi\"")?;
    failing(&all, "fails")?;
    noting(&all, &log, "never")?;
    noting(&all, &log, "always")?;
    all.add_dependency("never", "fails")?;
    all.add_dependency("fails", "say \"hi\"")?;
    all.add_dependency_with("always", "never", crate::library::orchestra::EdgePolicy::AnyEnd)?;
    failed(all.run().await)?;
    let mermaid = all.to_mermaid();
    ensure!(mermaid.starts_with("flowchart LR\n    t0[\"say #34;hi#34;\"]:::completed\n"), "{mermaid}");
    ensure!(mermaid.contains("t0 --> t1") && mermaid.contains("t2 -. any end .-> t3"), "{mermaid}");
    let dot = all.to_dot();
    ensure!(dot.contains("t0 [label=\"say \\\"hi\\\"\"") && dot.contains("t1 -> t2;"), "{dot}");
    let report = all.report();
    ensure!(report.critical_path().len() >= 2 && report.lanes >= 1, "{report:?}");
    let json: serde_json::Value = serde_json::from_str(&report.to_json())?;
    let is = |pointer: &str, due: serde_json::Value| json.pointer(pointer) == Some(&due);
    ensure!(is("/name", "a <b> & \"c\"".into()) && is("/stats/failed", 1.into()), "{json}");
    ensure!(
        is("/tasks/2/cause", "`fails` has failed".into()) && is("/tasks/1/error", "fails".into()),
        "{json}"
    );
    ensure!(is("/tasks/2/depends_on/0", "fails".into()) && is("/tasks/2/began", ().into()), "{json}");
    let svg = report.to_svg();
    ensure!(svg.starts_with("<svg") && svg.contains("a &lt;b&gt; &amp; &quot;c&quot;"), "{svg}");
    ensure!(
        svg.contains("never began: skipped: `fails` has failed") && svg.contains("critical path"),
        "{svg}"
    );
    ensure!(all.task_status("never")? != NodeStatus::Pending, "pending");
    Ok(())
}
