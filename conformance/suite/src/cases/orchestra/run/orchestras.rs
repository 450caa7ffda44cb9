//! Orchestras: a node runs once, after all its dependencies succeeded, and receives their outputs.

use std::sync::Arc;

use crate::library::orchestra::{NamedContext, NodeStatus, OrchestratorError};
use crate::library::{StatusEnabledTask as _, TaskContext};

use crate::kit::orchestras::{Log, OrderRecord, RandomGraph, noting, orchestra, statuses};
use crate::kit::prelude::*;

/// Runs a random graph, and checks the order.
async fn runs_in_order<R: Runtime>(rt: R, nodes: usize) -> Outcome {
    let graph = RandomGraph::new(nodes, || rt.entropy());
    let (all, order) = (orchestra(&rt).build()?, OrderRecord::new(nodes));
    let names: Vec<Arc<str>> = (0..nodes).map(|node| node.to_string().into()).collect();
    for (node, name) in names.iter().enumerate() {
        let order = order.clone();
        all.register_task(name.clone(), AsyncTask::to::<()>(), move || async move {
            order.begins(node);
            if node % 3 == 0 {
                yield_now().await;
            }
            order.ends(node);
        })?;
    }
    for (name, dependencies) in names.iter().zip(&graph.dependencies) {
        for on in dependencies.iter().filter_map(|on| names.get(*on)) {
            all.add_dependency(name, on)?;
        }
    }
    let stats = all.run().await?;
    ensure!((stats.completed, stats.total()) == (nodes, nodes), "{stats:?}");
    for (node, dependencies) in graph.dependencies.iter().enumerate() {
        ensure!(order.begun(node) > 0 && order.ended(node) > order.begun(node), "{node} did not run");
        for on in dependencies {
            ensure!(order.ended(*on) < order.begun(node), "{node} began before {on} had ended");
        }
    }
    ensure!(graph.len() == nodes, "another graph");
    Ok(())
}

pub async fn random_graphs_run_in_dependency_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    runs_in_order(rt, 200).await
}

pub async fn twenty_thousand_tasks_run_in_dependency_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    runs_in_order(rt, 20_000).await
}

pub async fn outputs_are_passed_to_dependent_tasks<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).build()?;
    let (two, text) = (
        all.register_task("two", AsyncTask::to::<u32>(), || async { 2 })?,
        all.register_task("text", AsyncTask::to::<String>(), || "three".to_owned())?,
    );
    let both =
        all.register_after("both", (&two, &text), AsyncTask::to::<String>(), |(two, text)| async move {
            format!("{two} {text}")
        })?;
    let length = all.register_after("length", &both, AsyncTask::to::<usize>().inline(), |both| both.len())?;
    ensure!((two.output(), length.output()) == (None, None), "an output before the start");
    all.run().await?;
    ensure!(both.output().as_deref().map(String::as_str) == Some("2 three"), "{:?}", both.output());
    ensure!(*all.join_task(&length).await? == 7, "{:?}", length.output());
    // Shared, and not copied.
    let (once, twice) = (text.output().context("none")?, text.output().context("none")?);
    ensure!(Arc::ptr_eq(&once, &twice), "copied");
    Ok(())
}

pub async fn many_outputs_of_one_type_come_in_their_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).build()?;
    let parts: Result<Vec<_>, _> = (0..50u64)
        .map(|n| all.register_task(format!("part {n}"), AsyncTask::to::<u64>(), move || async move { n }))
        .collect();
    let sum =
        all.register_after("all", &parts?, AsyncTask::to::<Vec<u64>>().retry(1), |parts| async move {
            parts.iter().map(|part| **part).collect::<Vec<u64>>()
        })?;
    all.run().await?;
    ensure!(sum.output().as_deref() == Some(&(0..50).collect()), "{:?}", sum.output());
    Ok(())
}

pub async fn nothing_runs_before_it_is_started<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    noting(&all, &log, "a")?;
    ensure!(all.status() == TaskStatus::Pending, "{:?}", all.status());
    ensure!(all.join_all().await?.pending == 1, "joined with something");
    ensure!(log.read().is_empty() && statuses(&all) == ["a: pending"], "{:?}", statuses(&all));
    all.run().await?;
    ensure!(log.read() == ["a"] && all.status() == TaskStatus::Completed, "{:?}", all.status());
    Ok(())
}

