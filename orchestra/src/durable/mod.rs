//! Durable runs: orchestras whose outputs are kept in a store, so that a run that was killed goes on.
//!
//! ```
//! # use sweet_async_core::{Runtime, TaskBuilder};
//! # use sweet_async_orchestra::{OrchestratorBuilder, OrchestratorError};
//! # async fn example<R: Runtime>(runtime: &R) -> Result<(), OrchestratorError> {
//! use sweet_async_orchestra::durable::{MemoryRunStore, fork_from, runs};
//!
//! # let task = || TaskBuilder::<u32, _>::new(runtime.clone());
//! // In a program: a store that survives, such as the `SqlStore` of `sweet-async-sql`.
//! let store = MemoryRunStore::new();
//! let orchestra = OrchestratorBuilder::new(runtime.clone()).durable(&store, "report of May").build()?;
//! let two = orchestra.register_durable("two", task(), || async { 2 })?;
//! let six = orchestra.register_durable_after("six", &two, task(), |two| async move { *two * 3 })?;
//! orchestra.run().await?;
//! assert_eq!(six.output().as_deref(), Some(&6));
//! // The same program, killed and started again, would run only the nodes that had not completed.
//! assert!(runs(&store).await?.iter().all(|run| run.is_finished()));
//! // Another run, which takes over all outputs except for those of `two` and of the nodes that depend on it.
//! fork_from(&store, "report of May", "two", "report of May, again").await?;
//! # Ok(()) }
//! ```
//!
//! # Rules
//!
//! - **Durable nodes**, of [`register_durable`](crate::Orchestrator::register_durable), have outputs that serde writes and
//!   reads, as JSON. The output is in the store before a dependent begins. A node that has completed does not run
//!   again: the next start of the run reads its output, and counts it as completed and restored.
//! - **Ordinary nodes**, of [`register_task`](crate::Orchestrator::register_task), are for connections, files and other
//!   values that cannot be written. The store knows only their place in the graph. Each start runs them again, unless all
//!   nodes that depend on them were restored. One that nothing depends on runs at each start.
//! - **Failed, cancelled and interrupted nodes** run again at the next start. A node is interrupted if it was running when
//!   its process died, or when the whole orchestration was killed; [`interrupted`](crate::Orchestrator::interrupted) names them. So the work
//!   of a node is done at least once, and its output is kept once.
//! - **The graph is a part of the run.** It is fixed by the first start of an orchestrator: a later registration, edge or
//!   new work is refused. A start with another graph than that of the run is refused, and names the node that is
//!   missing, new or different. Nodes are the same if they have the same name, the same names of dependencies, and are
//!   durable or ordinary as before; their work may change.
//! - **The newest start has the run.** A start takes the run over from any other that is still at work, in this process
//!   or elsewhere. The other one is told with its next call of the store, and ends with
//!   [`DurableError::TakenOver`]; it keeps nothing any more. No lock and no lease protects a run: both may be running the
//!   same node for a while, and effects of that work outside of the store happen twice. A scheduler that starts
//!   one process for each run is still needed.
//! - **A store that fails ends the run** with [`DurableError::Store`]: nothing more begins, tasks that run go on to
//!   their end, and count as failed, since their outputs are not kept. A store retries lost connections itself.
//!
//! Ad-hoc tasks are not part of a run.
//!
//! # Cost
//!
//! A start reads all outputs of the run twice, before and after it takes the run over, and holds them in memory. Each
//! durable node that runs costs two calls of the store, one before its work and one after.
//!
//! - `store`: the trait that a store implements, and its types; `memory`: a store in memory; `erased`: a store as a value
//! - `plan`: the comparison of graphs, and the nodes that run again
//! - `run`: a run, as an orchestrator has it
//! - `manage`: lists and forks of runs
//! - `error`: the errors

pub(crate) mod erased;
pub(crate) mod error;
pub(crate) mod manage;
pub(crate) mod memory;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod store;

pub use error::DurableError;
pub use manage::{fork_from, runs};
pub use memory::MemoryRunStore;
pub use store::{NodeProgress, RunNode, RunStore, RunSummary, StoredNode};
