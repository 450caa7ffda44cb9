//! Ctrl-C and SIGTERM, by async-signal.

use std::io;

use async_signal::Signals;
use smol::stream::StreamExt as _;
use sweet_async_core::RuntimeError;
use sweet_async_core::runtime::{Signal, Termination};

use crate::SmolRuntime;

#[cfg(unix)]
const LISTENED: [async_signal::Signal; 2] = [async_signal::Signal::Int, async_signal::Signal::Term];
#[cfg(not(unix))]
const LISTENED: [async_signal::Signal; 1] = [async_signal::Signal::Int];

impl Termination for SmolRuntime {
    async fn terminated(&self) -> Result<Signal, RuntimeError> {
        let failed = |source: io::Error| RuntimeError::Build { runtime: "smol", source };
        let mut signals = Signals::new(LISTENED).map_err(failed)?;
        match signals.next().await {
            Some(Ok(async_signal::Signal::Int)) => Ok(Signal::Interrupt),
            Some(Ok(_)) => Ok(Signal::Terminate),
            Some(Err(error)) => Err(failed(error)),
            None => Err(RuntimeError::Unsupported { runtime: "smol", what: "signals here" }),
        }
    }
}