pub async fn starting_a_task_starts_its_dependencies_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    for name in ["a", "b", "c", "d", "other"] {
        noting(&all, &log, name)?;
    }
    for (task, on) in [("b", "a"), ("c", "b"), ("d", "c")] {
        all.add_dependency(task, on)?;
    }
    all.start_task("c")?;
    all.join_all().await?;
    ensure!(log.read() == ["a", "b", "c"], "{:?}", log.read());
    let due = ["a: completed", "b: completed", "c: completed", "d: pending", "other: pending"];
    ensure!(statuses(&all) == due, "{:?}", statuses(&all));
    // Each runs once, however often it is started, and a task that depends on an ended one begins all the
    // same.
    all.start_task("c")?;
    all.start_task("d")?;
    all.join_all().await?;
    ensure!(log.read() == ["a", "b", "c", "d"], "{:?}", log.read());
    Ok(())
}

pub async fn a_task_declared_while_its_dependency_runs_waits_for_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log, (started, open)) = (orchestra(&rt).build()?, Log::default(), (Latch::new(), Latch::new()));
    let (start, wait, noted) = (started.clone(), open.clone(), log.clone());
    let slow = all.register_task("slow", AsyncTask::to::<u32>(), || async move {
        start.set();
        wait.wait().await;
        noted.note("slow");
        7
    })?;
    all.start_all()?;
    started.wait().await;
    let noted = log.clone();
    let after = all.register_after("after", &slow, AsyncTask::to::<u32>(), |slow| async move {
        noted.note("after");
        *slow + 1
    })?;
    all.start_task(&after)?;
    ensure!(log.read().is_empty(), "{:?}", log.read());
    open.set();
    all.join_all().await?;
    ensure!(log.read() == ["slow", "after"] && after.output().as_deref() == Some(&8), "{:?}", log.read());
    Ok(())
}

pub async fn starting_a_group_starts_its_dependencies<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    for name in ["a", "b", "c", "d"] {
        noting(&all, &log, name)?;
    }
    all.add_dependency("c", "a")?;
    all.create_group("late")?;
    for name in ["c", "d", "c"] {
        all.add_task_to_group(name, "late")?;
    }
    all.start_group("late")?;
    all.join_all().await?;
    let mut ran = log.read();
    ran.sort_unstable();
    ensure!(ran == ["a", "c", "d"], "{ran:?}");
    ensure!(
        matches!(all.start_group("none"), Err(OrchestratorError::UnknownGroup { group }) if &*group == "none")
    );
    ensure!(matches!(all.create_group("late"), Err(OrchestratorError::NameTaken { .. })), "made twice");
    ensure!(matches!(all.add_task_to_group("x", "late"), Err(OrchestratorError::UnknownTask { .. })));
    Ok(())
}

pub async fn counts_add_up_while_tasks_come_and_go<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).max_concurrency(3).build()?;
    for n in 0..60u32 {
        all.register_task(format!("{n}"), AsyncTask::to::<u32>(), move || async move {
            yield_now().await;
            if n % 10 == 9 { Err("one in ten") } else { Ok(n) }
        })?;
    }
    for n in 0..10 {
        // Six tasks would fail. Ten depend on the first of them, 9, and one of the ten is 19: so five fail,
        // and ten are skipped.
        let _ = all.add_dependency(format!("{}", n + 10), "9");
    }
    all.start_all()?;
    let mut seen = 0;
    loop {
        let stats = all.execution_stats();
        // Only the total is exact: a permit may be taken anew before the end of the task that held it is
        // reported.
        ensure!(stats.total() == 60, "{stats:?}");
        seen += 1;
        if stats.completed + stats.failed + stats.skipped == 60 {
            break;
        }
        yield_now().await;
    }
    let failed = failed(all.join_all().await)?;
    ensure!(
        matches!(failed, OrchestratorError::TaskFailed { others: 4, .. }),
        "{failed}, after {seen} looks"
    );
    let stats = all.execution_stats();
    ensure!((stats.completed, stats.failed, stats.skipped, stats.cancelled) == (45, 5, 10, 0), "{stats:?}");
    let (min, avg, max) = (stats.min.context("min")?, stats.avg.context("avg")?, stats.max.context("max")?);
    ensure!(min <= avg && avg <= max, "{stats:?}");
    Ok(())
}

