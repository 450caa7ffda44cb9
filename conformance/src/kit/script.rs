//! Readers that follow a script.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_lite::AsyncRead;
use sweet_async::pipeline::{ChunkSizeExt as _, Sources};

use super::{Latch, SetOnDrop, explode};

/// What a reader does, read by read.
#[derive(Clone)]
pub(crate) enum Step {
    Gives(Arc<str>),
    Fails(io::ErrorKind),
    Panics,
    /// Sets the latch, and goes on.
    Tells(Latch),
    /// Says that it filled more than it was given.
    Lies,
    /// Waits for the latch: without a word if it is polled, on its thread otherwise.
    Waits(Latch),
}

use Step::{Fails, Gives, Lies, Panics, Tells, Waits};

/// A step that gives this text.
pub(crate) fn gives(text: impl Into<Arc<str>>) -> Step {
    Gives(text.into())
}

/// Follows its steps, and then ends.
pub(crate) struct Script {
    steps: VecDeque<Step>,
    /// Where it waits, when it is polled.
    wait: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    _dropped: Option<SetOnDrop>,
}

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), wait: None, _dropped: None }
    }

    /// Sets the latch when it is dropped.
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
            Some(Lies) => Ok(into.len() + 1),
            Some(Waits(latch)) => return Err(latch),
            Some(Tells(latch)) => {
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

/// How a script is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Blocking,
    Polled,
}

pub(crate) const BOTH: [How; 2] = [How::Blocking, How::Polled];

/// The lines of a script.
pub(crate) fn lines<T>(sources: &mut Sources<T>, how: How, script: Script, chunk: usize)
where
    T: std::str::FromStr<Err: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let source = match how {
        How::Blocking => sources.of_reader(script),
        How::Polled => sources.of_async_reader(script),
    };
    source.name("script").lines().into_chunks(chunk.lines());
}
