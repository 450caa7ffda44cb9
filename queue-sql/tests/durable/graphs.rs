//! Graphs that are not those of their runs.

use anyhow::ensure;
use conformance_queues::Outcome;
use sweet_async_core::DynRuntime;
use sweet_async_orchestra::durable::{DurableError, RunStore, runs};
use sweet_async_orchestra::{NodeStatus, OrchestratorError};

use crate::durable::bench::{Counts, Orchestra, orchestra, task};

/// Registers and runs `first -> second`, and `third`.
async fn complete<Q: RunStore + Clone>(rt: &DynRuntime, store: &Q) -> Outcome {
    let all = orchestra(rt, store, "run")?;
    let first = all.register_durable("first", task::<u32>(rt), || async { 1_u32 })?;
    all.register_durable_after("second", &first, task::<u32>(rt), |one| async move { *one })?;
    all.register_durable("third", task::<u32>(rt), || async { 3_u32 })?;
    all.run().await?;
    Ok(())
}

/// Runs a changed graph, and returns the error. Nothing of it runs.
async fn refused<Q: RunStore + Clone>(
    rt: &DynRuntime,
    store: &Q,
    register: impl FnOnce(&Orchestra, &Counts) -> Result<(), OrchestratorError>,
) -> anyhow::Result<DurableError> {
    complete(rt, store).await?;
    let (all, counts) = (orchestra(rt, store, "run")?, Counts::default());
    register(&all, &counts)?;
    let error = match all.run().await {
        Err(OrchestratorError::Durable(error)) => error,
        other => anyhow::bail!("{other:?}"),
    };
    ensure!(counts.of("any") == 0);
    let all_cancelled = all.all_task_statuses().iter().all(|(_, status)| *status == NodeStatus::Cancelled);
    ensure!(all_cancelled, "{:?}", all.all_task_statuses());
    // It stays so, and nothing was taken over.
    ensure!(matches!(all.join_all().await, Err(OrchestratorError::Durable(_))));
    ensure!(runs(store).await?.iter().all(|run| run.starts == 1));
    Ok(error)
}

pub(crate) async fn a_missing_node_is_refused_by_name<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    let error = refused(&rt, &store, |all, counts| {
        let count = counts.clone();
        let first = all.register_durable("first", task::<()>(&rt), || async move { count.add("any") })?;
        all.register_durable_after("second", &first, task::<u32>(&rt), |_| async { 1 })?;
        Ok(())
    });
    let error = error.await?;
    ensure!(matches!(&error, DurableError::MissingNode { node, .. } if &**node == "third"), "{error:?}");
    ensure!(error.to_string().contains("`third`"), "{error}");
    Ok(())
}

pub(crate) async fn a_new_node_is_refused_by_name<Q: RunStore + Clone>(rt: DynRuntime, store: Q) -> Outcome {
    let error = refused(&rt, &store, |all, counts| {
        let first = all.register_durable("first", task::<u32>(&rt), || async { 1_u32 })?;
        all.register_durable_after("second", &first, task::<u32>(&rt), |one| async move { *one })?;
        all.register_durable("third", task::<u32>(&rt), || async { 3_u32 })?;
        let count = counts.clone();
        all.register_durable("fourth", task::<()>(&rt), || async move { count.add("any") })?;
        Ok(())
    });
    let error = error.await?;
    ensure!(matches!(&error, DurableError::NewNode { node, .. } if &**node == "fourth"), "{error:?}");
    Ok(())
}

pub(crate) async fn changed_dependencies_are_refused_by_name<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    let error = refused(&rt, &store, |all, _| {
        let first = all.register_durable("first", task::<u32>(&rt), || async { 1_u32 })?;
        let third = all.register_durable("third", task::<u32>(&rt), || async { 3_u32 })?;
        all.register_durable_after(
            "second",
            (&first, &third),
            task::<u32>(&rt),
            |(one, _)| async move { *one },
        )?;
        Ok(())
    });
    let error = error.await?;
    ensure!(
        matches!(&error, DurableError::ChangedDependencies { node, .. } if &**node == "second"),
        "{error:?}"
    );
    ensure!(
        error.to_string().contains("depended on `first`, and depends on `first`, `third` now"),
        "{error}"
    );
    Ok(())
}

pub(crate) async fn a_changed_kind_is_refused_by_name<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    let error = refused(&rt, &store, |all, _| {
        let first = all.register_durable("first", task::<u32>(&rt), || async { 1_u32 })?;
        all.register_durable_after("second", &first, task::<u32>(&rt), |one| async move { *one })?;
        all.register_task("third", task::<u32>(&rt), || async { 3_u32 })?;
        Ok(())
    });
    let error = error.await?;
    let named =
        matches!(&error, DurableError::ChangedKind { node, was_durable: true, .. } if &**node == "third");
    ensure!(named, "{error:?}");
    Ok(())
}

pub(crate) async fn a_changed_output_is_refused_by_name<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    let error = refused(&rt, &store, |all, counts| {
        let first = all.register_durable("first", task::<u32>(&rt), || async { 1_u32 })?;
        let count = counts.clone();
        all.register_durable_after("second", &first, task::<String>(&rt), |_| async move {
            count.add("any");
            "one".to_owned()
        })?;
        all.register_durable("third", task::<u32>(&rt), || async { 3_u32 })?;
        Ok(())
    });
    let error = error.await?;
    ensure!(
        matches!(&error, DurableError::UnreadableOutput { node, .. } if &**node == "second"),
        "{error:?}"
    );
    Ok(())
}

pub(crate) async fn the_graph_is_fixed_by_the_first_start<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    let all = orchestra(&rt, &store, "run")?;
    let first = all.register_durable("first", task::<u32>(&rt), || async { 1_u32 })?;
    let second = all.register_durable("second", task::<u32>(&rt), || async { 2_u32 })?;
    all.start_task(&first)?;
    all.join_all().await?;
    let is_fixed = |refused: Result<(), OrchestratorError>, name: &str| matches!(refused, Err(OrchestratorError::Durable(DurableError::GraphFixed { node })) if &*node == name);
    ensure!(is_fixed(all.register_durable("third", task::<u32>(&rt), || async { 3_u32 }).map(drop), "third"));
    ensure!(is_fixed(all.register_task("third", task::<u32>(&rt), || async { 3_u32 }).map(drop), "third"));
    ensure!(is_fixed(all.add_dependency(&second, &first), "second"));
    ensure!(is_fixed(all.register_again(&second, task::<u32>(&rt), || async { 3_u32 }), "second"));
    // Tasks that were registered before can be started, in another session of the same attempt.
    let stats = all.run().await?;
    ensure!((stats.completed, stats.restored) == (2, 0), "{stats:?}");
    Ok(())
}
