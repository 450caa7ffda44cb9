//! Ctrl-C and SIGTERM, by Tokio's signal driver.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use futures_util::stream::{Stream, poll_fn};
use sweet_async_core::RuntimeError;
use sweet_async_core::runtime::{Signal, Termination};

use crate::TokioRuntime;

impl Termination for TokioRuntime {
    fn terminations(&self) -> impl Stream<Item = Result<Signal, RuntimeError>> + Send {
        let mut listening = Listening::NotStarted;
        poll_fn(move |cx| {
            if let Listening::NotStarted = listening {
                listening = match self.listen() {
                    Ok(listener) => Listening::Active(listener),
                    Err(error) => {
                        listening = Listening::Ended;
                        return Poll::Ready(Some(Err(error)));
                    }
                };
            }
            match &mut listening {
                Listening::Active(listener) => listener.poll_next(cx).map(|signal| Some(Ok(signal))),
                Listening::NotStarted | Listening::Ended => Poll::Ready(None),
            }
        })
    }
}

/// The state of a stream of signals. Listening begins with the first poll.
enum Listening {
    NotStarted,
    Active(Listener),
    Ended,
}

impl TokioRuntime {
    fn listen(&self) -> Result<Listener, RuntimeError> {
        let listen = || {
            let _context = self.handle().enter();
            Listener::new()
        };
        // Tokio panics where the runtime was built without an I/O driver.
        let listener = catch_unwind(AssertUnwindSafe(listen)).map_err(|_| RuntimeError::Unsupported {
            runtime: "tokio",
            what: "I/O driver, by which signals come",
        })?;
        listener.map_err(|source| RuntimeError::Build { runtime: "tokio", source })
    }
}

#[cfg(unix)]
struct Listener {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Listener {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate })
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        if self.interrupt.poll_recv(cx).is_ready() {
            return Poll::Ready(Signal::Interrupt);
        }
        self.terminate.poll_recv(cx).map(|_| Signal::Terminate)
    }
}

#[cfg(windows)]
struct Listener(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Listener {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        self.0.poll_recv(cx).map(|_| Signal::Interrupt)
    }
}
