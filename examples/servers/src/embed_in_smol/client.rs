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

/// A connection to a server. Dropped, the client has left.
#[derive(Debug)]
pub struct Client(BufReader<TcpStream>);

/// What `stats` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// The tasks of the executor, as the library counts them: connections, what writes their answers, and jobs.
    pub active: usize,
    /// The jobs, as their guards count them.
    pub jobs: JobCounts,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub async fn connect(server: SocketAddr) -> io::Result<Self> {
        Ok(Self(BufReader::new(TcpStream::connect(server).await?)))
    }

    /// Says something, and waits for nothing.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub async fn say(&mut self, line: &str) -> io::Result<()> {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).await
    }

    /// Waits for the next answer, of whichever line; `None` once the server has hung up.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub async fn hear(&mut self) -> io::Result<Option<String>> {
        line::next(&mut self.0).await
    }

    /// Says something, and waits for an answer.
    ///
    /// # Errors
    ///
    /// Those of the socket; or the server has hung up.
    pub async fn ask(&mut self, line: &str) -> anyhow::Result<String> {
        self.say(line).await?;
        self.hear().await?.context("the server has hung up")
    }

    /// Asks for the stats. No other answer may be on its way.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask); and an answer that is none.
    pub async fn stats(&mut self) -> anyhow::Result<Stats> {
        let answer = self.ask("stats").await?;
        let stats = answer.strip_prefix("stats: ").context("an answer to something else")?;
        let (active, jobs) = stats.split_once(' ').context("stats without jobs")?;
        Ok(Stats { active: active.parse()?, jobs: serde_json::from_str(jobs)? })
    }

    /// Asks for the stats until they are as they should be, and gives them.
    ///
    /// # Errors
    ///
    /// As [`stats`](Self::stats); or the time was up, which is far longer than it ever takes.
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