pub async fn reported_times_exclude_the_wait_for_a_permit<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let all = orchestra(&rt).max_concurrency(1).build()?;
    for (name, takes) in [("short", 10u32), ("long", 30)] {
        let rt = rt.clone();
        all.register_task(
            name,
            AsyncTask::to::<()>(),
            move || async move { rt.sleep(takes.millis()).await },
        )?;
    }
    let stats = all.run().await?;
    let times = (stats.min, stats.avg, stats.max);
    // The wait for a permit is not part of it.
    ensure!(times.0 >= Some(10.millis()) && times.2 >= Some(30.millis()) && times.1 >= Some(20.millis()));
    if at.virtual_time {
        ensure!(times == (Some(10.millis()), Some(20.millis()), Some(30.millis())), "{times:?}");
    }
    Ok(())
}

pub async fn ended_tasks_can_be_cleared<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    let a = noting(&all, &log, "a")?;
    noting(&all, &log, "b")?;
    noting(&all, &log, "c")?;
    all.add_dependency("c", "b")?;
    all.start_task("b")?;
    all.start_task("a")?;
    all.join_all().await?;
    // `c` has not run, and its dependencies stay.
    ensure!(all.clear_completed_tasks() == 1 && statuses(&all) == ["b: completed", "c: pending"]);
    ensure!(a.output().is_some(), "the output went with it");
    ensure!(matches!(all.task_status("a"), Err(OrchestratorError::UnknownTask { task }) if &*task == "a"));
    noting(&all, &log, "a")?;
    all.add_dependency("a", "c")?;
    all.run().await?;
    ensure!(log.read().last().map(String::as_str) == Some("a"), "{:?}", log.read());
    ensure!(all.clear_completed_tasks() == 3 && all.execution_stats().total() == 0);
    Ok(())
}

#[derive(Debug, PartialEq)]
struct Region(&'static str);

pub async fn contexts_hand_values_to_their_tasks<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).with(Region("world")).build()?;
    all.create_context("eu", NamedContext::new().with(Region("eu")).with(7u32))?;
    let seen = || async {
        let cx = TaskContext::current();
        cx.and_then(|cx| Some((cx.get::<Region>()?.0, cx.get::<u32>().map(|n| *n))))
    };
    let outside = all.register_task("outside", AsyncTask::to::<Option<_>>(), seen)?;
    let inside = all.register_task("inside", AsyncTask::to::<Option<_>>(), seen)?;
    let own = all.register_task("own", AsyncTask::to::<Option<_>>().with(Region("own")), seen)?;
    all.set_task_context(&inside, "eu")?;
    all.set_task_context(&own, "eu")?;
    ensure!(matches!(all.set_task_context(&own, "us"), Err(OrchestratorError::UnknownContext { .. })));
    ensure!(matches!(
        all.create_context("eu", NamedContext::new()),
        Err(OrchestratorError::NameTaken { .. })
    ));
    all.run().await?;
    ensure!(outside.output().as_deref() == Some(&Some(("world", None))), "{:?}", outside.output());
    ensure!(inside.output().as_deref() == Some(&Some(("eu", Some(7)))), "{:?}", inside.output());
    ensure!(own.output().as_deref() == Some(&Some(("own", Some(7)))), "{:?}", own.output());
    ensure!(matches!(all.set_task_context(&own, "eu"), Err(OrchestratorError::AlreadyStarted { .. })));
    Ok(())
}

pub async fn work_knows_its_task_by_name<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).build()?;
    let name = || async { TaskContext::current().and_then(|cx| cx.name()) };
    let node = all.register_task("by name", AsyncTask::to::<Option<Arc<str>>>().retry(1), name)?;
    all.run().await?;
    ensure!(node.output().and_then(|name| (*name).clone()).as_deref() == Some("by name"));
    ensure!(all.task_status(&node)? == NodeStatus::Completed);
    Ok(())
}
