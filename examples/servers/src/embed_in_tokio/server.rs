//! The server, from its first connection to its shutdown.

use std::future::{Future, IntoFuture as _};
use std::time::Duration;

use sweet_async::prelude::*;
use sweet_async::tokio::TokioRuntime;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::app;
use crate::jobs::Jobs;

/// Serves until `stop` is ready, then ends in bounded time: it accepts no new connections, and jobs have
/// `limit` to end by themselves. It runs inside any Tokio runtime with timers.
///
/// # Errors
///
/// [`RuntimeError::TasksLeft`](sweet_async::RuntimeError::TasksLeft) says how many jobs were killed at the
/// limit.
pub async fn serve(
    listener: TcpListener,
    jobs: Jobs,
    stop: impl Future<Output = ()>,
    limit: Duration,
) -> anyhow::Result<()> {
    let runtime = TokioRuntime::current()?;
    let (stop_accepting, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(listener, app(jobs)).with_graceful_shutdown(async move {
        let _ = stopped.await;
    });
    let ending = async move {
        stop.await;
        drop(stop_accepting);
        runtime.shutdown(limit).await
    };
    // Both run at once: a request that waits for a job keeps the server alive, and the shutdown ends that
    // job. A client that never sends its request whole has no job; it is not waited for after the limit and
    // one second.
    let mut serving = std::pin::pin!(serving.into_future());
    let mut ending = std::pin::pin!(ending);
    let ended = tokio::select! {
        served = &mut serving => {
            served?;
            ending.await
        }
        ended = &mut ending => {
            if let Ok(served) = timeout(1.seconds(), serving).await {
                served?;
            }
            ended
        }
    };
    Ok(ended?)
}
