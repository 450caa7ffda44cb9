//! Stores that fail.

use std::io;
use std::sync::Arc;

use anyhow::ensure;
use conformance_queues::{Backend, Outcome, Smol, Tokio};
use sweet_async_core::DynRuntime;
use sweet_async_orchestra::durable::{
    DurableError, MemoryRunStore, RunNode, RunStore, RunSummary, StoredNode, fork_from, runs,
};
use sweet_async_orchestra::{NodeStatus, OrchestratorError};

use crate::durable::bench::{Counts, orchestra, task};

/// A store one of whose calls fails, for the node `second` where it is about a node.
#[derive(Clone)]
struct Failing {
    store: MemoryRunStore,
    call: &'static str,
}

impl Failing {
    fn checked(&self, call: &str, node: &str) -> io::Result<()> {
        if self.call == call && node == "second" { Err(io::Error::other("the disk is full")) } else { Ok(()) }
    }
}

impl RunStore for Failing {
    type Error = io::Error;

    async fn load(&self, run: &str) -> io::Result<Option<Vec<StoredNode>>> {
        self.checked("load the run", "second")?;
        Ok(self.store.load(run).await.unwrap_or_default())
    }
    async fn begin(&self, run: &str, graph: &[RunNode]) -> io::Result<u64> {
        self.checked("begin the run", "second")?;
        Ok(self.store.begin(run, graph).await.unwrap_or_default())
    }
    async fn node_started(&self, run: &str, attempt: u64, node: &str) -> io::Result<bool> {
        self.checked("mark the start of a node", node)?;
        Ok(self.store.node_started(run, attempt, node).await.unwrap_or_default())
    }
    async fn node_completed(&self, run: &str, attempt: u64, node: &str, output: &[u8]) -> io::Result<bool> {
        self.checked("keep an output", node)?;
        Ok(self.store.node_completed(run, attempt, node, output).await.unwrap_or_default())
    }
    async fn node_failed(&self, run: &str, attempt: u64, node: &str) -> io::Result<bool> {
        self.checked("mark the failure of a node", node)?;
        Ok(self.store.node_failed(run, attempt, node).await.unwrap_or_default())
    }
    async fn runs(&self) -> io::Result<Vec<RunSummary>> {
        self.checked("list the runs", "second")?;
        Ok(self.store.runs().await.unwrap_or_default())
    }
    async fn fork(&self, from: &str, to: &str, again: &[Arc<str>]) -> io::Result<bool> {
        self.checked("fork the run", "second")?;
        Ok(self.store.fork(from, to, again).await.unwrap_or_default())
    }
}

fn is_store(error: &DurableError, named: &str) -> bool {
    matches!(error, DurableError::Store { call, .. } if *call == named)
}

/// Runs `first -> second -> third` with a store that fails.
async fn run(rt: &DynRuntime, call: &'static str) -> Outcome {
    let (store, counts) = (Failing { store: MemoryRunStore::new(), call }, Counts::default());
    let all = orchestra(rt, &store, "run")?;
    let count = counts.clone();
    let first = all.register_durable("first", task::<u32>(rt), || async move {
        count.add("first");
        1_u32
    })?;
    let (count, fails) = (counts.clone(), call == "mark the failure of a node");
    // The recovery hides errors of the work, and not those of the store.
    let recovering =
        task::<u32>(rt).recover_with(move |error| async move { if fails { Err(error) } else { Ok(9) } });
    let second = all.register_durable_after("second", &first, recovering, move |one| async move {
        count.add("second");
        if fails { Err(sweet_async_core::AsyncTaskError::failure("no")) } else { Ok(*one) }
    })?;
    let count = counts.clone();
    all.register_durable_after("third", &second, task::<()>(rt), |_| async move { count.add("third") })?;
    let error = match all.run().await {
        Err(OrchestratorError::Durable(error)) => error,
        other => anyhow::bail!("{call}: {other:?}"),
    };
    ensure!(is_store(&error, call), "{call}: {error:?}");
    ensure!(error.to_string().contains(call) && error.to_string().contains("the disk is full"), "{error}");
    let ran = ["first", "second", "third"].map(|node| counts.of(node));
    let (expected, status) = match call {
        "load the run" | "begin the run" => ([0, 0, 0], NodeStatus::Cancelled),
        "mark the start of a node" => ([1, 0, 0], NodeStatus::Failed),
        _ => ([1, 1, 0], NodeStatus::Failed),
    };
    ensure!(ran == expected, "{call}: {ran:?}");
    ensure!(all.task_status(&second)? == status, "{call}: {}", all.task_status(&second)?);
    ensure!(second.output().is_none());
    Ok(())
}

fn each<B: Backend>() -> Outcome {
    let backend = B::start(1)?;
    backend.block_on(async {
        for call in [
            "load the run",
            "begin the run",
            "mark the start of a node",
            "keep an output",
            "mark the failure of a node",
        ] {
            run(&backend.runtime(), call).await?;
        }
        let failing = |call| Failing { store: MemoryRunStore::new(), call };
        let listed = runs(&failing("list the runs")).await;
        ensure!(matches!(&listed, Err(error) if is_store(error, "list the runs")), "{listed:?}");
        let store = failing("fork the run");
        let all = orchestra(&backend.runtime(), &store, "run")?;
        all.register_durable("first", task::<u32>(&backend.runtime()), || async { 1_u32 })?;
        all.run().await?;
        let forked = fork_from(&store, "run", "first", "fork").await;
        ensure!(matches!(&forked, Err(error) if is_store(error, "fork the run")), "{forked:?}");
        Ok(())
    })?
}

#[test]
fn a_failing_store_ends_the_run_and_names_the_call_on_tokio() -> Outcome {
    each::<Tokio>()
}

#[test]
fn a_failing_store_ends_the_run_and_names_the_call_on_smol() -> Outcome {
    each::<Smol>()
}
