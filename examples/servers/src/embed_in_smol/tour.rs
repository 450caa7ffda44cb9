//! A few clients at play against a server that they have to themselves.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::ensure;

use super::Client;

/// Plays the clients, writes what came of each to `out`, one a line, and ends the server.
///
/// # Errors
///
/// Those of the clients, and an answer that is not the right one.
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
    leaving.say("wait").await?;
    leaving.say("wait").await?;
    staying.until(|stats| stats.jobs.live == 3).await?;
    drop(leaving);
    staying.until(|stats| stats.jobs.cancelled == 2).await?;
    line("the one that leaves", "its two jobs were cancelled")?;

    line("the one that stays", &staying.ask("stats").await?)?;
    line("", &staying.ask("quit").await?)?;
    Ok(())
}
