//! Lists and forks of the runs in a store.

use std::sync::Arc;

use crate::durable::error::DurableError;
use crate::durable::plan::with_dependents;
use crate::durable::store::{RunStore, RunSummary};

/// Returns the runs in a store, in the order in which they were begun.
///
/// # Errors
///
/// [`DurableError::Store`], with an empty id.
///
/// # Cancel safety
///
/// It changes nothing.
pub async fn runs<Q: RunStore>(store: &Q) -> Result<Vec<RunSummary>, DurableError> {
    store.runs().await.map_err(|error| failed(&"".into(), "list the runs", error))
}

/// Makes the run `new` out of the run `run`: its nodes that have completed are completed in `new`, with their outputs,
/// except for `node` and all that depends on it, directly or not. A start of `new` runs these, and whatever had not
/// completed. The run `run` stays as it is, and may be at work meanwhile.
///
/// A fork that was not started yet may be made anew from the same run.
///
/// # Errors
///
/// [`DurableError::UnknownRun`], [`DurableError::UnknownNode`]; [`DurableError::RunExists`] if there is a run `new`;
/// [`DurableError::Store`].
///
/// # Cancel safety
///
/// A future that is dropped has made the whole fork, or nothing of it.
pub async fn fork_from<Q: RunStore>(store: &Q, run: &str, node: &str, new: &str) -> Result<(), DurableError> {
    let id: Arc<str> = run.into();
    let stored = store.load(run).await.map_err(|error| failed(&id, "load the run", error))?;
    let stored = stored.ok_or_else(|| DurableError::UnknownRun { run: id.clone() })?;
    let again = with_dependents(&stored, node)
        .ok_or_else(|| DurableError::UnknownNode { run: id.clone(), node: node.into() })?;
    match store.fork(run, new, &again).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(DurableError::RunExists { run: new.into() }),
        Err(error) => Err(failed(&id, "fork the run", error)),
    }
}

fn failed(
    run: &Arc<str>,
    call: &'static str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> DurableError {
    DurableError::of_store(run, call, None, error.into())
}
