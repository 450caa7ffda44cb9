//! A demonstration: a few requests to a server that has no other clients.

use std::fmt::Display;
use std::io::Write;
use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use sweet_async::prelude::*;
use tokio::time::timeout;

use super::Stats;
use super::client::{ask, send};

/// Sends the requests, and writes the result of each to `out`, one a line.
///
/// # Errors
///
/// The errors of the clients, and a wrong answer.
pub async fn tour(server: SocketAddr, out: &mut impl Write) -> anyhow::Result<()> {
    let mut line = |client: &str, result: &dyn Display| writeln!(out, "{client:<28}{result}");

    let answer = ask(server, "GET", "/work/100").await?;
    ensure!(answer.body == "338350", "the sum of 100 squares is not {}", answer.body);
    line("GET /work/100", &answer)?;
    line("GET /work/1000000", &ask(server, "GET", "/work/1000000").await?)?;
    line("POST /background", &ask(server, "POST", "/background").await?)?;
    until(server, |stats| stats.jobs.live == 1).await?;

    let leaving = send(server, "GET", "/slow").await?;
    until(server, |stats| stats.jobs.live == 2).await?;
    drop(leaving);
    until(server, |stats| stats.jobs.cancelled == 1).await?;
    line("GET /slow, then it leaves", &"its job was cancelled")?;

    line("GET /stats", &ask(server, "GET", "/stats").await?)?;
    Ok(())
}

async fn stats(server: SocketAddr) -> anyhow::Result<Stats> {
    Ok(serde_json::from_str(&ask(server, "GET", "/stats").await?.body)?)
}

/// Requests the stats of `server` until `reached` is true of them, and returns those.
///
/// # Errors
///
/// The errors of the client; and that 30 s have passed, which is far longer than it ever takes.
pub async fn until(server: SocketAddr, mut reached: impl FnMut(&Stats) -> bool) -> anyhow::Result<Stats> {
    let mut last = None;
    let asking = async {
        loop {
            let stats = stats(server).await?;
            if reached(&stats) {
                return Ok(stats);
            }
            last = Some(stats);
        }
    };
    let asked = timeout(30.seconds(), asking).await;
    asked.with_context(|| format!("it never came about; last seen: {last:?}"))?
}
