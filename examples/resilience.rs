//! A program about flaky services, in two parts.
//!
//! The first part is a story in lines, one chapter for each of: waits that the error asks for (`Retry-After`),
//! a circuit breaker by a rate of failures, one for each host, an adaptive limiter, injected failures, the
//! policies of a pipeline's events, a schedule, a scope with a daemon, and a cancellation for a reason. It is
//! in `src/resilience/story/`.
//!
//! The second part has a flaky HTTP server and a client that copes with it: retries with backoff, a circuit
//! breaker, and a limiter that admits urgent calls first. It uses real sockets on this machine, and prints
//! what happened as a table. The policies are in `src/resilience/mod.rs`.
//!
//! ```text
//! cargo run --release --example resilience
//! cargo run --release --example resilience -- --calls 400 --every-ms 5
//! ```

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use examples::resilience::{Behaviour, FlakyServer, Ledger, Plan, call_all, tell};

/// Tells how policies work, and calls an unreliable server.
#[derive(Parser)]
struct Args {
    /// Number of calls
    #[arg(long, default_value_t = 120)]
    calls: u32,
    /// Milliseconds between the starts of two calls
    #[arg(long, default_value_t = 6)]
    every_ms: u64,
    /// One in this many requests fails
    #[arg(long, default_value_t = 5)]
    one_in: u32,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut out = io::stdout();
    let story = sweet_async::block_on(tell())?;
    writeln!(out, "{}\n", story.map_err(anyhow::Error::from_boxed)?)?;
    let outage = (Duration::from_millis(200), Duration::from_millis(450));
    let delay = Duration::from_millis(20);
    let server = FlakyServer::start(Behaviour { one_in: args.one_in.max(1), outage, delay })?;
    let ledger = Arc::new(Ledger::default());
    let plan = Plan { calls: args.calls, every: Duration::from_millis(args.every_ms.max(1)) };
    let done = sweet_async::block_on(call_all(server.address(), plan, &ledger))?;
    done.map_err(anyhow::Error::from_boxed)?;
    writeln!(out, "{ledger}")?;
    Ok(())
}
