//! Nodes that fail.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use conformance_queues::Outcome;
use sweet_async_core::{AsyncTaskError, CancelLevel, DynRuntime, RuntimeExt as _};
use sweet_async_orchestra::durable::{DurableError, RunStore, runs};
use sweet_async_orchestra::{EdgePolicy, NodeStatus, OrchestratorError};

use crate::durable::bench::{Counts, orchestra, task};

pub(crate) async fn failed_nodes_run_again_and_were_not_interrupted<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    let counts = Counts::default();
    for start in 0..3 {
        let all = orchestra(&rt, &store, "run")?;
        let count = counts.clone();
        all.register_durable("fails", task::<u8>(&rt).retry(1), move || {
            count.add("fails");
            async move { if start < 2 { Err(AsyncTaskError::failure("no")) } else { Ok(1) } }
        })?;
        let ended = all.run().await;
        ensure!(ended.is_ok() == (start == 2), "{ended:?}");
        ensure!(all.interrupted().is_empty(), "{:?}", all.interrupted());
    }
    // Two attempts in each of the starts that have failed.
    ensure!(counts.of("fails") == 5, "{}", counts.of("fails"));
    Ok(())
}

pub(crate) async fn dropped_nodes_run_again_and_were_not_interrupted<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    for is_first in [true, false] {
        let all = orchestra(&rt, &store, "run")?;
        let limited = task::<u8>(&rt).timeout(Duration::from_millis(if is_first { 20 } else { 60_000 }));
        let limited = all.register_durable("limited", limited, move || async move {
            if is_first {
                std::future::pending::<()>().await;
            }
            1
        })?;
        let panics = all.register_durable("panics", task::<u8>(&rt), move || async move {
            assert!(!is_first, "on purpose");
            2
        })?;
        let killed = all.register_durable("killed", task::<u8>(&rt), move || async move {
            if is_first {
                std::future::pending::<()>().await;
            }
            3
        })?;
        all.start_all()?;
        if is_first {
            while all.task_status(&killed)? != NodeStatus::Running {
                rt.sleep(Duration::from_millis(1)).await?;
            }
            all.cancel_task(&killed, CancelLevel::Kill)?.await;
            ensure!(matches!(all.join_all().await, Err(OrchestratorError::TaskFailed { .. })));
            let ended = [&limited, &panics, &killed].map(|node| all.task_status(node).ok());
            let expected = [NodeStatus::Failed, NodeStatus::Failed, NodeStatus::Cancelled].map(Some);
            ensure!(ended == expected, "{ended:?}");
            ensure!(runs(&store).await?.iter().all(|run| (run.running, run.completed) == (0, 0)));
        } else {
            let stats = all.join_all().await?;
            ensure!((stats.completed, stats.restored) == (3, 0), "{stats:?}");
        }
        ensure!(all.interrupted().is_empty(), "{:?}", all.interrupted());
    }
    Ok(())
}

pub(crate) async fn an_output_after_a_time_limit_is_kept<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    for is_first in [true, false] {
        let all = orchestra(&rt, &store, "run")?;
        let limited = task::<u8>(&rt).timeout(Duration::from_millis(200)).recover_with(|_| async { 7_u8 });
        let node = all.register_durable("node", limited, move || async move {
            std::future::pending::<()>().await;
            1
        })?;
        let stats = all.run().await?;
        ensure!(stats.restored == usize::from(!is_first), "{stats:?}");
        ensure!(node.output().as_deref() == Some(&7), "{:?}", node.output());
    }
    Ok(())
}

pub(crate) async fn an_output_of_a_recovery_is_kept<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    for is_first in [true, false] {
        let all = orchestra(&rt, &store, "run")?;
        let builder = task::<u8>(&rt).recover_with(|_| async { 7_u8 });
        let node = all.register_durable("node", builder, move || async move {
            if is_first { Err(AsyncTaskError::failure("no")) } else { Ok(1) }
        })?;
        all.run().await?;
        ensure!(node.output().as_deref() == Some(&7), "{:?}", node.output());
    }
    Ok(())
}

pub(crate) async fn an_output_that_cannot_be_written_fails_its_node<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    let all = orchestra(&rt, &store, "run")?;
    // Keys of JSON are texts.
    let map = || async { BTreeMap::from([(vec![1_u8], 1_u8)]) };
    let node = all.register_durable("map", task::<BTreeMap<Vec<u8>, u8>>(&rt), map)?;
    let other = all.register_durable("other", task::<u8>(&rt), || async { 1_u8 })?;
    ensure!(all.run().await.is_err());
    let failed = all.join_task(&node).await;
    let Err(OrchestratorError::TaskFailed { error, .. }) = &failed else {
        anyhow::bail!("{failed:?}");
    };
    let own = error.downcast_ref::<DurableError>().context("another error")?;
    ensure!(matches!(own, DurableError::UnwritableOutput { node, .. } if &**node == "map"), "{own:?}");
    ensure!(other.output().is_some() && node.output().is_none());
    let list = runs(&store).await?;
    ensure!(list.iter().all(|run| (run.completed, run.running, run.nodes) == (1, 0, 2)), "{list:?}");
    Ok(())
}

pub(crate) async fn a_restored_node_is_not_skipped<Q: RunStore + Clone>(rt: DynRuntime, store: Q) -> Outcome {
    for is_first in [true, false] {
        let all = orchestra(&rt, &store, "run")?;
        let source = all.register_task("source", task::<u8>(&rt), move || async move {
            if is_first { Ok(1) } else { Err(AsyncTaskError::failure("gone")) }
        })?;
        let kept = all.register_durable_after("kept", &source, task::<u8>(&rt), |one| async move { *one })?;
        let open = all.register_durable_after("open", &source, task::<u8>(&rt), move |_| async move {
            Err::<u8, _>(AsyncTaskError::failure("not yet"))
        })?;
        let last =
            all.register_durable_after("last", &kept, task::<u8>(&rt), |one| async move { *one + 1 })?;
        all.add_dependency_with(&last, &open, EdgePolicy::AnyEnd)?;
        ensure!(all.run().await.is_err());
        ensure!(all.task_status(&kept)? == NodeStatus::Completed);
        ensure!(last.output().as_deref() == Some(&2));
        let skipped = matches!(all.task_status(&open)?, NodeStatus::Skipped { .. });
        ensure!(skipped != is_first, "{}", all.task_status(&open)?);
    }
    Ok(())
}
