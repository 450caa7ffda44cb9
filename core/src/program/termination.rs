//! Termination signals of the process: Ctrl-C and SIGTERM.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use futures_core::Stream;

use crate::error::RuntimeError;
use crate::program::ext::RuntimeExt as _;
use crate::program::shutdown;
use crate::runtime::Runtime;
use crate::time::Sleep;
use crate::tree::entered::is_inside;

/// A request to end the process, from the operating system or from the terminal.
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

/// A runtime that can listen for termination signals.
pub trait Termination: Runtime {
    /// A stream of the requests to end the process, by Ctrl-C (everywhere) or SIGTERM (on Unix). Listening
    /// begins with the first poll. From then on, for the rest of the process, such a signal does not end the
    /// process by itself. Two different signals between two polls are two items; the operating system may
    /// merge two equal ones.
    ///
    /// An error is the last item: [`RuntimeError::Unsupported`] if this runtime cannot listen for signals;
    /// [`RuntimeError::Build`] if the operating system refuses to report them.
    ///
    /// # Cancel safety
    ///
    /// Dropping the stream ends the listening: a signal that comes before the next stream listens is lost.
    fn terminations(&self) -> impl Stream<Item = Result<Signal, RuntimeError>> + Send;

    /// Waits for the next signal: the first item of [`terminations`](Self::terminations).
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// As there.
    fn terminated(&self) -> impl Future<Output = Result<Signal, RuntimeError>> + Send {
        async { next(pin!(self.terminations())).await.unwrap_or(Err(unsupported(self.name()))) }
    }

    /// Runs `future`, a program's main one, to its end or until a signal comes; then ends everything that
    /// runs on this runtime, as [`RuntimeExt::shutdown`](crate::RuntimeExt::shutdown) does.
    ///
    /// After a signal, [`RootScope::closing`](crate::RootScope::closing) is ready, no task is taken from
    /// outside, and `future` and all tasks have `grace` to end by themselves. Then, or at a second signal,
    /// `future` is dropped and the tasks are killed. If `future` ends by itself, the tasks have `grace`, or
    /// until the first signal. Two signals at the same moment count as two.
    ///
    /// # Errors
    ///
    /// As [`terminated`](Self::terminated), and [`RuntimeError::InsideTask`] inside a task or a blocking job
    /// of this runtime; the future is then dropped. The end of everything else is reported in
    /// [`Ended::shutdown`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`, and leaves the runtime closing if a signal had come, or `future` had
    /// ended, before.
    fn run_until_terminated<F: Future>(
        &self,
        grace: Duration,
        future: F,
    ) -> impl Future<Output = Result<Ended<F::Output>, RuntimeError>> {
        run(self, grace, future)
    }
}

async fn next<S: Stream>(mut signals: Pin<&mut S>) -> Option<S::Item> {
    poll_fn(|cx| signals.as_mut().poll_next(cx)).await
}

fn unsupported(runtime: &'static str) -> RuntimeError {
    RuntimeError::Unsupported { runtime, what: "signals that could end it" }
}

async fn run<R: Termination, F: Future>(
    runtime: &R,
    grace: Duration,
    future: F,
) -> Result<Ended<F::Output>, RuntimeError> {
    if is_inside(runtime.root()) {
        return Err(RuntimeError::InsideTask);
    }
    let mut future = Box::pin(future);
    // One stream for all signals: a new one after the first signal would miss a second that came with it.
    let mut signals = Box::pin(runtime.terminations());
    // The signals are polled first: listening must begin before `future` does anything that a signal should
    // end.
    let (mut output, mut signal) = poll_fn(|cx| match signals.as_mut().poll_next(cx) {
        Poll::Ready(Some(signal)) => Poll::Ready(signal.map(|signal| (None, Some(signal)))),
        Poll::Ready(None) => Poll::Ready(Err(unsupported(runtime.name()))),
        Poll::Pending => future.as_mut().poll(cx).map(|output| Ok((Some(output), None))),
    })
    .await?;
    // A second signal ends all waits. If the future ended by itself, the first one does.
    let mut hurry = pin!(async {
        match next(signals.as_mut()).await {
            Some(Ok(signal)) => signal,
            // The end of listening is no reason to hurry.
            Some(Err(_)) | None => std::future::pending().await,
        }
    });
    let mut hurried = poll_fn(|cx| {
        Poll::Ready(match hurry.as_mut().poll(cx) {
            Poll::Ready(signal) => Some(signal),
            Poll::Pending => None,
        })
    })
    .await;
    let deadline = runtime.now().checked_add(grace);
    if output.is_none() {
        runtime.root().begin_closing();
        let mut grace_timer = pin!(Sleep::until(runtime, deadline));
        output = poll_fn(|cx| {
            if hurried.is_none()
                && let Poll::Ready(signal) = hurry.as_mut().poll(cx)
            {
                hurried = Some(signal);
            }
            if hurried.is_some() {
                return Poll::Ready(None);
            }
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            grace_timer.as_mut().poll(cx).map(|_| None)
        })
        .await;
    }
    drop(future);
    let shutdown = match hurried {
        Some(_) => runtime.shutdown(Duration::ZERO).await,
        None => {
            let remaining =
                deadline.map_or(grace, |deadline| deadline.saturating_duration_since(runtime.now()));
            let (shutdown, second) = shutdown::hurried(runtime, remaining, hurry).await;
            hurried = second;
            shutdown
        }
    };
    signal = signal.or(hurried);
    Ok(Ended { output, signal, shutdown })
}

/// The end of a program that listened for signals.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ended<T> {
    /// The output of its main future; `None` if it was dropped unfinished.
    pub output: Option<T>,
    /// The first signal, if one came.
    pub signal: Option<Signal>,
    /// The result of the shutdown: `Ok` if everything else ended within the grace.
    pub shutdown: Result<(), RuntimeError>,
}
