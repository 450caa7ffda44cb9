//! Being told to end: Ctrl-C, SIGTERM.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_lite::future::or;

use super::Runtime;
use crate::error::RuntimeError;

/// What the operating system, or whoever sits at the terminal, asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// Ctrl-C, or SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "interrupt",
            Self::Terminate => "terminate",
        })
    }
}

/// A runtime that hears when the process is told to end.
pub trait Termination: Runtime {
    /// Ready when the process is next told to end, by Ctrl-C (everywhere) or SIGTERM (on Unix). Listening begins with
    /// the first poll, and from then on, for the rest of the process, such a signal does not end it by itself.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::Unsupported`] if this runtime cannot hear signals; [`RuntimeError::Build`] if the operating
    /// system refuses to tell them.
    fn terminated(&self) -> impl Future<Output = Result<Signal, RuntimeError>> + Send;

    /// Runs `future`, a program's main one, to its end or until the process is told to end; then ends all that runs
    /// on this runtime, as [`Runtime::shutdown`] does.
    ///
    /// Told to end, [`RootScope::closing`](super::RootScope::closing) is ready, nothing new is taken from outside,
    /// and `future` and all tasks have `grace` to end by themselves. Then, or when told a second time, `future` is
    /// dropped and the tasks are killed.
    ///
    /// # Errors
    ///
    /// As [`terminated`](Self::terminated); the future is then dropped. How the rest ended is told in
    /// [`Ended::shutdown`].
    fn run_until_terminated<F: Future>(
        &self,
        grace: Duration,
        future: F,
    ) -> impl Future<Output = Result<Ended<F::Output>, RuntimeError>> {
        async move {
            let mut future = Box::pin(future);
            let (output, signal) = {
                let mut told = pin!(self.terminated());
                // The signal first: it is to be listened for before anything is done that it should end.
                poll_fn(|cx| match told.as_mut().poll(cx) {
                    Poll::Ready(signal) => Poll::Ready(signal.map(|signal| (None, Some(signal)))),
                    Poll::Pending => future.as_mut().poll(cx).map(|output| Ok((Some(output), None))),
                })
                .await?
            };
            let mut ended = Ended { output, signal, shutdown: Ok(()) };
            let deadline = self.now().checked_add(grace);
            let left = || deadline.map_or(grace, |deadline| deadline.saturating_duration_since(self.now()));
            if ended.output.is_none() {
                self.root().begin_closing();
                let late = async {
                    or(async { drop(self.sleep(left()).await) }, told_again(self)).await;
                    None
                };
                ended.output = or(async { Some(future.as_mut().await) }, late).await;
            }
            drop(future);
            let hurried = async {
                told_again(self).await;
                self.shutdown(Duration::ZERO).await
            };
            ended.shutdown = or(self.shutdown(left()), hurried).await;
            Ok(ended)
        }
    }
}

/// Ready when told once more; not being told is no reason to hurry.
async fn told_again<R: Termination>(runtime: &R) {
    if runtime.terminated().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// How a program ended that listened for signals.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ended<T> {
    /// What its main future gave; `None` if it was dropped unfinished.
    pub output: Option<T>,
    /// What it was told, if it was.
    pub signal: Option<Signal>,
    /// Whether all else ended within the grace.
    pub shutdown: Result<(), RuntimeError>,
}
