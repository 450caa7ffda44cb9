//! Ctrl-C and SIGTERM, by async-signal.

use std::io;
use std::task::{Poll, ready};

use async_signal::Signals;
use smol::stream::{Stream, StreamExt as _, poll_fn};
use sweet_async_core::RuntimeError;
use sweet_async_core::runtime::{Signal, Termination};

use crate::SmolRuntime;

#[cfg(unix)]
const LISTENED: [async_signal::Signal; 2] = [async_signal::Signal::Int, async_signal::Signal::Term];
#[cfg(not(unix))]
const LISTENED: [async_signal::Signal; 1] = [async_signal::Signal::Int];

impl Termination for SmolRuntime {
    fn terminations(&self) -> impl Stream<Item = Result<Signal, RuntimeError>> + Send {
        let failed = |source: io::Error| RuntimeError::Build { runtime: "smol", source };
        let mut listening = Listening::NotStarted;
        poll_fn(move |cx| {
            if let Listening::NotStarted = listening {
                listening = match Signals::new(LISTENED) {
                    Ok(signals) => Listening::Active(signals),
                    Err(error) => {
                        listening = Listening::Ended;
                        return Poll::Ready(Some(Err(failed(error))));
                    }
                };
            }
            let Listening::Active(signals) = &mut listening else { return Poll::Ready(None) };
            let next = ready!(signals.poll_next(cx));
            if !matches!(next, Some(Ok(_))) {
                listening = Listening::Ended;
            }
            Poll::Ready(Some(match next {
                Some(Ok(async_signal::Signal::Int)) => Ok(Signal::Interrupt),
                Some(Ok(_)) => Ok(Signal::Terminate),
                Some(Err(error)) => Err(failed(error)),
                None => Err(RuntimeError::Unsupported { runtime: "smol", what: "signals here" }),
            }))
        })
    }
}

/// The state of a stream of signals. Listening begins with the first poll.
enum Listening {
    NotStarted,
    Active(Signals),
    Ended,
}
