//! Orchestras, graphs: a cycle is refused and its path named, and long chains overflow no stack.
//! A dependency cannot be added to a task that was started, and ten thousand tasks may meet in one.

use crate::library::orchestra::{EdgePolicy, OrchestratorError};

use crate::kit::orchestras::{Log, cause, failing, noting, orchestra, statuses};
use crate::kit::prelude::*;

fn path(error: &OrchestratorError) -> Result<Vec<&str>, Failure> {
    match error {
        OrchestratorError::Cycle { path } => Ok(path.iter().map(|name| &**name).collect()),
        other => bail!("not a circle: {other}"),
    }
}

pub async fn a_task_cannot_depend_on_itself<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    noting(&all, &log, "a")?;
    let refused = failed(all.add_dependency("a", "a"))?;
    ensure!(path(&refused)? == ["a", "a"], "{refused}");
    ensure!(refused.to_string().contains("`a` -> `a`"), "{refused}");
    all.run().await?;
    ensure!(log.read() == ["a"], "{:?}", log.read());
    Ok(())
}

pub async fn a_cycle_is_refused_with_its_path<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    for name in ["a", "b", "c", "d", "e"] {
        noting(&all, &log, name)?;
    }
    for (task, on) in [("b", "a"), ("c", "b"), ("d", "c"), ("e", "a")] {
        all.add_dependency(task, on)?;
    }
    let refused = failed(all.add_dependency("a", "d"))?;
    ensure!(path(&refused)? == ["a", "d", "c", "b", "a"], "{refused}");
    ensure!(refused.to_string().contains("`a` -> `d` -> `c` -> `b` -> `a`"), "{refused}");
    let refused = failed(all.add_dependency_with("a", "b", EdgePolicy::AnyEnd))?;
    ensure!(path(&refused)? == ["a", "b", "a"], "{refused}");
    // The refusals changed nothing.
    all.run().await?;
    ensure!(log.read().len() == 5, "{:?}", log.read());
    Ok(())
}

pub async fn names_that_are_unknown_or_taken_are_errors<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    noting(&all, &log, "a")?;
    ensure!(matches!(noting(&all, &log, "a"), Err(OrchestratorError::NameTaken { name }) if &*name == "a"));
    let unknown = |result: Result<(), OrchestratorError>| matches!(result, Err(OrchestratorError::UnknownTask { task }) if &*task == "x");
    ensure!(unknown(all.add_dependency("a", "x")) && unknown(all.add_dependency("x", "a")), "known");
    ensure!(unknown(all.start_task("x")) && unknown(all.task_status("x").map(drop)), "known");
    ensure!(unknown(all.cancel_task("x", CancelLevel::Kill).map(drop)), "known");
    all.run().await?;
    ensure!(log.read() == ["a"], "{:?}", log.read());
    Ok(())
}

pub async fn a_dependency_cannot_be_added_to_a_started_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, log, open) = (orchestra(&rt).build()?, Log::default(), Latch::new());
    let wait = open.clone();
    all.register_task("a", AsyncTask::to::<()>(), || async move { wait.wait().await })?;
    noting(&all, &log, "b")?;
    all.start_task("a")?;
    let started = |result: Result<(), OrchestratorError>| matches!(result, Err(OrchestratorError::AlreadyStarted { task }) if &*task == "a");
    ensure!(started(all.add_dependency("a", "b")), "while it runs");
    open.set();
    all.join_all().await?;
    ensure!(started(all.add_dependency("a", "b")), "after its end");
    all.add_dependency("b", "a")?;
    all.run().await?;
    ensure!(log.read() == ["b"], "{:?}", log.read());
    Ok(())
}

pub async fn a_node_of_another_orchestrator_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (one, other) = (orchestra(&rt).build()?, orchestra(&rt).build()?);
    let foreign = one.register_task("a", AsyncTask::to::<u32>(), || async { 1 })?;
    other.register_task("a", AsyncTask::to::<u32>(), || async { 2 })?;
    let refused = other.register_after("b", &foreign, AsyncTask::to::<u32>(), |a| async move { *a });
    ensure!(matches!(refused, Err(OrchestratorError::Foreign { task }) if &*task == "a"), "taken");
    ensure!(statuses(&other) == ["a: pending"], "{:?}", statuses(&other));
    Ok(())
}

