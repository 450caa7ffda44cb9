//! The task of one client. It reads lines; its children are the jobs, and one task that writes the answers.

use std::future::{Future, pending};
use std::io::{self, ErrorKind};

use smol::channel::{self, Receiver, SendError, Sender};
use smol::io::{AsyncWriteExt as _, BufReader};
use smol::net::TcpStream;
use sweet_async::prelude::*;
// Imported by name, this one is used and not that of the prelude, which finds smol only if it is the one
// backend.
use sweet_async::smol::{AsyncTask, SmolRuntime};

use super::line::{self, Line};
use crate::jobs::{Job, Jobs};

/// The most jobs that a client may have under way.
const MAX_JOBS: usize = 100;

/// The most answers that may wait for a client that does not read them.
const MAX_UNREAD: usize = 16;

/// The state of one client: the counts, the queue of its answers, and its jobs.
struct Connection {
    jobs: Jobs,
    answers: Sender<String>,
    /// Dropped with the connection, however that ends, which cancels the jobs of a client that has left.
    running: Vec<Task<(), SmolRuntime>>,
}

/// Serves one client until it leaves.
pub(super) async fn serve_client(
    stream: TcpStream,
    jobs: Jobs,
    quit: Sender<()>,
) -> Result<(), AsyncTaskError> {
    let (answers, queue) = channel::bounded(MAX_UNREAD);
    let answering = stream.clone();
    let writer = AsyncTask::to::<()>().name("answers").spawn(move || write(answering, queue));
    let mut lines = BufReader::new(stream);
    let mut connection = Connection { jobs, answers, running: Vec::new() };
    while let Some(text) = line::next(&mut lines).await.map_err(AsyncTaskError::failure)? {
        match Line::parse(&text) {
            Ok(Line::Quit) => {
                connection.send_answer("bye".to_owned()).await?;
                // The last sender is dropped with the jobs that are dropped here; then all answers so far are
                // written.
                drop(connection);
                writer.await?;
                let _ = quit.send(()).await;
                return Ok(());
            }
            Ok(line) => connection.handle_line(text, line).await?,
            Err(error) => connection.send_answer(format!("{text}: {error}")).await?,
        }
    }
    Ok(())
}

impl Connection {
    async fn handle_line(&mut self, text: String, line: Line) -> Result<(), AsyncTaskError> {
        match line {
            Line::Sum(n) => {
                let answers = self.answers.clone();
                let work = move |job: Job| async move {
                    let sum = sum(n).await?;
                    job.finish();
                    send_answer(&answers, format!("sum {n}: {sum}")).await
                };
                self.start(&text, work).await
            }
            Line::Wait => {
                let work = |job: Job| async move {
                    pending::<()>().await;
                    job.finish();
                    Ok(())
                };
                self.start(&text, work).await
            }
            Line::Background => {
                let runtime = SmolRuntime::current();
                let jobs = self.jobs.clone();
                // Detached, it is no child of this client's task, and belongs to the executor's root scope
                // alone.
                let background = AsyncTask::to::<()>().name("background").spawn(move || async move {
                    let job = jobs.begin();
                    runtime.root().closing().await;
                    job.finish();
                });
                background.detach();
                self.send_answer(format!("{text}: accepted")).await
            }
            Line::Stats => {
                let active = SmolRuntime::current().active_task_count();
                let counts = serde_json::to_string(&self.jobs.counts()).map_err(AsyncTaskError::failure)?;
                self.send_answer(format!("{text}: {active} {counts}")).await
            }
            Line::Quit => Ok(()),
        }
    }

    /// Starts a job as a child of this client's task, unless the client has too many.
    async fn start<F>(
        &mut self,
        text: &str,
        work: impl FnOnce(Job) -> F + Send + 'static,
    ) -> Result<(), AsyncTaskError>
    where
        F: Future<Output = Result<(), AsyncTaskError>> + Send + 'static,
    {
        self.running.retain(|job| !job.status().is_terminal());
        if self.running.len() >= MAX_JOBS {
            return self.send_answer(format!("{text}: too many jobs, wait for some")).await;
        }
        let jobs = self.jobs.clone();
        let task = AsyncTask::to::<()>().name(text).timeout(1.hours());
        self.running.push(task.spawn(move || async move { work(jobs.begin()).await }));
        Ok(())
    }

    async fn send_answer(&self, answer: String) -> Result<(), AsyncTaskError> {
        send_answer(&self.answers, answer).await
    }
}

/// Returns the sum of the first `n` squares, each computed by a child task.
async fn sum(n: u64) -> Result<u64, AsyncTaskError> {
    let square = |number| AsyncTask::to::<u64>().spawn(move || async move { number * number });
    let squares: Vec<_> = (1..=n).map(square).collect();
    let mut sum = 0;
    for square in squares {
        sum += square.await?;
    }
    Ok(sum)
}

async fn send_answer(answers: &Sender<String>, answer: String) -> Result<(), AsyncTaskError> {
    let closed = |_: SendError<String>| io::Error::new(ErrorKind::BrokenPipe, "the client has left");
    answers.send(answer).await.map_err(closed).map_err(AsyncTaskError::failure)
}

/// Writes answers until all their senders are dropped.
async fn write(mut stream: TcpStream, answers: Receiver<String>) -> io::Result<()> {
    while let Ok(mut answer) = answers.recv().await {
        answer.push('\n');
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}
