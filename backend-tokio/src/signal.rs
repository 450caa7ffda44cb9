//! Ctrl-C and SIGTERM, by Tokio's signal driver.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sweet_async_core::RuntimeError;
use sweet_async_core::runtime::{Signal, Termination};

use crate::TokioRuntime;

impl Termination for TokioRuntime {
    async fn terminated(&self) -> Result<Signal, RuntimeError> {
        let listen = || {
            let _context = self.handle().enter();
            Listener::new()
        };
        // Tokio panics where the runtime was built without an I/O driver.
        let listener = catch_unwind(AssertUnwindSafe(listen)).map_err(|_| RuntimeError::Unsupported {
            runtime: "tokio",
            what: "I/O driver, by which signals come",
        })?;
        let mut listener = listener.map_err(|source| RuntimeError::Build { runtime: "tokio", source })?;
        Ok(listener.next().await)
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

    async fn next(&mut self) -> Signal {
        std::future::poll_fn(|cx| {
            if self.interrupt.poll_recv(cx).is_ready() {
                return std::task::Poll::Ready(Signal::Interrupt);
            }
            self.terminate.poll_recv(cx).map(|_| Signal::Terminate)
        })
        .await
    }
}

#[cfg(windows)]
struct Listener(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Listener {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> Signal {
        let _ = self.0.recv().await;
        Signal::Interrupt
    }
}
