//! A program with a flaky HTTP server and a client that copes with it: retries with backoff, a circuit
//! breaker, and a limiter that admits urgent calls first. It uses real sockets on this machine, and prints
//! what happened as a table.
//!
//! ```text
//! cargo run --release --example resilience
//! cargo run --release --example resilience -- --calls 400 --every-ms 5
//! ```
//!
//! The policies are in `src/resilience/mod.rs`.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use examples::resilience::{Behaviour, FlakyServer, Ledger, Plan, call_all};

/// Calls an unreliable server.
#[derive(Parser)]
struct Args {
    /// Number of calls
    #[arg(long, default_value_t = 300)]
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
    let outage = (Duration::from_millis(600), Duration::from_millis(1100));
    let delay = Duration::from_millis(20);
    let server = FlakyServer::start(Behaviour { one_in: args.one_in.max(1), outage, delay })?;
    let ledger = Arc::new(Ledger::default());
    let plan = Plan { calls: args.calls, every: Duration::from_millis(args.every_ms.max(1)) };
    let done = sweet_async::block_on(call_all(server.address(), plan, &ledger))?;
    done.map_err(anyhow::Error::from_boxed)?;
    writeln!(io::stdout(), "{ledger}")?;
    Ok(())
}
