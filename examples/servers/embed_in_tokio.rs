//! A web server on axum, under a plain `#[tokio::main]`. Requests start tasks, which find the Tokio runtime
//! that they are on. A client that disconnects cancels its task. At the end the shutdown joins the detached
//! tasks.
//!
//! ```text
//! cargo run --release --example embed_in_tokio                            # plays a few clients, and ends
//! cargo run --release --example embed_in_tokio -- --listen 127.0.0.1:8080 # serves until Ctrl-C
//! ```
//!
//! With `--listen`, query it from another terminal:
//! `curl -m 1 127.0.0.1:8080/slow; curl 127.0.0.1:8080/stats`. The routes are in `src/embed_in_tokio/app.rs`,
//! the end of the server in `src/embed_in_tokio/server.rs`.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};

use clap::Parser;
use servers::embed_in_tokio::{serve, tour};
use servers::jobs::Jobs;
use sweet_async::prelude::*;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A web server whose requests are tasks.
#[derive(Parser)]
struct Args {
    /// Serve here until Ctrl-C [default: play a few clients, and end]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

async fn listen(address: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await?;
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let stop = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the signal ends the process by itself.
            std::future::pending::<()>().await;
        }
    };
    let jobs = Jobs::default();
    let served = serve(listener, jobs.clone(), stop, 10.seconds()).await;
    writeln!(io::stdout(), "jobs: {}", jobs.counts())?;
    served
}

async fn play() -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async {
        let _ = stopped.await;
    };
    let playing = async move {
        // Dropped at the end, also after an error, `stop` ends the server.
        let _stop = stop;
        tour(address, &mut io::stdout()).await
    };
    let jobs = Jobs::default();
    let (served, played) = tokio::join!(serve(listener, jobs.clone(), stopped, 10.seconds()), playing);
    played?;
    served?;
    writeln!(io::stdout(), "{:<28}nothing was left; jobs: {}", "shutdown", jobs.counts())?;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Args::parse().listen {
        Some(address) => listen(address).await,
        None => play().await,
    }
}
