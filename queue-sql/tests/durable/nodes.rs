//! The nodes that run, and those that do not.

use std::time::Duration;

use anyhow::ensure;
use conformance_queues::Outcome;
use sweet_async_core::{AsyncTaskError, CancelLevel, DynRuntime, RuntimeExt as _};
use sweet_async_orchestra::durable::{DurableError, NodeProgress, RunStore};
use sweet_async_orchestra::{NodeStatus, OrchestratorError};

use crate::durable::bench::{Counts, orchestra, task};

pub(crate) async fn completed_nodes_do_not_run_again<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    let counts = Counts::default();
    for is_first in [true, false] {
        let all = orchestra(&rt, &store, "run")?;
        let count = counts.clone();
        let one = all.register_durable("one", task::<u32>(&rt), || async move {
            count.add("one");
            1_u32
        })?;
        let count = counts.clone();
        let text = all.register_durable_after("text", &one, task::<String>(&rt), move |one| async move {
            count.add("text");
            if is_first { Err(AsyncTaskError::failure("not yet")) } else { Ok(format!("{one}!")) }
        })?;
        let count = counts.clone();
        let both = all.register_durable_after(
            "both",
            (&one, &text),
            task::<String>(&rt),
            |(one, text)| async move {
                count.add("both");
                format!("{one} {text}")
            },
        )?;
        let ended = all.run().await;
        if is_first {
            ensure!(matches!(ended, Err(OrchestratorError::TaskFailed { .. })), "{ended:?}");
            continue;
        }
        let stats = ended?;
        ensure!((stats.completed, stats.restored, stats.total()) == (3, 1, 3), "{stats:?}");
        ensure!(one.output().as_deref() == Some(&1));
        ensure!(*all.join_task(&both).await? == "1 1!");
        ensure!(all.task_status(&one)? == NodeStatus::Completed);
        let report = all.report();
        let restored: Vec<_> = report.tasks.iter().map(|task| task.is_restored).collect();
        ensure!(restored == [true, false, false], "{restored:?}");
    }
    ensure!((counts.of("one"), counts.of("text"), counts.of("both")) == (1, 2, 1));
    Ok(())
}

pub(crate) async fn interrupted_nodes_are_named_and_run_again<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    let counts = Counts::default();
    for is_first in [true, false] {
        let all = orchestra(&rt, &store, "run")?;
        let count = counts.clone();
        let done = all.register_durable("done", task::<()>(&rt), || async move { count.add("done") })?;
        let count = counts.clone();
        let hangs = all.register_durable_after("hangs", &done, task::<u8>(&rt), move |_| async move {
            count.add("hangs");
            if is_first {
                std::future::pending::<()>().await;
            }
            5_u8
        })?;
        all.register_durable_after("last", &hangs, task::<u8>(&rt), |five| async move { *five })?;
        ensure!(all.interrupted().is_empty());
        all.start_all()?;
        if is_first {
            while all.task_status(&hangs)? != NodeStatus::Running || counts.of("hangs") == 0 {
                rt.sleep(Duration::from_millis(1)).await?;
            }
            all.cancel(CancelLevel::Kill).await;
            continue;
        }
        all.join_all().await?;
        ensure!(all.interrupted().iter().map(|name| &**name).eq(["hangs"]), "{:?}", all.interrupted());
        ensure!(hangs.output().as_deref() == Some(&5));
    }
    ensure!((counts.of("done"), counts.of("hangs")) == (1, 2));
    Ok(())
}

pub(crate) async fn an_output_is_kept_before_its_dependents_start<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    let all = orchestra(&rt, &store, "run")?;
    let mut last = all.register_durable("0", task::<u32>(&rt), || async { 0_u32 })?;
    for number in 1..20 {
        let (store, before) = (store.clone(), last.name().clone());
        last = all.register_durable_after(
            number.to_string(),
            &last,
            task::<u32>(&rt),
            move |value| async move {
                let nodes = store.load("run").await.map_err(AsyncTaskError::failure)?.unwrap_or_default();
                let progress = |name: &str| {
                    nodes
                        .iter()
                        .find(|stored| &*stored.node.name == name)
                        .map(|stored| stored.progress.clone())
                };
                let is_kept =
                    progress(&before) == Some(NodeProgress::Completed(value.to_string().into_bytes()));
                let is_marked = progress(&number.to_string()) == Some(NodeProgress::Running);
                if is_kept && is_marked { Ok(*value + 1) } else { Err(AsyncTaskError::failure("not kept")) }
            },
        )?;
    }
    all.run().await?;
    ensure!(last.output().as_deref() == Some(&19));
    Ok(())
}

pub(crate) async fn ordinary_nodes_run_again_where_they_are_needed<Q: RunStore + Clone>(
    rt: DynRuntime,
    store: Q,
) -> Outcome {
    let counts = Counts::default();
    for is_first in [true, false] {
        let all = orchestra(&rt, &store, "run")?;
        let ordinary = |name: &'static str| {
            let count = counts.clone();
            all.register_task(name, task::<u8>(&rt), move || async move {
                count.add(name);
                1
            })
        };
        let (needed, unneeded, _sink) = (ordinary("needed")?, ordinary("unneeded")?, ordinary("sink")?);
        let count = counts.clone();
        let through = all.register_after("through", &needed, task::<u8>(&rt), |one| async move {
            count.add("through");
            *one
        })?;
        all.register_durable_after("kept", (&needed, &unneeded), task::<u8>(&rt), |_| async { 1 })?;
        let open = all.register_durable_after("open", &through, task::<u8>(&rt), move |one| async move {
            if is_first { Err(AsyncTaskError::failure("not yet")) } else { Ok(*one) }
        })?;
        let ended = all.run().await;
        ensure!(ended.is_ok() != is_first, "{ended:?}");
        if !is_first {
            ensure!(open.output().as_deref() == Some(&1));
            let missing = all.join_task(&unneeded).await;
            let named = matches!(&missing, Err(OrchestratorError::Durable(DurableError::NotKept { node }))
                if &**node == "unneeded");
            ensure!(named, "{missing:?}");
        }
    }
    let runs = ["needed", "through", "sink", "unneeded"].map(|node| counts.of(node));
    ensure!(runs == [2, 2, 2, 1], "{runs:?}");
    Ok(())
}

pub(crate) async fn a_long_chain_is_restored<Q: RunStore + Clone>(rt: DynRuntime, store: Q) -> Outcome {
    let counts = Counts::default();
    for _ in 0..2 {
        let all = orchestra(&rt, &store, "run")?;
        let mut last = all.register_durable("0", task::<u32>(&rt), || async { 0_u32 })?;
        for number in 1..2_000 {
            let count = counts.clone();
            last = all.register_durable_after(
                number.to_string(),
                &last,
                task::<u32>(&rt),
                |value| async move {
                    count.add("all");
                    *value + 1
                },
            )?;
        }
        all.run().await?;
        ensure!(last.output().as_deref() == Some(&1_999));
    }
    ensure!(counts.of("all") == 1_999);
    Ok(())
}
