//! A server on smol: a line protocol on `smol::net`, under a plain `smol::block_on`. Each line is a job,
//! which is a task on smol's executor. A client that disconnects cancels its jobs. At the end the shutdown
//! joins the detached tasks.
//!
//! ```text
//! cargo run --release --example embed_in_smol --no-default-features --features smol   # plays clients, ends
//! cargo run --release --example embed_in_smol --no-default-features --features smol -- --listen 127.0.0.1:7070
//! ```
//!
//! With `--listen`, talk to it from another terminal: `nc 127.0.0.1 7070`, then `sum 10`, `wait`, `stats`,
//! `quit`. Other backends may be compiled in beside it: `sweet_async::smol::AsyncTask` always means smol.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};

use clap::Parser;
use servers::embed_in_smol::{serve, tour};
use servers::jobs::Jobs;
use smol::future;
use smol::net::TcpListener;
use sweet_async::DurationExt as _;

/// A server whose lines are tasks.
#[derive(Parser)]
struct Args {
    /// Serve here until a client sends `quit` [default: play a few clients, and end]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

async fn run(args: Args) -> anyhow::Result<()> {
    let listener = TcpListener::bind(args.listen.unwrap_or((Ipv4Addr::LOCALHOST, 0).into())).await?;
    let address = listener.local_addr()?;
    let jobs = Jobs::default();
    let serving = serve(listener, jobs.clone(), 10.seconds());
    if args.listen.is_some() {
        writeln!(io::stdout(), "listening on {address}")?;
        serving.await?;
    } else {
        future::try_zip(serving, tour(address, &mut io::stdout())).await?;
    }
    writeln!(io::stdout(), "{:<28}nothing was left; jobs: {}", "shutdown", jobs.counts())?;
    Ok(())
}

fn main() -> anyhow::Result<()> {
    smol::block_on(run(Args::parse()))
}
