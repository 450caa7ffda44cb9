//! The server, and its end.

use std::time::Duration;

use smol::channel;
use smol::future;
use smol::net::TcpListener;
use sweet_async::smol::{AsyncTask, SmolRuntime};

use super::connection::converse;
use crate::jobs::Jobs;
use sweet_async::RuntimeExt as _;

/// Serves until a client says `quit`, then ends in bounded time: clients are disconnected, their jobs cancelled, and
/// the jobs that have no client get `limit` to end by themselves.
///
/// # Errors
///
/// Those of the listener; [`RuntimeError::TasksLeft`](sweet_async::RuntimeError::TasksLeft) says how many jobs were
/// killed at the limit.
pub async fn serve(listener: TcpListener, jobs: Jobs, limit: Duration) -> anyhow::Result<()> {
    let (quit, quitting) = channel::bounded::<()>(1);
    let mut connections = Vec::new();
    loop {
        let quitting = async {
            let _ = quitting.recv().await;
            None
        };
        let accepting = async { Some(listener.accept().await) };
        let Some(accepted) = future::or(quitting, accepting).await else { break };
        let (stream, client) = accepted?;
        let (jobs, quit) = (jobs.clone(), quit.clone());
        let connection = AsyncTask::to::<()>()
            .name(format!("connection {client}"))
            .spawn(move || converse(stream, jobs, quit));
        connections.retain(|connection: &sweet_async::Task<_, _>| !connection.status().is_terminal());
        connections.push(connection);
    }
    // A connection's task is dropped with its handle, and the jobs are children of that task. None of them is awaited
    // here: the shutdown waits for all.
    drop(connections);
    Ok(SmolRuntime::current().shutdown(limit).await?)
}
