//! A client of the line protocol.

use std::io;
use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use smol::Timer;
use smol::future;
use smol::io::{AsyncWriteExt as _, BufReader};
use smol::net::TcpStream;
use sweet_async::DurationExt as _;

use super::line;
use crate::jobs::JobCounts;

/// A connection to a server. Dropping it disconnects the client.
#[derive(Debug)]
pub struct Client(BufReader<TcpStream>);

/// The answer to `stats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// The number of the executor's tasks, as the library counts them: connections, the writers of their
    /// answers, jobs, and the tasks that jobs are made of.
    pub active: usize,
    /// The jobs, as their guards count them.
    pub jobs: JobCounts,
}

impl Client {
    /// Connects to `server`.
    ///
    /// # Errors
    ///
    /// The errors of the socket.
    pub async fn connect(server: SocketAddr) -> io::Result<Self> {
        Ok(Self(BufReader::new(TcpStream::connect(server).await?)))
    }

    /// Sends a line, and does not wait for an answer.
    ///
    /// # Errors
    ///
    /// The errors of the socket.
    pub async fn send(&mut self, line: &str) -> io::Result<()> {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).await
    }

    /// Waits for the next answer, to whichever line; `None` once the server has closed the connection.
    ///
    /// # Errors
    ///
    /// The errors of the socket.
    pub async fn receive(&mut self) -> io::Result<Option<String>> {
        line::next(&mut self.0).await
    }

    /// Sends a line, and waits for an answer.
    ///
    /// # Errors
    ///
    /// The errors of the socket, and that the server has closed the connection.
    pub async fn ask(&mut self, line: &str) -> anyhow::Result<String> {
        self.send(line).await?;
        self.receive().await?.context("the server has hung up")
    }

    /// Requests the stats. No other answer may be on its way.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask); and an answer to something else.
    pub async fn stats(&mut self) -> anyhow::Result<Stats> {
        let answer = self.ask("stats").await?;
        let stats = answer.strip_prefix("stats: ").context("an answer to something else")?;
        let (active, jobs) = stats.split_once(' ').context("stats without jobs")?;
        Ok(Stats { active: active.parse()?, jobs: serde_json::from_str(jobs)? })
    }

    /// Requests the stats until `reached` is true of them, and returns those.
    ///
    /// # Errors
    ///
    /// As [`stats`](Self::stats); and that 30 s have passed, which is far longer than it ever takes.
    pub async fn until(&mut self, mut reached: impl FnMut(&Stats) -> bool) -> anyhow::Result<Stats> {
        let asking = async {
            loop {
                let stats = self.stats().await?;
                if reached(&stats) {
                    return Ok(stats);
                }
            }
        };
        let late = async {
            Timer::after(30.seconds()).await;
            bail!("the stats never came to be as expected")
        };
        future::or(asking, late).await
    }
}
