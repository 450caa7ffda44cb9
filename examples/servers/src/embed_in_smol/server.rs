//! The server, from its first connection to its shutdown.

use std::time::Duration;

use smol::channel;
use smol::future;
use smol::net::TcpListener;
use sweet_async::smol::{AsyncTask, SmolRuntime};

use super::connection::serve_client;
use crate::jobs::Jobs;
use sweet_async::RuntimeExt as _;

/// Serves until a client sends `quit`, then ends in bounded time: clients are disconnected, their jobs are
/// cancelled, and the jobs that have no client get `limit` to end by themselves.
///
/// # Errors
///
/// The errors of the listener; [`RuntimeError::TasksLeft`](sweet_async::RuntimeError::TasksLeft) says how
/// many jobs were killed at the limit.
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
            .spawn(move || serve_client(stream, jobs, quit));
        connections.retain(|connection: &sweet_async::Task<_, _>| !connection.status().is_terminal());
        connections.push(connection);
    }
    // Dropping a handle cancels the connection's task, and with it the jobs, which are its children. They are
    // not awaited here: the shutdown waits for all.
    drop(connections);
    Ok(SmolRuntime::current().shutdown(limit).await?)
}
