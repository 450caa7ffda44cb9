//! Readers that follow a script.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::library::pipeline::{ChunkSizeExt as _, Sources};
use futures_lite::AsyncRead;

use super::{Latch, SetOnDrop, explode};

/// One step of a reader.
#[derive(Clone)]
pub(crate) enum Step {
    Gives(Arc<str>),
    Fails(io::ErrorKind),
    Panics,
    /// Sets the latch, and goes on.
    SetsLatch(Latch),
    /// Claims that it filled more than the buffer holds.
    Overreports,
    /// Waits for the latch: pending if the reader is polled, and blocking its thread otherwise.
    Waits(Latch),
}

use Step::{Fails, Gives, Overreports, Panics, SetsLatch, Waits};

/// Returns a step that gives this text.
pub(crate) fn gives(text: impl Into<Arc<str>>) -> Step {
    Gives(text.into())
}

/// A reader that follows its steps, and then ends.
pub(crate) struct Script {
    steps: VecDeque<Step>,
    /// The wait that a poll has begun.
    wait: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    _dropped: Option<SetOnDrop>,
}

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), wait: None, _dropped: None }
    }

    /// Makes the reader set the latch when it is dropped.
    pub(crate) fn marked(self, dropped: &Latch) -> Self {
        Self { _dropped: Some(dropped.on_drop()), ..self }
    }

    fn step(&mut self, into: &mut [u8]) -> Result<io::Result<usize>, Latch> {
        Ok(match self.steps.pop_front() {
            None => Ok(0),
            Some(Gives(text)) => {
                let mut rest = text.as_bytes();
                let read = rest.read(into);
                if let Some(rest) =
                    read.as_ref().ok().and_then(|read| text.get(*read..)).filter(|rest| !rest.is_empty())
                {
                    self.steps.push_front(gives(rest));
                }
                read
            }
            Some(Fails(kind)) => Err(io::Error::new(kind, "the line is dead")),
            Some(Panics) => explode("in a reader"),
            Some(Overreports) => Ok(into.len() + 1),
            Some(Waits(latch)) => return Err(latch),
            Some(SetsLatch(latch)) => {
                latch.set();
                return self.step(into);
            }
        })
    }
}

impl Read for Script {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.step(into) {
                Ok(read) => return read,
                Err(latch) => latch.wait_blocking(),
            }
        }
    }
}

impl AsyncRead for Script {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            if let Some(wait) = &mut self.wait {
                std::task::ready!(wait.as_mut().poll(cx));
                self.wait = None;
            }
            match self.step(into) {
                Ok(read) => return Poll::Ready(read),
                Err(latch) => self.wait = Some(Box::pin(async move { latch.wait().await })),
            }
        }
    }
}

/// The kind of reader that a script is read as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReaderKind {
    Blocking,
    Polled,
}

pub(crate) const BOTH: [ReaderKind; 2] = [ReaderKind::Blocking, ReaderKind::Polled];

/// Adds the lines of a script to a pipeline's sources.
pub(crate) fn lines<T>(sources: &mut Sources<T>, kind: ReaderKind, script: Script, chunk: usize)
where
    T: std::str::FromStr<Err: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let source = match kind {
        ReaderKind::Blocking => sources.of_reader(script),
        ReaderKind::Polled => sources.of_async_reader(script),
    };
    source.name("script").lines().into_chunks(chunk.lines());
}
