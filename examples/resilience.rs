//! A flaky HTTP server and a client that copes: retries with backoff, a circuit breaker, a limiter that lets urgent calls
//! in first. Real sockets, on this machine; what happened is printed as a table.
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
use examples::resilience::{FlakyServer, Ledger, Plan, Weather, call_all};

/// Calls a server that cannot be relied on.
#[derive(Parser)]
struct Args {
    /// How many calls
    #[arg(long, default_value_t = 300)]
    calls: u32,
    /// A call begins each so many milliseconds
    #[arg(long, default_value_t = 6)]
    every_ms: u64,
    /// One in so many requests fails
    #[arg(long, default_value_t = 5)]
    one_in: u32,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let outage = (Duration::from_millis(600), Duration::from_millis(1100));
    let takes = Duration::from_millis(20);
    let server = FlakyServer::start(Weather { one_in: args.one_in.max(1), outage, takes })?;
    let ledger = Arc::new(Ledger::default());
    let plan = Plan { calls: args.calls, every: Duration::from_millis(args.every_ms.max(1)) };
    let done = sweet_async::block_on(call_all(server.address(), plan, &ledger))?;
    done.map_err(anyhow::Error::from_boxed)?;
    writeln!(io::stdout(), "{ledger}")?;
    Ok(())
}
