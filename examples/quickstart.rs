//! The first program to read: three tasks with a name, a time limit and retries. One gives its value, one fails in each
//! of its attempts, and one takes too long.
//!
//! ```text
//! cargo run --example quickstart                                            # on Tokio
//! cargo run --example quickstart --no-default-features --features smol      # on smol
//! ```

use std::future::pending;
use std::io::Write;

use sweet_async::prelude::*;

/// Stands in for a request to a service, which is busy until the third attempt.
async fn request(attempt: u32) -> Result<u32, &'static str> {
    if attempt < 3 { Err("the service is busy") } else { Ok(42) }
}

/// Runs the tasks on the runtime that it is called on, and writes how they end.
pub(crate) async fn story(out: &mut impl Write) -> anyhow::Result<()> {
    // A builder describes a task, here with at most two retries. Nothing runs yet, and a clone can be changed.
    let builder = AsyncTask::to::<u32>()
        .name("stock")
        .timeout(60.seconds())
        .retry(2)
        .backoff(RetryStrategy::Fixed { delay: 1.millis() });

    // `spawn_with` starts the task, and hands its context to the work. The handle is a future of the result.
    let task = builder.clone().spawn_with(|cx: TaskContext| request(cx.attempt()));
    writeln!(out, "in stock: {}", task.await?)?;

    // A retry calls the closure again. Here each attempt is refused; `{:#}` adds the causes to the text of the error.
    let task = builder.clone().spawn(|| request(1));
    match task.await {
        Ok(stock) => writeln!(out, "in stock: {stock}")?,
        Err(error) => writeln!(out, "{error}\n{error:#}")?,
    }

    // The limit is on all attempts together. An error is one of a few kinds, each with a predicate.
    let task = builder.timeout(10.millis()).spawn(pending::<u32>);
    if let Err(error) = task.await {
        writeln!(out, "{error}; is_timeout: {}", error.is_timeout())?;
    }
    Ok(())
}

/// Makes a runtime, on Tokio if it is compiled in, runs the story on it, and ends the runtime.
fn main() -> anyhow::Result<()> {
    sweet_async::block_on(story(&mut std::io::stdout()))?
}
