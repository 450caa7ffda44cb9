//! A program with supervised work: after an error or a panic it is started again, a limited number of times.
//!
//! ```text
//! cargo run --example supervise                                            # on Tokio
//! cargo run --example supervise --no-default-features --features smol      # on smol
//! cargo run --example supervise --features smol                            # on both
//! ```

use std::io::Write;

use sweet_async::RestartPolicy;
use sweet_async::prelude::*;

/// A feed that fails at first. It gives the number of the attempt that has served.
async fn serve() -> Result<u32, &'static str> {
    let cx = TaskContext::current().ok_or("supervised work is in a task")?;
    match cx.attempt() {
        1 => Err("the connection was refused"),
        // A panic, but without the message on stderr.
        2 => std::panic::resume_unwind(Box::new("an index is out of bounds")),
        attempt => {
            cx.started();
            cx.cancelled().await;
            Ok(attempt)
        }
    }
}

/// Supervises a feed that recovers, and one that does not.
pub(crate) async fn story(out: &mut impl Write) -> anyhow::Result<()> {
    // At most two restarts within any hour, each after a short wait; by default the wait grows.
    let policy = RestartPolicy { intensity: 2, period: 1.hours() };
    let feed = AsyncTask::to::<u32>()
        .name("feed")
        .grace(60.seconds())
        .supervise(policy)
        .backoff(RetryStrategy::Fixed { delay: 1.millis() });

    writeln!(out, "a feed that fails by an error, then by a panic")?;
    let task = feed.clone().spawn(serve);
    // Until an attempt calls `cx.started()`.
    task.ready().await?;
    writeln!(out, "  it serves, and is {}", task.status())?;
    // A value ends the task. A request to stop is passed on to the attempt, and no other one is made.
    task.cancel_gracefully().await;
    writeln!(out, "  it was stopped in attempt {}", task.await?)?;

    writeln!(out, "a feed that always fails")?;
    let task = feed.spawn(|| async { Err::<u32, _>("the connection was refused") });
    match task.await {
        Ok(attempt) => writeln!(out, "  it was stopped in attempt {attempt}")?,
        Err(error) => writeln!(out, "  {error:#}")?,
    }
    Ok(())
}

fn main() -> anyhow::Result<()> {
    examples::on_each_backend(story)
}
