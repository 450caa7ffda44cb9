//! A demonstration: a few clients of a server that has no others.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::ensure;

use super::Client;

/// Runs the clients, writes the result of each to `out`, one a line, and ends the server.
///
/// # Errors
///
/// The errors of the clients, and a wrong answer.
pub async fn tour(server: SocketAddr, out: &mut impl Write) -> anyhow::Result<()> {
    let mut line = |client: &str, answer: &str| writeln!(out, "{client:<28}{answer}");

    let mut staying = Client::connect(server).await?;
    let sum = staying.ask("sum 100").await?;
    ensure!(sum == "sum 100: 338350", "the sum of 100 squares is not {sum}");
    line("the one that stays", &sum)?;
    line("", &staying.ask("sum 1000000").await?)?;
    line("", &staying.ask("background").await?)?;
    staying.until(|stats| stats.jobs.live == 1).await?;

    let mut leaving = Client::connect(server).await?;
    leaving.send("wait").await?;
    leaving.send("wait").await?;
    staying.until(|stats| stats.jobs.live == 3).await?;
    drop(leaving);
    staying.until(|stats| stats.jobs.cancelled == 2).await?;
    line("the one that leaves", "its two jobs were cancelled")?;

    line("the one that stays", &staying.ask("stats").await?)?;
    line("", &staying.ask("quit").await?)?;
    Ok(())
}
