//! Lists, forks, and runs that two starts are at work on.

use anyhow::ensure;
use conformance_queues::Outcome;
use event_listener::Event;
use std::sync::Arc;
use sweet_async_core::{AsyncTaskError, DynRuntime};
use sweet_async_orchestra::durable::{DurableError, RunStore, fork_from, runs};
use sweet_async_orchestra::{ExecutionStats, OrchestratorError};

use crate::durable::bench::{Counts, orchestra, task};

pub(crate) async fn runs_are_listed<Q: RunStore + Clone>(rt: DynRuntime, store: Q) -> Outcome {
    ensure!(runs(&store).await?.is_empty());
    for (id, fails) in [("one", false), ("two", true), ("two", true)] {
        let all = orchestra(&rt, &store, id)?;
        let first = all.register_durable("first", task::<u32>(&rt), || async { 1_u32 })?;
        all.register_durable_after("second", &first, task::<u32>(&rt), move |one| async move {
            if fails { Err(AsyncTaskError::failure("no")) } else { Ok(*one) }
        })?;
        all.register_after("ordinary", &first, task::<u32>(&rt), |one| async move { *one })?;
        ensure!(all.run().await.is_err() == fails);
    }
    let list = runs(&store).await?;
    let mut found: Vec<_> = list
        .iter()
        .map(|run| (&*run.id, run.starts, run.nodes, run.completed, run.running, run.is_finished()))
        .collect();
    // Two may have begun in the same millisecond.
    found.sort_unstable();
    ensure!(found == [("one", 1, 2, 2, 0, true), ("two", 2, 2, 1, 0, false)], "{found:?}");
    let age = list.iter().map(|run| run.begun.elapsed().unwrap_or_default()).max().unwrap_or_default();
    ensure!(age.as_secs() < 600, "{age:?}");
    Ok(())
}

/// Runs `a -> b -> d`, `a -> c`, which count their runs.
async fn run<Q: RunStore + Clone>(
    rt: &DynRuntime,
    store: &Q,
    id: &str,
    counts: &Counts,
) -> Result<ExecutionStats, OrchestratorError> {
    let all = orchestra(rt, store, id)?;
    let counted = |name: &'static str| {
        let count = counts.clone();
        move |input: u32| async move {
            count.add(name);
            input + 1
        }
    };
    let (a, b, c, d) = (counted("a"), counted("b"), counted("c"), counted("d"));
    let a = all.register_durable("a", task::<u32>(rt), move || a(0))?;
    let b = all.register_durable_after("b", &a, task::<u32>(rt), move |a| b(*a))?;
    all.register_durable_after("c", &a, task::<u32>(rt), move |a| c(*a))?;
    let d = all.register_durable_after("d", &b, task::<u32>(rt), move |b| d(*b))?;
    let stats = all.run().await?;
    assert_eq!(d.output().as_deref(), Some(&3));
    Ok(stats)
}

pub(crate) async fn a_fork_runs_the_node_and_its_dependents_again<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    let counts = Counts::default();
    run(&rt, &store, "run", &counts).await?;
    fork_from(&store, "run", "c", "fork").await?;
    // It was not started, and so is made anew.
    fork_from(&store, "run", "b", "fork").await?;
    let fork = runs(&store).await?.into_iter().find(|run| &*run.id == "fork");
    let found = fork.map(|fork| (fork.forked_from, fork.starts, fork.completed, fork.nodes));
    ensure!(found == Some((Some("run".into()), 0, 2, 4)), "{found:?}");
    let stats = run(&rt, &store, "fork", &counts).await?;
    ensure!((stats.completed, stats.restored) == (4, 2), "{stats:?}");
    let found = ["a", "b", "c", "d"].map(|node| counts.of(node));
    ensure!(found == [1, 2, 1, 2], "{found:?}");
    // The original is as it was.
    ensure!(run(&rt, &store, "run", &counts).await?.restored == 4);
    ensure!(counts.of("b") == 2);
    Ok(())
}

pub(crate) async fn unknown_runs_and_nodes_are_refused<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    let counts = Counts::default();
    run(&rt, &store, "run", &counts).await?;
    run(&rt, &store, "other", &counts).await?;
    let refused = fork_from(&store, "no run", "a", "fork").await;
    ensure!(matches!(&refused, Err(DurableError::UnknownRun { run }) if &**run == "no run"), "{refused:?}");
    let refused = fork_from(&store, "run", "no node", "fork").await;
    ensure!(
        matches!(&refused, Err(DurableError::UnknownNode { node, .. }) if &**node == "no node"),
        "{refused:?}"
    );
    let refused = fork_from(&store, "run", "a", "other").await;
    ensure!(matches!(&refused, Err(DurableError::RunExists { run }) if &**run == "other"), "{refused:?}");
    fork_from(&store, "run", "a", "fork").await?;
    run(&rt, &store, "fork", &counts).await?;
    let refused = fork_from(&store, "run", "a", "fork").await;
    ensure!(matches!(refused, Err(DurableError::RunExists { .. })), "{refused:?}");
    ensure!(runs(&store).await?.len() == 3);
    Ok(())
}

pub(crate) async fn the_newest_start_has_the_run<Q: RunStore + Clone>(rt: DynRuntime, store: Q) -> Outcome {
    let counts = Counts::default();
    let (begun, go) = (Arc::new(Event::new()), Arc::new(Event::new()));
    let earlier = orchestra(&rt, &store, "run")?;
    let (own, may_end) = (begun.clone(), go.clone());
    let first = earlier.register_durable("first", task::<u32>(&rt), move || async move {
        let may_end = may_end.listen();
        own.notify(usize::MAX);
        may_end.await;
        1_u32
    })?;
    let count = counts.clone();
    earlier.register_durable_after(
        "second",
        &first,
        task::<()>(&rt),
        |_| async move { count.add("second") },
    )?;
    let listener = begun.listen();
    earlier.start_all()?;
    listener.await;

    let newest = orchestra(&rt, &store, "run")?;
    let first = newest.register_durable("first", task::<u32>(&rt), || async { 2_u32 })?;
    let count = counts.clone();
    newest.register_durable_after(
        "second",
        &first,
        task::<()>(&rt),
        |_| async move { count.add("second") },
    )?;
    newest.run().await?;
    ensure!(newest.interrupted().len() == 1);
    go.notify(usize::MAX);
    let ended = earlier.join_all().await;
    ensure!(matches!(ended, Err(OrchestratorError::Durable(DurableError::TakenOver { .. }))), "{ended:?}");
    ensure!(counts.of("second") == 1);
    // The first output stays.
    let again = orchestra(&rt, &store, "run")?;
    let first = again.register_durable("first", task::<u32>(&rt), || async { 3_u32 })?;
    again.register_durable_after("second", &first, task::<()>(&rt), |_| async {})?;
    ensure!(again.run().await?.restored == 2);
    ensure!(first.output().as_deref() == Some(&2));
    Ok(())
}