/// Runs a long chain of tasks, of which the first fails or none.
async fn chain<R: Runtime>(rt: &R, at: Facts, first_fails: bool) -> Outcome {
    // Where all is polled on one stack, which a recursion would have to itself, as many as the longest chain that is
    // promised.
    let long = if at.polls_on_caller { 100_000 } else { 20_000 };
    let all = orchestra(rt).build()?;
    for n in 0..long {
        let fails = first_fails && n == 0;
        let work = move || async move { if fails { Err("the first") } else { Ok(()) } };
        all.register_task(n.to_string(), AsyncTask::to::<()>(), work)?;
        if n > 0 {
            all.add_dependency(n.to_string(), (n - 1).to_string())?;
        }
    }
    let circle = failed(all.add_dependency("0", (long - 1).to_string()))?;
    ensure!(path(&circle)?.len() == long + 1, "a shorter path");
    let run = all.run().await;
    let stats = all.execution_stats();
    match first_fails {
        false => ensure!(run.is_ok() && stats.completed == long, "{stats:?}"),
        true => {
            ensure!((stats.failed, stats.skipped) == (1, long - 1), "{stats:?}");
            ensure!(cause(&all, &(long - 1).to_string())? == ("0".to_owned(), false), "another cause");
        }
    }
    Ok(())
}

pub async fn a_long_chain_overflows_no_stack<R: Runtime>(rt: R, at: Facts) -> Outcome {
    chain(&rt, at, false).await
}

pub async fn a_failure_goes_down_a_long_chain<R: Runtime>(rt: R, at: Facts) -> Outcome {
    chain(&rt, at, true).await
}

pub async fn a_failure_goes_down_a_chain_whose_tasks_were_started_one_by_one<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    const LONG: usize = 10_000;
    let (all, started, open) = (orchestra(&rt).build()?, Latch::new(), Latch::new());
    let (start, wait) = (started.clone(), open.clone());
    all.register_task("0", AsyncTask::to::<()>(), || async move {
        start.set();
        wait.wait().await;
        Err::<(), _>("the first")
    })?;
    all.start_all()?;
    started.wait().await;
    for n in 1..LONG {
        all.register_task(n.to_string(), AsyncTask::to::<()>(), || async {})?;
        all.add_dependency(n.to_string(), (n - 1).to_string())?;
        all.start_task(n.to_string())?;
    }
    open.set();
    failed(all.join_all().await)?;
    let stats = all.execution_stats();
    ensure!((stats.failed, stats.skipped) == (1, LONG - 1), "{stats:?}");
    ensure!(cause(&all, &(LONG - 1).to_string())? == ("0".to_owned(), false), "another cause");
    Ok(())
}

pub async fn a_long_chain_that_is_never_started_is_dropped<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, census) = (orchestra(&rt).build()?, Census::default());
    for n in 0..20_000 {
        let resident = census.enter();
        all.register_task(n.to_string(), AsyncTask::to::<()>(), || async move { drop(resident) })?;
        if n > 0 {
            // Each depends on the one registered after it.
            all.add_dependency((n - 1).to_string(), n.to_string())?;
        }
    }
    drop(all);
    ensure!(census.alive() == 0, "{} are left", census.alive());
    Ok(())
}

pub async fn ten_thousand_tasks_have_one_common_dependent<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const WIDE: u64 = 10_000;
    let all = orchestra(&rt).build()?;
    let parts: Result<Vec<_>, _> = (0..WIDE)
        .map(|n| all.register_task(n.to_string(), AsyncTask::to::<u64>(), move || async move { n }))
        .collect();
    let sum = all.register_after("sum", &parts?, AsyncTask::to::<u64>(), |parts| async move {
        parts.iter().map(|part| **part).sum::<u64>()
    })?;
    all.run().await?;
    ensure!(sum.output().as_deref() == Some(&(WIDE * (WIDE - 1) / 2)), "{:?}", sum.output());
    Ok(())
}

pub async fn one_failure_of_ten_thousand_skips_their_common_dependent<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    const WIDE: usize = 10_000;
    let (all, log) = (orchestra(&rt).build()?, Log::default());
    noting(&all, &log, "meet")?;
    noting(&all, &log, "clean up")?;
    for n in 0..WIDE {
        let name = n.to_string();
        match n {
            7_777 => failing(&all, &name)?,
            _ => all.register_task(name.clone(), AsyncTask::to::<()>(), || async {})?,
        };
        all.add_dependency("meet", &name)?;
        all.add_dependency_with("clean up", &name, EdgePolicy::AnyEnd)?;
    }
    failed(all.run().await)?;
    ensure!(
        cause(&all, "meet")? == ("7777".to_owned(), false) && log.read() == ["clean up"],
        "{:?}",
        log.read()
    );
    ensure!(all.execution_stats().completed == WIDE, "{:?}", all.execution_stats());
    Ok(())
}
