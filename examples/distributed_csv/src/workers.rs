//! The processes that handle chunks, and the thread that watches them.

use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};

/// The time between two looks at the processes.
const LOOK: Duration = Duration::from_millis(50);

/// The time that processes have to end once the job is over.
const PATIENCE: Duration = Duration::from_secs(60);

/// The variable with the engine's address.
pub const URL: &str = "DISTRIBUTED_CSV_URL";

/// The processes. Dropped, it kills them.
pub struct Workers {
    /// Closed once the watcher has ended.
    is_watched: async_channel::Receiver<()>,
    watcher: Option<JoinHandle<anyhow::Result<usize>>>,
    stop: Option<Sender<()>>,
}

impl Workers {
    /// Starts `count` processes of this program with these arguments, and kills one of them every `kill_every`
    /// seconds, for which another one is started.
    ///
    /// # Errors
    ///
    /// A process does not start.
    pub fn start(count: usize, args: &[String], url: &str, kill_every: Option<f64>) -> anyhow::Result<Self> {
        let mut processes = Processes { children: Vec::new(), args: args.to_vec(), url: url.to_owned() };
        for _ in 0..count {
            processes.add()?;
        }
        let kill_every = kill_every.map(Duration::try_from_secs_f64).transpose()?;
        let (stop, stopped) = channel();
        let (watching, is_watched) = async_channel::bounded(1);
        let watch = move || {
            // Dropped with the end of the watcher.
            let _watching: async_channel::Sender<()> = watching;
            let (mut killed, mut next) = (0, kill_every.map(|period| Instant::now() + period));
            loop {
                match stopped.recv_timeout(LOOK) {
                    Err(RecvTimeoutError::Timeout) => processes.check()?,
                    // The job is over.
                    Ok(()) => return processes.wait().map(|()| killed),
                    // It has failed: the processes are killed.
                    Err(RecvTimeoutError::Disconnected) => return Ok(killed),
                }
                if let (Some(period), Some(due)) = (kill_every, next)
                    && Instant::now() >= due
                {
                    processes.kill_one()?;
                    (killed, next) = (killed + 1, Some(due + period));
                }
            }
        };
        let watcher = thread::Builder::new().name("watcher".into()).spawn(watch)?;
        Ok(Self { is_watched, watcher: Some(watcher), stop: Some(stop) })
    }

    /// Waits until a process has failed. [`finish`](Self::finish) says how.
    ///
    /// # Errors
    ///
    /// Always, once one has failed.
    pub async fn failure<T>(&self) -> anyhow::Result<T> {
        // Closed: nothing is ever sent.
        let _ = self.is_watched.recv().await;
        Err(anyhow!("a process that handles chunks has failed: its own error is above"))
    }

    /// Waits for the end of the processes, and returns how many were killed.
    ///
    /// # Errors
    ///
    /// A process has failed, or does not end.
    pub fn finish(mut self) -> anyhow::Result<usize> {
        if let Some(stop) = self.stop.take() {
            // The watcher may have ended with an error, which is returned below.
            let _ = stop.send(());
        }
        let watcher = self.watcher.take().ok_or_else(|| anyhow!("no watcher"))?;
        watcher.join().map_err(|_| anyhow!("the watcher has panicked"))?
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}

struct Processes {
    children: Vec<Child>,
    args: Vec<String>,
    url: String,
}

impl Processes {
    fn add(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(std::env::current_exe()?);
        let child = command.args(&self.args).env(URL, &self.url).stdin(Stdio::null()).spawn()?;
        self.children.push(child);
        Ok(())
    }

    /// Fails if a process has failed. One that has found the job over may have ended.
    fn check(&mut self) -> anyhow::Result<()> {
        for child in &mut self.children {
            if let Some(status) = child.try_wait()?
                && !status.success()
            {
                bail!("a process has ended with {status}");
            }
        }
        Ok(())
    }

    fn kill_one(&mut self) -> anyhow::Result<()> {
        if self.children.is_empty() {
            return Ok(());
        }
        let mut child = self.children.swap_remove(fastrand::usize(..self.children.len()));
        let killed = child.kill();
        child.wait()?;
        killed?;
        self.add()
    }

    /// Waits until all have ended well.
    fn wait(&mut self) -> anyhow::Result<()> {
        let limit = Instant::now() + PATIENCE;
        loop {
            self.check()?;
            let mut running = 0;
            for child in &mut self.children {
                running += usize::from(child.try_wait()?.is_none());
            }
            if running == 0 {
                return Ok(());
            }
            if Instant::now() > limit {
                bail!("{running} processes do not end");
            }
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.children {
            // One that has ended cannot be killed.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
