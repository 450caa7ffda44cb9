//! Being told to end: Ctrl-C, SIGTERM.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use futures_core::Stream;
use futures_lite::future::poll_once;

use crate::error::RuntimeError;
use crate::program::ext::RuntimeExt as _;
use crate::program::shutdown;
use crate::runtime::Runtime;
use crate::time::Sleep;
use crate::tree::current::is_inside;

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
    /// Each time that the process is told to end, by Ctrl-C (everywhere) or SIGTERM (on Unix). Listening begins with the first
    /// poll, and from then on, for the rest of the process, such a signal does not end it by itself. Two different signals that
    /// come between two polls are two items; the operating system may make one of two equal ones.
    ///
    /// An error is the last item: [`RuntimeError::Unsupported`] if this runtime cannot hear signals; [`RuntimeError::Build`] if
    /// the operating system refuses to tell them.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it no longer listens: a signal that comes before it is asked for again is lost.
    fn terminations(&self) -> impl Stream<Item = Result<Signal, RuntimeError>> + Send;

    /// Ready when the process is next told to end: the first of [`terminations`](Self::terminations).
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

    /// Runs `future`, a program's main one, to its end or until the process is told to end; then ends all that runs
    /// on this runtime, as [`RuntimeExt::shutdown`](crate::RuntimeExt::shutdown) does.
    ///
    /// Told to end, [`RootScope::closing`](crate::RootScope::closing) is ready, no task is taken from outside, and
    /// `future` and all tasks have `grace` to end by themselves. Then, or when told a second time, `future` is dropped
    /// and the tasks are killed. Where `future` ends by itself, the others have `grace`, or until the process is told.
    /// Told twice at the same moment counts as twice.
    ///
    /// # Errors
    ///
    /// As [`terminated`](Self::terminated), and [`RuntimeError::InsideTask`] inside a task of this runtime; the future is
    /// then dropped. How the rest ended is told in [`Ended::shutdown`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`, and leaves the runtime closing if it was told to end before.
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
    // One listener to the end: one that began anew after the first signal would miss a second that came with it.
    let mut signals = Box::pin(runtime.terminations());
    // The signal first: it is to be listened for before anything is done that it should end.
    let (mut output, mut signal) = poll_fn(|cx| match signals.as_mut().poll_next(cx) {
        Poll::Ready(Some(signal)) => Poll::Ready(signal.map(|signal| (None, Some(signal)))),
        Poll::Ready(None) => Poll::Ready(Err(unsupported(runtime.name()))),
        Poll::Pending => future.as_mut().poll(cx).map(|output| Ok((Some(output), None))),
    })
    .await?;
    // Told once more, nothing is waited for any longer. Where the future ended by itself, once is enough.
    let mut hurry = pin!(async {
        match next(signals.as_mut()).await {
            Some(Ok(signal)) => signal,
            // Not being told is no reason to hurry.
            Some(Err(_)) | None => std::future::pending().await,
        }
    });
    let mut hurried = poll_once(hurry.as_mut()).await;
    let deadline = runtime.now().checked_add(grace);
    if output.is_none() {
        runtime.root().begin_closing();
        let mut late = pin!(Sleep::until(runtime, deadline));
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
            late.as_mut().poll(cx).map(|_| None)
        })
        .await;
    }
    drop(future);
    let shutdown = match hurried {
        Some(_) => runtime.shutdown(Duration::ZERO).await,
        None => {
            let left = deadline.map_or(grace, |deadline| deadline.saturating_duration_since(runtime.now()));
            let (shutdown, told) = shutdown::hurried(runtime, left, hurry).await;
            hurried = told;
            shutdown
        }
    };
    signal = signal.or(hurried);
    Ok(Ended { output, signal, shutdown })
}

/// How a program ended that listened for signals.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ended<T> {
    /// What its main future gave; `None` if it was dropped unfinished.
    pub output: Option<T>,
    /// What it was told first, if it was.
    pub signal: Option<Signal>,
    /// Whether all else ended within the grace.
    pub shutdown: Result<(), RuntimeError>,
}
