//! A program that cancels tasks: one ends by itself and cleans up, one is killed after its grace period, and one is
//! killed at once. After each await of a cancellation, nothing of the task is left.
//!
//! ```text
//! cargo run --example cancellation                                            # on Tokio
//! cargo run --example cancellation --no-default-features --features smol      # on smol
//! cargo run --example cancellation --features smol                            # on both
//! ```

use std::future::pending;
use std::io::Write;
use std::sync::Arc;

use sweet_async::prelude::*;

/// Stands in for a resource that tasks hold, such as a file.
struct Resource;

/// A task that never ends by itself, with a child that does not either. Both hold `resource` until they are dropped.
fn endless(resource: &Arc<Resource>) -> Task<()> {
    let (held, held_below) = (resource.clone(), resource.clone());
    AsyncTask::to::<()>().name("endless").grace(20.millis()).spawn_with(move |cx| async move {
        let _held = held;
        let child = AsyncTask::to::<()>().spawn(move || async move {
            let _held = held_below;
            pending::<()>().await
        });
        cx.started();
        child.await
    })
}

/// Cancels the tasks, and writes what has become of them.
pub(crate) async fn story(out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "a graceful request, which the work answers")?;
    let writer = AsyncTask::to::<u32>().name("writer").grace(60.seconds()).spawn_with(|cx| async move {
        cx.started();
        cx.cancelled().await;
        // The cleanup. It may await, and what it returns within the grace period is the value of the task.
        sweet_async::yield_now().await;
        3
    });
    // Waits for `cx.started()`. Without it, the request might come before the first poll of the work.
    writer.ready().await?;
    let end = writer.cancel_gracefully().await;
    writeln!(out, "  {}, with its value: {} lines flushed", end.status(), writer.await?)?;

    writeln!(out, "a graceful request, which the work ignores")?;
    let resource = Arc::new(Resource);
    let task = endless(&resource);
    task.ready().await?;
    let end = task.cancel_gracefully().await;
    // The task and its child are dropped, and their destructors have run: this is the only reference.
    let left = Arc::strong_count(&resource) - 1;
    let level = end.level().map(|level| level.to_string()).unwrap_or_default();
    writeln!(out, "  {} after the grace period, by a {level}; {left} tasks left", end.status())?;

    writeln!(out, "a kill, with a reason")?;
    let task = endless(&resource);
    task.ready().await?;
    let end = task.cancel_because(CancelLevel::Kill, "tenant 7 was removed").await;
    let left = Arc::strong_count(&resource) - 1;
    writeln!(out, "  {} at once; {left} tasks left", end.status())?;
    if let Err(error) = task.await {
        writeln!(out, "  the handle gives the error: {error}")?;
    }
    Ok(())
}

fn main() -> anyhow::Result<()> {
    examples::on_each_backend(story)
}
